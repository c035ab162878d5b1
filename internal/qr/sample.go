package qr

import "math"

// grid is where the modules of a symbol lie in a picture.
type grid struct {
	homography
	size int
	// For large symbols, how far each alignment pattern was found from where
	// the homography expects it: a bent page or a lens's distortion. lines
	// are their rows and columns, shift has one entry for each crossing.
	lines []int
	shift []Point
}

// place returns the pixel of a point in module coordinates.
func (g *grid) place(x, y float64) (float64, float64) {
	px, py := g.apply(x, y)
	if g.shift == nil {
		return px, py
	}
	n := len(g.lines)
	i, fx := g.cell(x)
	j, fy := g.cell(y)
	a, b := g.shift[j*n+i], g.shift[j*n+i+1]
	c, d := g.shift[(j+1)*n+i], g.shift[(j+1)*n+i+1]
	px += (a.X*(1-fx)+b.X*fx)*(1-fy) + (c.X*(1-fx)+d.X*fx)*fy
	py += (a.Y*(1-fx)+b.Y*fx)*(1-fy) + (c.Y*(1-fx)+d.Y*fx)*fy
	return px, py
}

// cell returns between which lines a coordinate lies and how far, 0 to 1.
func (g *grid) cell(x float64) (int, float64) {
	i := 0
	for i < len(g.lines)-2 && x > float64(g.lines[i+1])+0.5 {
		i++
	}
	from, to := float64(g.lines[i])+0.5, float64(g.lines[i+1])+0.5
	return i, min(max((x-from)/(to-from), 0), 1)
}

// followAlignments finds all alignment patterns of a large symbol, whose rows and columns
// are lines, and notes how far each is from its place; false for small ones.
func (g *grid) followAlignments(pic *plane, lines []int, light bool) bool {
	n := len(lines)
	if n < 3 { // version 6 and below have one alignment pattern or none
		return false
	}
	shift := make([]Point, n*n)
	known := make([]bool, n*n)
	for j, y := range lines {
		for i, x := range lines {
			corner := (i == 0 || i == n-1) && j == 0 || i == 0 && j == n-1
			if corner {
				known[j*n+i] = true
				continue
			}
			cx, cy := float64(x)+0.5, float64(y)+0.5
			// Neighbours found before say where to look.
			var guess Point
			for _, k := range [2]int{j*n + i - 1, (j-1)*n + i} {
				if k >= 0 && known[k] {
					guess = shift[k]
				}
			}
			moved := g.homography
			moved = translation(guess).times(moved)
			found, agreement := findAlignment(pic, &moved, cx, cy, 1.5, light)
			if agreement > 0.6 {
				px, py := g.apply(cx, cy)
				shift[j*n+i], known[j*n+i] = Point{found.X - px, found.Y - py}, true
			}
		}
	}
	// What was not found moves as its neighbours do.
	for range n {
		for k := range shift {
			if known[k] {
				continue
			}
			var sum Point
			count := 0.0
			for _, d := range [4]int{-1, 1, -n, n} {
				if m := k + d; m >= 0 && m < n*n && known[m] && (d == n || d == -n || m/n == k/n) {
					sum.X, sum.Y, count = sum.X+shift[m].X, sum.Y+shift[m].Y, count+1
				}
			}
			if count > 0 {
				shift[k] = Point{sum.X / count, sum.Y / count}
			}
		}
	}
	g.lines, g.shift = lines, shift
	return true
}

func translation(p Point) homography { return homography{1, 0, p.X, 0, 1, p.Y, 0, 0, 1} }

// shades samples the middle of every module, the mean of five points.
func (g *grid) shades(pic *plane) []float32 {
	out := make([]float32, g.size*g.size)
	const spread = 0.2
	for y := range g.size {
		for x := range g.size {
			cx, cy := float64(x)+0.5, float64(y)+0.5
			px, py := g.place(cx, cy)
			qx, qy := g.place(cx+spread, cy)
			dx, dy := qx-px, qy-py
			v := 2*pic.at(px, py) + pic.at(px+dx, py+dy) + pic.at(px-dx, py-dy) + pic.at(px-dy, py+dx) + pic.at(px+dy, py-dx)
			out[y*g.size+x] = v / 6
		}
	}
	return out
}

