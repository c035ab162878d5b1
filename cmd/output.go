package cmd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/atomicfile"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

// jsonVersion is the version of every JSON object that auth prints.
const jsonVersion = 1

// print writes data to standard output in one write.
func (c *cli) print(text string) error {
	if _, err := c.Out.Write([]byte(text)); err != nil {
		if errors.Is(err, syscall.EPIPE) {
			return fmt.Errorf("standard output was closed: %w", err)
		}
		return fmt.Errorf("write to standard output: %w", err)
	}
	return nil
}

// printJSON writes v, an object with a version, on one line.
func (c *cli) printJSON(v any) error {
	line, err := encodeJSON(v)
	if err != nil {
		return err
	}
	return c.print(line)
}

// sayJSON writes v to standard error, on one line.
func (c *cli) sayJSON(v any) {
	line, err := encodeJSON(v)
	must(err) // only what cannot be encoded at all
	fmt.Fprint(c.Err, line)
}

// encodeJSON returns v as one line.
func encodeJSON(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", err
	}
	return escapeJSON(b.String()), nil
}

// escapeJSON makes a line of JSON safe for a terminal. It replaces the characters that
// [term.Escape] would replace by JSON escapes, so that the JSON means the same. They can
// only occur in strings.
func escapeJSON(line string) string {
	text := strings.TrimSuffix(line, "\n")
	if term.Escape(text) == text {
		return line
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r < utf8.RuneSelf && r != 0x7f, term.Escape(string(r)) == string(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String() + "\n"
}

// working shows a sign of progress on a terminal if the work takes longer than after. Call
// stop before printing or asking anything.
func (c *cli) working(what string, after time.Duration) (stop func()) {
	if !term.IsTerminal(c.Err) || c.Getenv("TERM") == "dumb" {
		return func() {}
	}
	return term.Progress(c.Err, what, after)
}

// deriving shows that a key is being derived from a passphrase, which takes a second or two.
// It shows it at once: whoever has just typed a passphrase looks for an answer.
func (c *cli) deriving() (stop func()) {
	return c.working("deriving the key", 200*time.Millisecond)
}

// jsonAccount is an account in the JSON of every command. It has no secret.
type jsonAccount struct {
	ID                string   `json:"id"`
	Issuer            string   `json:"issuer"`
	Name              string   `json:"name"`
	Label             string   `json:"label"`
	Type              string   `json:"type"`
	Algorithm         string   `json:"algorithm,omitempty"`
	Digits            int      `json:"digits,omitempty"`
	Period            int      `json:"period,omitempty"`
	Counter           *uint64  `json:"counter,omitempty"`
	Alias             string   `json:"alias,omitempty"`
	Tags              []string `json:"tags,omitempty"`
	Note              string   `json:"note,omitempty"`
	DeviceBound       bool     `json:"device_bound,omitempty"`
	NeedsVerification bool     `json:"needs_verification,omitempty"`
	Created           string   `json:"created,omitempty"`
	Exposed           string   `json:"exposed,omitempty"` // by the loss of this device
	Result            string   `json:"result,omitempty"`
	URI               string   `json:"uri,omitempty"`

	// Set only by a dry run of an import with --reveal.
	Secret     string `json:"secret,omitempty"` // base32
	SecretHex  string `json:"secret_hex,omitempty"`
	SecretText string `json:"secret_text,omitempty"` // for Mobile-OTP, whose secret is a text
	PIN        string `json:"pin,omitempty"`

	Code       string `json:"code,omitempty"`
	ValidUntil string `json:"valid_until,omitempty"`
	Remaining  *int   `json:"remaining,omitempty"` // seconds
}

func toJSON(a vault.Account) jsonAccount {
	j := jsonAccount{
		ID: a.ID, Issuer: a.Issuer, Name: a.Name, Label: a.Shown, Type: string(a.Type),
		Alias: a.Alias, Tags: a.Tags, Note: a.Note, DeviceBound: a.DeviceBound,
		NeedsVerification: a.NeedsVerification(),
	}
	if !a.Created.IsZero() {
		j.Created = a.Created.UTC().Format(time.RFC3339)
	}
	if !a.NeedsVerification() {
		j.Algorithm, j.Digits, j.Period = string(a.Algorithm), a.Digits, a.Period
		if a.Type == account.HOTP {
			j.Counter = &a.Counter
		}
	}
	return j
}

// label returns the label of an account for people.
func label(a vault.Account) string { return term.Escape(a.Shown) }

// create writes an output file that only the user can read. If the file exists, it
// returns [errExists] unless force is true. It leaves nothing behind if writing fails or
// ctx ends.
func create(ctx context.Context, path string, force bool, data []byte) error {
	err := atomicfile.WriteFunc(path, atomicfile.Options{NoReplace: !force}, func(f *os.File) error {
		_, err := f.Write(data)
		return cmp.Or(err, ctx.Err())
	})
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %s", errExists, path)
	}
	return err
}

type jsonList struct {
	Version  int           `json:"version"`
	Accounts []jsonAccount `json:"accounts"`
}

func jsonAccounts(accounts ...jsonAccount) jsonList {
	if accounts == nil {
		accounts = []jsonAccount{}
	}
	return jsonList{jsonVersion, accounts}
}

// An accountError is an error about one account.
type accountError struct {
	account vault.Account
	err     error
}

func (e *accountError) Error() string { return fmt.Sprintf("%q: %v", e.account.Shown, e.err) }
func (e *accountError) Unwrap() error { return e.err }
