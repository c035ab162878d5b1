package qr

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/png"
	"io"
	"slices"

	"golang.org/x/image/tiff"
)

// tiffParts lists the pages of a TIFF (TIFF 6.0 section 2: each directory
// names the next). Each is read from a copy whose header names its directory.
func tiffParts(data []byte) ([]part, error) {
	order := tiffOrder(data)
	if len(data) < 8 {
		return nil, errNoFrame
	}
	var parts []part
	seen := map[uint32]bool{}
	for at := order.Uint32(data[4:]); at != 0 && !seen[at] && len(seen) < 100*MaxFrames; {
		seen[at] = true
		if int64(at)+2 > int64(len(data)) {
			break
		}
		p := part{page: true}
		if len(parts) < MaxFrames {
			p.decode = tiffPage(data, order, at)
		}
		parts = append(parts, p)
		next := int64(at) + 2 + 12*int64(order.Uint16(data[at:]))
		if next+4 > int64(len(data)) {
			break
		}
		at = order.Uint32(data[next:])
	}
	if len(parts) < 2 {
		return nil, nil
	}
	return parts, nil
}

// stripBytes is what the decoder takes for the largest strip: it reads each to
// its end into a buffer that grows by a quarter at a time.
func stripBytes(data []byte) int64 {
	order := tiffOrder(data)
	config, err := tiff.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return 0
	}
	rows := int64(config.Height)
	at := int64(order.Uint32(data[4:]))
	if at+2 > int64(len(data)) {
		return 0
	}
	for range order.Uint16(data[at:]) {
		if at+14 > int64(len(data)) {
			break
		}
		switch entry := data[at+2:]; order.Uint16(entry) {
		case 278: // rows in a strip, as a short or a long
			value := int64(order.Uint32(entry[8:]))
			if order.Uint16(entry[2:]) == 3 {
				value = int64(order.Uint16(entry[8:]))
			}
			rows = min(rows, value)
		case 323: // height of a tile
			rows = min(rows, int64(order.Uint16(entry[8:])))
		}
		at += 12
	}
	config.Height = int(max(rows, 0))
	return min(memory(config), 1<<40) * 5 / 2
}

func tiffPage(data []byte, order binary.ByteOrder, at uint32) func(context.Context) (image.Image, error) {
	header := slices.Clone(data[:8])
	order.PutUint32(header[4:], at)
	return func(ctx context.Context) (image.Image, error) {
		page := guardedAt{guarded{ctx, nil}, overlay{header, bytes.NewReader(data)}}
		config, err := tiff.DecodeConfig(page)
		if err != nil {
			return nil, err
		}
		if need := memory(config); need > MaxPixelBytes {
			return nil, &TooLargeError{config.Width, config.Height, need}
		}
		return tiff.Decode(page)
	}
}

// overlay is a file with other first bytes.
type overlay struct {
	first []byte
	file  io.ReaderAt
}

func (o overlay) ReadAt(p []byte, offset int64) (int, error) {
	n, err := o.file.ReadAt(p, offset)
	if offset < int64(len(o.first)) {
		copy(p[:n], o.first[offset:])
	}
	return n, err
}

// pngParts cuts an animated PNG into its frames (PNG third edition section
// 11.3.6, chunks fcTL and fdAT); none for a still picture.
func pngParts(data []byte) ([]part, error) {
	var header, before []byte // IHDR, and what else a decoder needs: palette, transparency
	var parts []part
	var control []byte
	var pixels [][]byte
	animated := false
	flush := func() {
		if control == nil || len(pixels) == 0 {
			return
		}
		p := part{}
		if len(parts) < MaxFrames {
			p = pngPart(header, before, control, pixels)
		}
		parts = append(parts, p)
		pixels = nil
	}
	eachPNGChunk(data, func(kind string, body []byte) bool {
		switch kind {
		case "IHDR":
			header = body
		case "PLTE", "tRNS":
			before = appendChunk(before, kind, body)
		case "acTL":
			animated = true
		case "fcTL":
			flush()
			if len(body) == 26 {
				control = body
			}
		case "IDAT":
			if !animated {
				return false
			}
			pixels = append(pixels, body) // of no frame if no fcTL came before
		case "fdAT":
			if len(body) > 4 {
				pixels = append(pixels, body[4:])
			}
		}
		return true
	})
	flush()
	if len(parts) < 2 || len(header) != 13 {
		return nil, nil
	}
	return parts, nil
}

func pngPart(header, before, control []byte, pixels [][]byte) part {
	be := binary.BigEndian
	p := part{x: int(be.Uint32(control[12:])), y: int(be.Uint32(control[16:])), replace: control[25] == 0, dispose: disposal(control[24])}
	p.decode = func(ctx context.Context) (image.Image, error) {
		screen := image.Rect(0, 0, int(be.Uint32(header)), int(be.Uint32(header[4:])))
		size := image.Rect(0, 0, int(be.Uint32(control[4:])), int(be.Uint32(control[8:])))
		if !size.Add(image.Pt(p.x, p.y)).In(screen) {
			return nil, errNoFrame
		}
		file := []byte("\x89PNG\r\n\x1a\n")
		file = appendChunk(file, "IHDR", append(slices.Clone(control[4:12]), header[8:]...))
		file = append(file, before...)
		for _, body := range pixels {
			file = appendChunk(file, "IDAT", body)
		}
		file = appendChunk(file, "IEND", nil)
		return png.Decode(guarded{ctx, bytes.NewReader(file)})
	}
	return p
}

func eachPNGChunk(data []byte, visit func(kind string, body []byte) bool) {
	for data = data[min(8, len(data)):]; len(data) >= 12; {
		n := int64(binary.BigEndian.Uint32(data))
		if n > int64(len(data)-12) || !visit(string(data[4:8]), data[8:8+n]) {
			return
		}
		data = data[12+n:]
	}
}

func appendChunk(file []byte, kind string, body []byte) []byte {
	file = binary.BigEndian.AppendUint32(file, uint32(len(body)))
	start := len(file)
	file = append(append(file, kind...), body...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(file[start:]))
}
