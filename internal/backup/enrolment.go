package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/authcli/auth/internal/backup/location"
)

// ErrEnrolment is the error of an item that is not understood.
var ErrEnrolment = errors.New("the keyring's item about backups is damaged")

// An Enrolment is how this device takes part in a location, the vault.EnrolmentItem. Where backups go and to
// which key they are encrypted comes from here, never from the location itself.
type Enrolment struct {
	Location string
	On       bool
	Key      RecoveryKey
	Sealed   []SealedKey
	// OldKeys are the recovery keys before a rotation, to read history with.
	OldKeys []RecoveryKey
}

type wireEnrolment struct {
	Version  int         `json:"version"`
	Location string      `json:"location"`
	On       bool        `json:"on"`
	Key      string      `json:"key"`
	Sealed   []SealedKey `json:"sealed"`
	OldKeys  []string    `json:"old_keys,omitempty"`
}

// Encode returns the enrolment as the text of its item, recovery key included.
func (e Enrolment) Encode() (string, error) {
	data, err := json.Marshal(wireEnrolment{Version, e.Location, e.On, e.Key.Text(), e.Sealed, texts(e.OldKeys)})
	return string(data), err
}

func texts(keys []RecoveryKey) []string {
	var list []string
	for _, k := range keys {
		list = append(list, k.Text())
	}
	return list
}

// Keys returns the current key and those before it.
func (e Enrolment) Keys() []RecoveryKey { return append([]RecoveryKey{e.Key}, e.OldKeys...) }

// ParseEnrolment reads what Encode writes. Errors wrap [ErrEnrolment] or [ErrNewer].
func ParseEnrolment(text string) (Enrolment, error) {
	var w wireEnrolment
	if err := json.Unmarshal([]byte(text), &w); err != nil {
		return Enrolment{}, ErrEnrolment
	}
	if w.Version > Version {
		return Enrolment{}, ErrNewer
	}
	key, err := ParseRecoveryKey(w.Key)
	if err != nil {
		return Enrolment{}, fmt.Errorf("%w: %w", ErrEnrolment, err)
	}
	e := Enrolment{Location: w.Location, On: w.On, Key: key, Sealed: w.Sealed}
	for _, text := range w.OldKeys {
		old, err := ParseRecoveryKey(text)
		if err != nil {
			return Enrolment{}, fmt.Errorf("%w: %w", ErrEnrolment, err)
		}
		e.OldKeys = append(e.OldKeys, old)
	}
	return e, nil
}

// AddSealed records a sealed key, as retired where either side says so.
func (e *Enrolment) AddSealed(k SealedKey) {
	for i, have := range e.Sealed {
		if have.Name == k.Name {
			e.Sealed[i].Retired = have.Retired || k.Retired
			return
		}
	}
	e.Sealed = append(e.Sealed, k)
}

// AddOldKey records a key before the current one, once.
func (e *Enrolment) AddOldKey(key RecoveryKey) {
	if !slices.ContainsFunc(e.Keys(), func(k RecoveryKey) bool { return k.ID() == key.ID() }) {
		e.OldKeys = append(e.OldKeys, key)
	}
}

// Written lists the backup files of this device whose content its vault holds, by
// the first 16 digits of [HashOf] their bytes, oldest first. It lies beside the
// vault, as vault.WrittenItem, so that a keyring that was cloned or went back in time gives itself away:
// it does not list what was written since.
type Written []string

// shortHash is how many digits of a hash a file's name and Written hold.
const shortHash = 16

// ParseWritten reads the item's text.
func ParseWritten(text string) Written { return strings.Fields(text) }

// Encode returns the text of the item.
func (w Written) Encode() string { return strings.Join(w, "\n") }

// pending is how many hashes are kept of files that were not found at the location:
// some of them were written while nobody could tell, and appear later.
const pending = 20

// at returns the list without what has long gone from a location: an item of a
// keyring may be no larger than 2,500 bytes.
func (w Written) at(entries []location.Entry) Written {
	there := map[string]bool{}
	for _, e := range entries {
		if n, ok := ParseFileName(e.Name); ok {
			there[n.Hash] = true
		}
	}
	var kept Written
	for i, short := range w {
		if there[short] || i >= len(w)-pending {
			kept = append(kept, short)
		}
	}
	return kept
}

// Has reports whether the file of this hash, long or short, is listed.
func (w Written) Has(hash string) bool {
	return len(hash) >= shortHash && slices.Contains(w, hash[:shortHash])
}
