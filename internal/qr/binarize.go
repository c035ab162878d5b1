package qr

import "encoding/binary"

// bitmap is a picture in two colours, by row: 1 is dark.
type bitmap struct {
	w, h int
	dark []uint8
}

// threshold makes dark whatever is not lighter than t.
func (p *plane) threshold(t uint8) *bitmap {
	b := &bitmap{w: p.w, h: p.h, dark: make([]uint8, len(p.pix))}
	darken(b.dark, p.pix, t)
	return b
}

// darken is [plane.threshold] for some pixels, eight at a time: of each byte, the upper
// bit says whether t is not less (Warren, Hacker's Delight, 2-18 and 2-12).
func darken(out, pix []uint8, t uint8) {
	const ones, upper = 0x0101010101010101, 0x8080808080808080
	pix = pix[:len(out)]
	ts := uint64(t) * ones
	for len(out) >= 8 {
		x := binary.NativeEndian.Uint64(pix)
		most := (ts | upper) - x&^upper
		binary.NativeEndian.PutUint64(out, (ts&^x|^(ts^x)&most)&upper>>7)
		out, pix = out[8:], pix[8:]
	}
	for i := range out {
		// The sign bit of t-pix says whether the pixel is lighter; no branch.
		out[i] = uint8(^(int32(t)-int32(pix[i]))>>31) & 1
	}
}

// otsu returns the threshold that divides the pixels that are not lighter than
// limit into the two most distinct classes (Otsu, A Threshold Selection Method
// from Gray-Level Histograms, 1979).
func (p *plane) otsu(limit uint8) uint8 { return p.histogram().otsu(limit) }

// histogram counts the pixels of each shade.
type histogram [256]int

func (p *plane) histogram() *histogram {
	var parts [4]histogram // so that no count waits for the one before
	pix := p.pix
	for ; len(pix) >= 4; pix = pix[4:] {
		parts[0][pix[0]]++
		parts[1][pix[1]]++
		parts[2][pix[2]]++
		parts[3][pix[3]]++
	}
	for _, v := range pix {
		parts[0][v]++
	}
	for i := range parts[0] {
		parts[0][i] += parts[1][i] + parts[2][i] + parts[3][i]
	}
	return &parts[0]
}

// otsu is [plane.otsu] of the counted pixels.
func (h *histogram) otsu(limit uint8) uint8 {
	histogram := h[:int(limit)+1]
	total, sum := 0, 0
	for v, n := range histogram {
		total += n
		sum += v * n
	}
	var best float64
	at, below, belowSum := 127, 0, 0
	for v, n := range histogram {
		below += n
		belowSum += v * n
		if below == 0 || below == total {
			continue
		}
		distance := float64(belowSum)/float64(below) - float64(sum-belowSum)/float64(total-below)
		if between := float64(below) * float64(total-below) * distance * distance; between > best {
			best, at = between, v
		}
	}
	return uint8(at)
}

const (
	blockSize = 8
	// A block that spans fewer shades than this is all background or all
	// module: only its neighbours can say which.
	blockContrast = 24
)

// local makes dark what is darker than the surroundings: the picture is cut
// into blocks, each gets the middle of its darkest and lightest pixel, and the
// thresholds of 5 × 5 blocks are averaged. Unlike in the binarizer of ZXing,
// blocks without contrast are not taken for light but inherit from their
// neighbours, so that light codes on dark pages come out as well as dark ones
// on light.
func (p *plane) local() *bitmap {
	if p.w < blockSize || p.h < blockSize {
		return p.threshold(p.otsu(255))
	}
	bw, bh := (p.w+blockSize-1)/blockSize, (p.h+blockSize-1)/blockSize
	middle := p.blockMiddles(bw, bh)
	smooth := smoothBlocks(middle, bw, bh)
	if !fillGaps(smooth, bw, bh) {
		return p.threshold(p.otsu(255))
	}
	b := &bitmap{w: p.w, h: p.h, dark: make([]uint8, len(p.pix))}
	inBands(p.h, worthIt, func(from, to int) {
		for y := from; y < to; y++ {
			row := smooth[y/blockSize*bw:][:bw]
			for i, t := range row {
				from := y*p.w + i*blockSize
				to := min(from+blockSize, (y+1)*p.w)
				darken(b.dark[from:to], p.pix[from:to], uint8(t))
			}
		}
	})
	return b
}

// blockMiddles returns the threshold of each block by itself, 0 for none.
func (p *plane) blockMiddles(bw, bh int) []int32 {
	middle := make([]int32, bw*bh)
	for i, r := range p.blockRanges(bw, bh) {
		if r.high-r.low > blockContrast {
			middle[i] = (int32(r.low) + int32(r.high)) / 2
		}
	}
	return middle
}

// shadeRange is from the darkest to the lightest pixel of a block.
type shadeRange struct{ low, high uint8 }

