package qr

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/color"
	"io"

	"golang.org/x/image/webp"
)

func isWebP(data []byte) bool {
	return len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP"
}

// webpConfig knows the size of an animation too, which x/image/webp does not.
func webpConfig(r io.Reader) (image.Config, error) {
	var head [30]byte
	n, err := io.ReadFull(r, head[:])
	if err == nil && string(head[12:16]) == "VP8X" {
		return image.Config{ColorModel: color.NRGBAModel, Width: uint24(head[24:]) + 1, Height: uint24(head[27:]) + 1}, nil
	}
	return webp.DecodeConfig(io.MultiReader(bytes.NewReader(head[:n]), r))
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// webpParts cuts an animation into its frames (WebP container specification,
// ANMF chunk); none for a still picture.
func webpParts(data []byte) ([]part, error) {
	var parts []part
	eachRIFFChunk(data[12:], func(kind string, body []byte) bool {
		if kind != "ANMF" || len(body) < 16 {
			return true
		}
		if len(parts) >= MaxFrames {
			parts = append(parts, part{})
			return true
		}
		p := part{x: 2 * uint24(body), y: 2 * uint24(body[3:]), replace: body[15]&2 != 0}
		if body[15]&1 != 0 {
			p.dispose = disposeBackground
		}
		p.decode = func(ctx context.Context) (image.Image, error) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			return decodeANMF(body)
		}
		parts = append(parts, p)
		return true
	})
	return parts, nil
}

// decodeANMF makes a still WebP of a frame.
func decodeANMF(body []byte) (image.Image, error) {
	var file []byte
	if bytes.HasPrefix(body[16:], []byte("ALPH")) { // alpha calls for the extended header
		file = append(file, "VP8X\x0a\x00\x00\x00\x10\x00\x00\x00"...)
		file = append(append(file, body[6:9]...), body[9:12]...)
	}
	file = append(file, body[16:]...)
	whole := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+len(file)))
	whole = append(append(whole, "WEBP"...), file...)
	if config, err := webp.DecodeConfig(bytes.NewReader(whole)); err != nil {
		return nil, err
	} else if config.Width > uint24(body[6:])+1 || config.Height > uint24(body[9:])+1 {
		return nil, errNoFrame
	}
	return webp.Decode(bytes.NewReader(whole))
}

func eachRIFFChunk(data []byte, visit func(kind string, body []byte) bool) {
	for len(data) >= 8 {
		n := int64(binary.LittleEndian.Uint32(data[4:]))
		if n > int64(len(data)-8) || !visit(string(data[:4]), data[8:8+n]) {
			return
		}
		data = data[min(8+n+n&1, int64(len(data))):]
	}
}
