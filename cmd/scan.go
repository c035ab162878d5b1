package cmd

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/term"
)

type jsonScan struct {
	Version int        `json:"version"`
	Images  []jsonRead `json:"images"`
}

type jsonRead struct {
	Image  string       `json:"image"`
	Codes  []jsonCode   `json:"codes"`
	Unread []jsonUnread `json:"unread"` // codes that were found and could not be read
}

type jsonUnread struct {
	Frame        int        `json:"frame"`
	Middle       [2]float64 `json:"middle"` // pixels, x and y
	ModulePixels float64    `json:"module_pixels"`
}

type jsonCode struct {
	Text    string        `json:"text"`
	Frame   int           `json:"frame"`
	Corners [4][2]float64 `json:"corners"` // pixels, x and y
}

func newScan(c *cli) *cobra.Command {
	var screen, region, clipboard bool
	cmd := c.command(spec{
		use:   "scan [IMAGE...]",
		short: "Print the texts of QR codes in images",
		long: `Print the text of every QR code in the images, one per line. Nothing is added to the
vault. IMAGE is a file, or - for standard input. --screen takes a picture of the screen,
--region one of a part that you choose, --clipboard the image that was copied. A text may
contain a secret.`,
		exit: "0 done; 1 not an image, or damaged; 10 an image without a QR code",
		example: `  auth scan screenshot.png
  auth scan --screen
  auth scan --json photo.jpg`,
		args:     cobra.ArbitraryArgs,
		complete: files,
		alone: func(ctx context.Context, args []string) error {
			type source struct {
				name string
				read func() (image, error)
			}
			var sources []source
			for _, path := range args {
				sources = append(sources, source{path, func() (image, error) { return c.readImage(ctx, path) }})
			}
			if screen || region {
				sources = append(sources, source{theScreen, func() (image, error) { return c.readScreen(ctx, region) }})
			}
			if clipboard {
				sources = append(sources, source{theClipboard, func() (image, error) { return c.copiedImage(ctx) }})
			}
			if len(sources) == 0 {
				return hint.With(usagef("name an image, --screen or --clipboard"), "auth scan --help")
			}
			out := jsonScan{Version: jsonVersion, Images: []jsonRead{}}
			var texts strings.Builder
			missed := false
			for _, from := range sources {
				read, err := from.read()
				if err != nil {
					return err
				}
				entry := jsonRead{Image: from.name, Codes: []jsonCode{}, Unread: []jsonUnread{}}
				for _, code := range read.codes {
					j := jsonCode{Text: code.Text, Frame: code.Frame}
					for i, p := range code.Corners {
						j.Corners[i] = [2]float64{p.X, p.Y}
					}
					entry.Codes = append(entry.Codes, j)
					texts.WriteString(c.line(code.Text))
				}
				for _, u := range read.unread {
					entry.Unread = append(entry.Unread, jsonUnread{u.Frame, [2]float64{u.Middle.X, u.Middle.Y}, u.ModulePixels})
				}
				if len(entry.Codes) == 0 {
					missed = true
					err := noCode(from.name, read.seen)
					c.say("auth: %s", message(err, nil))
				}
				out.Images = append(out.Images, entry)
			}
			var err error
			if c.json {
				err = c.printJSON(out)
			} else {
				err = c.print(texts.String())
			}
			if err == nil && missed {
				return exitCode(codeWrong)
			}
			return err
		},
	})
	cmd.Flags().BoolVar(&screen, "screen", false, "read the QR codes that are on the screen")
	cmd.Flags().BoolVar(&region, "region", false, "read the QR codes in a part of the screen that you choose")
	cmd.Flags().BoolVar(&clipboard, "clipboard", false, "read the QR codes of the image that was copied")
	cmd.MarkFlagsMutuallyExclusive("screen", "region")
	return cmd
}

// copiedImage reads the QR codes of the image on the clipboard. A text there is none.
func (c *cli) copiedImage(ctx context.Context) (image, error) {
	read, text, err := c.readClipboard(ctx)
	if err == nil && text != "" {
		err = hint.With(errors.New("the clipboard holds a text and not an image"), "auth add --clipboard reads URIs and secrets")
	}
	return read, err
}

// line returns a text from outside on one line: escaped for a terminal, unchanged for a
// pipe.
// as it is for a pipe.
func (c *cli) line(text string) string {
	if term.IsTerminal(c.Out) {
		text = term.Escape(text)
	}
	return text + "\n"
}
