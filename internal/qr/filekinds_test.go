package qr

import (
	"bytes"
	"encoding/binary"
	"image"
)

// The standard library writes no WebP, no CMYK or progressive JPEG, no animated
// PNG and no TIFF of several pages. These are the smallest writers of them.

// asWebP is lossless (RFC 9649 section 3): black and white pixels are one bit
// each, the other channels follow from green.
func asWebP(img *image.Gray) []byte {
	chunk := vp8l(img)
	return riff(append([]byte("WEBP"), chunk...))
}

// asAnimatedWebP shows the frames one after the other.
func asAnimatedWebP(frames ...*image.Gray) []byte {
	size := func(n int) []byte { return []byte{byte(n - 1), byte((n - 1) >> 8), byte((n - 1) >> 16)} }
	w, h := size(frames[0].Rect.Dx()), size(frames[0].Rect.Dy())
	body := []byte("WEBP")
	body = append(body, riffChunk("VP8X", append(append([]byte{2, 0, 0, 0}, w...), h...))...)
	body = append(body, riffChunk("ANIM", make([]byte, 6))...)
	for _, f := range frames {
		frame := append(make([]byte, 6), append(append([]byte{}, w...), h...)...)
		frame = append(frame, 100, 0, 0, 0)
		body = append(body, riffChunk("ANMF", append(frame, vp8l(f)...))...)
	}
	return riff(body)
}

func riff(body []byte) []byte {
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func riffChunk(kind string, body []byte) []byte {
	out := append(binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(body))), body...)
	return append(out, make([]byte, len(body)%2)...)
}

func vp8l(img *image.Gray) []byte {
	var out []byte
	var carry, n uint64
	put := func(v, bits uint64) {
		carry |= v << n
		for n += bits; n >= 8; n -= 8 {
			out = append(out, byte(carry))
			carry >>= 8
		}
	}
	put(0x2f, 8)
	put(uint64(img.Rect.Dx()-1), 14)
	put(uint64(img.Rect.Dy()-1), 14)
	put(0, 1+3)    // no alpha, version 0
	put(1|2<<1, 3) // a transform: subtract green
	put(0, 1)      // no more of them
	put(0, 1)      // no colour cache
	put(0, 1)      // one group of prefix codes
	put(1|1<<1, 2) // green: a simple code of two symbols,
	put(0, 1)      // the first of one bit
	put(0, 1)      // black
	put(255, 8)    // white
	for range 2 {  // red and blue: always 0 after the transform
		put(1, 4)
	}
	put(1|0<<1|1<<2, 3) // alpha: one symbol, of eight bits
	put(255, 8)
	put(1, 4) // distance: one symbol
	for _, v := range img.Pix {
		put(uint64(v>>7), 1)
	}
	put(0, 8)
	return riffChunk("VP8L", out)
}

