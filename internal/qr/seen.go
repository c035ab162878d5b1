package qr

// sighting keeps the nearest thing to a code that a search met.
type sighting struct {
	agreement    float64
	modulePixels float64
	best         []finder
	width        int
	height       int
	scale        float64
}

// symbol notes a symbol that was found and not read.
func (s *sighting) symbol(g *grid, agreement float64, v view) {
	if agreement > s.agreement {
		s.agreement, s.modulePixels = agreement, g.modulePixels()/v.scale
	}
}

// finders notes finder patterns, of the first pass only: later ones see more
// things that are none.
func (s *sighting) finders(found []finder, v view) {
	if s.scale != 0 {
		return
	}
	s.width, s.height, s.scale = v.pic.w, v.pic.h, v.scale
	for _, f := range found {
		if f.certainty() > 1.4 && f.module >= 2 { // noise makes smaller and less perfect ones
			s.best = append(s.best, f)
		}
	}
}

// verdict puts it into words for the caller.
func (s *sighting) verdict() Seen {
	const (
		certain  = 0.64 // agreement of something that is surely a symbol
		readable = 2.2  // pixels a module
	)
	if s.agreement > certain {
		kind := Damaged
		if s.modulePixels < readable {
			kind = TooSmall
		}
		return Seen{Kind: kind, ModulePixels: s.modulePixels}
	}
	for i, a := range s.best {
		for _, b := range s.best[i+1:] {
			if a.light == b.light && a.module < 1.3*b.module && b.module < 1.3*a.module && s.cut(a, b) {
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

// cut reports whether the third finder pattern that belongs to two lies
// outside of the picture, whichever of their sides they are on.
func (s *sighting) cut(a, b finder) bool {
	dx, dy := b.x-a.x, b.y-a.y
	if d := distance(&a, &b); d < 12*a.module || d > 180*a.module {
		return false
	}
	outside := func(x, y float64) bool {
		return x < 2*a.module || y < 2*a.module || x > float64(s.width)-2*a.module || y > float64(s.height)-2*a.module
	}
	return outside(a.x-dy, a.y+dx) && outside(b.x-dy, b.y+dx) || outside(a.x+dy, a.y-dx) && outside(b.x+dy, b.y-dx)
}
