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
	// Learned is when the last device learned from another one that a secret of the
	// account, live there, is in the trash; 0 where none did. It is in milliseconds since
	// 1970, and the thirty days count from then.
	Learned int64
	// DeviceBound says that the secret stays on this device.
	DeviceBound bool
	// Expired is when a write first saw it older than TrashFor, in milliseconds
	// since 1970; 0 until then. It is of this device alone.
	Expired int64
}

// since returns when the thirty days of the secret began.
func (t Trashed) since() int64 { return max(t.At.Time, t.Learned) }

// A Purge records that a secret was erased for good. It erases the secret from the
// trash of every device, but never from a live account, and never a secret that came
// into the trash later: an account can be restored, and be removed again. It never
// expires.
type Purge struct {
	ID   string `json:"id"`
	Hash string `json:"hash"`
	// At is when a user erased it, wherever it is. It beats the trash up to this stamp.
	At Stamp `json:"at,omitzero"`
	// Expired says up to which [Trashed.since] its thirty days are over, in milliseconds
	// since 1970. A device that learns of the removal later than those that have seen it
	// expire begins to count then.
	Expired int64 `json:"expired,omitempty"`
}

// beats reports whether p erases a secret from the trash.
func (p Purge) beats(t Trashed) bool {
	// Nothing is older than endTime by its time alone, or what is removed after it would go at once.
	return !p.At.IsZero() && t.At.Compare(p.At) <= 0 || p.Expired != 0 && t.since() <= p.Expired && t.since() < endTime
}

// join merges two records of one secret.
func (p Purge) join(q Purge) Purge {
	p.At, p.Expired = latest(p.At, q.At), max(p.Expired, q.Expired)
	return p
}

type wireTrashed struct {
	ID     string `json:"id"`
	Issuer string `json:"issuer,omitempty"`
	Name   string `json:"name,omitempty"`
	wireCredential
	At          Stamp `json:"at"`
	Learned     int64 `json:"learned,omitempty"`
	DeviceBound bool  `json:"device_bound,omitempty"`
	Expired     int64 `json:"expired,omitempty"`
}

// MarshalJSON writes the entry with its secret.
func (t Trashed) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireTrashed{
		t.ID, t.Label.Issuer, t.Label.Name, toWire(t.Credential), t.At, t.Learned, t.DeviceBound, t.Expired,
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
	*t = Trashed{w.ID, Label{w.Issuer, w.Name}, c, w.At, w.Learned, w.DeviceBound, w.Expired}
	return nil
}

// trashSecret puts the secret of a record into the trash, unless it is there.
func (s *State) trashSecret(r *Record, at Stamp) {
	held := r.Secret.Value
	if held.Secret.Empty() || s.inTrash(r.ID, held.Hash()) >= 0 {
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

// everPurged reports whether a secret of an account was ever erased.
func (s *State) everPurged(id, hash string) bool {
	return slices.ContainsFunc(s.Purged, func(p Purge) bool { return p.ID == id && p.Hash == hash })
}

// purges returns the records of what was erased, by account and secret.
func (s *State) purges() map[secretKey]Purge {
	records := make(map[secretKey]Purge, len(s.Purged))
	for _, p := range s.Purged {
		records[secretKey{p.ID, p.Hash}] = p
	}
	return records
}

// erased reports whether a secret in the trash is to be erased for good.
func (s *State) erased() func(Trashed) bool {
	records := s.purges()
	return func(t Trashed) bool { return records[secretKey{t.ID, Hash(t.Credential)}].beats(t) }
}

// erasePurged erases from the trash what was purged.
func (s *State) erasePurged() {
	if len(s.Purged) > 0 && len(s.Trash) > 0 {
		s.Trash = slices.DeleteFunc(s.Trash, s.erased())
	}
}

// expire erases what was purged from the trash, and what has expired. See expireGap.
func (s *State) expire(now time.Time) {
	s.erasePurged()
	ms := now.UnixMilli()
	s.Trash = slices.DeleteFunc(s.Trash, func(t Trashed) bool {
		over := t.Expired != 0 && t.old(ms) && ms-t.Expired >= expireGap.Milliseconds()
		if over {
			s.Purged = append(s.Purged, Purge{ID: t.ID, Hash: Hash(t.Credential), Expired: t.since()})
		}
		return over
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

func (t Trashed) old(ms int64) bool { return ms-t.since() > TrashFor.Milliseconds() }
