package vault_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/authcli/auth/internal/testenv"
	"github.com/authcli/auth/internal/vault"
)

// lost says which secret of a or b is neither in m nor, where that counts, purged
// there; nothing if none is.
func lost(a, b, m *vault.State, purgedCounts bool) string {
	there := secretsOf(m)
	for _, p := range m.Purged {
		if purgedCounts {
			there[p.ID+" "+p.Hash] = true
		}
	}
	for _, s := range []*vault.State{a, b} {
		for key := range secretsOf(s) {
			if !there[key] {
				return "the secret " + key + " is lost"
			}
		}
	}
	return ""
}

// histories returns how many histories to try: more of them in the long tests, fewer in the short ones.
func histories(usual int) int {
	switch {
	case testenv.Long():
		return 10 * usual
	case testing.Short():
		return usual / 4
	}
	return usual
}

func merge(states ...*vault.State) *vault.State {
	m := states[0]
	for _, s := range states[1:] {
		m, _ = vault.Merge(m, s)
	}
	return m
}

// shared returns s without when this device first found trashed secrets expired. That is of
// this device alone, and a secret that is live between two merges has to be found expired anew.
func shared(s *vault.State) *vault.State {
	for i := range s.Trash {
		s.Trash[i].Expired = 0
	}
	return s
}

// lawBroken returns which law of merging three states break.
func lawBroken(a, b, c *vault.State) string {
	for _, law := range []struct {
		name        string
		left, right func() *vault.State
	}{
		{"commutative", func() *vault.State { return merge(a, b) }, func() *vault.State { return merge(b, a) }},
		{"associative", func() *vault.State { return shared(merge(merge(a, b), c)) }, func() *vault.State { return shared(merge(a, merge(b, c))) }},
		{"idempotent", func() *vault.State { return merge(a, b) }, func() *vault.State { return merge(merge(a, b), merge(b, a)) }},
		{"absorbing", func() *vault.State { return merge(a, b) }, func() *vault.State { return merge(merge(a, b), a, b, a) }},
		{"the same after a round trip", func() *vault.State { return merge(a, b) }, func() *vault.State { return merge(copied(a), copied(b)) }},
	} {
		if left, right := encoded(law.left()), encoded(law.right()); left != right {
			return fmt.Sprintf("merging is not %s:\n%s\n%s\n a %s\n b %s\n c %s", law.name, left, right, encoded(a), encoded(b), encoded(c))
		}
	}
	return lost(a, b, merge(a, b), false)
}

// Merging is commutative, associative and idempotent, over states of devices and of
// backups at any moments of their histories, clones and wrong clocks among them.
func TestMergeLaws(t *testing.T) {
	t.Parallel()
	check(t, histories(60), 40, func(h history) (broken string) {
		w := h.run(func(string, ...any) {})
		pool := slices.Concat(w.past, w.files)
		if len(pool) == 0 {
			return ""
		}
		chance := rand.New(rand.NewPCG(uint64(len(pool)), 3))
		for range 12 {
			pick := func() *vault.State { return pool[chance.IntN(len(pool))] }
			if broken = lawBroken(pick(), pick(), pick()); broken != "" {
				return broken
			}
		}
		return ""
	})
}

// No merge loses a secret that was not purged, no sync replaces a device-bound one,
// and none of those leaves its device.
func TestMergeLosesNoSecret(t *testing.T) {
	t.Parallel()
	check(t, histories(120), 60, func(h history) (broken string) {
		h.run(func(format string, args ...any) {
			if broken == "" {
				broken = fmt.Sprintf(format, args...)
			}
		})
		return broken
	})
}

// Merging a state with itself, or with the backup of itself, changes nothing: a
// sync that brings nothing writes nothing. Only accounts that became equal on one
// device, by being renamed, are joined by that.
func TestMergeWithItselfChangesNothing(t *testing.T) {
	t.Parallel()
	check(t, histories(100), 40, func(h history) string {
		w := h.run(func(string, ...any) {})
		for _, d := range w.devices {
			m := merge(d.state, d.state)
			if len(m.Links) != len(d.state.Links) {
				continue
			}
			if encoded(m) != encoded(d.state) {
				return fmt.Sprintf("merged with itself:\n%s\n%s", encoded(d.state), encoded(m))
			}
			if m = merge(d.state, copied(d.state.Portable())); encoded(m) != encoded(d.state) {
				return fmt.Sprintf("merged with its own backup:\n%s\n%s", encoded(d.state), encoded(m))
			}
		}
		return ""
	})
}

// Whatever happened, devices that see each other's backups come to hold the same.
func TestDevicesConverge(t *testing.T) {
	t.Parallel()
	check(t, histories(50), 50, func(h history) string {
		w := h.run(func(string, ...any) {})
		for range 2 {
			for _, d := range w.devices {
				for _, other := range w.devices {
					w.change(d, func(tx *vault.Tx) { tx.Merge(copied(other.state.Portable())) })
				}
			}
		}
		shared := func(d *device) string {
			s := d.state.Portable()
			s.ID = ""
			for _, r := range s.Records {
				if r.Secret.Value.Hash() == "" {
					r.Secret.Value.Type = "" // of a secret that each device has its own of
				}
			}
			return encoded(s)
		}
		for _, d := range w.devices[1:] {
			if shared(d) != shared(w.devices[0]) {
				return fmt.Sprintf("devices differ:\n%s\n%s", shared(w.devices[0]), shared(d))
			}
		}
		return ""
	})
}
