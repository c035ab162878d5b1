package qr

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// scanner reads the codes in one picture, or one frame of several.
type scanner struct {
	ctx      context.Context
	quickCtx context.Context // for the quick passes
	decoder  *decoder
	versions *versions
	atOnce   int // passes that run at once
	found    []symbolRead
	seen     sighting
	trace    func(pass string, found int) // for measurements; may be nil
}

// symbolRead is a symbol that was read, and where.
type symbolRead struct {
	message
	corners [4]Point
	flipped bool
}

// view is what a pass looks at: a picture, its bitmap, and how many pixels of
// it make one of the image.
type view struct {
	pic   *plane
	bits  *bitmap
	scale float64
}

// minAgreement is how well the function patterns must agree before a symbol is
// decoded at all. Text and noise stay below it.
const minAgreement = 0.45

// certainAgreement is that of something that is surely a symbol.
const certainAgreement = 0.64

// search tries the combinations of the finder patterns of a view, in rounds: each
// takes the most certain finds that no code explains. It goes on for as long as
// rounds read codes, so that a page of codes is read to its end and noise, of
// which every round reads nothing, takes one.
func (s *scanner) search(v view, found []finder) {
	for {
		s.claim(found, v.scale)
		found = slices.DeleteFunc(found, func(f finder) bool { return f.claimed })
		tried := 0
		for tried < len(found) && found[tried].tried {
			tried++
		}
		round := found[:min(tried+maxFinders, len(found))]
		before := len(s.found)
		s.searchRound(v, round)
		if len(s.found) == before || s.ctx.Err() != nil {
			return
		}
		for i := range round {
			round[i].tried = true
		}
	}
}

// searchRound tries the combinations of some finder patterns, but for those
// of three that an earlier round has tried.
func (s *scanner) searchRound(v view, round []finder) {
	for _, t := range triples(round) {
		if t.corner.claimed || t.right.claimed || t.below.claimed {
			continue
		}
		if s.ctx.Err() != nil {
			return
		}
		if s.readAt(v, t) {
			s.claim(round, v.scale)
		}
	}
}

// claim marks the finder patterns that belong to codes that have been read.
func (s *scanner) claim(found []finder, scale float64) {
	for i := range found {
		found[i].claimed = found[i].claimed || s.explained(found[i], scale)
	}
}

// explained reports whether a finder pattern lies in a code that has been read.
func (s *scanner) explained(f finder, scale float64) bool {
	for _, c := range s.found {
		inside := true
		for i, a := range c.corners {
			b := c.corners[(i+1)%4]
			side := (b.X-a.X)*(f.y/scale-a.Y) - (b.Y-a.Y)*(f.x/scale-a.X)
			if c.flipped {
				side = -side
			}
			inside = inside && side >= 0
		}
		if inside {
			return true
		}
	}
	return false
}

// guess is one way to lay a symbol over three finder patterns.
type guess struct {
	version int
	quad    [4]Point
	timing  float64 // agreement of the two timing patterns, up to 2
}

// estimate is the size of a symbol by the distances of its finder patterns.
func (t triple) estimate(b *bitmap) float64 {
	right := (b.moduleAlong(t.corner, t.right) + b.moduleAlong(t.right, t.corner)) / 2
	below := (b.moduleAlong(t.corner, t.below) + b.moduleAlong(t.below, t.corner)) / 2
	return (distance(t.corner, t.right)/right+distance(t.corner, t.below)/below)/2 + 7
}

// minFinders is what the agreements of three finder patterns must add up to,
// where they are and as large as they were found, before versions are tried.
// Of 300 symbols that were read, all had more than 2.1; three of four triples in
// pages of text stay below this.
const minFinders = 1.6

// plausible returns those of the two ways to lay a symbol over three finder
// patterns by which they look like finder patterns in the shades of the picture.
// It costs a tenth of trying all versions.
func (s *scanner) plausible(v view, t triple, estimate float64) [][4]Point {
	version := min(max(int((estimate-17)/4+0.5), 1), 40)
	p := s.versions.patterns(version)
	var quads [][4]Point
	for _, quad := range t.corners() {
		h := mapping(p.source(), quad)
		sum := 0.0
		for i := range p.finders {
			sum += p.finders[i].agreement(v.pic, &h, t.corner.light)
			if sum+float64(len(p.finders)-1-i) < minFinders { // whatever the others are
				break
			}
		}
		if sum >= minFinders {
			quads = append(quads, quad)
		}
	}
	return quads
}

