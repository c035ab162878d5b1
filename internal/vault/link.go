package vault

import (
	"slices"

	"github.com/authcli/auth/internal/account"
)

// Two ids are one account where a link says so. [Merge] finds links, records them
// in [State.Links] and never forgets one: what was changed under a link could not
// be taken apart again.
//
// For the order of merges not to matter, finding a link later must not depend on
// what happened in between. So what counts is everything that an account ever was,
// which only grows: two accounts are one if they ever had a label in common, and a
// secret. An account without its secret is told by name alone; since two accounts
// may have one name after the other, it is byName that counts, which a name enters
// when the account gets it and no other one here ever had it. And an account that
// a device added knowing another that it equals by then, removed or renamed, is
// apart from it.

// classes is a partition of ids: each leads to a smaller one of its class.
type classes map[string]string

// newClasses returns the classes in which from and to of each link are one.
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

// links returns the classes in the form of [State.Links].
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

// names returns the records by the folded labels that they have or had.
func (s *State) names() map[string][]*Record {
	if s.named == nil {
		s.named = make(map[string][]*Record, len(s.Records))
		for _, r := range s.Records {
			s.name(r)
		}
	}
	return s.named
}

func (s *State) name(r *Record) {
	now := r.Label.Value.folded()
	s.named[now] = append(s.named[now], r)
	for _, label := range r.was {
		s.named[label] = append(s.named[label], r)
	}
}

// nameKey is what names an account of a type where its secret is not.
func nameKey(t account.Type, label string) string { return string(t) + " " + label }

// claim lets r be told by its name alone, if no other account here ever could be.
func (s *State) claim(r *Record, folded string) {
	key := nameKey(r.Secret.Value.Type, folded)
	for _, other := range s.names()[folded] {
		if slices.Contains(other.byName, key) {
			return
		}
	}
	r.byName = union(r.byName, []string{key})
}

// setApart notes which accounts a new record equals, or did when they were here.
func (s *State) setApart(r *Record) {
	hash := r.Secret.Value.Hash()
	if hash == "" {
		return
	}
	for _, named := range s.names()[r.Label.Value.folded()] {
		members := s.members(named.ID)
		for _, m := range members {
			if !s.everHeld(m, hash) {
				continue
			}
			for _, m := range members {
				r.apart = union(r.apart, []string{m.ID})
			}
			break
		}
	}
}

// everHeld reports whether the record has or had the secret of this hash.
func (s *State) everHeld(r *Record, hash string) bool {
	return r.Secret.Value.Hash() == hash || s.inTrash(r.ID, hash) >= 0 || s.purged(r.ID, hash)
}

// link records which ids are one account.
func (s *State) link() {
	l := linker{s: s, c: newClasses(s.Links)}
	for l.pass() { // what two accounts were alone, they are together: a third may equal that
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

// pass joins the accounts that are one, and reports whether there were any.
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
		for _, key := range r.byName {
			if first, found := byName[key]; found {
				joined = l.c.join(first, r.ID) || joined
			} else {
				byName[key] = r.ID
			}
		}
	}
	for _, records := range l.s.names() {
		if len(records) > 1 {
			joined = l.joinLabelled(records) || joined
		}
	}
	return joined
}

// joinLabelled joins those of the accounts that had a secret in common, and reports
// whether there were any. All had a label in common.
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
				if !allApart(account, other) {
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

// allApart reports whether each record of one account was added beside each of
// the other.
func allApart(a, b []*Record) bool {
	for _, r := range a {
		for _, q := range b {
			if !slices.Contains(r.apart, q.ID) && !slices.Contains(q.apart, r.ID) {
				return false
			}
		}
	}
	return true
}
