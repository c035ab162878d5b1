package vault

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A MergeReport says what a merge changes for the vault that is merged into. It names
// accounts by their labels.
type MergeReport struct {
	Added    []string // here for the first time
	Removed  []string
	Trashed  []string // those of Removed whose secret is in the trash; others had none, or it was erased
	Back     []string // removed on one device, but changed on another after that
	Verified []string // needed verification here, and have their secret now
	Changed  []Change
	Replaced []Replacement
	Joined   []string // one account under several ids, from now on

	merged *State
}

// A Change says what changed about an account.
type Change struct {
	Label string
	From  string   // the label before; the same if it was not renamed
	What  []string // of "alias", "note", "tags", "counter"
}

// A Replacement is a secret that a newer one replaced.
type Replacement struct {
	Label string
	Here  bool // it was the secret in this vault, not in the one that was merged into it
	// TrashID is the id of the secret in the trash; empty if it was purged.
	TrashID string
}

// Lines returns the report as lines for people. Labels are as users wrote them.
func (r MergeReport) Lines() []string {
	var lines []string
	each := func(labels []string, format string) {
		for _, label := range labels {
			lines = append(lines, fmt.Sprintf(format, label))
		}
	}
	each(r.Added, "added %s")
	for _, label := range r.Removed {
		if slices.Contains(r.Trashed, label) {
			label += " (it is in the trash)"
		}
		lines = append(lines, "removed "+label)
	}
	each(r.Back, "brought back %s: it was changed after it was removed")
	each(r.Verified, "%s has its secret now")
	each(r.Joined, "joined %s: it had been added on more than one device")
	for _, c := range r.Changed {
		if c.From != c.Label {
			lines = append(lines, fmt.Sprintf("renamed %s to %s", c.From, c.Label))
		}
		if len(c.What) > 0 {
			lines = append(lines, fmt.Sprintf("changed %s: %s", c.Label, strings.Join(c.What, ", ")))
		}
	}
	for _, s := range r.Replaced {
		where := "it was erased"
		if s.TrashID != "" {
			where = "it is in the trash as id:" + s.TrashID
		}
		if s.Here {
			lines = append(lines, fmt.Sprintf("replaced the secret of %s by a newer one; %s", s.Label, where))
		} else {
			lines = append(lines, fmt.Sprintf("kept the secret of %s, which is newer than another device's; %s", s.Label, where))
		}
	}
	return lines
}

// Ahead returns the labels of accounts with a stamp more than a day ahead of now: the
// clock of some device was wrong, or the one here is.
func (r MergeReport) Ahead(now time.Time) []string {
	if r.merged == nil {
		return nil
	}
	return r.merged.Ahead(now)
}

// Ahead returns the labels of live accounts with a stamp more than a day ahead of now.
func (s *State) Ahead(now time.Time) []string {
	limit := now.Add(24 * time.Hour).UnixMilli()
	if s.Clock <= limit {
		return nil
	}
	var labels []string
	for _, a := range s.live().accounts {
		j := s.joinedRecord(a.ID)
		if max(j.changed().Time, j.Removed.At.Time, j.Created.Time) > limit {
			labels = append(labels, a.Shown)
		}
	}
	return labels
}

// NewestStamp returns the newest stamp that there is.
func (s *State) NewestStamp() Stamp {
	newest := s.OrderAt
	for _, r := range s.Records {
		for _, at := range []Stamp{r.Created, r.changed(), r.Removed.At} {
			newest = latest(newest, at)
		}
	}
	for _, setting := range s.Settings {
		newest = latest(newest, setting.At)
	}
	for _, d := range s.Trash {
		newest = latest(newest, d.At)
	}
	for _, p := range s.Purged {
		newest = latest(newest, p.At)
	}
	for _, c := range s.Counters {
		newest = latest(newest, c.Set)
	}
	return newest
}

// newestTime returns the time of the newest stamp, or up to which secrets have expired.
func (s *State) newestTime() int64 {
	newest := s.NewestStamp().Time
	for _, p := range s.Purged {
		newest = max(newest, p.Expired)
	}
	return newest
}