// guesses returns the most plausible versions: those whose timing patterns
// agree best, among the ones that the distances allow.
func (s *scanner) guesses(v view, t triple) []guess {
	estimate := t.estimate(v.bits)
	var all []guess
	for _, quad := range s.plausible(v, t, estimate) {
		for version := 1; version <= 40; version++ {
			size := float64(sizeOf(version))
			if size < 0.72*estimate-2 || size > 1.4*estimate+2 {
				continue
			}
			p := s.versions.patterns(version)
			h := mapping(p.source(), quad)
			if len(p.sparse[0].at) > 0 && agreeing(&p.sparse, v.pic, &h, t.corner.light) < 0 {
				continue // some modules say what all would
			}
			sum := agreeing(&p.timing, v.pic, &h, t.corner.light)
			sum -= 0.6 * math.Abs(math.Log(size/estimate)) // among equals, the nearest
			all = append(all, guess{version, quad, sum})
		}
	}
	slices.SortStableFunc(all, func(a, b guess) int { return cmp.Compare(b.timing, a.timing) })
	var best []guess
	for _, g := range all {
		if g.timing < 0.35 || len(best) == 4 {
			break
		}
		if !slices.ContainsFunc(best, func(b guess) bool { return b.version == g.version }) {
			best = append(best, g)
		}
	}
	return best
}

// agreeing is the sum of the agreements of two patterns.
func agreeing(p *[2]pattern, pic *plane, h *homography, light bool) float64 {
	return p[0].agreement(pic, h, light) + p[1].agreement(pic, h, light)
}

// readAt reads a symbol over three finder patterns.
func (s *scanner) readAt(v view, t triple) bool {
	light := t.corner.light
	for _, g := range s.guesses(v, t) {
		quads := [][4]Point{g.quad}
		p := *s.versions.patterns(g.version)
		far := float64(p.size) - 6.5 // where the last alignment pattern should be
		if g.version >= 2 {
			h := mapping(p.source(), g.quad)
			reach := min(2.5+float64(p.size)/12, 8)
			if found, agreement := findAlignment(v.pic, &h, far, far, reach, light); agreement > 0.5 {
				source := p.source()
				opposite := source[2]
				source[2] = Point{far, far}
				aligned := mapping(source, [4]Point{g.quad[0], g.quad[1], found, g.quad[3]})
				quad := g.quad
				quad[2] = aligned.point(opposite.X, opposite.Y)
				quads = [][4]Point{quad, g.quad}
			}
		}
		for i, quad := range quads {
			p.alignment = nil
			if len(quads) == 2 && i == 0 {
				tile := square(far, far, 5)
				p.alignment = &tile
			}
			h, agreement := p.refine(v.pic, quad, light)
			if agreement < minAgreement {
				continue
			}
			grid := grid{homography: h, size: p.size}
			if s.decode(v, &grid, light, agreement) {
				return true
			}
			if grid.followAlignments(v.pic, p.lines, light) && s.decode(v, &grid, light, agreement) {
				return true
			}
			s.seen.noteSymbol(&grid, agreement, v)
		}
	}
	return false
}

// decode samples a grid in several ways and keeps the first message. Where the agreement
// makes it certain that the grid is a symbol's, doubtful codewords are given up if need be,
// which takes a while.
func (s *scanner) decode(v view, g *grid, light bool, agreement float64) bool {
	sure := agreement >= certainAgreement
	shades := g.shades(v.pic)
	readings := [...]func() []float32{
		func() []float32 { return againstNeighbours(shades, g.size) },
		func() []float32 { return againstFinders(shades, g.size) },
		func() []float32 { return againstNeighbours(sharpened(shades, g.size, 0.25), g.size) },
		func() []float32 { return againstNeighbours(sharpened(shades, g.size, 0.6), g.size) },
		func() []float32 { return g.colours(v.bits) },
	}
	for _, reading := range readings {
		modules := reading()
		if light {
			for i := range modules {
				modules[i] = -modules[i]
			}
		}
		m, ok := s.decoder.decode(modules, g.size, sure)
		flipped := false
		if !ok {
			flipped = true
			m, ok = s.decoder.decode(transposed(modules, g.size), g.size, sure)
		}
		if ok {
			s.record(v, g, m, flipped)
			return true
		}
	}
	return false
}

func (s *scanner) record(v view, g *grid, m message, flipped bool) {
	end := float64(g.size)
	read := symbolRead{message: m, flipped: flipped}
	for i, c := range [4]Point{{0, 0}, {end, 0}, {end, end}, {0, end}} {
		x, y := g.place(c.X, c.Y)
		read.corners[i] = Point{x / v.scale, y / v.scale}
	}
	if flipped { // the corners of a mirrored symbol, in its own order
		read.corners[1], read.corners[3] = read.corners[3], read.corners[1]
	}
	s.found = append(s.found, read)
}