// asBlockJPEG writes an image whose blocks of 8 × 8 pixels are of one shade
// each, so that a block is its DC coefficient (ITU-T T.81), as the black ink of
// CMYK or in grey, baseline or progressive.
func asBlockJPEG(img *image.Gray, cmyk, progressive bool) []byte {
	out := []byte{0xff, 0xd8}
	segment := func(marker byte, body ...byte) {
		out = append(out, 0xff, marker, byte((len(body)+2)>>8), byte(len(body)+2))
		out = append(out, body...)
	}
	components := 1
	if cmyk {
		components = 4
		segment(0xee, append([]byte("Adobe"), 0, 100, 0, 0, 0, 0, 0)...)
	}
	segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{8}, 64)...)...)
	frame := []byte{8, byte(img.Rect.Dy() >> 8), byte(img.Rect.Dy()), byte(img.Rect.Dx() >> 8), byte(img.Rect.Dx()), byte(components)}
	scan := []byte{byte(components)}
	for c := range components {
		frame = append(frame, byte(c+1), 0x11, 0)
		scan = append(scan, byte(c+1), 0)
	}
	start, last := byte(0xc0), byte(63)
	if progressive {
		start, last = 0xc2, 0
	}
	segment(start, frame...)
	// DC lengths 0 to 11 have codes of four bits, the end of a block one of one bit.
	segment(0xc4, append([]byte{0x00, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)...)
	segment(0xc4, append([]byte{0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0)...)
	segment(0xda, append(scan, 0, last, 0)...)
	var carry, n uint32
	put := func(v, bits uint32) {
		carry, n = carry<<bits|v, n+bits
		for ; n >= 8; n -= 8 {
			b := byte(carry >> (n - 8))
			out = append(out, b)
			if b == 0xff {
				out = append(out, 0)
			}
		}
	}
	before := make([]int, components)
	for y := 0; y < img.Rect.Dy(); y += 8 {
		for x := 0; x < img.Rect.Dx(); x += 8 {
			for c := range components {
				shade := 255 // Adobe writes inks inverted: 255 is none
				if c == components-1 {
					shade = int(img.Pix[y*img.Stride+x])
				}
				dc := shade - 128
				d := dc - before[c]
				before[c] = dc
				length := uint32(0)
				for abs(d)>>length != 0 {
					length++
				}
				put(length, 4)
				if d < 0 {
					d += 1<<length - 1
				}
				put(uint32(d), length)
				if !progressive {
					put(0, 1)
				}
			}
		}
	}
	put(0x7f, 7)
	return append(out, 0xff, 0xd9)
}

// withOrientation adds an EXIF segment to a JPEG.
func withOrientation(file []byte, o byte) []byte {
	exif := append([]byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00"), o, 0, 0, 0, 0, 0, 0)
	out := append([]byte{}, file[:2]...)
	out = append(out, 0xff, 0xe1, 0, byte(len(exif)+2))
	return append(append(out, exif...), file[2:]...)
}

// asAnimatedPNG shows frames of one size one after the other.
func asAnimatedPNG(frames ...*image.Gray) []byte {
	be := binary.BigEndian
	out := []byte("\x89PNG\r\n\x1a\n")
	sequence := uint32(0)
	for i, f := range frames {
		eachPNGChunk(asPNG(f), func(kind string, body []byte) bool {
			switch {
			case kind == "IHDR" && i == 0:
				out = appendChunk(out, kind, body)
				out = appendChunk(out, "acTL", be.AppendUint32(be.AppendUint32(nil, uint32(len(frames))), 0))
			case kind == "IDAT":
				control := be.AppendUint32(nil, sequence)
				control = be.AppendUint32(be.AppendUint32(control, uint32(f.Rect.Dx())), uint32(f.Rect.Dy()))
				control = append(control, make([]byte, 8)...)
				control = append(control, 0, 1, 0, 1, 0, 0)
				out = appendChunk(out, "fcTL", control)
				sequence++
				if i > 0 {
					kind, body = "fdAT", append(be.AppendUint32(nil, sequence), body...)
					sequence++
				}
				out = appendChunk(out, kind, body)
			}
			return true
		})
	}
	return appendChunk(out, "IEND", nil)
}

// asPages is a TIFF of several grey pages without compression.
func asPages(pages ...*image.Gray) []byte {
	le := binary.LittleEndian
	out := []byte("II*\x00\x00\x00\x00\x00")
	link := 4
	for _, p := range pages {
		pixels := len(out)
		out = append(out, p.Pix...)
		out = append(out, make([]byte, len(out)%2)...)
		le.PutUint32(out[link:], uint32(len(out)))
		tags := [][3]uint32{
			{256, 4, uint32(p.Rect.Dx())},
			{257, 4, uint32(p.Rect.Dy())},
			{258, 3, 8},
			{259, 3, 1},
			{262, 3, 1},
			{273, 4, uint32(pixels)},
			{277, 3, 1},
			{278, 4, uint32(p.Rect.Dy())},
			{279, 4, uint32(len(p.Pix))},
		}
		out = le.AppendUint16(out, uint16(len(tags)))
		for _, t := range tags {
			out = le.AppendUint32(le.AppendUint16(le.AppendUint16(out, uint16(t[0])), uint16(t[1])), 1)
			out = le.AppendUint32(out, t[2])
		}
		link = len(out)
		out = append(out, 0, 0, 0, 0)
	}
	return out
}
