package vault

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"github.com/authcli/auth/internal/account"
)

// newStamp returns a stamp that is newer than the last one of this change, so that the
// accounts that one change adds keep their order in every merge.
func (t *Tx) newStamp() Stamp {
	t.at = Stamp{}
	return t.stamp()
}

// NewID returns a random id of 16 hexadecimal digits.
func NewID() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Same returns the live account that is the same as a: its folded label, secret and
// parameters are equal. An account without its secret is the same as a device-bound or
// name-only account of equal label and type.
func (s *State) Same(a account.Account) (Account, bool) {
	for _, b := range s.Labelled(a) {
		if sameSecret(a, b.Account) {
			return b, true
		}
	}
	return Account{}, false
}

func sameSecret(a, b account.Account) bool {
	if a.NeedsVerification() || b.NeedsVerification() {
		bound := (a.DeviceBound || a.NeedsVerification()) && (b.DeviceBound || b.NeedsVerification())
		return bound && a.Type == b.Type
	}
	return a.Credential.Equal(b.Credential)
}

// Labelled returns the live accounts with the label of a, folded.
func (s *State) Labelled(a account.Account) []Account {
	return s.live().labelled(account.Fold(a.Label()))
}

// Add adds a new account and returns it with its id. Errors are those of
// [account.Credential.Validate], [ErrExists] for a label and [ErrAlias] for an
// alias that another account has.
func (t *Tx) Add(a account.Account) (Account, error) {
	if others := t.Labelled(a); len(others) > 0 {
		return Account{}, fmt.Errorf("%w: %q", ErrExists, others[0].Shown)
	}
	return t.AddBeside(a)
}

// AddBeside is [Tx.Add] that lets several accounts share a label, as an import may.
func (t *Tx) AddBeside(a account.Account) (Account, error) {
	if !a.NeedsVerification() {
		if err := a.Validate(); err != nil {
			return Account{}, err
		}
	}
	if err := t.aliasFree(a.Alias, ""); err != nil {
		return Account{}, err
	}
	id, at := a.ID, t.newStamp()
	if id == "" || t.record(id) != nil {
		id = NewID()
	}
	r := &Record{ID: id, Created: at}
	r.Label.set(Label{a.Issuer, a.Name}, at)
	if a.NeedsVerification() {
		r.Secret.Value.Type = cmp.Or(a.Type, account.TOTP)
	} else {
		r.Secret.set(Held{Credential: a.Credential}, at)
	}
	if a.Alias != "" {
		r.Alias.set(a.Alias, at)
	}
	if a.Note != "" {
		r.Note.set(a.Note, at)
	}
	for _, tag := range a.Tags {
		r.tag(tag, true, at)
	}
	if a.DeviceBound {
		r.DeviceBound.set(true, at)
	}
	if a.DeviceBound || a.NeedsVerification() {
		t.claimName(r, r.Label.Value.folded())
	}
	t.setAddedBeside(r)
	if a.Type == account.HOTP && !a.NeedsVerification() {
		t.setCounter(r.Secret.Value.Hash(), Counter{Next: a.Counter})
	}
	t.insert(r)
	return t.toAccount(r), nil
}

func (r *Record) tag(tag string, on bool, at Stamp) {
	if r.Tags == nil {
		r.Tags = map[string]Register[bool]{}
	}
	r.Tags[tag] = Register[bool]{on, at}
}

func (t *Tx) aliasFree(alias, id string) error {
	if alias == "" {
		return nil
	}
	folded, x := account.Fold(alias), t.live()
	taken := x.labelled(folded)
	if at, found := x.byAlias[folded]; found {
		taken = append(taken, x.accounts[at])
	}
	for _, a := range taken {
		if a.ID != id {
			return fmt.Errorf("%w: %q names %q", ErrAlias, alias, a.Shown)
		}
	}
	return nil
}
