package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/clip"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/transfer"
)

// The names of images without a file, in messages and JSON.
const (
	theScreen    = "screen"
	theClipboard = "clipboard"
)

// lookFlags adds the flags for what is on the screen and on the clipboard.
func (o *addOptions) lookFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.clipboard, "clipboard", false, "read what was copied: an image with QR codes, URIs, or a secret")
	flags.BoolVar(&o.screen, "screen", false, "read the QR codes that are on the screen")
	flags.BoolVar(&o.region, "region", false, "read the QR codes in a part of the screen that you choose")
}

// readScreen reads the QR codes on the screen, or in the part of it that the user chooses.
func (c *cli) readScreen(ctx context.Context, region bool) (image, error) {
	part := clip.Whole
	if region {
		part = clip.Region
	}
	data, err := c.clip().Screen(ctx, part)
	if errors.Is(err, clip.ErrNoRegion) {
		err = hint.With(err, "Win+Shift+S copies a part of the screen, and --clipboard reads it; --screen reads all of it")
	}
	if err != nil {
		return image{}, err
	}
	return c.scanImage(ctx, theScreen, data)
}

// readClipboard reads the QR codes of the image on the clipboard, or returns the text that
// is there instead.
func (c *cli) readClipboard(ctx context.Context) (read image, text string, err error) {
	held, err := c.clip().Paste(ctx)
	if err != nil || len(held.Image) == 0 {
		return image{}, held.Text, err
	}
	read, err = c.scanImage(ctx, theClipboard, held.Image)
	return read, "", err
}

func (s *session) fromScreen(ctx context.Context, region bool) (transfer.Batch, error) {
	read, err := s.readScreen(ctx, region)
	if err != nil {
		return transfer.Batch{}, err
	}
	if len(read.texts) == 0 {
		return transfer.Batch{}, hint.With(fmt.Errorf("no QR code was found on the screen%s", seenWords(read.seen)), "bring the window with the whole QR code to the front, large")
	}
	return readTexts(read.texts, "QR code")
}

func (s *session) fromClipboard(ctx context.Context, o addOptions) (transfer.Batch, error) {
	read, text, err := s.readClipboard(ctx)
	switch {
	case err != nil:
		return transfer.Batch{}, err
	case text == "" && len(read.texts) == 0:
		return transfer.Batch{}, noCode(theClipboard, read.seen)
	case text == "":
		return readTexts(read.texts, "QR code")
	case !strings.Contains(text, "://") && (o.issuer != "" || o.name != "" || looksSecret(text)):
		a, err := s.single(ctx, o, text)
		return transfer.Batch{Accounts: []account.Account{a}}, err
	}
	batch, err := readTexts(linesOf(text), "line of the clipboard")
	return batch, hint.With(err, "copy the QR code as an image, its otpauth URI, or the secret alone")
}
