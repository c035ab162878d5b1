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
// with the stamp of its last change. Records of removed accounts stay for ever;
// without them an old backup would bring the account back.
type Record struct {
	ID      string
	Created Stamp
	Label   Register[Label]
	Alias   Register[string]
	Note    Register[string]
	Tags    map[string]Register[bool] // an untagged tag is a register of false
	// Secret is without a stamp as long as the account needs verification: no
	// secret is older than every secret.
	Secret Register[Held]
	// DeviceBound never goes back to false: what may not leave one device may leave
	// none. Its stamp is that of the last change of the secret, which others see
	// where they do not see the secret.
	DeviceBound Register[bool]
	Removed     Register[bool]

	// By these sorted sets [Merge] tells that two ids are one account; see link.go.
	was    []string // folded labels that it had before
	byName []string // what names it where its secret is not
	apart  []string // ids that it was added beside, so that it is none of them

	later map[string]Register[json.RawMessage] // registers of a later version
}

// Label is the issuer and name of an account, changed together.
type Label struct{ Issuer, Name string }

func (l Label) compare(m Label) int {
	return cmp.Or(strings.Compare(l.Issuer, m.Issuer), strings.Compare(l.Name, m.Name))
}

// folded returns the label as it is compared.
func (l Label) folded() string { return account.Fold(account.JoinLabel(l.Issuer, l.Name)) }

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

// clone returns a copy of r that shares nothing which a [Tx] changes.
func (r *Record) clone() *Record {
	c := *r
	c.Tags, c.later = maps.Clone(r.Tags), maps.Clone(r.later)
	return &c
}

// join merges two records register by register into a new one: two versions of
// one account, or the records of two linked ids (then under a's id). It is
// commutative, associative and idempotent.
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
	j.was = pastLabels(a, b, j.Label.Value)
	j.byName = union(a.byName, b.byName)
	j.apart = intersection(a.apart, b.apart)
	j.later = joinMaps(a.later, b.later, func(x, y Register[json.RawMessage]) Register[json.RawMessage] {
		if x.At == y.At {
			return Register[json.RawMessage]{mergeValue(x.Value, y.Value), x.At}
		}
		return newer(x, y, func(_, _ json.RawMessage) int { return 0 })
	})
	return &j
}

// joinSecrets returns the newer secret, with its bytes where either side has them.
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

// pastLabels returns the folded labels that either record has or had, but for the
// one it has now.
func pastLabels(a, b *Record, now Label) []string {
	if a.Label.Value == b.Label.Value && len(a.was) == 0 && len(b.was) == 0 {
		return nil
	}
	return without(union(a.was, b.was, []string{a.Label.Value.folded(), b.Label.Value.folded()}), now.folded())
}

// joinMaps returns a map of what either has, and of what both have the join.
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
