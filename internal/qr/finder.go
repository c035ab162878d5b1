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
	all := newGathering(b.w)
	edges := make([]int, 0, b.w+1)
	step := 1
	if b.h > 600 { // a finder pattern of one pixel a module would be missed, but is never read
		step = 2
	}
	for y := 0; y < b.h; y += step {
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
				all.add(f)
			}
		}
		if len(all.found) > 3000 {
			break // noise
		}
	}
	return b.rank(all.found, relaxed)
}

// isFinder reports whether five runs are about 1:1:3:1:1.
func isFinder(a, b, c, d, e int, relaxed bool) bool {
	m := float64(b+c+d) / 5
	loose := m*0.5 + 0.4 // half a module, and what a pixel's edge is worth
	if off(b, m) > loose || off(d, m) > loose || off(c, 3*m) > 3*loose {
		return false
	}
	if relaxed {
		return float64(a) >= m/2 && float64(e) >= m/2
	}
	return off(a, m) <= loose+m*0.2 && off(e, m) <= loose+m*0.2
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
// centre run lies and the size of a module.
func (b *bitmap) cross(x, y, dx, dy int, module float64, relaxed bool) (centre, size float64, ok bool) {
	limit := int(module*12) + 4
	centreColour := b.dark[y*b.w+x]
	var back, ahead [3]int
	b.runs(&back, x, y, -dx, -dy, limit, centreColour)
	b.runs(&ahead, x+dx, y+dy, dx, dy, limit, centreColour)
	if !isFinder(back[2], back[1], back[0]+ahead[0], ahead[1], ahead[2], relaxed) {
		return 0, 0, false
	}
	start := float64(x*dx + y*dy)
	centre = start + 1 + float64(ahead[0]-back[0])/2
	return centre, float64(back[1]+back[0]+ahead[0]+ahead[1]) / 5, true
}

// runs counts the pixels of the next three runs from a point, the first of
// which has the given colour.
func (b *bitmap) runs(n *[3]int, x, y, dx, dy, limit int, colour uint8) {
	for i := range n {
		for x >= 0 && y >= 0 && x < b.w && y < b.h && n[i] < limit && b.dark[y*b.w+x] == colour {
			n[i]++
			x += dx
			y += dy
		}
		colour = 1 - colour
	}
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
	for i := range found {
		found[i].rings = b.rings(found[i], relaxed)
	}
	found = slices.DeleteFunc(found, func(f finder) bool { return f.rings < 0.4 })
	slices.SortStableFunc(found, func(f, g finder) int {
		return cmp.Compare(g.certainty(), f.certainty())
	})
	return found
}

// certainty is high for finds whose rings are whole and which as many rows
// crossed as their size calls for.
func (f finder) certainty() float64 {
	return f.rings + 0.5*min(float64(f.hits)/(1.5*f.module), 1)
}

// rings walks outward in 16 directions and returns the share of them in which
// the changes of colour come where the rings should end: at 1.5, 2.5 and 3.5
// modules, or up to 1.41 times as far towards the corners.
func (b *bitmap) rings(f finder, relaxed bool) float64 {
	good := 0
	wanted := 3
	if relaxed {
		wanted = 2
	}
	step := max(f.module/8, 0.5)
	for i := range 16 {
		sin, cos := math.Sincos(float64(i) * math.Pi / 8)
		var at [3]float64
		changes := 0
		colour := uint8(1)
		if f.light {
			colour = 0
		}
		for d := 0.0; d < 7*f.module && changes < wanted; d += step {
			x, y := int(f.x+d*cos), int(f.y+d*sin)
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
