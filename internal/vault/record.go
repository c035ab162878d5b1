package vault

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// A Record is one account as it is stored and merged: an id and registers, each
// with the stamp of its last change. Records of removed accounts stay for ever;
// without them an old backup would bring the account back.
type Record struct {
	ID          string
	Created     Stamp
	Label       Register[Label]
	Alias       Register[string]
	Note        Register[string]
	Tags        map[string]Register[bool] // an untagged tag is a register of false
	Secret      Register[Held]
	DeviceBound Register[bool]
	Removed     Register[bool]

	// raw is the record as it was read, so that fields of a later version of auth
	// survive a rewrite by this one.
	raw []byte
}

// Label is the issuer and name of an account, changed together.
type Label struct{ Issuer, Name string }

// Held is a credential, or what is left of one: when the secret has gone to the
// trash its hash stays, so that an undone removal finds it again. The zero Held is
// an account that needs verification.
type Held struct {
	account.Credential
	gone string // the hash of a credential that went to the trash
}

// Hash returns the [Hash] of the credential, also where it has gone to the trash.
func (h Held) Hash() string {
	if h.Secret.Empty() {
		return h.gone
	}
	return Hash(h.Credential)
}

// Hash names a credential without showing it: 32 hexadecimal digits of a SHA-256
// over everything that codes are computed from. Of no secret it is empty.
func Hash(c account.Credential) string {
	if c.Secret.Empty() {
		return ""
	}
	h := sha256.New()
	for _, part := range [][]byte{
		[]byte("auth secret v1"), []byte(c.Type), []byte(c.Algorithm),
		[]byte(strconv.Itoa(c.Digits)), []byte(strconv.Itoa(c.Period)), c.PIN.Reveal(), c.Secret.Reveal(),
	} {
		// Each part after its length, so that no two lists of parts look alike.
		h.Write([]byte(strconv.Itoa(len(part)) + ":"))
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// changed returns the newest stamp of all registers but removal.
func (r *Record) changed() Stamp {
	newest := r.Label.At
	for _, at := range []Stamp{r.Alias.At, r.Note.At, r.Secret.At, r.DeviceBound.At} {
		if at.Compare(newest) > 0 {
			newest = at
		}
	}
	for _, tag := range r.Tags {
		if tag.At.Compare(newest) > 0 {
			newest = tag.At
		}
	}
	return newest
}

// gone reports whether the account is removed: no change was made after the removal.
func (r *Record) gone() bool {
	return r.Removed.Value && r.changed().Compare(r.Removed.At) <= 0
}

// tags returns the tags that are on, sorted.
func (r *Record) tags() []string {
	var on []string
	for tag, reg := range r.Tags {
		if reg.Value {
			on = append(on, tag)
		}
	}
	slices.Sort(on)
	return on
}

// join merges two records register by register into a new one: two versions of
// one account, or the records of two linked ids (then under a's id).
func join(a, b *Record) *Record {
	j := *a
	if b.Created.Compare(a.Created) < 0 {
		j.Created = b.Created
	}
	j.Label = newer(a.Label, b.Label, func(x, y Label) int {
		return cmp.Or(strings.Compare(x.Issuer, y.Issuer), strings.Compare(x.Name, y.Name))
	})
	j.Alias = newer(a.Alias, b.Alias, strings.Compare)
	j.Note = newer(a.Note, b.Note, strings.Compare)
	j.Secret = newer(a.Secret, b.Secret, func(x, y Held) int {
		// Of two equal hashes the one that still has its secret.
		return cmp.Or(strings.Compare(x.Hash(), y.Hash()), compareBool(!x.Secret.Empty(), !y.Secret.Empty()))
	})
	j.DeviceBound = newer(a.DeviceBound, b.DeviceBound, compareBool)
	j.Removed = newer(a.Removed, b.Removed, compareBool)
	j.Tags = maps.Clone(a.Tags)
	for tag, reg := range b.Tags {
		if j.Tags == nil {
			j.Tags = map[string]Register[bool]{}
		}
		j.Tags[tag] = newer(j.Tags[tag], reg, compareBool)
	}
	return &j
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}
