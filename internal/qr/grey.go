package qr

import (
	"encoding/binary"
	"image"
	"image/color"
)

// frame is one picture of a file, in shades of grey.
type frame struct {
	width    int         // of the picture, in pixels; white may be smaller
	white    *plane      // transparent pixels show a white ground
	black    *plane      // the same on a black ground; nil for an opaque picture
	coloured image.Image // for its colour channels; nil where there are none or it is too large to keep
}

const (
	// maxPlane is the largest plane, in pixels, that is searched as it is;
	// beyond that the picture is halved.
	maxPlane = 42 << 20
	// maxKept is the largest picture, in pixels, that is kept for its colours.
	maxKept = 6 << 20
)

// newFrame turns an image into shades of grey. The image is the frame's from
// then on: where it is large and already grey, its pixels become the plane.
func newFrame(img image.Image) frame {
	r := img.Bounds()
	area := r.Dx() * r.Dy()
	f := frame{width: r.Dx()}
	_, grey := img.(*image.Gray)
	coloured := !grey
	if grey, ok := img.(*image.Gray); ok && grey.Stride == r.Dx() {
		f.white = &plane{w: r.Dx(), h: r.Dy(), pix: grey.Pix[:area]}
	} else if p, ok := img.(*image.Paletted); ok && area > maxKept && p.Stride == r.Dx() && p.Opaque() {
		var whites [256]uint8
		for i, c := range p.Palette {
			whites[i], _ = shades(c)
		}
		for i, v := range p.Pix {
			p.Pix[i] = whites[v]
		}
		f.white = &plane{w: r.Dx(), h: r.Dy(), pix: p.Pix[:area]}
	} else {
		f.white = newPlane(r.Dx(), r.Dy())
		if area <= maxPlane && !opaque(img) {
			f.black = newPlane(r.Dx(), r.Dy())
		}
		coloured = anyBand(r.Dy(), func(from, to int) bool { return f.fill(img, from, to) })
	}
	if coloured && area <= maxKept {
		f.coloured = img
	}
	if area > maxPlane {
		f.white = f.white.half()
	}
	return f
}

// luma weighs the colours as JPEG does (ITU-R BT.601).
func luma(r, g, b uint32) uint32 { return (19595*r + 38470*g + 7471*b + 1<<15) >> 16 }

// opaque reports whether an image has no transparent pixel, or does not say.
func opaque(img image.Image) bool {
	r := img.Bounds()
	part, ok := img.(interface {
		SubImage(r image.Rectangle) image.Image
	})
	if !ok {
		o, ok := img.(interface{ Opaque() bool })
		return !ok || o.Opaque()
	}
	return !anyBand(r.Dy(), func(from, to int) bool {
		o, ok := part.SubImage(image.Rect(r.Min.X, r.Min.Y+from, r.Max.X, r.Min.Y+to)).(interface{ Opaque() bool })
		return ok && !o.Opaque()
	})
}

// fill converts some rows of the kinds of image that decoders make most, and in its last
// branch of all others. It returns false where they are sure to have no colours.
func (f *frame) fill(img image.Image, from, to int) (coloured bool) {
	r := img.Bounds()
	row := func(y int) ([]uint8, []uint8) {
		at := y * f.white.w
		if f.black == nil {
			return f.white.pix[at:][:f.white.w], nil
		}
		return f.white.pix[at:][:f.white.w], f.black.pix[at:][:f.white.w]
	}
	switch img := img.(type) {
	case *image.YCbCr:
		for y := from; y < to; y++ {
			copy(f.white.pix[y*f.white.w:][:f.white.w], img.Y[img.YOffset(r.Min.X, r.Min.Y+y):])
		}
	case *image.RGBA:
		differ := uint32(0)
		for y := from; y < to; y++ {
			white, black := row(y)
			pix := img.Pix[img.PixOffset(r.Min.X, r.Min.Y+y):][:4*f.white.w]
			for x := range white {
				p := pix[4*x : 4*x+4 : 4*x+4]
				red, green, blue := uint32(p[0]), uint32(p[1]), uint32(p[2])
				differ |= red ^ green | green ^ blue
				v := luma(red, green, blue)
				white[x] = uint8(min(v+255-uint32(p[3]), 255))
				if black != nil {
					black[x] = uint8(v)
				}
			}
		}
		return differ != 0
	case *image.NRGBA:
		differ := uint32(0)
		for y := from; y < to; y++ {
			white, black := row(y)
			pix := img.Pix[img.PixOffset(r.Min.X, r.Min.Y+y):][:4*f.white.w]
			for x := range white {
				p := pix[4*x : 4*x+4 : 4*x+4]
				red, green, blue := uint32(p[0]), uint32(p[1]), uint32(p[2])
				differ |= red ^ green | green ^ blue
				v := luma(red, green, blue)
				if a := uint32(p[3]); a != 255 {
					v = (v*a + 127) / 255
					white[x] = uint8(v + 255 - a)
				} else {
					white[x] = uint8(v)
				}
				if black != nil {
					black[x] = uint8(v)
				}
			}
		}
		return differ != 0
	case *image.Paletted:
		var whites, blacks [256]uint8
		for i, c := range img.Palette {
			whites[i], blacks[i] = shades(c)
		}
		for y := from; y < to; y++ {
			white, black := row(y)
			for x, i := range img.Pix[img.PixOffset(r.Min.X, r.Min.Y+y):][:f.white.w] {
				white[x] = whites[i]
				if black != nil {
					black[x] = blacks[i]
				}
			}
		}
	case image.RGBA64Image:
		for y := from; y < to; y++ {
			white, black := row(y)
			for x := range white {
				c := img.RGBA64At(r.Min.X+x, r.Min.Y+y)
				v := luma(uint32(c.R>>8), uint32(c.G>>8), uint32(c.B>>8))
				white[x] = uint8(min(v+255-uint32(c.A>>8), 255))
				if black != nil {
					black[x] = uint8(v)
				}
			}
		}
	default:
		for y := from; y < to; y++ {
			white, _ := row(y)
			for x := range white {
				white[x], _ = shades(img.At(r.Min.X+x, r.Min.Y+y))
			}
		}
	}
	return true
}

