package cmd

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/qr"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

// qrScale is the width of a module in a written QR code, in pixels.
const qrScale = 8

func newShow(c *cli) *cobra.Command {
	var reveal, draw, force, exact bool
	var to string
	cmd := c.command(spec{
		use:   "show [QUERY...]",
		short: "Show an account, its URI or its QR code",
		long: `Show the details of one account, without its secret. --reveal prints its otpauth URI.
--draw draws its QR code. --to writes the QR code to a PNG file. The URI and the QR
code contain the secret. Without a QUERY, a terminal shows the accounts to choose from.`,
		exit: "0 done; 3 no such account; 4 several match; 5 the file exists; 6 keyring;\n8 needs verification",
		example: `  auth show github
  auth show github --reveal
  auth show github --draw
  auth show github --to github.png`,
		args:     cobra.ArbitraryArgs,
		complete: c.completeLabels,
		run: func(ctx context.Context, s *session, args []string) error {
			if s.json && (draw || to == "-") {
				return usagef("the QR code and the JSON would both go to standard output; --to FILE writes the QR code to a file")
			}
			state, err := s.device.Read(ctx)
			if err != nil {
				return err
			}
			a, err := s.find(ctx, state, args, exact)
			if err != nil {
				return err
			}
			if (reveal || draw || to != "") && a.NeedsVerification() {
				return verifyFirst(a)
			}
			switch {
			case to != "":
				return c.writeQR(ctx, a, to, force)
			case draw:
				return c.drawQR("auth show "+queryWord(a), a.URI())
			case c.json:
				j := toJSON(a)
				if reveal {
					j.URI = a.URI()
				}
				return c.printJSON(jsonAccounts(j))
			case reveal:
				return c.print(a.URI() + "\n")
			default:
				return c.printTable(c.details(a))
			}
		},
	})
	flags := cmd.Flags()
	flags.BoolVar(&reveal, "reveal", false, "print the otpauth URI, which contains the secret")
	flags.BoolVar(&draw, "draw", false, "draw the QR code in the terminal")
	flags.StringVar(&to, "to", "", "write the QR code to a PNG `FILE` or -")
	flags.BoolVar(&force, "force", false, "replace the file")
	flags.BoolVar(&exact, "exact", false, "take QUERY for a whole label, an alias or id:ID only")
	cmd.MarkFlagsMutuallyExclusive("reveal", "draw", "to")
	return cmd
}

// drawQR draws QR codes in the terminal. A code that is wider than the terminal could not be
// read. The command that draws them then has to write them to a file.
func (c *cli) drawQR(command string, texts ...string) error {
	var drawn strings.Builder
	room := term.Width(c.Out)
	for _, text := range texts {
		width, err := qr.Width(text)
		if err != nil {
			return err
		}
		if room > 0 && width > room {
			return hint.With(fmt.Errorf("the QR code is %d columns wide, and the terminal %d", width, room), command+" --to FILE.png writes it to a file; or make the terminal wider")
		}
		picture, err := qr.Terminal(text)
		if err != nil {
			return err
		}
		if len(texts) > 1 {
			picture += "\n"
		}
		drawn.WriteString(picture)
	}
	return c.print(drawn.String())
}

func (c *cli) writeQR(ctx context.Context, a vault.Account, path string, force bool) error {
	var png bytes.Buffer
	if err := qr.PNG(&png, a.URI(), qrScale); err != nil {
		return err
	}
	if path == "-" {
		return c.print(png.String())
	}
	if err := create(ctx, path, force, png.Bytes()); err != nil {
		return err
	}
	if c.json {
		return c.printJSON(jsonAccounts(toJSON(a)))
	}
	c.say("wrote the QR code of %s to %s; it contains the secret", label(a), term.Escape(path))
	return nil
}

// details returns the rows that show prints. They do not include the secret.
func (c *cli) details(a vault.Account) [][]string {
	rows := [][]string{
		{"label", label(a)},
		{"issuer", term.Escape(a.Issuer)},
		{"name", term.Escape(a.Name)},
		{"id", term.Escape(a.ID)},
		{"alias", term.Escape(a.Alias)},
		{"tags", term.Escape(strings.Join(a.Tags, ", "))},
		{"note", term.Escape(a.Note)},
		{"added", c.when(c.Out, a.Created)},
		{"type", string(a.Type)},
	}
	switch {
	case a.NeedsVerification():
		rows = append(rows, []string{"secret", "needs verification"})
	case a.Type == account.HOTP:
		rows = append(rows, []string{"counter", strconv.FormatUint(a.Counter, 10)})
	default:
		rows = append(rows, []string{"period", strconv.Itoa(a.Period) + " s"})
	}
	if !a.NeedsVerification() {
		rows = append(rows, []string{"algorithm", string(a.Algorithm)}, []string{"digits", strconv.Itoa(a.Digits)})
	}
	if a.DeviceBound {
		rows = append(rows, []string{"device-bound", "yes: the secret stays on this device"})
	}
	kept := rows[:0]
	for _, row := range rows {
		if row[1] != "" {
			kept = append(kept, row)
		}
	}
	return kept
}
