// Package qr turns images into the texts of the QR codes in them, and texts
// into QR codes.
//
// [Read] guarantees that a text it returns passed the error correction and the
// grammar of ISO/IEC 18004 to its end; what does not is no code. It takes at
// most about three seconds and 300 MB for any data, and refuses pictures that
// would need more before it decodes them.
//
// It reads no files and runs no programs. PDF and HEIC files become images in
// the package convert beside it.
package qr

import (
	"errors"
	"fmt"
)

const (
	// MaxFileBytes is the largest file worth handing to [Read], in bytes.
	MaxFileBytes = 64 << 20
	// MaxPixelBytes is the most memory, in bytes, that the decoded pixels of a
	// picture may take.
	MaxPixelBytes = 160 << 20
	// MaxFrames is how many frames of an animation, or pages of a document, are read.
	MaxFrames = 100
)

var (
	// ErrNotImage says that the data begins like no image format known here.
	ErrNotImage = errors.New("not an image of a known format")
	// ErrDamaged says that an image is cut off or corrupt.
	ErrDamaged = errors.New("the image is damaged")
	// ErrTooSlow says that decoding an image took longer than a reader waits.
	ErrTooSlow = errors.New("the image takes too long to decode")
)

// TooLargeError refuses an image by its header, before any pixel is decoded.
type TooLargeError struct {
	Width, Height int   // pixels
	Bytes         int64 // of memory that decoding would take
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the image is too large: %d × %d pixels would take %d MB", e.Width, e.Height, e.Bytes>>20)
}

// Code is one QR code.
type Code struct {
	Text string
	// Frame counts from 0: the frame of an animation, the page of a TIFF file.
	Frame int
	// Corners of the symbol without its quiet zone, as someone who reads it
	// upright sees them: top left, top right, bottom right, bottom left.
	Corners [4]Point
}

// Result is what [Read] found.
type Result struct {
	// Codes are ordered by frame, then from top to bottom, then from left to
	// right. Each text is in there once. A text spread over several symbols
	// (structured append) is one code if all parts are there, at the place of
	// the first; if not, each part is a code of its own.
	Codes      []Code
	Frames     int // frames in the file
	FramesRead int // of those, the first so many were read
	Seen       Seen
	// Unread are symbols that were found and not read, because they are damaged,
	// blurred or too small. Most that are not read are not found either.
	Unread []Unread
}

// Unread is where a symbol is that was not read.
type Unread struct {
	Frame        int // as in [Code]
	Middle       Point
	ModulePixels float64 // side of one module in pixels, about
}

// SeenKind names what a search without a result met.
type SeenKind int

const (
	Nothing  SeenKind = iota // nothing like a code
	TooSmall                 // a code of too few pixels a module
	CutOff                   // a part of a code, at an edge of the image
	Damaged                  // a code that cannot be read: covered, blurred, broken
)

// Seen says what a search that found nothing met, so that a command can say
// what to do. The zero value is nothing like a code.
type Seen struct {
	Kind         SeenKind
	ModulePixels float64 // side of one module in pixels, about; 0 for Nothing
}