// newReport compares a with m, the merge of a and b.
func newReport(a, b, m *State) MergeReport {
	r := MergeReport{merged: m}
	before := map[string][]Account{} // by the id afterwards
	after, trashID := m.live(), m.trashIDs(a)
	for _, was := range a.live().accounts {
		root := m.root(was.ID)
		before[root] = append(before[root], was)
		if _, live := after.place(root); !live {
			r.Removed = append(r.Removed, was.Shown)
			if trashID[secretKey{root, Hash(was.Credential)}] != "" {
				r.Trashed = append(r.Trashed, was.Shown)
			}
		}
	}
	for _, now := range after.accounts {
		was := before[now.ID]
		switch {
		case broughtBack(a, b, m, now.ID):
			r.Back = append(r.Back, now.Shown)
		case len(was) == 0:
			r.Added = append(r.Added, now.Shown)
		}
		if len(was) == 0 {
			continue
		}
		if wasSeveral(a, m, now.ID) {
			r.Joined = append(r.Joined, now.Shown)
		}
		r.compare(was[0], now)
	}
	r.replaced(a, b, before, trashID)
	return r
}

// broughtBack reports whether a live account of m was removed in a, or was removed in b
// and a did not know.
func broughtBack(a, b, m *State, id string) bool {
	return slices.ContainsFunc(m.members(id), func(r *Record) bool {
		if a.Gone(r.ID) {
			return true
		}
		x, y := a.joinedRecord(r.ID), b.joinedRecord(r.ID)
		return y != nil && y.removed() && (x == nil || x.Removed != y.Removed)
	})
}

// wasSeveral reports whether the ids of one account of m were several accounts in a.
func wasSeveral(a, m *State, id string) bool {
	members := m.members(id)
	return slices.ContainsFunc(members, func(r *Record) bool { return a.root(r.ID) != a.root(members[0].ID) })
}

// compare notes what differs between an account before and after.
func (r *MergeReport) compare(was, now Account) {
	c := Change{Label: now.Shown, From: was.Shown}
	if was.Label() == now.Label() {
		c.From = c.Label // a suffix that came or went is no new name
	}
	for _, field := range []struct {
		name    string
		changed bool
	}{
		{"alias", was.Alias != now.Alias},
		{"note", was.Note != now.Note},
		{"tags", !slices.Equal(was.Tags, now.Tags)},
		{"counter", was.Counter != now.Counter && was.Credential.Equal(now.Credential)},
	} {
		if field.changed {
			c.What = append(c.What, field.name)
		}
	}
	if c.From != c.Label || len(c.What) > 0 {
		r.Changed = append(r.Changed, c)
	}
	if was.NeedsVerification() && !now.NeedsVerification() {
		r.Verified = append(r.Verified, now.Shown)
	}
}

// replaced notes the secrets of live accounts that the merge moved to the trash or that
// were purged.
func (r *MergeReport) replaced(a, b *State, before map[string][]Account, trashID map[secretKey]string) {
	after := r.merged.live()
	said := map[secretKey]bool{}
	for _, now := range after.accounts {
		for _, was := range before[now.ID] {
			if !was.NeedsVerification() && !was.Credential.Equal(now.Credential) {
				key := secretKey{now.ID, Hash(was.Credential)}
				said[key] = true
				r.Replaced = append(r.Replaced, Replacement{now.Shown, true, trashID[key]})
			}
		}
	}
	known := map[secretKey]bool{}
	for _, s := range []*State{a, b} {
		for _, t := range s.Trash {
			known[secretKey{t.ID, Hash(t.Credential)}] = true
		}
	}
	for _, t := range r.merged.Trash {
		hash, root := Hash(t.Credential), r.merged.root(t.ID)
		key := secretKey{root, hash}
		i, live := after.place(root)
		if live && !said[key] && !known[secretKey{t.ID, hash}] && !t.Credential.Equal(after.accounts[i].Credential) {
			said[key] = true
			r.Replaced = append(r.Replaced, Replacement{after.accounts[i].Shown, false, trashID[key]})
		}
	}
}

// trashIDs returns the id of each secret in the trash, by account and secret. Those that
// were live before have their thirty days before them.
func (s *State) trashIDs(before *State) map[secretKey]string {
	records := s.purges()
	ids := make(map[secretKey]string, len(s.Trash))
	for _, t := range s.Trash {
		key := secretKey{t.ID, Hash(t.Credential)}
		p := records[key]
		if before.uses(t) {
			p.Expired = 0
		}
		if !p.beats(t) {
			ids[secretKey{s.root(t.ID), key.hash}] = t.ID
		}
	}
	return ids
}
