package vault

import (
	"bytes"
	"maps"
	"slices"

	"github.com/authcli/auth/internal/account"
)

// Clone returns a copy of s that shares nothing which a [Tx] changes.
func (s *State) Clone() *State {
	c := *s
	c.byID, c.byLabel, c.groups, c.index = nil, nil, nil, nil
	c.Records = make([]*Record, len(s.Records))
	for i, r := range s.Records {
		c.Records[i] = r.clone()
	}
	c.Settings, c.Counters, c.Links = maps.Clone(s.Settings), maps.Clone(s.Counters), maps.Clone(s.Links)
	c.Trash, c.Purged = slices.Clone(s.Trash), slices.Clone(s.Purged)
	return &c
}

// Portable returns a copy of s without what never leaves this device: the secrets of
// device-bound accounts, in the trash too, and when this device first found a trashed
// secret expired.
func (s *State) Portable() *State {
	c := s.Clone()
	accounts := s.accountOf()
	for i, r := range s.Records {
		if accounts(r).DeviceBound.Value {
			// The stamp goes too: merging must not take this for a newer secret.
			c.Records[i].Secret = Register[Held]{Value: Held{Credential: account.Credential{Type: r.Secret.Value.Type}}}
		}
	}
	c.erasePurged()
	for i := range c.Trash {
		c.Trash[i].Expired = 0
	}
	c.Trash = slices.DeleteFunc(c.Trash, func(t Trashed) bool {
		r := s.exactRecord(t.ID)
		return t.DeviceBound || r != nil && accounts(r).DeviceBound.Value
	})
	return c
}

// Gone reports whether the account of this id was here and is removed.
func (s *State) Gone(id string) bool {
	r := s.record(id)
	return r != nil && s.joinedRecord(id).removed()
}

// Has reports whether there is a record of this id, live or removed.
func (s *State) Has(id string) bool { return s.record(id) != nil }

// Adopt takes over an account from another state as it is, with its id, registers and
// counter. The id must be new here.
func (t *Tx) Adopt(from *State, id string) Account {
	r := from.joinedRecord(id).clone()
	if c, found := from.Counters[r.Secret.Value.Hash()]; found {
		t.setCounter(r.Secret.Value.Hash(), c)
	}
	t.Clock = max(t.Clock, from.Clock)
	t.at = Stamp{} // the next stamp is newer than those that came
	t.insert(r)
	return t.toAccount(r)
}

// Supersedes reports whether the secret of an account was set later here than in from.
func (s *State) Supersedes(from *State, id string) bool {
	here, there := s.joinedRecord(id), from.joinedRecord(id)
	return here != nil && there != nil && here.Secret.At.Compare(there.Secret.At) > 0
}

// Restamp gives every register of an account the stamp of this change, as if all of it
// had been set now. Changes and removals that other devices made before are older then.
func (t *Tx) Restamp(id string) (Account, error) {
	err := t.change(id, func(r *Record, at Stamp) {
		r.Label.At, r.Alias.At, r.Note.At, r.DeviceBound.At = at, at, at, at
		if r.Secret.Value.Hash() != "" {
			r.Secret.At = at
		}
		for tag, reg := range r.Tags {
			r.Tags[tag] = Register[bool]{reg.Value, at}
		}
		r.Removed.set(false, at)
	})
	if err != nil {
		return Account{}, err
	}
	return t.Find("id:"+id, true)
}

// AdoptRest takes over from another state what belongs to no account here: removed
// accounts whose ids are new, the trash, the purge records, and the settings that were
// never set here.
func (t *Tx) AdoptRest(from *State) {
	for _, r := range from.Records {
		if !t.Has(r.ID) && from.joinedRecord(r.ID).removed() {
			t.insert(r.clone())
		}
	}
	// A removed account may have an id without a record of the removal. Without its
	// links it would come back under that id.
	t.setLinks(newClasses(t.Links, from.Links).links())
	t.Trash = slices.Concat(t.Trash, from.Trash)
	t.Purged = slices.Concat(t.Purged, from.Purged)
	for key, reg := range from.Settings {
		if _, set := t.Settings[key]; !set {
			t.Settings = ensure(t.Settings)
			t.Settings[key] = reg
		}
	}
	t.Clock = max(t.Clock, from.Clock)
	t.at = Stamp{}
	t.normalize()
}

// AdoptOrder takes over the order of another state. Accounts that it does not know
// follow.
func (t *Tx) AdoptOrder(from *State) {
	position := map[string]int{} // of an account with several ids, that of the first
	for i, r := range from.Records {
		if _, found := position[from.root(r.ID)]; !found {
			position[from.root(r.ID)] = i
		}
	}
	slices.SortStableFunc(t.Records, func(a, b *Record) int {
		i, known := position[from.root(a.ID)]
		j, other := position[from.root(b.ID)]
		switch {
		case known && other:
			return i - j
		case known:
			return -1
		case other:
			return 1
		default:
			return 0
		}
	})
	t.index = nil
	t.Ordered, t.OrderAt = 0, from.OrderAt
	for _, r := range t.Records {
		if i, known := position[from.root(r.ID)]; known && i < from.Ordered {
			t.Ordered++
		}
	}
}

// TrashOf returns the newest trashed secret of each removed account, the latest first.
func (s *State) TrashOf() []Trashed {
	newest, erased := map[string]Trashed{}, s.erased()
	for _, d := range s.Trash {
		root := s.root(d.ID)
		if s.Has(d.ID) && !s.Gone(d.ID) || erased(d) {
			continue
		}
		if have, found := newest[root]; !found || have.At.Compare(d.At) < 0 {
			newest[root] = d
		}
	}
	list := slices.Collect(maps.Values(newest))
	slices.SortFunc(list, func(a, b Trashed) int { return b.At.Compare(a.At) })
	return list
}

// Superseded returns the trashed secrets of live accounts, which have another secret
// now, newest first. [Tx.Undelete] exchanges the two.
func (s *State) Superseded() []Trashed {
	x, said, erased := s.live(), map[secretKey]bool{}, s.erased()
	var list []Trashed
	for _, d := range slices.Backward(s.Trash) {
		root, hash := s.root(d.ID), Hash(d.Credential)
		i, live := x.place(root)
		key := secretKey{root, hash}
		if live && !said[key] && !d.Credential.Equal(x.accounts[i].Credential) && !erased(d) {
			said[key] = true
			list = append(list, d)
		}
	}
	return list
}

// Account returns a trashed secret as an account.
func (d Trashed) Account() account.Account {
	return account.Account{
		ID: d.ID, Issuer: d.Label.Issuer, Name: d.Label.Name, Credential: d.Credential, DeviceBound: d.DeviceBound,
	}
}

// WithoutPurges returns a copy of s without the records of what was erased for good. A
// device that may be in other hands may not erase anything here; what the others have
// erased, they say themselves.
func (s *State) WithoutPurges() *State {
	c := s.Clone()
	c.Purged = nil
	return c
}

// Contains reports whether merging another state into s would change nothing.
func (s *State) Contains(other *State) bool {
	before, err := s.MarshalJSON()
	if err != nil {
		return false
	}
	tx := &Tx{State: s.Clone()}
	tx.Merge(other)
	after, err := tx.MarshalJSON()
	return err == nil && bytes.Equal(before, after)
}
