package qr

import (
	"cmp"
	"math"
	"slices"
)

// triple is three finder patterns that may be those of one symbol: at its top
// left, top right and bottom left, clockwise. A mirrored symbol has the last
// two exchanged, which the sampled modules show.
type triple struct {
	corner, right, below *finder
	cost                 float64
}

// maxTriples bounds the work in one round.
const maxTriples = 240

// triples returns the ways to combine three finder patterns, the likeliest first.
func triples(found []finder) []triple {
	var all []triple
	for i := range found {
		for j := i + 1; j < len(found); j++ {
			for k := j + 1; k < len(found); k++ {
				if t, ok := arrange(&found[i], &found[j], &found[k]); ok {
					all = append(all, t)
				}
			}
		}
	}
	slices.SortStableFunc(all, func(s, t triple) int { return cmp.Compare(s.cost, t.cost) })
	return all[:min(len(all), maxTriples)]
}

// arrange finds the corner between the two arms and refuses what perspective
// alone cannot explain.
func arrange(a, b, c *finder) (triple, bool) {
	if a.light != b.light || b.light != c.light || a.tried && b.tried && c.tried {
		return triple{}, false
	}
	small, large := min(a.module, b.module, c.module), max(a.module, b.module, c.module)
	if large > 2.2*small {
		return triple{}, false
	}
	// The corner is opposite the longest side.
	ab, bc, ca := distance(a, b), distance(b, c), distance(c, a)
	switch {
	case ab >= bc && ab >= ca:
		a, c = c, a
	case ca >= ab && ca >= bc:
		a, b = b, a
	}
	if (b.x-a.x)*(c.y-a.y)-(b.y-a.y)*(c.x-a.x) < 0 {
		b, c = c, b
	}
	arm1, arm2 := distance(a, b), distance(a, c)
	short, long := min(arm1, arm2), max(arm1, arm2)
	cos := ((b.x-a.x)*(c.x-a.x) + (b.y-a.y)*(c.y-a.y)) / (arm1*arm2 + 1e-9)
	// The centres of version 1 lie 14 modules apart, those of version 40 170;
	// rows measure a module up to 1.41 times too large.
	if short < 8.5*small || long > 190*large || long > 2.6*short || math.Abs(cos) > 0.72 {
		return triple{}, false
	}
	cost := math.Abs(cos) + 0.8*(long/short-1) + 0.7*(large/small-1)
	cost += 0.8 * (3 - a.rings - b.rings - c.rings)
	return triple{a, b, c, cost}, true
}

func distance(a, b *finder) float64 { return math.Hypot(a.x-b.x, a.y-b.y) }

// moduleAlong measures a module in the direction of another point: the walk
// across the finder pattern changes colour after 1.5 and 2.5 modules each way,
// and 3.5 if the ring stands free.
func (b *bitmap) moduleAlong(f, to *finder) float64 {
	length := distance(f, to)
	dx, dy := (to.x-f.x)/length, (to.y-f.y)/length
	total, modules := 0.0, 0.0
	for _, sign := range [2]float64{1, -1} {
		at, n := b.changes(f, sign*dx, sign*dy)
		switch {
		case n == 3 && at[2] < 1.7*at[1] && at[2] > 1.2*at[1]:
			total, modules = total+at[2], modules+3.5
		case n >= 2:
			total, modules = total+at[1], modules+2.5
		}
	}
	if modules == 0 {
		return f.module
	}
	return total / modules
}

// changes returns how far from the centre the first three changes of colour
// lie in a direction.
func (b *bitmap) changes(f *finder, dx, dy float64) (at [3]float64, n int) {
	colour := uint8(1)
	if f.light {
		colour = 0
	}
	step := min(max(f.module/10, 0.2), 1)
	for d := 0.0; d < 6*f.module && n < 3; d += step {
		x, y := int(f.x+d*dx), int(f.y+d*dy)
		if x < 0 || y < 0 || x >= b.w || y >= b.h {
			break
		}
		if c := b.dark[y*b.w+x]; c != colour {
			at[n] = d - step/2
			n++
			colour = c
		}
	}
	return at, n
}

// corners returns two guesses of where the finder patterns' centres and the
// point opposite the corner lie. The first is the parallelogram. The second
// takes perspective into account: areas in a picture of a plane shrink with
// the third power of the distance w, and w is linear along the plane.
func (t triple) corners() [2][4]Point {
	a, b, c := t.corner, t.right, t.below
	pa, pb, pc := Point{a.x, a.y}, Point{b.x, b.y}, Point{c.x, c.y}
	flat := [4]Point{pa, pb, {pb.X + pc.X - pa.X, pb.Y + pc.Y - pa.Y}, pc}
	deep := flat
	wa, wb, wc := math.Pow(a.module, -2./3), math.Pow(b.module, -2./3), math.Pow(c.module, -2./3)
	if wd := wb + wc - wa; wd > 0.3*wa {
		deep[2] = Point{(wb*pb.X + wc*pc.X - wa*pa.X) / wd, (wb*pb.Y + wc*pc.Y - wa*pa.Y) / wd}
	}
	return [2][4]Point{flat, deep}
}
