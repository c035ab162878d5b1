package qr

import (
	"bytes"
	"cmp"
	"math"
	"slices"
)

// finder is what looks like the centre of a finder pattern: three by three
// dark modules in a light ring in a dark ring (ISO/IEC 18004 section 6.3.3).
type finder struct {
	x, y    float64 // of the centre, in pixels
	module  float64 // side of a module, in pixels, as rows and columns measure it
	hits    int     // rows that crossed it
	light   bool    // the colours are exchanged: a light code on dark ground
	rings   float64 // share of the directions in which the rings were met
	claimed bool    // it belongs to a code that has been read
	tried   bool    // it has been combined with the others that are tried
}

// maxFinders is how many of them are combined at a time; a picture of noise has
// thousands.
const maxFinders = 36

// finders returns the finder patterns of both colours, the most certain first.
// When relaxed, the outer ring may run into its surroundings, as it does where
// a code has no quiet zone on a dark page.
func (b *bitmap) finders(relaxed bool) []finder {
	// Always as many bands, so that what is found does not depend on the processors.
	var bands [4][]finder
	inBands(len(bands), 1, func(from, to int) {
		for i := from; i < to; i++ {
			bands[i] = b.findersIn(b.h*i/len(bands), b.h*(i+1)/len(bands), relaxed)
		}
	})
	all := newGathering(b.w)
	for _, f := range slices.Concat(bands[:]...) {
		if len(all.found) > maxFound {
			break
		}
		all.add(f)
	}
	return b.rank(all.found, relaxed)
}

// maxFound is how many finder patterns are looked for: what has more is noise.
const maxFound = 3000

// findersIn returns what looks like a finder pattern in each of some rows, from the first
// to the last.
func (b *bitmap) findersIn(from, to int, relaxed bool) (all []finder) {
	edges := make([]int, 0, b.w+1)
	step := 1
	if b.h > 600 { // a finder pattern of one pixel a module would be missed, but is never read
		step = 2
	}
	for y := from + from%step; y < to && len(all) < 2*maxFound; y += step {
		row := b.dark[y*b.w:][:b.w]
		edges = edges[:1]
		edges[0] = 0
		for x := 0; ; {
			n := bytes.IndexByte(row[x:], 1-row[x])
			if n < 0 {
				break
			}
			x += n
			edges = append(edges, x)
		}
		edges = append(edges, b.w)
		for i := 0; i+4 < len(edges)-1; i++ {
			if !isFinder(edges[i+1]-edges[i], edges[i+2]-edges[i+1], edges[i+3]-edges[i+2], edges[i+4]-edges[i+3], edges[i+5]-edges[i+4], relaxed) {
				continue
			}
			if f, ok := b.examine(float64(edges[i+2]+edges[i+3])/2, y, float64(edges[i+4]-edges[i+1])/5, relaxed); ok {
				f.light = row[edges[i+2]] == 0
				all = append(all, f)
			}
		}
	}
	return all
}

// isFinder reports whether five runs are about 1:1:3:1:1.
func isFinder(a, b, c, d, e int, relaxed bool) bool {
	if !isFinderInside(b, c, d) {
		return false
	}
	m := float64(b+c+d) / 5
	if relaxed {
		return float64(a) >= m/2 && float64(e) >= m/2
	}
	loose := m*0.7 + looseEdge
	return off(a, m) <= loose && off(e, m) <= loose
}

// looseEdge is what a pixel's edge is worth, in pixels.
const looseEdge = 0.4

// isFinderInside reports whether the three inner runs are about 1:3:1, within half a
// module.
func isFinderInside(b, c, d int) bool {
	m := float64(b+c+d) / 5
	loose := m*0.5 + looseEdge
	return off(b, m) <= loose && off(d, m) <= loose && off(c, 3*m) <= 3*loose
}

func off(n int, want float64) float64 { return math.Abs(float64(n) - want) }

// examine looks at a row's find along the column, then along the row again
// through the centre that the column gave.
func (b *bitmap) examine(x float64, y int, module float64, relaxed bool) (finder, bool) {
	fy, vertical, ok := b.cross(int(x), y, 0, 1, module, relaxed)
	if !ok {
		return finder{}, false
	}
	fx, horizontal, ok := b.cross(int(x), int(fy), 1, 0, module, relaxed)
	if !ok || vertical > 1.8*horizontal || horizontal > 1.8*vertical {
		return finder{}, false
	}
	return finder{x: fx, y: fy, module: (vertical + horizontal) / 2, hits: 1}, true
}

// cross walks both ways from a point and returns where the middle of the
// centre run lies and the size of a module. The outer runs come last: most finds
// have no inner ones.
func (b *bitmap) cross(x, y, dx, dy int, module float64, relaxed bool) (centre, size float64, ok bool) {
	limit := int(module*12) + 4
	at, step := y*b.w+x, dy*b.w+dx
	before, after := x*dx+y*dy, (b.w-x)*dx+(b.h-y)*dy // pixels up to the borders, the second with its own
	run := func(from, step, room int, colour uint8) (n int) {
		for room = min(room, limit); n < room && b.dark[from] == colour; n++ {
			from += step
		}
		return n
	}
	colour := b.dark[at]
	back := run(at, -step, before+1, colour)
	ahead := run(at+step, step, after-1, colour)
	c := back + ahead
	// No ring of a finder pattern is wider than its centre, but for the pixels at
	// the edges: see isFinder.
	limit = min(limit, c+2)
	up := run(at-back*step, -step, before+1-back, 1-colour)
	down := run(at+(1+ahead)*step, step, after-1-ahead, 1-colour)
	if !isFinderInside(up, c, down) {
		return 0, 0, false
	}
	m := float64(up+c+down) / 5
	limit = int(2*m) + 2 // more is too much, or enough
	first := run(at-(back+up)*step, -step, before+1-back-up, colour)
	last := run(at+(1+ahead+down)*step, step, after-1-ahead-down, colour)
	if !isFinder(first, up, c, down, last, relaxed) {
		return 0, 0, false
	}
	return float64(x*dx+y*dy) + 1 + float64(ahead-back)/2, m, true
}

