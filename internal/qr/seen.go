package qr

import "math"

// sighting keeps the nearest thing to a code that a search met.
type sighting struct {
	agreement    float64
	modulePixels float64
	all, best    []finder // finder patterns of the first pass; best has the certain ones
	blurred      bool     // all is from a blurred picture
	unread       []unreadSymbol
	later        []unreadSymbol // what a pass meets, until it is noted in its turn
	width        int
	height       int
	scale        float64
}

// unreadSymbol is a symbol that was found in a frame and not read.
type unreadSymbol struct {
	Unread
	agreement float64
	side      float64 // pixels
}

// noteSymbol keeps a symbol that was found and not read for [sighting.note].
func (s *sighting) noteSymbol(g *grid, agreement float64, v view) {
	x, y := g.apply(float64(g.size)/2, float64(g.size)/2)
	module := g.modulePixels() / v.scale
	s.later = append(s.later, unreadSymbol{Unread{Middle: Point{x / v.scale, y / v.scale}, ModulePixels: module}, agreement, module * float64(g.size)})
}

// note notes what a pass has met.
func (s *sighting) note(u unreadSymbol) {
	if u.agreement > s.agreement {
		s.agreement, s.modulePixels = u.agreement, u.ModulePixels
	}
	const sure = 0.8 // text, noise and combinations of two codes stay below
	if u.agreement < sure {
		return
	}
	for i, other := range s.unread {
		if math.Hypot(u.Middle.X-other.Middle.X, u.Middle.Y-other.Middle.Y) < max(u.side, other.side)/2 {
			if u.agreement > other.agreement {
				s.unread[i] = u
			}
			return
		}
	}
	s.unread = append(s.unread, u)
}

// noteFinders notes finder patterns, of the first pass only: later ones see more
// things that are none.
func (s *sighting) noteFinders(found []finder, v view) {
	if s.scale != 0 {
		return
	}
	s.width, s.height, s.scale = v.pic.w, v.pic.h, v.scale
	s.all = found
	for _, f := range found {
		if f.certainty() > 1.4 && f.module >= 2 { // noise makes smaller and less perfect ones
			s.best = append(s.best, f)
		}
	}
}

// more reports whether something is left in a picture that looks like a code and
// that no code explains: three finder patterns that lie as those of a symbol do,
// or two that are certain and much alike. Where grain makes too many to tell, the
// picture is blurred for another look.
func (s *scanner) more(p *pictures) bool {
	seen := &s.seen
	left := s.unexplained(seen.all)
	if len(left) > maxFinders && !seen.blurred {
		v := p.blurred()
		seen.all, seen.best, seen.blurred, seen.scale = v.bits.finders(false), nil, true, v.scale
		left = s.unexplained(seen.all)
	}
	const plausible = 0.9 // the cost of three; those of symbols in noise have less
	if t := triples(left[:min(len(left), maxFinders)]); len(t) > 0 && t[0].cost < plausible {
		return true
	}
	certain := s.unexplained(seen.best)
	for i, f := range certain {
		for _, g := range certain[i+1:] {
			if d := distance(&f, &g); f.light == g.light && f.module < 1.3*g.module && g.module < 1.3*f.module && d > 8.5*f.module && d < 190*f.module {
				return true
			}
		}
	}
	return false
}

// unexplained returns the finder patterns of the first pass that lie in no code
// that has been read.
func (s *scanner) unexplained(found []finder) []finder {
	var left []finder
	for _, f := range found {
		if !s.explained(f, s.seen.scale) {
			f.claimed, f.tried = false, false
			left = append(left, f)
		}
	}
	return left
}

// verdict puts it into words for the caller.
func (s *sighting) verdict() Seen {
	const readable = 2.2 // pixels a module
	if s.agreement > certainAgreement {
		kind := Damaged
		if s.modulePixels < readable {
			kind = TooSmall
		}
		return Seen{Kind: kind, ModulePixels: s.modulePixels}
	}
	for i, a := range s.best {
		for _, b := range s.best[i+1:] {
			if a.light == b.light && a.module < 1.3*b.module && b.module < 1.3*a.module && s.thirdIsOutside(a, b) {
				return Seen{Kind: CutOff, ModulePixels: (a.module + b.module) / 2 / s.scale}
			}
		}
	}
	for _, f := range s.best {
		edge := min(f.x, f.y, float64(s.width)-f.x, float64(s.height)-f.y)
		if len(s.best) < 3 && edge < 8*f.module && f.module > 1.5 {
			return Seen{Kind: CutOff, ModulePixels: f.module / s.scale}
		}
	}
	return Seen{}
}

// thirdIsOutside reports whether the third finder pattern that belongs to two lies
// outside of the picture, whichever of their sides they are on.
func (s *sighting) thirdIsOutside(a, b finder) bool {
	dx, dy := b.x-a.x, b.y-a.y
	if d := distance(&a, &b); d < 12*a.module || d > 180*a.module {
		return false
	}
	outside := func(x, y float64) bool {
		return x < 2*a.module || y < 2*a.module || x > float64(s.width)-2*a.module || y > float64(s.height)-2*a.module
	}
	return outside(a.x-dy, a.y+dx) && outside(b.x-dy, b.y+dx) || outside(a.x+dy, a.y-dx) && outside(b.x+dy, b.y-dx)
}
