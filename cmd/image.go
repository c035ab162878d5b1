package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/qr"
	"github.com/authcli/auth/internal/qr/convert"
	"github.com/authcli/auth/internal/term"
)

// An image has the texts of one picture's QR codes.
type image struct {
	texts []string
	codes []qr.Code
	seen  qr.Seen
	// unread are codes beside those of codes that could not be read.
	unread []qr.Unread
}

// readImage reads the QR codes of an image file, or of standard input for -.
func (c *cli) readImage(ctx context.Context, path string) (image, error) {
	data, err := c.readFile(ctx, path, maxFile)
	if err != nil {
		return image{}, err
	}
	return c.scanImage(ctx, path, data)
}

// isDocument reports whether data is of a kind that only another program turns into
// images: PDF or HEIC.
func isDocument(data []byte) bool { return convert.Detect(data) != "" }

// scanImage reads the QR codes of an image. path is its name in messages.
func (c *cli) scanImage(ctx context.Context, path string, data []byte) (image, error) {
	name := inputName(path)
	if len(data) == 0 {
		return image{}, fmt.Errorf("%s is empty", name)
	}
	pages := [][]byte{data}
	if isDocument(data) {
		var err error
		if pages, _, err = convert.Convert(ctx, c.LookPath, data); err != nil {
			return image{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	var read image
	for i, page := range pages {
		found, err := qr.Read(ctx, page)
		if err != nil {
			err = fmt.Errorf("%s: %w", name, err)
			if large := (*qr.TooLargeError)(nil); errors.As(err, &large) || errors.Is(err, qr.ErrTooSlow) {
				err = hint.With(err, "crop the image to the QR code")
			}
			return image{}, err
		}
		read.add(found, i, len(pages))
		if found.FramesRead < found.Frames {
			c.warn("%s has %d frames; the first %d were read", term.Escape(name), found.Frames, found.FramesRead)
		}
	}
	if n := len(read.unread); n > 0 && len(read.codes) > 0 {
		c.warn("%s holds %s that could not be read", term.Escape(name), count(n, "more QR code"))
	}
	return read, nil
}

// add adds the texts of one page. Each text counts once.
func (i *image) add(found qr.Result, page, pages int) {
	for _, code := range found.Codes {
		if slices.Contains(i.texts, code.Text) {
			continue
		}
		if pages > 1 {
			code.Frame = page
		}
		i.texts = append(i.texts, code.Text)
		i.codes = append(i.codes, code)
	}
	for _, u := range found.Unread {
		if pages > 1 {
			u.Frame = page
		}
		i.unread = append(i.unread, u)
	}
	if found.Seen.Kind != qr.Nothing {
		i.seen = found.Seen
	}
}

func inputName(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}

// noCode returns the error for an image without a QR code, with what was seen instead.
func noCode(path string, seen qr.Seen) error {
	return hint.With(fmt.Errorf("%s: no QR code was found%s", inputName(path), seenWords(seen)), seenAdvice(seen))
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