// blockRanges returns the range of each block. It is kept: more than one pass asks
// for it, and each pixel is looked at.
func (p *plane) blockRanges(bw, bh int) []shadeRange {
	p.ranged.Do(func() { p.ranges = p.findRanges(bw, bh) })
	return p.ranges
}

func (p *plane) findRanges(bw, bh int) []shadeRange {
	ranges := make([]shadeRange, bw*bh)
	inBands(bh, worthIt, func(from, to int) { p.findRangesOf(ranges, bw, from, to) })
	return ranges
}

// findRangesOf finds the ranges of some rows of blocks.
func (p *plane) findRangesOf(ranges []shadeRange, bw, from, to int) {
	for by := from; by < to; by++ {
		top := min(by*blockSize, p.h-blockSize)
		for bx := range bw {
			at := top*p.w + min(bx*blockSize, p.w-blockSize)
			low, high := p.pix[at], p.pix[at]
			for range blockSize {
				r := p.pix[at : at+blockSize : at+blockSize] // unrolled: it is looked at in registers
				a, b, c, d, e, f, g, h := r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7]
				low = min(low, min(min(a, b), min(c, d)), min(min(e, f), min(g, h)))
				high = max(high, max(max(a, b), max(c, d)), max(max(e, f), max(g, h)))
				at += p.w
			}
			ranges[by*bw+bx] = shadeRange{low, high}
		}
	}
}

// smoothBlocks averages what there is within two blocks around.
func smoothBlocks(middle []int32, bw, bh int) []int32 {
	smooth := make([]int32, len(middle))
	sums, counts := make([]int32, bw), make([]int32, bw)
	for by := range bh {
		clear(sums)
		clear(counts)
		for y := max(by-2, 0); y <= min(by+2, bh-1); y++ {
			for x, t := range middle[y*bw:][:bw] {
				if t > 0 {
					sums[x] += t
					counts[x]++
				}
			}
		}
		for bx := range bw {
			var sum, count int32
			for x := max(bx-2, 0); x <= min(bx+2, bw-1); x++ {
				sum += sums[x]
				count += counts[x]
			}
			if count > 0 {
				smooth[by*bw+bx] = sum / count
			}
		}
	}
	return smooth
}

// fillGaps gives blocks without a threshold that of the nearest block in their
// row, then in their column. It returns false if no block has one.
func fillGaps(t []int32, bw, bh int) bool {
	fill := func(start, step, n int) bool {
		last := -1
		for i := range n {
			at := start + i*step
			if t[at] == 0 {
				continue
			}
			from := 0
			if last >= 0 {
				from = (last + i + 1) / 2
				for j := last + 1; j < from; j++ {
					t[start+j*step] = t[start+last*step]
				}
			}
			for j := from; j < i; j++ {
				t[start+j*step] = t[at]
			}
			last = i
		}
		if last < 0 {
			return false
		}
		for j := last + 1; j < n; j++ {
			t[start+j*step] = t[start+last*step]
		}
		return true
	}
	found := false
	for by := range bh {
		found = fill(by*bw, 1, bw) || found
	}
	if found {
		for bx := range bw {
			fill(bx, bw, bh)
		}
	}
	return found
}

// adaptive makes dark what is darker than the mean of the square of 2r+1
// pixels around it: it follows shadows more closely than blocks do.
func (p *plane) adaptive(r int) *bitmap {
	b := &bitmap{w: p.w, h: p.h, dark: make([]uint8, len(p.pix))}
	columns := make([]int32, p.w)
	sums := make([]int32, p.w+1) // of the columns before each
	top, bottom := 0, 0          // rows top to bottom-1 are in columns
	for y := range p.h {
		for ; bottom < min(y+r+1, p.h); bottom++ {
			for x, v := range p.pix[bottom*p.w:][:p.w] {
				columns[x] += int32(v)
			}
		}
		for ; top < y-r; top++ {
			for x, v := range p.pix[top*p.w:][:p.w] {
				columns[x] -= int32(v)
			}
		}
		for x, v := range columns {
			sums[x+1] = sums[x] + v
		}
		row, out := p.pix[y*p.w:][:p.w], b.dark[y*p.w:][:p.w]
		high := int32(bottom - top)
		edge := func(from, to int) {
			for x := from; x < to; x++ {
				left, right := max(x-r, 0), min(x+r+1, p.w)
				out[x] = below(row[x], int32(right-left)*high, sums[right]-sums[left])
			}
		}
		if p.w <= 2*r {
			edge(0, p.w)
			continue
		}
		edge(0, r)
		inner, area := row[r:p.w-r], int32(2*r+1)*high
		left, right := sums[:len(inner)], sums[2*r+1:][:len(inner)]
		shown := out[r:][:len(inner)]
		for i, v := range inner {
			shown[i] = below(v, area, right[i]-left[i])
		}
		edge(p.w-r, p.w)
	}
	return b
}

// below returns 1 for a shade that is a little below the mean of so many pixels, and 0
// for others, so that a flat surface is light.
func below(v uint8, area, sum int32) uint8 {
	return uint8(uint32((int32(v)+4)*area-sum) >> 31)
}
