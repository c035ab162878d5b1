package cmd

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/term"
)

type jsonScan struct {
	Version int        `json:"version"`
	Images  []jsonRead `json:"images"`
}

type jsonRead struct {
	Image string     `json:"image"`
	Codes []jsonCode `json:"codes"`
}

type jsonCode struct {
	Text    string        `json:"text"`
	Frame   int           `json:"frame"`
	Corners [4][2]float64 `json:"corners"` // pixels, x and y
}

func newScan(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "scan IMAGE...",
		Short: "Print what QR codes in images say",
		Long: `Print the text of every QR code in the images, one a line, and add nothing.
IMAGE is a file or - for standard input. A text may hold a secret.` + exitStatus("0 done; 1 not an image, or damaged; 10 an image without a QR code"),
		Example: `  auth scan screenshot.png
  auth scan --json photo.jpg`,
		Args: checked(cobra.MinimumNArgs(1)),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := onlyOnce(args...); err != nil {
				return err
			}
			out := jsonScan{Version: jsonVersion, Images: []jsonRead{}}
			var texts strings.Builder
			missed := false
			for _, path := range args {
				read, err := c.readImage(cmd.Context(), path)
				if err != nil {
					return err
				}
				entry := jsonRead{Image: path, Codes: []jsonCode{}}
				for _, code := range read.codes {
					j := jsonCode{Text: code.Text, Frame: code.Frame}
					for i, p := range code.Corners {
						j.Corners[i] = [2]float64{p.X, p.Y}
					}
					entry.Codes = append(entry.Codes, j)
					texts.WriteString(c.line(code.Text))
				}
				if len(entry.Codes) == 0 {
					missed = true
					err := noCode(path, read.seen)
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
	}
}

// line is a text that is not ours on a line of its own: escaped for a terminal,
// as it is for a pipe.
func (c *cli) line(text string) string {
	if term.IsTerminal(c.Out) {
		text = term.Escape(text)
	}
	return text + "\n"
}
