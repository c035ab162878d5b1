package qr

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// plane is a picture in shades of grey, 0 black to 255 white, by row.
type plane struct {
	w, h int
	pix  []uint8

	ranged sync.Once // what [plane.blockRanges] returns; passes share planes
	ranges []shadeRange
}

func newPlane(w, h int) *plane { return &plane{w: w, h: h, pix: make([]uint8, w*h)} }

// at interpolates between the four pixels around a point. Pixel (0, 0) covers
// the square from there to (1, 1), so its centre is (0.5, 0.5). Outside, the
// border goes on.
func (p *plane) at(x, y float64) float32 {
	// Plain comparisons: the built-in max has to do with NaN and with signs of
	// zero, which took half of this function's time. They come before the
	// conversion, which says nothing sure about numbers beyond an int.
	x, y = x-0.5, y-0.5
	if !(x > 0) { // NaN too
		x = 0
	}
	if !(y > 0) { // NaN too
		y = 0
	}
	if x >= float64(p.w-1) || y >= float64(p.h-1) {
		ix, iy := int(min(x, float64(p.w-1))), int(min(y, float64(p.h-1)))
		return float32(p.pix[iy*p.w+ix])
	}
	ix, iy := int(x), int(y)
	fx, fy := float32(x-float64(ix)), float32(y-float64(iy))
	row := p.pix[iy*p.w+ix:]
	below := row[p.w : p.w+2]
	top := float32(row[0]) + fx*(float32(row[1])-float32(row[0]))
	bottom := float32(below[0]) + fx*(float32(below[1])-float32(below[0]))
	return top + fy*(bottom-top)
}

// inBands divides rows, or other things, among the processors, to each no fewer than
// least: what comes before the second pass would otherwise leave all but one idle.
func inBands(rows, least int, work func(from, to int)) {
	n := min(runtime.GOMAXPROCS(0), maxAtOnce, rows/least)
	var group sync.WaitGroup
	for i := 1; i < n; i++ {
		group.Go(func() { work(rows*i/n, rows*(i+1)/n) })
	}
	work(0, rows/max(n, 1))
	group.Wait()
}

// worthIt is how many rows of pixels, or of blocks, are worth another processor.
const worthIt = 64

// anyBand reports whether something holds in any of the bands.
func anyBand(rows int, holds func(from, to int) bool) bool {
	var held atomic.Bool
	inBands(rows, worthIt, func(from, to int) {
		if holds(from, to) {
			held.Store(true)
		}
	})
	return held.Load()
}

// half returns the plane at half the size, each pixel the mean of four.
func (p *plane) half() *plane {
	q := newPlane(max(p.w/2, 1), max(p.h/2, 1))
	if p.w < 2 || p.h < 2 {
		copy(q.pix, p.pix)
		return q
	}
	for y := range q.h {
		a, b := p.pix[2*y*p.w:][:p.w], p.pix[(2*y+1)*p.w:][:p.w]
		out := q.pix[y*q.w:][:q.w]
		for x := range out {
			out[x] = uint8((int(a[2*x]) + int(a[2*x+1]) + int(b[2*x]) + int(b[2*x+1]) + 2) / 4)
		}
	}
	return q
}

// enlarge returns the plane at n times the size, interpolated.
func (p *plane) enlarge(n int) *plane {
	q := newPlane(p.w*n, p.h*n)
	for y := range q.h {
		for x := range q.w {
			q.pix[y*q.w+x] = uint8(p.at((float64(x)+0.5)/float64(n), (float64(y)+0.5)/float64(n)) + 0.5)
		}
	}
	return q
}

// blur returns the plane with each pixel the mean of its 3 × 3 neighbourhood.
func (p *plane) blur() *plane {
	q := newPlane(p.w, p.h)
	sums := make([]uint16, p.w)
	for y := range p.h {
		a, b, c := p.pix[max(y-1, 0)*p.w:][:p.w], p.pix[y*p.w:][:p.w], p.pix[min(y+1, p.h-1)*p.w:][:p.w]
		for x := range sums {
			sums[x] = uint16(a[x]) + uint16(b[x]) + uint16(c[x])
		}
		out := q.pix[y*p.w:][:p.w]
		last := p.w - 1
		out[0] = uint8((2*sums[0] + sums[min(1, last)]) / 9)
		out[last] = uint8((sums[max(last-1, 0)] + 2*sums[last]) / 9)
		for x := 1; x < last; x++ {
			s := sums[x-1 : x+2 : x+2]
			out[x] = uint8((s[0] + s[1] + s[2]) / 9)
		}
	}
	return q
}
