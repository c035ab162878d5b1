package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/live"
	"github.com/authcli/auth/internal/otp"
	"github.com/authcli/auth/internal/qr"
	"github.com/authcli/auth/internal/transfer"
	"github.com/authcli/auth/internal/vault"
)

// copy puts a code on the clipboard for a while.
func (v *screen) copy(ctx context.Context, code string) (notice string, err error) {
	v.one.Lock()
	defer v.one.Unlock()
	return v.Copy(ctx, code)
}

// advance advances a counter and stores it before its code is shown.
func (v *screen) advance(ctx context.Context, id string) (code string, err error) {
	defer forget()
	err = v.with(true, func(d *device.Device) error {
		state, err := d.Read(ctx)
		if err != nil {
			return err
		}
		a, err := state.Find("id:"+id, true)
		if err != nil {
			return err
		}
		counter, r, err := d.Advance(ctx, id)
		v.met(r)
		if err != nil {
			return err
		}
		code, err = otp.Count(a.Credential, counter)
		return err
	})
	return code, err
}

// errNothingTyped is returned for a form without what it needs.
var errNothingTyped = errors.New("a secret is needed, and an issuer or a name")

func (v *screen) add(ctx context.Context, f live.Fields) (string, error) {
	defer forget()
	batch, met, err := v.gather(ctx, f)
	if err != nil {
		return "", err
	}
	for _, a := range batch.Accounts {
		if a.Label() == "" {
			return "", errNothingTyped
		}
	}
	return v.change(ctx, func(tx *vault.Tx) (string, error) {
		var done addition
		for _, a := range batch.Accounts {
			if err := v.addOne(tx, a, false, &done); err != nil {
				return "", err
			}
		}
		return strings.Join(slices.Concat(done.lines, batchWords(batch), met), "; "), nil
	})
}

// errAlone is returned for a secret on the clipboard that nobody has given a name.
var errAlone = errors.New("a secret alone was copied: type its issuer or its name first")

// errNoFile is returned for a name that no file has. It does not repeat it: somebody may have typed a secret.
var errNoFile = errors.New("there is no file of that name; a secret has letters and digits alone")

// gather returns the accounts of what was typed, or of the image, the screen or the clipboard, and what was odd
// about it.
func (v *screen) gather(ctx context.Context, f live.Fields) (batch transfer.Batch, met []string, err error) {
	v.image.Lock()
	defer v.image.Unlock()
	// What the functions of commands print is told in the view.
	var printed bytes.Buffer
	env := *v.quiet.Env
	env.Err = &printed
	s := *v.session
	s.cli = &cli{Env: &env, noInput: true}
	o := addOptions{issuer: account.Clean(f.Issuer), name: account.Clean(f.Name), kind: string(account.TOTP)}
	switch f.From {
	case live.Screen:
		o.screen = true
	case live.Clipboard:
		o.clipboard = true
	case live.File:
		path := v.typedPath(strings.TrimSpace(f.File))
		if !isFile(path) || path == "-" {
			return batch, nil, errNoFile
		}
		o.images = []string{path}
	default:
		batch, err = typed(f.Secret)
	}
	if f.From != live.Typed {
		batch, err = s.toAdd(ctx, o)
	}
	if as[usageError](err) {
		err = errAlone // and nobody is asked for a name here
	}
	if err != nil {
		return batch, nil, err
	}
	if one := len(batch.Accounts) == 1; one && (o.issuer != "" || o.name != "") {
		batch.Accounts[0].Issuer, batch.Accounts[0].Name = o.issuer, o.name
	}
	for _, line := range linesOf(printed.String()) {
		met = append(met, strings.TrimPrefix(line, "auth: warning: "))
	}
	return batch, met, nil
}

// typed returns the accounts that were typed as a secret or a URI.
func typed(text string) (batch transfer.Batch, err error) {
	if strings.Contains(text, "://") {
		return readTexts([]string{strings.TrimSpace(text)}, "URI")
	}
	a := account.Account{Credential: account.Default(account.TOTP)}
	a.Secret, err = account.ParseBase32(text)
	batch.Accounts = []account.Account{a}
	return batch, err
}

func (v *screen) edit(ctx context.Context, id string, f live.Fields) (string, error) {
	return v.change(ctx, func(tx *vault.Tx) (string, error) {
		a, err := tx.Find("id:"+id, true)
		if err != nil {
			return "", err
		}
		if err := editTyped(tx, a, f); err != nil {
			return "", err
		}
		a, err = tx.Find("id:"+id, true)
		return "changed " + label(a), err
	})
}

// editTyped sets what differs from what the account has. What nobody changed gets no new stamp.
func editTyped(tx *vault.Tx, a vault.Account, f live.Fields) error {
	issuer, name, alias := account.Clean(f.Issuer), account.Clean(f.Name), account.Clean(f.Alias)
	if issuer == "" && name == "" {
		return usagef("an account has an issuer, a name or both")
	}
	if issuer != a.Issuer || name != a.Name {
		if err := tx.SetLabel(a.ID, issuer, name); err != nil {
			return err
		}
	}
	if alias != a.Alias {
		if err := tx.SetAlias(a.ID, alias); err != nil {
			return err
		}
	}
	var tags []string
	for tag := range strings.SplitSeq(f.Tags, ",") {
		if tag = account.Clean(tag); tag != "" {
			tags = append(tags, tag)
		}
	}
	for _, tag := range a.Tags {
		if !slices.Contains(tags, tag) {
			if err := tx.SetTag(a.ID, tag, false); err != nil {
				return err
			}
		}
	}
	for _, tag := range tags {
		if !slices.Contains(a.Tags, tag) {
			if err := tx.SetTag(a.ID, tag, true); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *screen) move(ctx context.Context, id, before string) (string, error) {
	if before != "" {
		before = "id:" + before
	}
	return v.change(ctx, func(tx *vault.Tx) (string, error) {
		a, err := tx.Find("id:"+id, true)
		if err != nil {
			return "", err
		}
		return "", moveTo(tx, a, before, "", false)
	})
}

func (v *screen) remove(ctx context.Context, id string) (string, error) {
	return v.change(ctx, func(tx *vault.Tx) (string, error) {
		a, err := tx.Find("id:"+id, true)
		if err != nil {
			return "", err
		}
		done := "removed; u undoes it: " + label(a)
		if a.NeedsVerification() {
			done = "removed " + label(a) + ", which was here without its secret"
		}
		return done, tx.Remove(id, false)
	})
}

// undo brings back an account that the view removed.
func (v *screen) undo(ctx context.Context, id string) (string, error) {
	return v.change(ctx, func(tx *vault.Tx) (string, error) {
		for _, t := range tx.TrashOf() {
			if t.ID == id {
				a, err := tx.Undelete(t)
				return label(a) + " is back", err
			}
		}
		return "", fmt.Errorf("%w in the trash: it may have been brought back elsewhere", vault.ErrNotFound)
	})
}

// qr draws the QR code of an account.
func (v *screen) qr(ctx context.Context, id string) (string, error) {
	defer forget()
	state, err := v.read(ctx)
	if err != nil {
		return "", err
	}
	a, err := state.Find("id:"+id, true)
	if err != nil {
		return "", err
	}
	if a.NeedsVerification() {
		return "", verifyFirst(a)
	}
	return qr.Terminal(a.URI())
}