// gathering holds finds, and by stripes of the picture which are there: noise
// makes thousands, and comparing each with all was most of the time there.
type gathering struct {
	found   []finder
	stripes [][]int // indexes of found, by x
}

const stripeWidth = 16 // pixels

func newGathering(width int) *gathering {
	return &gathering{stripes: make([][]int, width/stripeWidth+1)}
}

func (g *gathering) stripe(x float64) int {
	return min(max(int(x)/stripeWidth, 0), len(g.stripes)-1)
}

// add adds a find, to the last one that it repeats if there is one.
func (g *gathering) add(f finder) {
	reach := max(1.6*f.module, 1.5)
	last := -1
	for _, stripe := range g.stripes[g.stripe(f.x-reach) : g.stripe(f.x+reach)+1] {
		for _, i := range stripe {
			if i > last && g.found[i].repeats(f) {
				last = i
			}
		}
	}
	if last < 0 {
		at := g.stripe(f.x)
		g.stripes[at] = append(g.stripes[at], len(g.found))
		g.found = append(g.found, f)
		return
	}
	old := &g.found[last]
	before := g.stripe(old.x)
	n := float64(old.hits)
	old.x, old.y, old.module = (old.x*n+f.x)/(n+1), (old.y*n+f.y)/(n+1), (old.module*n+f.module)/(n+1)
	old.hits++
	if after := g.stripe(old.x); after != before {
		g.stripes[before] = slices.DeleteFunc(g.stripes[before], func(i int) bool { return i == last })
		g.stripes[after] = append(g.stripes[after], last)
	}
}

// repeats reports whether two finds are of one finder pattern.
func (f *finder) repeats(other finder) bool {
	near := max(f.module, 1.5)
	return f.light == other.light && math.Abs(f.x-other.x) <= near && math.Abs(f.y-other.y) <= near && f.module < 1.6*other.module && other.module < 1.6*f.module
}

// rank sorts finds by how certain they are, and leaves out what has no rings.
func (b *bitmap) rank(found []finder, relaxed bool) []finder {
	var directions [16]Point
	for i := range directions {
		directions[i].Y, directions[i].X = math.Sincos(float64(i) * math.Pi / 8)
	}
	inBands(len(found), 64, func(from, to int) {
		for i := from; i < to; i++ {
			found[i].rings = b.rings(found[i], &directions, relaxed)
		}
	})
	found = slices.DeleteFunc(found, func(f finder) bool { return f.rings < fewRings/16. })
	type ranked struct {
		finder
		certainty float64
		found     int
	}
	all := make([]ranked, len(found)) // noise makes thousands
	for i, f := range found {
		all[i] = ranked{f, f.certainty(), i}
	}
	slices.SortFunc(all, func(f, g ranked) int {
		return cmp.Or(cmp.Compare(g.certainty, f.certainty), cmp.Compare(f.found, g.found))
	})
	for i := range all {
		found[i] = all[i].finder
	}
	return found
}

// certainty is high for finds whose rings are whole and which as many rows
// crossed as their size calls for.
func (f finder) certainty() float64 {
	return f.rings + 0.5*min(float64(f.hits)/(1.5*f.module), 1)
}

// fewRings is in how many of 16 directions a find needs its rings, at least.
const fewRings = 7

// rings walks outward in 16 directions and returns the share of them in which
// the changes of colour come where the rings should end: at 1.5, 2.5 and 3.5
// modules, or up to 1.41 times as far towards the corners. It gives up where that
// cannot come to fewRings any more.
func (b *bitmap) rings(f finder, directions *[16]Point, relaxed bool) float64 {
	good := 0
	wanted := 3
	if relaxed {
		wanted = 2
	}
	step := max(f.module/8, 0.5)
	for i, to := range directions {
		if good+16-i < fewRings {
			break
		}
		var at [3]float64
		changes := 0
		colour := uint8(1)
		if f.light {
			colour = 0
		}
		for d := 0.0; d < 7*f.module && changes < wanted; d += step {
			x, y := int(f.x+d*to.X), int(f.y+d*to.Y)
			if x < 0 || y < 0 || x >= b.w || y >= b.h {
				break
			}
			if c := b.dark[y*b.w+x]; c != colour {
				at[changes] = d
				changes++
				colour = c
			}
		}
		if changes < wanted {
			continue
		}
		if inner := at[0] / at[1]; inner < 0.4 || inner > 0.8 {
			continue
		}
		if !relaxed {
			if outer := at[1] / at[2]; outer < 0.5 || outer > 0.9 {
				continue
			}
		}
		good++
	}
	return float64(good) / 16
}
