package vault

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/authcli/auth/internal/account"
)

// TrashFor is how long a removed or replaced secret stays in the trash.
const TrashFor = 30 * 24 * time.Hour

// expireGap is the least time between two writes that both find a secret expired,
// before it is erased: a clock that jumps ahead once does not empty the trash.
const expireGap = 7 * 24 * time.Hour

// A Trashed is a secret in the trash: no live account holds it any more. The trash is
// a set by ID and hash of the credential.
type Trashed struct {
	ID         string
	Label      Label // what the account was called
	Credential account.Credential
	// At is when the account last changed its secret, was removed or was brought back:
	// the secret has been in the trash at least since then.
	At Stamp
	// DeviceBound says that the secret stays on this device.
	DeviceBound bool
	// Expired is when a write first saw it older than TrashFor, in milliseconds
	// since 1970; 0 until then.
	Expired int64
}

// A Purge records that a secret was erased for good. It erases the secret from the
// trash of every device, but never from a live account. It never expires.
type Purge struct {
	ID   string `json:"id"`
	Hash string `json:"hash"`
	At   Stamp  `json:"at"`
}

type wireTrashed struct {
	ID     string `json:"id"`
	Issuer string `json:"issuer,omitempty"`
	Name   string `json:"name,omitempty"`
	wireCredential
	At          Stamp `json:"at"`
	DeviceBound bool  `json:"device_bound,omitempty"`
	Expired     int64 `json:"expired,omitempty"`
}

// MarshalJSON writes the entry with its secret.
func (t Trashed) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireTrashed{
		t.ID, t.Label.Issuer, t.Label.Name, toWire(t.Credential), t.At, t.DeviceBound, t.Expired,
	})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (t *Trashed) UnmarshalJSON(data []byte) error {
	var w wireTrashed
	if err := json.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("%w: trash: %s", ErrFormat, jsonProblem(err))
	}
	c, err := w.credential()
	if err != nil || c.Secret.Empty() {
		return fmt.Errorf("%w: trash: %s: %w", ErrFormat, w.ID, cmp.Or(err, account.ErrEmptySecret))
	}
	*t = Trashed{w.ID, Label{w.Issuer, w.Name}, c, w.At, w.DeviceBound, w.Expired}
	return nil
}

// trashSecret puts the secret of a record into the trash, unless it is there.
func (s *State) trashSecret(r *Record, at Stamp) {
	held := r.Secret.Value
	if held.Secret.Empty() || s.purged(r.ID, held.Hash()) || s.inTrash(r.ID, held.Hash()) >= 0 {
		return
	}
	s.Trash = append(s.Trash, Trashed{
		ID: r.ID, Label: r.Label.Value, Credential: held.Credential, At: at, DeviceBound: r.DeviceBound.Value,
	})
}

// inTrash returns the index of a secret in the trash, or -1.
func (s *State) inTrash(id, hash string) int {
	return slices.IndexFunc(s.Trash, func(t Trashed) bool { return t.ID == id && Hash(t.Credential) == hash })
}

func (s *State) purged(id, hash string) bool {
	return slices.ContainsFunc(s.Purged, func(p Purge) bool { return p.ID == id && p.Hash == hash })
}

// expire erases what was purged from the trash, and what has expired. See expireGap.
func (s *State) expire(now time.Time, at Stamp) {
	s.erasePurged()
	ms := now.UnixMilli()
	s.Trash = slices.DeleteFunc(s.Trash, func(t Trashed) bool {
		return t.Expired != 0 && t.old(ms) && ms-t.Expired >= expireGap.Milliseconds() && s.purge(t.ID, Hash(t.Credential), at)
	})
	for i := range s.Trash {
		switch t := &s.Trash[i]; {
		case !t.old(ms):
			t.Expired = 0
		case t.Expired == 0 || t.Expired > ms:
			t.Expired = ms
		}
	}
	s.sortPurged()
}

func (t Trashed) old(ms int64) bool { return ms-t.At.Time > TrashFor.Milliseconds() }

// purge records that a secret is erased for good. It always reports true.
func (s *State) purge(id, hash string, at Stamp) bool {
	if !s.purged(id, hash) {
		s.Purged = append(s.Purged, Purge{id, hash, at})
	}
	return true
}
