package vault

import (
	"cmp"
	"slices"
	"strings"
)

// Merge returns what two devices know together, and a report of what that changes for
// a. It is commutative, associative and idempotent, whatever the clocks of the
// devices were: of two changes the one with the later stamp holds. Neither a nor b
// is changed. The vault's id is the smaller one; [Tx.Merge] keeps its own. What is of one
// device alone, [Trashed.Expired], is not associative: a secret that is live between two
// merges has to be found expired anew.
//
// First everything is merged by id alone, field by field; each field has a rule that
// takes the greater of two values. Then links are found, and secrets are moved to
// where the registers say. Both steps depend only on what was merged and only add to
// it, so the result is the same if they happen after every merge or after the last.
// No secret is lost: a purged one stays in the trash until [Tx.Merge] or the next
// write erases it.
func Merge(a, b *State) (*State, MergeReport) {
	m := combine(a, b)
	m.link()
	m.normalize()
	return m, newReport(a, b, m)
}

// Merge merges b into the vault.
func (t *Tx) Merge(b *State) MergeReport {
	m, report := Merge(t.State, b)
	before := *t.State
	m.ID, m.Generation = t.ID, t.Generation
	*t.State = *m
	t.at = Stamp{} // what is changed from here on is newer than all that was merged
	t.learn(&before)
	t.erasePurged()
	t.at = Stamp{}
	return report
}

// learn notes that this device learns now that secrets which were live here are in the
// trash: their thirty days begin.
func (t *Tx) learn(before *State) {
	learned := false
	for _, d := range t.Trash {
		if before.uses(d) {
			t.exactRecord(d.ID).learned, learned = t.stamp().Time, true
		}
	}
	if learned {
		t.normalize()
	}
}

// uses reports whether a secret that is trashed elsewhere is live here.
func (s *State) uses(d Trashed) bool {
	r := s.exactRecord(d.ID)
	return r != nil && !r.Secret.Value.Secret.Empty() && r.Secret.Value.Credential.Equal(d.Credential)
}

// combine merges two states by id.
func combine(a, b *State) *State {
	m := &State{ID: a.ID, Clock: max(a.Clock, b.Clock), later: mergeLater(a.later, b.later)}
	if a.ID == "" || b.ID != "" && b.ID < a.ID {
		m.ID = b.ID
	}
	m.Settings = joinMaps(a.Settings, b.Settings, func(x, y Register[string]) Register[string] {
		return newer(x, y, strings.Compare)
	})
	m.Counters = joinMaps(a.Counters, b.Counters, func(x, y Counter) Counter {
		if x.compare(y) < 0 {
			return y
		}
		return x
	})
	m.Links = newClasses(a.Links, b.Links).links()
	m.Trash = slices.Concat(a.Trash, b.Trash)
	m.Purged = slices.Concat(a.Purged, b.Purged)
	m.combineRecords(a, b)
	return m
}

// combineRecords merges the accounts. The order that the user gave last is kept; the
// accounts that it does not name follow.
func (s *State) combineRecords(a, b *State) {
	first := a
	if cmp.Or(a.OrderAt.Compare(b.OrderAt), slices.Compare(a.order(), b.order())) < 0 {
		first = b
	}
	s.OrderAt, s.Ordered = first.OrderAt, first.Ordered
	s.Records = make([]*Record, 0, max(len(a.Records), len(b.Records)))
	s.byID = make(map[string]*Record, cap(s.Records))
	add := func(id string) {
		if s.byID[id] != nil {
			return
		}
		x, y := a.exactRecord(id), b.exactRecord(id)
		var r *Record
		switch {
		case x == nil:
			r = y.clone()
		case y == nil:
			r = x.clone()
		default:
			r = join(x, y)
			for _, old := range []*Record{x, y} {
				// The older secret goes to the trash; normalize sets since when.
				if held := old.Secret.Value; !held.Secret.Empty() && held.Hash() != r.Secret.Value.Hash() {
					s.Trash = append(s.Trash, Trashed{ID: id, Credential: held.Credential, DeviceBound: r.DeviceBound.Value})
				}
			}
		}
		s.byID[id] = r
		s.Records = append(s.Records, r)
	}
	for _, list := range [][]*Record{first.Records[:first.Ordered], a.Records, b.Records} {
		for _, r := range list {
			add(r.ID)
		}
	}
}

// order returns the ids that the user has put in an order.
func (s *State) order() []string {
	ids := make([]string, s.Ordered)
	for i, r := range s.Records[:s.Ordered] {
		ids[i] = r.ID
	}
	return ids
}
