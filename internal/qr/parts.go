package qr

import (
	"context"
	"image"
	"image/draw"
	"io"
)

// part is one frame of an animation or one page of a document, as a small file
// of its own: the decoders of the standard library and of x/image read the
// first picture of a file or all of them, and all may be ten thousand.
type part struct {
	page    bool // a picture by itself; if not, it is drawn on those before
	x, y    int
	replace bool // its transparent pixels too
	dispose disposal
	// decode is nil for a part that does not count (10,000 frames need no
	// 10,000 closures).
	decode func(context.Context) (image.Image, error)
}

// disposal is what becomes of a frame before the next is drawn.
type disposal int

const (
	disposeNot        disposal = iota
	disposeBackground          // its rectangle is cleared
	disposePrevious            // its rectangle is as it was before
)

// playParts returns the frames one after the other.
func playParts(ctx context.Context, src *source, parts []part) func() (frame, error) {
	var canvas, saved *image.RGBA
	n := 0
	return func() (frame, error) {
		if n == len(parts) || parts[n].decode == nil {
			return frame{}, io.EOF
		}
		p := parts[n]
		n++
		img, err := p.decode(ctx)
		if err != nil {
			return frame{}, err
		}
		screen := image.Rect(0, 0, src.width, src.height)
		if p.page || len(parts) == 1 && img.Bounds().Size() == screen.Size() {
			return newFrame(img), nil
		}
		if canvas == nil {
			canvas = image.NewRGBA(screen)
		}
		where := image.Rectangle{Min: image.Pt(p.x, p.y), Max: image.Pt(p.x, p.y).Add(img.Bounds().Size())}.Intersect(screen)
		if p.dispose == disposePrevious {
			saved = image.NewRGBA(where)
			draw.Draw(saved, where, canvas, where.Min, draw.Src)
		}
		op := draw.Over
		if p.replace {
			op = draw.Src
		}
		draw.Draw(canvas, where, img, img.Bounds().Min, op)
		f := newFrame(canvas)
		if p.dispose != disposeNot {
			f.coloured = nil // it changes below
		}
		switch p.dispose {
		case disposeBackground:
			draw.Draw(canvas, where, image.Transparent, image.Point{}, draw.Src)
		case disposePrevious:
			draw.Draw(canvas, where, saved, where.Min, draw.Src)
		}
		return f, nil
	}
}
