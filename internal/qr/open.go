package qr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"runtime/debug"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// source is an image file whose header has been found acceptable.
type source struct {
	width, height int
	orientation   orientation
	frames        int
	modest        bool                  // one picture of a size that never takes long
	next          func() (frame, error) // io.EOF after the last
}

// format is a kind of image file, known by how it begins.
type format struct {
	magic  string // the first bytes; a RIFF file is WebP or none of ours
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	// parts lists the frames of an animation or the pages of a document; nil
	// or none for formats and files with one picture.
	parts func(data []byte) ([]part, error)
	// extra is the memory that decoding takes beyond the pixels.
	extra func(data []byte) int64
}

var formats = [...]format{
	{magic: "\x89PNG\r\n\x1a\n", config: png.DecodeConfig, decode: png.Decode, parts: pngParts},
	{magic: "\xff\xd8", config: jpeg.DecodeConfig, decode: jpeg.Decode, extra: progressiveBytes},
	{magic: "GIF8", config: gif.DecodeConfig, parts: gifParts},
	{magic: "RIFF", config: webpConfig, decode: webp.Decode, parts: webpParts},
	{magic: "BM", config: bmp.DecodeConfig, decode: bmp.Decode},
	{magic: "II*\x00", config: tiff.DecodeConfig, decode: tiff.Decode, parts: tiffParts, extra: stripBytes},
	{magic: "MM\x00*", config: tiff.DecodeConfig, decode: tiff.Decode, parts: tiffParts, extra: stripBytes},
}

func begins(data []byte, magic string) bool {
	return len(data) >= len(magic) && string(data[:len(magic)]) == magic
}

// open looks at the header and refuses what is too large. Decoding ends with
// ctx; that of a large picture or of many ends with limit, which is nearer.
func open(ctx, limit context.Context, data []byte) (*source, error) {
	for _, f := range formats {
		if begins(data, f.magic) && (f.magic != "RIFF" || isWebP(data)) {
			return f.open(ctx, limit, data)
		}
	}
	return nil, ErrNotImage
}

func (f format) open(ctx, limit context.Context, data []byte) (*source, error) {
	config, err := f.config(newGuarded(ctx, data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if config.Width <= 0 || config.Height <= 0 {
		return nil, fmt.Errorf("%w: %d × %d pixels", ErrDamaged, config.Width, config.Height)
	}
	src := &source{width: config.Width, height: config.Height, frames: 1, orientation: orientationOf(data)}
	var parts []part
	if f.parts != nil {
		if parts, err = f.parts(data); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	need := memory(config)
	refuse := need > MaxPixelBytes
	if f.extra != nil {
		need += f.extra(data)
		refuse = refuse || need > maxDecodeBytes
	}
	if len(parts) > 1 && !parts[0].page { // the canvas, and a copy of it
		config.ColorModel = color.RGBA64Model
		need = max(need, memory(config))
		refuse = refuse || need > MaxPixelBytes
	}
	if refuse {
		return nil, &TooLargeError{config.Width, config.Height, need}
	}
	if len(parts) > 0 {
		src.frames = len(parts)
		src.next = playParts(limit, src, parts)
		return src, nil
	}
	src.modest = need <= largeDecode
	src.next = func() (frame, error) {
		if src.modest {
			img, err := f.decode(newGuarded(ctx, data))
			if err != nil {
				return frame{}, err
			}
			return newFrame(img), nil
		}
		// A large picture must not lie in memory beside the garbage of what
		// came before, nor the search beside the picture.
		debug.FreeOSMemory()
		img, err := f.decode(newGuarded(limit, data))
		if err != nil {
			return frame{}, err
		}
		grey := newFrame(img)
		img = nil //nolint:ineffassign,wastedassign // so that the next line can free it
		debug.FreeOSMemory()
		return grey, nil
	}
	return src, nil
}

// maxDecodeBytes bounds the pixels together with what a decoder needs beside them.
const maxDecodeBytes = 200 << 20

// largeDecode is from where on memory is tidied before and after decoding.
const largeDecode = 48 << 20

// memory is what the decoded pixels take. A side that no picture has stands for
// the rest, so that the product stays a number.
func memory(config image.Config) int64 {
	const most = 1 << 28
	return int64(min(config.Width, most)) * int64(min(config.Height, most)) * pixelBytes(config.ColorModel)
}

// pixelBytes is the memory of one decoded pixel.
func pixelBytes(m color.Model) int64 {
	switch m {
	case color.GrayModel, color.AlphaModel:
		return 1
	case color.Gray16Model, color.Alpha16Model:
		return 2
	case color.YCbCrModel:
		return 3
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	}
	if _, ok := m.(color.Palette); ok {
		return 1
	}
	return 4
}

// guarded ends a decoder's work when the time is up: it asks for more data
// often enough.
type guarded struct {
	ctx context.Context
	r   io.Reader
}

// guardedAt is for TIFF, whose decoder copies all of what it cannot address.
type guardedAt struct {
	guarded
	at io.ReaderAt
}

func newGuarded(ctx context.Context, data []byte) guardedAt {
	r := bytes.NewReader(data)
	return guardedAt{guarded{ctx, r}, r}
}

func (g guardedAt) ReadAt(p []byte, offset int64) (int, error) {
	if err := g.ctx.Err(); err != nil {
		return 0, err
	}
	return g.at.ReadAt(p, offset)
}

func (g guarded) Read(p []byte) (int, error) {
	if err := g.ctx.Err(); err != nil {
		return 0, err
	}
	return g.r.Read(p[:min(len(p), 1<<16)])
}

// progressiveBytes is what a progressive JPEG takes: all coefficients, four
// bytes each, until the last scan is read. A baseline JPEG needs none.
func progressiveBytes(data []byte) int64 {
	var bytes int64
	eachJPEGSegment(data, func(marker byte, body []byte) bool {
		if marker < 0xc0 || marker > 0xcf || marker == 0xc4 || marker == 0xc8 || marker == 0xcc {
			return true
		}
		if marker != 0xc2 || len(body) < 6 {
			return false
		}
		pixels := int64(body[1])<<8 | int64(body[2])
		pixels *= int64(body[3])<<8 | int64(body[4])
		var most, sum int64
		for c := body[6:]; len(c) >= 3; c = c[3:] {
			area := int64(c[1]>>4) * int64(c[1]&15)
			most, sum = max(most, area), sum+area
		}
		if most > 0 {
			bytes = 4 * pixels * sum / most
		}
		return false
	})
	return bytes
}

// eachJPEGSegment visits the segments before the first scan.
func eachJPEGSegment(data []byte, visit func(marker byte, body []byte) bool) {
	for at := 2; at+4 <= len(data) && data[at] == 0xff; {
		marker := data[at+1]
		if marker == 0xff { // fill
			at++
			continue
		}
		if marker == 0xda {
			return
		}
		end := at + 2 + int(data[at+2])<<8 + int(data[at+3])
		if end > len(data) || end < at+4 || !visit(marker, data[at+4:end]) {
			return
		}
		at = end
	}
}

var errNoFrame = errors.New("no frame in it")