// shades returns a colour's shade on white and on black ground.
func shades(c color.Color) (white, black uint8) {
	r, g, b, a := c.RGBA()
	v := luma(r>>8, g>>8, b>>8)
	return uint8(min(v+255-a>>8, 255)), uint8(v)
}

// channel returns one colour of the picture, 0 red to 2 blue; false where that
// shows nothing that its shades of grey do not show.
func (f *frame) channel(n int) (*plane, bool) {
	img, ok := f.coloured.(image.RGBA64Image) // as all of the decoders make
	if !ok {
		return nil, false
	}
	r := img.Bounds()
	p := newPlane(r.Dx(), r.Dy())
	for y := range p.h {
		channelRow(p.pix[y*p.w:][:p.w], img, n, r.Min.X, r.Min.Y+y)
	}
	return p, p.showsMore(f.white)
}

// showsMore reports whether somewhere so many blocks as a small symbol covers have
// half as much more contrast than in another picture. Where none have, as on white
// pages and most photographs, what is to be seen has been seen. A block counts with
// five of the nine around it, so that the edge of a coloured window does not: large
// modules have that many where four of them meet, small ones everywhere.
func (p *plane) showsMore(than *plane) bool {
	const few = 12 // version 1 at two pixels a module has 21
	bw, bh := (p.w+blockSize-1)/blockSize, (p.h+blockSize-1)/blockSize
	if bw < 5 || bh < 5 {
		return true
	}
	own, other := p.blockRanges(bw, bh), than.blockRanges(bw, bh)
	more := make([]uint8, len(own))
	for i, r := range own {
		contrast, before := int(r.high)-int(r.low), int(other[i].high)-int(other[i].low)
		if contrast > blockContrast && 2*contrast > 3*before {
			more[i] = 1
		}
	}
	count := 0
	for y := 1; y < bh-1; y++ {
		for x := 1; x < bw-1; x++ {
			around := uint8(0)
			for _, at := range [3]int{(y-1)*bw + x, y*bw + x, (y+1)*bw + x} {
				around += more[at-1] + more[at] + more[at+1]
			}
			if more[y*bw+x] == 1 && around >= 5 {
				count++
			}
		}
	}
	return count >= few
}

// channelRow reads one colour of a row on white ground. The kinds of image that
// decoders make most are read without a call for each pixel, which takes ten
// times as long.
func channelRow(row []uint8, img image.RGBA64Image, n, left, y int) {
	switch img := img.(type) {
	case *image.RGBA:
		pix := img.Pix[img.PixOffset(left, y):][:4*len(row)]
		for x := range row {
			p := binary.LittleEndian.Uint32(pix[4*x:])
			row[x] = uint8(min(p>>(8*n&31)&255+255-p>>24, 255))
		}
	case *image.NRGBA:
		pix := img.Pix[img.PixOffset(left, y):][:4*len(row)]
		for x := range row {
			p := binary.LittleEndian.Uint32(pix[4*x:])
			v := p >> (8 * n & 31) & 255
			if a := p >> 24; a != 255 {
				v = (v*a+127)/255 + 255 - a
			}
			row[x] = uint8(v)
		}
	case *image.YCbCr:
		luma := img.Y[img.YOffset(left, y):][:len(row)]
		first, wide := img.COffset(left, y), 0 // of how many pixels, as a power of two, a colour is
		switch img.SubsampleRatio {
		case image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420:
			wide = 1
		case image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410:
			wide = 2
		}
		for x := range row {
			at := first + (left+x)>>wide - left>>wide
			row[x] = colourOf(luma[x], img.Cb[at], img.Cr[at], n)
		}
	default:
		for x := range row {
			c := img.RGBA64At(left+x, y)
			row[x] = uint8((uint32([3]uint16{c.R, c.G, c.B}[n]) + 0xffff - uint32(c.A)) >> 8)
		}
	}
}

// colourOf is one colour of [color.YCbCrToRGB], red or blue.
func colourOf(y, cb, cr uint8, n int) uint8 {
	v := int32(y) * 0x10101
	if n == 0 {
		v += 91881 * (int32(cr) - 128)
	} else {
		v += 116130 * (int32(cb) - 128)
	}
	return uint8(min(max(v>>16, 0), 255))
}

func abs[T int | int32 | float32](n T) T {
	if n < 0 {
		return -n
	}
	return n
}
