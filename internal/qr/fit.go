package qr

import (
	"math"
	"sync"

	zxing "github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// fit compares a picture with the function patterns of a symbol.

// pattern is a function pattern of known colours: for each of its modules the
// centre, in modules, and +1 for light or -1 for dark.
type pattern struct {
	at   []Point
	sign []float32
}

func (p *pattern) add(x, y float64, dark bool) {
	p.at = append(p.at, Point{x, y})
	if dark {
		p.sign = append(p.sign, -1)
	} else {
		p.sign = append(p.sign, 1)
	}
}

// square is a pattern of concentric square rings: a finder pattern (7 modules)
// or an alignment pattern (5 modules) around a centre.
func square(cx, cy float64, side int) pattern {
	var p pattern
	r := side / 2
	light := r - 1 // the ring between
	for dy := -r; dy <= r; dy++ {
		for dx := -r; dx <= r; dx++ {
			p.add(cx+float64(dx), cy+float64(dy), max(abs(dx), abs(dy)) != light)
		}
	}
	return p
}

// timing is the row or column of alternating modules between two finder
// patterns (ISO/IEC 18004 section 6.3.5).
func timing(size int, column bool) pattern {
	var p pattern
	for i := 8; i < size-8; i++ {
		x, y := float64(i)+0.5, 6.5
		if column {
			x, y = y, x
		}
		p.add(x, y, i%2 == 0)
	}
	return p
}

// thinned returns pairs of neighbours from all along a timing pattern, twelve or a few
// more; nothing for a pattern that has not twice as many.
func (p *pattern) thinned() (some pattern) {
	const few = 12
	step := len(p.at) / 2 / few
	if step < 2 {
		return some
	}
	for i := 0; i+1 < len(p.at); i += 2 * step {
		some.at = append(some.at, p.at[i:i+2]...)
		some.sign = append(some.sign, p.sign[i:i+2]...)
	}
	return some
}

// agreement is the correlation of a pattern with a picture, -1 to 1; for a
// symbol of exchanged colours the sign is turned.
func (p *pattern) agreement(pic *plane, h *homography, light bool) float64 {
	var sum, squares, product, signs float32
	g := *h // copied, so that the compiler can keep it where it is quick to reach
	sign := p.sign[:len(p.at)]
	for i, at := range p.at {
		w := 1 / (g[6]*at.X + g[7]*at.Y + g[8])
		v := pic.at((g[0]*at.X+g[1]*at.Y+g[2])*w, (g[3]*at.X+g[4]*at.Y+g[5])*w)
		sum += v
		squares += v * v
		product += v * sign[i]
		signs += sign[i]
	}
	n := float32(len(p.at))
	variance := float64((squares - sum*sum/n) * (n - signs*signs/n))
	if variance < 1 || n == 0 {
		return 0
	}
	r := float64(product-sum*signs/n) / math.Sqrt(variance)
	if light {
		return -r
	}
	return r
}

// patterns are the function patterns of one version.
type patterns struct {
	size      int
	lines     []int // rows, and columns, of the centres of the alignment patterns
	finders   [3]pattern
	timing    [2]pattern
	sparse    [2]pattern // some of the modules of long timing patterns; empty for short ones
	alignment *pattern   // the one opposite the corner, where it was found
}

// sizeOf returns how many modules a side has, by version: 1 has 21, 40 has 177.
func sizeOf(version int) int { return 17 + 4*version }

func newPatterns(version int) *patterns {
	size := sizeOf(version)
	far := float64(size) - 3.5
	var lines []int
	if v, err := zxing.Version_GetVersionForNumber(version); err == nil {
		lines = v.GetAlignmentPatternCenters()
	}
	p := &patterns{
		size:    size,
		lines:   lines,
		finders: [3]pattern{square(3.5, 3.5, 7), square(far, 3.5, 7), square(3.5, far, 7)},
		timing:  [2]pattern{timing(size, false), timing(size, true)},
	}
	for i := range p.timing {
		p.sparse[i] = p.timing[i].thinned()
	}
	return p
}

// versions keeps the patterns of each version from when it is first tried. Passes
// that run at once share it.
type versions struct {
	mutex sync.Mutex
	made  [41]*patterns
}

func (v *versions) patterns(version int) *patterns {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.made[version] == nil {
		v.made[version] = newPatterns(version)
	}
	return v.made[version]
}

// source are the module coordinates of the corners that [triple.corners] guesses.
func (p *patterns) source() [4]Point {
	far := float64(p.size) - 3.5
	return [4]Point{{3.5, 3.5}, {far, 3.5}, {far, far}, {3.5, far}}
}

func (p *patterns) agreement(pic *plane, h *homography, light bool) float64 {
	sum, n := 0.0, 5.0
	for i := range p.finders {
		sum += p.finders[i].agreement(pic, h, light)
	}
	for i := range p.timing {
		sum += p.timing[i].agreement(pic, h, light)
	}
	if p.alignment != nil {
		sum += p.alignment.agreement(pic, h, light)
		n++
	}
	return sum / n
}

// refine moves the four corners about, first by half a module, then by less,
// as long as the function patterns agree better. This is what makes the
// difference on small and blurred symbols, where the centres of the finder
// patterns are known to no better than half a pixel.
func (p *patterns) refine(pic *plane, quad [4]Point, light bool) (homography, float64) {
	source := p.source()
	h := mapping(source, quad)
	best := p.agreement(pic, &h, light)
	module := math.Hypot(quad[1].X-quad[0].X, quad[1].Y-quad[0].Y) / float64(p.size-7)
	for step := module / 2; step > module/12; step /= 2 {
		for range 4 {
			better := false
			for i := range 8 {
				for _, d := range [2]float64{step, -step} {
					moved := quad
					far := 1.0
					if i/2 == 2 { // nothing but the alignment pattern holds this corner
						far = 2
					}
					if i%2 == 0 {
						moved[i/2].X += d * far
					} else {
						moved[i/2].Y += d * far
					}
					g := mapping(source, moved)
					if a := p.agreement(pic, &g, light); a > best+1e-4 {
						best, quad, h, better = a, moved, g, true
						break
					}
				}
			}
			if !better {
				break
			}
		}
	}
	return h, best
}

// findAlignment looks for an alignment pattern around the place where h
// expects it, up to reach modules away, and returns where it is.
func findAlignment(pic *plane, h *homography, cx, cy, reach float64, light bool) (Point, float64) {
	tile := square(cx, cy, 5)
	search := func(cx, cy, reach, step float64) (float64, float64, float64) {
		var bx, by, best float64 = cx, cy, -1
		for dy := -reach; dy <= reach+1e-9; dy += step {
			for dx := -reach; dx <= reach+1e-9; dx += step {
				moved := shifted(h, cx+dx-tile.at[12].X, cy+dy-tile.at[12].Y)
				a := tile.agreement(pic, &moved, light) - 0.01*math.Hypot(dx, dy)
				if a > best {
					bx, by, best = cx+dx, cy+dy, a
				}
			}
		}
		return bx, by, best
	}
	x, y, _ := search(cx, cy, reach, 0.5)
	x, y, best := search(x, y, 0.4, 0.2)
	return h.point(x, y), best
}

// shifted is h with its module coordinates moved.
func shifted(h *homography, dx, dy float64) homography {
	g := *h
	g[2] += h[0]*dx + h[1]*dy
	g[5] += h[3]*dx + h[4]*dy
	g[8] += h[6]*dx + h[7]*dy
	return g
}
