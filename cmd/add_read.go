package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/transfer"
)

// toAdd returns the accounts that the flags name.
func (s *session) toAdd(ctx context.Context, o addOptions) (transfer.Batch, error) {
	switch {
	case o.screen || o.region:
		return s.fromScreen(ctx, o.region)
	case o.clipboard:
		return s.fromClipboard(ctx, o)
	case len(o.images) > 0:
		return s.fromImages(ctx, o.images)
	case o.uri != "":
		text, err := s.readFile(ctx, o.uri, maxFile)
		if err != nil {
			return transfer.Batch{}, err
		}
		return readTexts(linesOf(string(text)), "URI")
	case o.secretFile == "" && s.asking():
		return s.askSecret(ctx, o)
	default:
		a, err := s.single(ctx, o, "")
		return transfer.Batch{Accounts: []account.Account{a}}, err
	}
}

func (s *session) fromImages(ctx context.Context, paths []string) (transfer.Batch, error) {
	var texts []string
	for _, path := range paths {
		found, err := s.readImage(ctx, path)
		if err != nil {
			return transfer.Batch{}, err
		}
		if len(found.texts) == 0 {
			return transfer.Batch{}, noCode(path, found.seen)
		}
		texts = append(texts, found.texts...)
	}
	return readTexts(texts, "QR code")
}

// linesOf returns the lines of a text that have something on them.
func linesOf(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// readTexts parses accounts from URIs. If it finds none, it returns the first error.
func readTexts(texts []string, what string) (transfer.Batch, error) {
	batch, err := transfer.ReadTexts(texts)
	if err != nil {
		return batch, err
	}
	for i, skip := range batch.Skipped {
		if n, found := strings.CutPrefix(skip.Row, "text "); found {
			batch.Skipped[i].Row = what + " " + n
		}
	}
	if len(batch.Accounts) == 0 {
		if len(batch.Skipped) > 0 {
			return batch, fmt.Errorf("nothing to add: %s: %s", batch.Skipped[0].Row, batch.Skipped[0].Reason)
		}
		return batch, fmt.Errorf("nothing to add: no %s has an account", what)
	}
	return batch, nil
}

// single returns one account made of the flags and a secret, which it reads or asks for if
// text is empty.
func (s *session) single(ctx context.Context, o addOptions, text string) (account.Account, error) {
	a := account.Account{Issuer: o.issuer, Name: o.name}
	switch t := account.Type(strings.ToLower(o.kind)); t {
	case account.TOTP, account.HOTP, account.Steam:
		a.Credential = account.Default(t)
	default:
		return a, usagef("%w: totp, hotp or steam", account.ErrType)
	}
	if a.Issuer == "" && a.Name == "" {
		return a, missing("a label", "an argument: auth add ISSUER:NAME; or auth add IMAGE, which has its own")
	}
	var err error
	if o.algorithm != "" {
		if a.Algorithm, err = account.ParseAlgorithm(o.algorithm); err != nil {
			return a, usageError{err}
		}
	}
	if o.digits != 0 {
		a.Digits = o.digits
	}
	if o.period != 0 {
		a.Period = o.period
	}
	a.Counter = o.counter
	// Check the flags before anybody types a secret.
	trial := a.Credential
	trial.Secret = account.NewSecret([]byte{0})
	if err := trial.Validate(); err != nil {
		return a, usageError{err}
	}
	switch {
	case text != "":
	case o.secretFile != "":
		text, err = s.readText(ctx, o.secretFile)
	default:
		err = missing("the secret", "--secret-file FILE")
	}
	if err != nil {
		return a, err
	}
	if strings.Contains(text, "://") {
		return a, hint.With(errors.New("this is a URI, not a secret"), "auth add --uri FILE")
	}
	a.Secret, err = account.ParseBase32(text)
	return a, err
}

// adjust applies the flags that change what was read.
func (o addOptions) adjust(accounts []account.Account, flags *pflag.FlagSet) error {
	one := len(accounts) == 1
	if !one && (o.issuer != "" || o.name != "" || o.alias != "") {
		return usagef("%d accounts were found: a label or an alias can be given to one only", len(accounts))
	}
	for i := range accounts {
		a := &accounts[i]
		if one && (o.issuer != "" || o.name != "") {
			a.Issuer, a.Name = o.issuer, o.name
		}
		if one && o.alias != "" {
			a.Alias = account.Clean(o.alias)
		}
		if flags.Changed("note") {
			a.Note = o.note
		}
		for _, tag := range o.tags {
			a.Tags = append(a.Tags, account.Clean(tag))
		}
		a.DeviceBound = a.DeviceBound || o.deviceBound
	}
	return nil
}
