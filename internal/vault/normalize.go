package vault

import (
	"cmp"
	"slices"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// normalize brings the state into the one form that its registers stand for: the
// secrets of removed accounts are in the trash, those of live accounts are not, and
// everything is sorted. It depends on the registers alone and not on how they came
// about, or the order of merges would matter. For the same reason it leaves purged
// secrets in the trash: a further merge may bring the change that makes the account
// live again. [State.erasePurged] erases them when everything is merged.
func (s *State) normalize() {
	s.sortUnordered()
	s.sortPurged()
	accounts := s.accountOf()
	trash := make(trashSet, len(s.Trash))
	for _, t := range s.Trash {
		trash.put(t)
	}
	for _, r := range s.Records {
		j, held := accounts(r), r.Secret.Value
		live := !j.removed() && (j == r || held.Hash() == j.Secret.Value.Hash())
		switch {
		case !live && !held.Secret.Empty():
			trash.put(Trashed{ID: r.ID, Credential: held.Credential, DeviceBound: r.DeviceBound.Value})
			r.Secret.Value = Held{Credential: account.Credential{Type: held.Type}, trashedHash: held.Hash()}
			s.index = nil
		case held.Secret.Empty() && held.trashedHash != "":
			t, found := trash[secretKey{r.ID, held.trashedHash}]
			if found && live {
				r.Secret.Value = Held{Credential: t.Credential}
				s.index = nil
			} else if found {
				r.Secret.Value.Type = t.Credential.Type
			}
		}
	}
	s.Trash = s.Trash[:0]
	for key, t := range trash {
		if r := s.exactRecord(t.ID); r != nil {
			if !r.Secret.Value.Secret.Empty() && r.Secret.Value.Hash() == key.hash {
				continue
			}
			j := accounts(r)
			t.Label = j.Label.Value
			t.DeviceBound = r.DeviceBound.Value
			if since := j.trashedSince(); t.At != since {
				t.At, t.Expired = since, 0
			}
		}
		s.Trash = append(s.Trash, t)
	}
	s.sortTrash()
}

// trashedSince returns since when the account's former secrets count as trashed. What
// becomes known later only makes it later.
func (r *Record) trashedSince() Stamp {
	switch {
	case !r.Removed.At.IsZero():
		return latest(r.changed(), r.Removed.At)
	case r.DeviceBound.Value:
		return latest(r.Secret.At, r.DeviceBound.At)
	default:
		return r.Secret.At
	}
}

// A trashSet is the trash as a set by account and secret.
type trashSet map[secretKey]Trashed

// A secretKey names a secret of an account, in the trash or among the purged.
type secretKey struct{ id, hash string }

func (b trashSet) put(t Trashed) {
	key := secretKey{t.ID, Hash(t.Credential)}
	if there, found := b[key]; found {
		t = joinTrashed(there, t)
	}
	b[key] = t
}

// joinTrashed merges two entries of one secret: the later At, and the earlier Expired of
// the entries that have it.
func joinTrashed(a, b Trashed) Trashed {
	j := a
	switch order := a.At.Compare(b.At); {
	case order < 0:
		j.At, j.Expired = b.At, b.Expired
	case order == 0 && (a.Expired == 0 || b.Expired != 0 && b.Expired < a.Expired):
		j.Expired = b.Expired
	}
	if b.Label.compare(a.Label) > 0 {
		j.Label = b.Label
	}
	j.DeviceBound = a.DeviceBound || b.DeviceBound
	return j
}

// sortTrash puts the trash in the order of time.
func (s *State) sortTrash() {
	slices.SortFunc(s.Trash, func(a, b Trashed) int {
		if order := cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID)); order != 0 {
			return order
		}
		return strings.Compare(Hash(a.Credential), Hash(b.Credential))
	})
}

// sortPurged puts the purge records in the order of time. Of two for one secret the
// older stays.
func (s *State) sortPurged() {
	slices.SortFunc(s.Purged, func(a, b Purge) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID), strings.Compare(a.Hash, b.Hash))
	})
	done := make(map[secretKey]bool, len(s.Purged))
	s.Purged = slices.DeleteFunc(s.Purged, func(p Purge) bool {
		key := secretKey{p.ID, p.Hash}
		twice := done[key]
		done[key] = true
		return twice
	})
}

// erasePurged erases the purged secrets from the trash.
func (s *State) erasePurged() {
	if len(s.Purged) == 0 {
		return
	}
	purged := make(map[secretKey]bool, len(s.Purged))
	for _, p := range s.Purged {
		purged[secretKey{p.ID, p.Hash}] = true
	}
	s.Trash = slices.DeleteFunc(s.Trash, func(t Trashed) bool { return purged[secretKey{t.ID, Hash(t.Credential)}] })
}

// sortUnordered sorts the accounts that the user has not put in order by creation.
func (s *State) sortUnordered() {
	rest := s.Records[min(s.Ordered, len(s.Records)):]
	if !slices.IsSortedFunc(rest, byCreation) {
		slices.SortFunc(rest, byCreation)
		s.index = nil
	}
}

func byCreation(a, b *Record) int {
	return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID))
}
