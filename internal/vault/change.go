package vault

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/authcli/auth/internal/account"
)

// A Tx is one change of a vault: a state, and the instant and the device of the stamps
// that the change sets. [Vault.Update] makes one.
type Tx struct {
	*State
	Now    time.Time
	Device string

	at Stamp
}

// stamp returns the stamp of this change. It is newer than every one seen.
func (t *Tx) stamp() Stamp {
	switch {
	case !t.at.IsZero():
	case t.Clock == endTime:
		t.at = t.NewestStamp().after(t.Device)
	default:
		t.Clock = max(t.Now.UnixMilli(), t.Clock+1)
		t.at = Stamp{Time: t.Clock, Device: t.Device}
	}
	return t.at
}

// SetLabel changes issuer and name. A label that another account has is [ErrExists].
func (t *Tx) SetLabel(id, issuer, name string) error {
	for _, a := range t.live().labelled(account.Fold(account.JoinLabel(issuer, name))) {
		if a.ID != id {
			return fmt.Errorf("%w: %q", ErrExists, a.Shown)
		}
	}
	return t.change(id, func(r *Record, at Stamp) {
		old, now := r.Label.Value.folded(), Label{issuer, name}
		r.Label.set(now, at)
		r.oldLabels = without(union(r.oldLabels, []string{old}), now.folded())
		if old != now.folded() && (r.DeviceBound.Value || r.Secret.Value.Hash() == "") {
			t.claimName(r, now.folded())
		}
	})
}

// SetAlias changes the alias; the empty one removes it. Taken: [ErrAlias].
func (t *Tx) SetAlias(id, alias string) error {
	if err := t.aliasFree(alias, id); err != nil {
		return err
	}
	return t.change(id, func(r *Record, at Stamp) { r.Alias.set(alias, at) })
}

// SetNote changes the note.
func (t *Tx) SetNote(id, note string) error {
	return t.change(id, func(r *Record, at Stamp) { r.Note.set(note, at) })
}

// SetTag puts a tag on the account or takes it off.
func (t *Tx) SetTag(id, tag string, on bool) error {
	return t.change(id, func(r *Record, at Stamp) { r.tag(tag, on, at) })
}

// SetCredential gives the account another secret or its first one. The secret that it
// had goes to the trash.
func (t *Tx) SetCredential(id string, c account.Credential, counter uint64) error {
	if err := c.Validate(); err != nil {
		return err
	}
	return t.change(id, func(r *Record, at Stamp) {
		if r.Secret.Value.Hash() != Hash(c) {
			t.trashSecret(r, at)
		}
		r.setSecret(c, at)
		if c.Type == account.HOTP {
			t.setCounter(Hash(c), Counter{Next: counter})
		}
	})
}

// setSecret gives the record a secret.
func (r *Record) setSecret(c account.Credential, at Stamp) {
	r.Secret.set(Held{Credential: c}, at)
	if r.DeviceBound.Value {
		r.DeviceBound.At = at
	}
}

// SetCounter sets the next moving factor of an HOTP account, backwards too.
func (t *Tx) SetCounter(id string, next uint64) error {
	return t.change(id, func(r *Record, at Stamp) {
		t.Counters = ensure(t.Counters)
		t.Counters[r.Secret.Value.Hash()] = Counter{Set: at, Next: next}
	})
}

// Advance increments an HOTP account's counter and returns the counter to use now. It
// changes no stamp: of two devices that advance, merging takes the larger counter.
func (t *Tx) Advance(id string) (uint64, error) {
	r := t.record(id)
	if r == nil {
		return 0, ErrNotFound
	}
	hash := r.Secret.Value.Hash()
	t.index = nil
	c := t.Counters[hash]
	if c.Next == math.MaxUint64 {
		return 0, account.ErrCounter
	}
	t.Counters = ensure(t.Counters)
	t.Counters[hash] = Counter{Set: c.Set, Next: c.Next + 1}
	return c.Next, nil
}

// setCounter keeps the larger of two counters of one secret.
func (t *Tx) setCounter(hash string, c Counter) {
	t.Counters = ensure(t.Counters)
	old, found := t.Counters[hash]
	if !found || old.compare(c) < 0 {
		t.Counters[hash] = c
	}
}

func ensure[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}

// Remove removes an account. Its secret goes to the trash; with now it is erased
// at once, and a record of that erases it from the trash of other devices too.
func (t *Tx) Remove(id string, now bool) error {
	return t.change(id, func(r *Record, at Stamp) {
		r.Removed.set(true, at)
		if !now {
			return
		}
		hash := r.Secret.Value.Hash()
		for _, m := range t.members(id) {
			if hash != "" && m.Secret.Value.Hash() == hash {
				t.Purged = append(t.Purged, Purge{ID: m.ID, Hash: hash, At: at})
			}
		}
	})
}

// Move gives the live accounts the order of ids. Accounts that ids leaves out follow.
func (t *Tx) Move(ids []string) {
	position := make(map[string]int, len(ids))
	for i, id := range ids {
		position[id] = i
	}
	slices.SortStableFunc(t.Records, func(a, b *Record) int {
		i, moved := position[t.root(a.ID)]
		j, other := position[t.root(b.ID)]
		switch {
		case moved && other:
			return i - j
		case moved:
			return -1
		case other:
			return 1
		default:
			return 0
		}
	})
	t.index = nil
	t.Ordered, t.OrderAt = len(t.Records), t.stamp()
}

// Set sets a setting that travels with the backup.
func (t *Tx) Set(key, value string) {
	t.Settings = ensure(t.Settings)
	t.Settings[key] = Register[string]{value, t.stamp()}
}

// Undelete brings a secret back from the trash to its account, which lives again if it
// was removed. A secret that the account has now goes to the trash in exchange.
func (t *Tx) Undelete(d Trashed) (Account, error) {
	r := t.record(d.ID)
	if r == nil {
		return t.AddBeside(account.Account{
			ID: d.ID, Issuer: d.Label.Issuer, Name: d.Label.Name, Credential: d.Credential, DeviceBound: d.DeviceBound,
		})
	}
	err := t.change(r.ID, func(r *Record, at Stamp) {
		if r.Secret.Value.Hash() != Hash(d.Credential) {
			t.trashSecret(r, at)
		}
		r.DeviceBound.Value = r.DeviceBound.Value || d.DeviceBound
		r.setSecret(d.Credential, at)
		r.Removed.set(false, at)
	})
	return t.toAccount(r), err
}

// change stamps a change of one account's registers.
func (t *Tx) change(id string, f func(r *Record, at Stamp)) error {
	r := t.record(id)
	if r == nil {
		return fmt.Errorf("%w: %q", ErrNotFound, "id:"+id)
	}
	if len(t.Links) > 0 {
		// The change is made to what the user saw: the joined registers of linked ids.
		apart, j := r.addedBeside, t.joinedRecord(id)
		*r = *j.clone()
		r.addedBeside = apart
	}
	f(r, t.stamp())
	t.index, t.byLabel = nil, nil
	t.normalize()
	return nil
}

// compare orders counters: the later Set, then the larger Next.
func (c Counter) compare(d Counter) int {
	if order := c.Set.Compare(d.Set); order != 0 {
		return order
	}
	switch {
	case c.Next < d.Next:
		return -1
	case c.Next > d.Next:
		return 1
	default:
		return 0
	}
}
