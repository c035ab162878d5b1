package cmd

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/transfer"
)

// secretTries is how often a secret may be typed.
const secretTries = 3

// askWhat asks for the label, or an image, where neither flags nor arguments say what to
// add.
func (s *session) askWhat(ctx context.Context, o *addOptions) error {
	given := o.issuer != "" || o.name != "" || len(o.images) > 0 || o.uri != "" || o.secretFile != "" || o.clipboard || o.screen || o.region
	if given || !s.asking() {
		return nil
	}
	s.say("A service shows a QR code, and its secret in letters: either of them will do.")
	for {
		text, err := s.Prompt.Line(ctx, "Label, such as GitHub:alice, or the path of the image: ")
		if err != nil {
			return err
		}
		text = strings.TrimSpace(text)
		switch path := s.typedPath(text); {
		case text == "":
		case looksSecret(text):
			s.say("auth: this looks like a secret, which is asked for next, without showing it; type a label first")
		case isImage(path):
			o.images = []string{path}
			return nil
		default:
			o.issuer, o.name = account.SplitLabel(text)
			return nil
		}
	}
}

// askSecret asks for the secret of the account that the flags name. Its URI and an image
// with its QR code will do too. What was mistyped is asked for again.
func (s *session) askSecret(ctx context.Context, o addOptions) (transfer.Batch, error) {
	if _, err := s.single(ctx, o, "AA"); err != nil { // before anybody types
		return transfer.Batch{}, err
	}
	named := term.Escape(account.Account{Issuer: o.issuer, Name: o.name}.Label())
	for try := 1; ; try++ {
		text, err := s.Prompt.Secret(ctx, "Secret of "+named+" (it is not shown), or the path of an image: ")
		if err != nil {
			return transfer.Batch{}, err
		}
		text = strings.TrimSpace(text)
		path := s.typedPath(text)
		var batch transfer.Batch
		switch {
		case strings.ContainsAny(path, `./\`) && isImage(path):
			batch, err = s.fromImages(ctx, []string{path})
		case strings.Contains(text, "://"):
			batch, err = readTexts(linesOf(text), "URI")
		default:
			var a account.Account
			a, err = s.single(ctx, o, text)
			batch.Accounts = []account.Account{a}
			if text == "" {
				err = account.ErrEmptySecret
			}
		}
		if err == nil || try == secretTries || errors.Is(err, context.Canceled) {
			return batch, err
		}
		s.say("auth: %s; try again", message(err, nil))
	}
}

// typedPath returns the path that somebody typed, or that a terminal has typed for a file
// that was dropped on it: in quotes, as a file URL, or on Unix with a backslash before each
// letter that means something to a shell.
func (c *cli) typedPath(text string) string {
	if rest, ok := strings.CutPrefix(text, "file://"); ok {
		if path, err := url.PathUnescape(rest); err == nil {
			return path
		}
	}
	quoted := false
	for _, quote := range []string{`'`, `"`} {
		if inner, ok := strings.CutPrefix(text, quote); ok && strings.HasSuffix(inner, quote) {
			text, quoted = strings.TrimSuffix(inner, quote), true
		}
	}
	if rest, ok := strings.CutPrefix(text, "~/"); ok && c.home() != "" {
		text = filepath.Join(c.home(), rest)
	}
	if runtime.GOOS != "windows" && !quoted && !isFile(text) {
		text = strings.ReplaceAll(text, `\`, "")
	}
	return text
}
