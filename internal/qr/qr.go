// Package qr turns images into the texts of the QR codes in them, and texts
// into QR codes.
package qr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"time"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// MaxFileBytes is the largest file worth handing to [Read], in bytes.
const MaxFileBytes = 64 << 20

// MaxPixelBytes is the most memory that the decoded pixels of an image may take.
const MaxPixelBytes = 160 << 20

const maxTime = 2500 * time.Millisecond

var (
	// ErrNotImage says that the data begins like no image format known here.
	ErrNotImage = errors.New("not an image of a known format")
	// ErrDamaged says that an image is cut off or corrupt.
	ErrDamaged = errors.New("the image is damaged")
)

// TooLargeError refuses an image by its header, before any pixel is decoded.
type TooLargeError struct {
	Width, Height int   // pixels
	Bytes         int64 // of the decoded pixels
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the image is too large: %d×%d pixels", e.Width, e.Height)
}

// Code is one QR code.
type Code struct {
	Text    string
	Frame   int      // from 0: the GIF frame or PDF page
	Corners [4]Point // of the symbol: top left, top right, bottom right, bottom left
}

// Result is what [Read] found.
type Result struct {
	Codes      []Code
	Frames     int // frames in the file
	FramesRead int
	Seen       Seen
}

// SeenKind names what a search without a result met.
type SeenKind int

const (
	Nothing  SeenKind = iota // nothing like a code
	TooSmall                 // something like a code, too few pixels a module
	CutOff                   // something like a code at an edge of the image
	Damaged                  // a code that cannot be read
)

// Seen says what a search that found nothing met. The zero value: nothing like a code.
type Seen struct {
	Kind         SeenKind
	ModulePixels float64 // side of one module
}

// Read returns the texts of the QR codes in an image.
func Read(ctx context.Context, data []byte) (Result, error) {
	return read(ctx, data, nil)
}

func read(ctx context.Context, data []byte, trace func(pass string, found int)) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	img, _, err := image.Decode(bytes.NewReader(data))
	if errors.Is(err, image.ErrFormat) {
		return Result{}, ErrNotImage
	}
	if err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	result := Result{Frames: 1, FramesRead: 1}
	s := &scanner{ctx: ctx, decoder: newDecoder(), trace: trace}
	f := newFrame(img, 0)
	s.run(f, float64(f.white.w)/float64(img.Bounds().Dx()))
	for _, m := range s.found {
		result.Codes = append(result.Codes, Code{Text: m.text, Corners: m.corners})
	}
	return result, nil
}
