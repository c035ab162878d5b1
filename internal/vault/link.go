package vault

import (
	"slices"

	"github.com/authcli/auth/internal/account"
)

// Two ids are one account if a link says so. [Merge] finds links, records them in
// [State.Links] and never forgets one: changes that were made under a link could not
// be taken apart again.
//
// The order of merges must not matter, so a link that is found later must not depend
// on what happened in between. Links are therefore found from everything that an
// account ever was, which only grows. Two accounts are one if they ever had a label
// in common and a secret in common. There are two further rules:
//
//   - An account without its secret is known by its name alone. Two accounts may have
//     one name after the other, so a name counts only if no other account here ever
//     had it when the account got it (nameKeys).
//   - A device may add an account although it has one that was equal once, and is
//     renamed or removed by then. The new one is another account (addedBeside).

// classes is a partition of ids. Each id leads to a smaller one of its class.
type classes map[string]string

// newClasses returns the classes in which both ids of each link are together.
func newClasses(links ...map[string]string) classes {
	c := classes{}
	for _, l := range links {
		for from, to := range l {
			c.join(from, to)
		}
	}
	return c
}

// root returns the smallest id of the class.
func (c classes) root(id string) string {
	for {
		next, found := c[id]
		if !found {
			return id
		}
		if further, found := c[next]; found {
			c[id] = further
		}
		id = next
	}
}

// join makes two classes one, and reports whether they were two.
func (c classes) join(a, b string) bool {
	a, b = c.root(a), c.root(b)
	if a == b {
		return false
	}
	c[max(a, b)] = min(a, b)
	return true
}

// links returns the classes as [State.Links] holds them.
func (c classes) links() map[string]string {
	if len(c) == 0 {
		return nil
	}
	links := make(map[string]string, len(c))
	for id := range c {
		links[id] = c.root(id)
	}
	return links
}

// recordsByLabel returns the records by the folded labels that they have or had.
func (s *State) recordsByLabel() map[string][]*Record {
	if s.byLabel == nil {
		s.byLabel = make(map[string][]*Record, len(s.Records))
		for _, r := range s.Records {
			s.addByLabel(r)
		}
	}
	return s.byLabel
}

func (s *State) addByLabel(r *Record) {
	now := r.Label.Value.folded()
	s.byLabel[now] = append(s.byLabel[now], r)
	for _, label := range r.oldLabels {
		s.byLabel[label] = append(s.byLabel[label], r)
	}
}

// nameKey returns what an account without its secret is known by.
func nameKey(t account.Type, label string) string { return string(t) + " " + label }

// claimName makes r known by its name alone, unless another account here ever was.
func (s *State) claimName(r *Record, folded string) {
	key := nameKey(r.Secret.Value.Type, folded)
	for _, other := range s.recordsByLabel()[folded] {
		if slices.Contains(other.nameKeys, key) {
			return
		}
	}
	r.nameKeys = union(r.nameKeys, []string{key})
}

// setAddedBeside notes the accounts here that a new record equals, or equalled once.
func (s *State) setAddedBeside(r *Record) {
	hash := r.Secret.Value.Hash()
	if hash == "" {
		return
	}
	for _, named := range s.recordsByLabel()[r.Label.Value.folded()] {
		members := s.members(named.ID)
		for _, m := range members {
			if !s.everHeld(m, hash) {
				continue
			}
			for _, m := range members {
				r.addedBeside = union(r.addedBeside, []string{m.ID})
			}
			break
		}
	}
}

// everHeld reports whether the record has or had the secret of this hash.
func (s *State) everHeld(r *Record, hash string) bool {
	return r.Secret.Value.Hash() == hash || s.inTrash(r.ID, hash) >= 0 || s.purged(r.ID, hash)
}

// link finds which ids are one account, and records it.
func (s *State) link() {
	l := linker{s: s, c: newClasses(s.Links)}
	for l.pass() { // a third account may equal two that are joined, and neither alone
	}
	if links := l.c.links(); len(links) != len(s.Links) {
		s.setLinks(links)
	}
}

// A linker finds the links of a state.
type linker struct {
	s       *State
	c       classes
	members map[string][]*Record // by root; nil while nothing is linked
	past    map[string][]string  // by id: hashes of secrets in the trash, and purged ones
}

// pass joins accounts that are one, and reports whether there were any.
func (l *linker) pass() (joined bool) {
	l.members = nil
	if len(l.c) > 0 {
		l.members = map[string][]*Record{}
		for _, r := range l.s.Records {
			root := l.c.root(r.ID)
			l.members[root] = append(l.members[root], r)
		}
	}
	byName := map[string]string{}
	for _, r := range l.s.Records {
		for _, key := range r.nameKeys {
			if first, found := byName[key]; found {
				joined = l.c.join(first, r.ID) || joined
			} else {
				byName[key] = r.ID
			}
		}
	}
	for _, records := range l.s.recordsByLabel() {
		if len(records) > 1 {
			joined = l.joinLabelled(records) || joined
		}
	}
	return joined
}

// joinLabelled joins the accounts that ever had a secret in common, among those that
// ever had one label, and reports whether there were any.
func (l *linker) joinLabelled(records []*Record) (joined bool) {
	done, holders := map[string]bool{}, map[string][][]*Record{}
	for _, r := range records {
		root := l.c.root(r.ID)
		if done[root] {
			continue
		}
		done[root] = true
		account := []*Record{r}
		if l.members != nil {
			account = l.members[root]
		}
		for _, hash := range l.secrets(account) {
			for _, other := range holders[hash] {
				if !allAddedBeside(account, other) {
					joined = l.c.join(account[0].ID, other[0].ID) || joined
				}
			}
			holders[hash] = append(holders[hash], account)
		}
	}
	return joined
}

// secrets returns the hashes of all secrets that an account has or had.
func (l *linker) secrets(account []*Record) (hashes []string) {
	if l.past == nil {
		l.past = map[string][]string{}
		for _, t := range l.s.Trash {
			l.past[t.ID] = append(l.past[t.ID], Hash(t.Credential))
		}
		for _, p := range l.s.Purged {
			l.past[p.ID] = append(l.past[p.ID], p.Hash)
		}
	}
	for _, r := range account {
		hashes = union(hashes, l.past[r.ID])
		if hash := r.Secret.Value.Hash(); hash != "" {
			hashes = union(hashes, []string{hash})
		}
	}
	return hashes
}

// allAddedBeside reports whether each record of one account was added beside each
// record of the other, or the other way round.
func allAddedBeside(a, b []*Record) bool {
	for _, r := range a {
		for _, q := range b {
			if !slices.Contains(r.addedBeside, q.ID) && !slices.Contains(q.addedBeside, r.ID) {
				return false
			}
		}
	}
	return true
}
