package vault

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// A Record is one account as it is stored and merged: an id and registers, each
// with the stamp of its last change. The record of a removed account stays for ever,
// or an old backup would bring the account back.
type Record struct {
	ID      string
	Created Stamp
	Label   Register[Label]
	Alias   Register[string]
	Note    Register[string]
	Tags    map[string]Register[bool] // an untagged tag is a register of false
	// Secret has no stamp as long as the account needs verification, so that any
	// secret is newer than none.
	Secret Register[Held]
	// DeviceBound never goes back to false: a secret that may not leave one device
	// may not leave any. Its stamp is that of the last change of the secret, for
	// devices that see this register and not the secret.
	DeviceBound Register[bool]
	Removed     Register[bool]

	// From these sorted sets [Merge] finds that two ids are one account; see link.go.
	oldLabels   []string // folded labels that it had before
	nameKeys    []string // type and folded label, by which it is known without its secret
	addedBeside []string // ids of other accounts that were here when it was added

	later map[string]Register[json.RawMessage] // registers of a later version
}

// Label is the issuer and name of an account, changed together.
type Label struct{ Issuer, Name string }

func (l Label) compare(m Label) int {
	return cmp.Or(strings.Compare(l.Issuer, m.Issuer), strings.Compare(l.Name, m.Name))
}

// folded returns the label as it is compared.
func (l Label) folded() string { return account.Fold(account.JoinLabel(l.Issuer, l.Name)) }

// Held is a credential, or the hash of one whose secret is in the trash: by the hash
// an undone removal finds the secret again. The zero Held is that of an account that
// needs verification.
type Held struct {
	account.Credential
	trashedHash string
}

// Hash returns the [Hash] of the credential, also if the secret is in the trash.
func (h Held) Hash() string {
	if h.Secret.Empty() {
		return h.trashedHash
	}
	return Hash(h.Credential)
}

// Hash names a credential without showing it: 32 hexadecimal digits of a SHA-256
// over everything that codes are computed from. Without a secret it is empty.
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
		newest = latest(newest, at)
	}
	for _, tag := range r.Tags {
		newest = latest(newest, tag.At)
	}
	for _, register := range r.later {
		newest = latest(newest, register.At)
	}
	return newest
}

// removed reports whether the account is removed: no change was made after the removal.
func (r *Record) removed() bool {
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

// clone returns a copy of r that shares nothing which a [Tx] changes.
func (r *Record) clone() *Record {
	c := *r
	c.Tags, c.later = maps.Clone(r.Tags), maps.Clone(r.later)
	return &c
}

// join merges two records register by register into a new one with the id of a. They
// are two versions of one record, or the records of two linked ids. But
// for that id, joining is commutative, associative and idempotent.
func join(a, b *Record) *Record {
	j := *a
	if b.Created.Compare(a.Created) < 0 {
		j.Created = b.Created
	}
	j.Label = newer(a.Label, b.Label, Label.compare)
	j.Alias = newer(a.Alias, b.Alias, strings.Compare)
	j.Note = newer(a.Note, b.Note, strings.Compare)
	j.Secret = joinSecrets(a.Secret, b.Secret)
	j.DeviceBound = Register[bool]{a.DeviceBound.Value || b.DeviceBound.Value, latest(a.DeviceBound.At, b.DeviceBound.At)}
	j.Removed = newer(a.Removed, b.Removed, compareBool)
	j.Tags = joinMaps(a.Tags, b.Tags, func(x, y Register[bool]) Register[bool] { return newer(x, y, compareBool) })
	j.oldLabels = joinOldLabels(a, b, j.Label.Value)
	j.nameKeys = union(a.nameKeys, b.nameKeys)
	j.addedBeside = intersection(a.addedBeside, b.addedBeside)
	j.later = joinMaps(a.later, b.later, func(x, y Register[json.RawMessage]) Register[json.RawMessage] {
		if x.At == y.At {
			return Register[json.RawMessage]{mergeValue(x.Value, y.Value), x.At}
		}
		return newer(x, y, func(_, _ json.RawMessage) int { return 0 })
	})
	return &j
}

// joinSecrets returns the newer secret, with its bytes if either side has them.
func joinSecrets(a, b Register[Held]) Register[Held] {
	if a.At == b.At && !a.Value.Secret.Empty() && a.Value.Credential.Equal(b.Value.Credential) {
		return a
	}
	j := newer(a, b, func(x, y Held) int {
		return cmp.Or(strings.Compare(x.Hash(), y.Hash()), strings.Compare(string(x.Type), string(y.Type)))
	})
	if hash := j.Value.Hash(); hash != "" && j.Value.Secret.Empty() {
		for _, r := range []Register[Held]{a, b} {
			if !r.Value.Secret.Empty() && r.Value.Hash() == hash {
				j.Value = r.Value
			}
		}
	}
	return j
}

// joinOldLabels returns the folded labels that either record has or had, without the
// one that the joined record has now.
func joinOldLabels(a, b *Record, now Label) []string {
	if a.Label.Value == b.Label.Value && len(a.oldLabels) == 0 && len(b.oldLabels) == 0 {
		return nil
	}
	return without(union(a.oldLabels, b.oldLabels, []string{a.Label.Value.folded(), b.Label.Value.folded()}), now.folded())
}

// joinMaps returns the keys of both maps. The value of a key that both have is the
// join of the two.
func joinMaps[V any](a, b map[string]V, join func(x, y V) V) map[string]V {
	j := maps.Clone(a)
	for key, y := range b {
		j = ensure(j)
		if x, found := j[key]; found {
			y = join(x, y)
		}
		j[key] = y
	}
	return j
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
