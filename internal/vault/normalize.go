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
			if since := j.trashedSince(); t.At != since || t.Learned != j.learned {
				t.At, t.Learned, t.Expired = since, j.learned, 0
			}
		}
		s.Trash = append(s.Trash, t)
	}
	s.sortTrash()
}

// trashedSince returns since when the account's former secrets count as trashed: since
// its secret was last set, or it was last removed or brought back. What becomes known
// later only makes it later. Other changes of a live account do not count, or they would
// keep what is in its trash, and bring back what was erased.
func (r *Record) trashedSince() Stamp {
	since := latest(r.Secret.At, r.Removed.At)
	if r.DeviceBound.Value {
		since = latest(since, r.DeviceBound.At)
	}
	return since
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

// joinTrashed merges two entries of one secret: the later At, the later Learned, and the
// earlier Expired of the entries that have both.
func joinTrashed(a, b Trashed) Trashed {
	j := a
	j.At, j.Learned, j.Expired = latest(a.At, b.At), max(a.Learned, b.Learned), 0
	for _, t := range []Trashed{a, b} {
		if t.At == j.At && t.Learned == j.Learned && t.Expired != 0 && (j.Expired == 0 || t.Expired < j.Expired) {
			j.Expired = t.Expired
		}
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

// sortPurged puts the purge records in the order of time, and joins those of one secret.
func (s *State) sortPurged() {
	at := make(map[secretKey]int, len(s.Purged))
	joined := s.Purged[:0]
	for _, p := range s.Purged {
		key := secretKey{p.ID, p.Hash}
		if i, found := at[key]; found {
			joined[i] = joined[i].join(p)
			continue
		}
		at[key] = len(joined)
		joined = append(joined, p)
	}
	s.Purged = joined
	slices.SortFunc(s.Purged, func(a, b Purge) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Expired, b.Expired), strings.Compare(a.ID, b.ID), strings.Compare(a.Hash, b.Hash))
	})
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
