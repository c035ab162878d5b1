package vault_test

import (
	"testing"

	"github.com/authcli/auth/internal/vault"
)

// adoptAll restores everything of a backup into a new vault, as a restore does.
func adoptAll(t *testing.T, from *member) *member {
	t.Helper()
	z := newMember(t, "z")
	z.at(100, func(tx *vault.Tx) error {
		file := copied(from.state.Portable())
		for _, a := range file.Accounts() {
			tx.Adopt(file, a.ID)
		}
		tx.AdoptRest(file)
		tx.AdoptOrder(file)
		return nil
	})
	return z
}

// A restored vault can be written and read again, shows what the other shows, and
// merges with it without a change, links and all.
func TestAdoptedStateIsWhole(t *testing.T) {
	t.Parallel()
	x := full(t)
	z := adoptAll(t, x)
	z.state = copied(z.state)
	if got, want := z.live(), x.live(); len(got) != len(want) {
		t.Errorf("restored %q of %q", got, want)
	}
	z.wantOrder(x.order()...)
	if lines := z.sync(110, x).Lines(); len(lines) > 0 {
		t.Errorf("the sync after the restore says %q", lines)
	}
	if lines := x.sync(110, z).Lines(); len(lines) > 0 {
		t.Errorf("and the other way %q", lines)
	}
}

// A removed account that has several ids stays removed, though the removal stands in
// the record of one.
func TestAdoptedRemovalOfLinkedAccount(t *testing.T) {
	t.Parallel()
	x, _ := twins(t)
	x.at(10, func(tx *vault.Tx) error { return tx.Remove("a1", false) })
	z := adoptAll(t, x)
	z.wantLive()
}

// A restored vault knows what was removed: no older backup brings it back.
func TestAdoptedRemovals(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	x.add(0, "a1", "GitHub:alice", "first")
	x.add(1, "a2", "Bank:bob", "bank")
	old := x.clone("old")
	x.at(10, func(tx *vault.Tx) error { return tx.Remove("a1", false) })
	x.at(11, func(tx *vault.Tx) error { return tx.Remove("a2", true) })
	z := adoptAll(t, x)
	z.wantTrash("a1 first")
	z.sync(110, old)
	z.wantLive()
	z.wantTrash("a1 first")
}

// An account with several ids stands where the first of them does, and comes back there.
func TestAdoptedOrderOfLinkedAccount(t *testing.T) {
	t.Parallel()
	x, y := newMember(t, "x"), newMember(t, "y")
	x.add(0, "a2", "GitHub:alice", "first")
	x.add(1, "b", "Bank:bob", "bank")
	x.at(2, func(tx *vault.Tx) error { tx.Move([]string{"a2", "b"}); return nil })
	y.add(5, "a1", "GitHub:alice", "first")
	x.sync(6, y)
	x.wantOrder("a1", "b")
	adoptAll(t, x).wantOrder("a1", "b")
}
