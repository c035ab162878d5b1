package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/qr"
	"github.com/authcli/auth/internal/term"
)

// An image is what one picture's QR codes said.
type image struct {
	texts []string
	found qr.Result
	seen  qr.Seen
}

// readImage reads the QR codes of an image FILE or, for -, of standard input.
func (c *cli) readImage(ctx context.Context, path string) (image, error) {
	data, err := c.readFile(ctx, path, maxFile)
	if err != nil {
		return image{}, err
	}
	name := path
	if path == "-" {
		name = "standard input"
	}
	if len(data) == 0 {
		return image{}, fmt.Errorf("%s is empty", name)
	}
	found, err := qr.Read(ctx, data)
	if err != nil {
		var large *qr.TooLargeError
		switch {
		case errors.As(err, &large):
			err = hint.With(fmt.Errorf("%s: %w", name, err), "crop the image to the QR code")
		default:
			err = fmt.Errorf("%s: %w", name, err)
		}
		return image{}, err
	}
	read := image{found: found, seen: found.Seen}
	for _, code := range found.Codes {
		read.texts = append(read.texts, code.Text)
	}
	if found.FramesRead < found.Frames {
		c.warn("%s has %d frames; the first %d were read", term.Escape(name), found.Frames, found.FramesRead)
	}
	return read, nil
}

// noCode is the error of an image without a QR code, with what was seen instead.
func noCode(path string, seen qr.Seen) error {
	name := path
	if path == "-" {
		name = "standard input"
	}
	return hint.With(fmt.Errorf("%s: no QR code was found%s", name, seenWords(seen)), seenAdvice(seen))
}

func seenWords(seen qr.Seen) string {
	switch seen.Kind {
	case qr.TooSmall:
		return fmt.Sprintf("; something like one is too small (about %.1f pixels a module)", seen.ModulePixels)
	case qr.CutOff:
		return "; something like one is cut off at an edge"
	case qr.Damaged:
		return "; something like one cannot be read"
	default:
		return ""
	}
}

func seenAdvice(seen qr.Seen) string {
	switch seen.Kind {
	case qr.TooSmall:
		return "zoom in and take the image again, larger"
	case qr.CutOff:
		return "take the image again with the whole code and some space around it"
	case qr.Damaged:
		return "take it again, sharp, flat and without glare"
	default:
		return "check that the image shows the QR code; cropping it to the code helps"
	}
}