// colours samples a bitmap: +1 for dark, -1 for light.
func (g *grid) colours(b *bitmap) []float32 {
	out := make([]float32, g.size*g.size)
	for y := range g.size {
		for x := range g.size {
			px, py := g.place(float64(x)+0.5, float64(y)+0.5)
			ix, iy := min(max(int(px), 0), b.w-1), min(max(int(py), 0), b.h-1)
			out[y*g.size+x] = 2*float32(b.dark[iy*b.w+ix]) - 1
		}
	}
	return out
}

// againstNeighbours turns shades into certainties by the mean of the 9 × 9
// modules around: masks see to it that about half of them are dark.
func againstNeighbours(shades []float32, size int) []float32 {
	sums := make([]float64, (size+1)*(size+1))
	for y := range size {
		row := 0.0
		for x := range size {
			row += float64(shades[y*size+x])
			sums[(y+1)*(size+1)+x+1] = sums[y*(size+1)+x+1] + row
		}
	}
	const r = 4
	out := make([]float32, len(shades))
	for y := range size {
		top, bottom := max(y-r, 0), min(y+r+1, size)
		for x := range size {
			left, right := max(x-r, 0), min(x+r+1, size)
			sum := sums[bottom*(size+1)+right] - sums[top*(size+1)+right] - sums[bottom*(size+1)+left] + sums[top*(size+1)+left]
			out[y*size+x] = float32(sum/float64((bottom-top)*(right-left))) - shades[y*size+x]
		}
	}
	return out
}

// againstFinders turns shades into certainties by the middle between the dark
// and the light modules of the three finder patterns, a plane through them.
func againstFinders(shades []float32, size int) []float32 {
	middle := func(cx, cy int) float32 {
		var dark, light, darks, lights float32
		for dy := -3; dy <= 3; dy++ {
			for dx := -3; dx <= 3; dx++ {
				v := shades[(cy+dy)*size+cx+dx]
				if max(abs(dx), abs(dy)) == 2 {
					light, lights = light+v, lights+1
				} else {
					dark, darks = dark+v, darks+1
				}
			}
		}
		return (dark/darks + light/lights) / 2
	}
	corner, right, below := middle(3, 3), middle(size-4, 3), middle(3, size-4)
	out := make([]float32, len(shades))
	for y := range size {
		for x := range size {
			t := corner + (right-corner)*float32(x-3)/float32(size-7) + (below-corner)*float32(y-3)/float32(size-7)
			out[y*size+x] = t - shades[y*size+x]
		}
	}
	return out
}

// sharpened undoes some of the bleeding of each module into its neighbours.
func sharpened(shades []float32, size int, strength float32) []float32 {
	out := make([]float32, len(shades))
	for y := range size {
		for x := range size {
			v := shades[y*size+x]
			around := shades[y*size+max(x-1, 0)] + shades[y*size+min(x+1, size-1)] + shades[max(y-1, 0)*size+x] + shades[min(y+1, size-1)*size+x]
			out[y*size+x] = v + strength*(4*v-around)
		}
	}
	return out
}

func transposed(modules []float32, size int) []float32 {
	out := make([]float32, len(modules))
	for y := range size {
		for x := range size {
			out[x*size+y] = modules[y*size+x]
		}
	}
	return out
}

// modulePixels is the side of a module in pixels, in the middle of the symbol.
func (g *grid) modulePixels() float64 {
	c := float64(g.size) / 2
	ax, ay := g.apply(c-2, c)
	bx, by := g.apply(c+2, c)
	return math.Hypot(bx-ax, by-ay) / 4
}
