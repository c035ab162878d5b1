package vault_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/authcli/auth/internal/vault"
)

// twins returns two devices that each added the same account, and know it now.
func twins(t *testing.T) (x, y *member) {
	t.Helper()
	x, y = newMember(t, "x"), newMember(t, "y")
	x.add(0, "a1", "GitHub:alice", "first")
	y.add(1, "a2", "github : Alice", "first")
	before := x.clone("x")
	report := x.sync(5, y)
	y.sync(5, before)
	if !slices.Equal(report.Joined, x.live()) || len(report.Added) > 0 {
		t.Fatalf("told %q", report.Lines())
	}
	return x, y
}

// Equal accounts are joined by a recorded link, the larger id to the smaller; the
// account answers to both.
func TestEqualAccountsAreLinked(t *testing.T) {
	t.Parallel()
	x, y := twins(t)
	for _, m := range []*member{x, y} {
		if len(m.live()) != 1 || !maps.Equal(m.state.Links, map[string]string{"a2": "a1"}) {
			t.Errorf("%s has %q by %v", m.id, m.live(), m.state.Links)
		}
		m.wantTrash()
		for _, id := range []string{"a1", "a2"} {
			if a := m.account("id:" + id); a.ID != "a1" {
				t.Errorf("id:%s is %s", id, a.ID)
			}
		}
	}
}

// What differs in label, secret or parameters is two accounts.
func TestUnequalAccountsAreNot(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(tx *vault.Tx) error{
		"another label": func(tx *vault.Tx) error { _, err := tx.AddBeside(newAccount("a2", "GitHub:bob", "first")); return err },
		"another secret": func(tx *vault.Tx) error {
			_, err := tx.AddBeside(newAccount("a2", "GitHub:alice", "other"))
			return err
		},
		"another period": func(tx *vault.Tx) error {
			a := newAccount("a2", "GitHub:alice", "first")
			a.Period = 60
			_, err := tx.AddBeside(a)
			return err
		},
		"eight digits": func(tx *vault.Tx) error {
			a := newAccount("a2", "GitHub:alice", "first")
			a.Digits = 8
			_, err := tx.AddBeside(a)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			x, y := newMember(t, "x"), newMember(t, "y")
			x.add(0, "a1", "GitHub:alice", "first")
			y.at(1, change)
			x.sync(5, y)
			if len(x.live()) != 2 || len(x.state.Links) != 0 {
				t.Errorf("%q by %v", x.live(), x.state.Links)
			}
		})
	}
}

// Linked ids are one account: what two devices change, each under the id that it
// has, comes together, and neither change takes the link away.
func TestLinkedIdsAreOneAccount(t *testing.T) {
	t.Parallel()
	x, y := twins(t)
	rename(x, 10, "a1", "GitHub:alice at work")
	y.at(11, func(tx *vault.Tx) error { return tx.SetCredential("a2", credential("second"), 0) })
	y.at(12, func(tx *vault.Tx) error { return tx.SetTag("a2", "work", true) })
	before := x.clone("x")
	x.sync(20, y)
	y.sync(20, before)
	for _, m := range []*member{x, y} {
		m.wantLive("GitHub:alice at work")
		m.wantSecret("id:a1", "second")
		if a := m.account("id:a2"); !slices.Equal(a.Tags, []string{"work"}) {
			t.Errorf("%s: tags %q", m.id, a.Tags)
		}
		if trash := m.trash(); len(trash) == 0 || slices.ContainsFunc(trash, func(s string) bool { return s != "a1 first" && s != "a2 first" }) {
			t.Errorf("%s: trash %q", m.id, trash)
		}
	}
}

// A rename by a device that did not know the link does not part the account either,
// in whatever order all this comes together.
func TestLinkNeverExpires(t *testing.T) {
	t.Parallel()
	x, y := newMember(t, "x"), newMember(t, "y")
	x.add(0, "a1", "GitHub:alice", "first")
	old := x.clone("old")
	y.add(1, "a2", "GitHub:alice", "first")
	rename(x, 10, "a1", "Hub:alice")
	x.at(11, func(tx *vault.Tx) error { return tx.SetCredential("a1", credential("second"), 0) })
	permute([]*vault.State{old.state, x.state, y.state}, func(order []*vault.State) {
		m := merge(order...)
		if len(m.Accounts()) != 1 || m.Accounts()[0].Label() != "Hub:alice" || string(m.Accounts()[0].Secret.Reveal()) != "second" {
			t.Errorf("%+v", m.Accounts())
		}
	})
}

// Links meet: a third account joins what two others are together, though it equals
// neither of them alone.
func TestLinksMeet(t *testing.T) {
	t.Parallel()
	x, y := twins(t)
	rename(x, 10, "a1", "Hub:alice")
	y.at(11, func(tx *vault.Tx) error { return tx.SetCredential("a1", credential("second"), 0) })
	z := newMember(t, "z")
	z.add(12, "a0", "Hub:alice", "second")
	permute([]*vault.State{x.state, y.state, z.state}, func(order []*vault.State) {
		m := merge(order...)
		if len(m.Accounts()) != 1 || !maps.Equal(m.Links, map[string]string{"a1": "a0", "a2": "a0"}) {
			t.Errorf("%+v by %v", m.Accounts(), m.Links)
		}
	})
}

// Removing a linked account removes it whole, undeleting brings it back, and
// moving moves it.
func TestLinkedAccountChangesWhole(t *testing.T) {
	t.Parallel()
	x, y := twins(t)
	x.add(6, "b1", "Bank:bob", "bank")
	y.sync(7, x)
	y.at(10, func(tx *vault.Tx) error { tx.Move([]string{"b1", "a1"}); return nil })
	x.sync(11, y)
	if got := x.state.Accounts()[0].ID; got != "b1" {
		t.Errorf("%s is first after the move", got)
	}
	y.at(20, func(tx *vault.Tx) error { return tx.Remove("a2", false) })
	x.sync(21, y)
	x.wantLive("Bank:bob")
	if deleted := x.state.TrashOf(); len(deleted) != 1 {
		t.Errorf("%d removed accounts to bring back", len(deleted))
	}
	x.at(30, func(tx *vault.Tx) error { _, err := tx.Undelete(tx.TrashOf()[0]); return err })
	y.sync(31, x)
	for _, m := range []*member{x, y} {
		if len(m.live()) != 2 {
			t.Errorf("%s has %q", m.id, m.live())
		}
		m.wantSecret("id:a1", "first")
		m.wantTrash()
	}
	y.at(40, func(tx *vault.Tx) error { return tx.Remove("a1", true) })
	x.sync(41, y)
	for _, m := range []*member{x, y} {
		m.wantLive("Bank:bob")
		m.wantTrash() // erased under both ids
	}
}

// A secret that an account had under two ids is told of once where another device has
// replaced it under a third, whichever of the two merges.
func TestLinkedSecretIsReplacedOnce(t *testing.T) {
	t.Parallel()
	x, _ := twins(t)
	z := newMember(t, "z")
	z.add(2, "a0", "GitHub:alice", "first")
	z.at(11, func(tx *vault.Tx) error { return tx.SetCredential("a0", credential("second"), 0) })
	_, here := vault.Merge(x.state, z.state)
	if len(here.Replaced) != 1 || !here.Replaced[0].Here {
		t.Errorf("replaced here: told %q", here.Lines())
	}
	_, there := vault.Merge(z.state, x.state)
	if len(there.Replaced) != 1 || there.Replaced[0].Here {
		t.Errorf("replaced there: told %q", there.Lines())
	}
}

// An account that was added knowing one that it equals by an older name or secret
// stays apart from it: a sync changes nothing that one device has decided alone.
func TestAddedBesideStaysApart(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(x *member){
		"renamed": func(x *member) { rename(x, 10, "a1", "Hub:alice") },
		"re-enrolled": func(x *member) {
			x.at(10, func(tx *vault.Tx) error { return tx.SetCredential("a1", credential("new"), 0) })
		},
		"removed": func(x *member) { x.at(10, func(tx *vault.Tx) error { return tx.Remove("a1", false) }) },
	} {
		t.Run(name, func(t *testing.T) {
			x := newMember(t, "x")
			x.add(0, "a1", "GitHub:alice", "first")
			y := x.clone("y")
			before(x)
			x.add(20, "a2", "GitHub:alice", "first")
			want := x.live()
			y.sync(30, x)
			x.sync(31, y)
			if !slices.Equal(x.live(), want) || !slices.Equal(y.live(), want) || len(x.state.Links) != 0 {
				t.Errorf("%q became %q and %q by %v", want, x.live(), y.live(), x.state.Links)
			}
		})
	}
}

// However links were written, they come out as one of each class to its smallest.
func TestLinksOfAnyShape(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	for i := range 5 {
		x.add(i, fmt.Sprintf("a%d", i), fmt.Sprintf("Site%d:me", i), fmt.Sprintf("secret %d", i))
	}
	for name, links := range map[string]map[string]string{
		"chain":         {"a3": "a2", "a2": "a1", "a1": "a0"},
		"cycle":         {"a0": "a1", "a1": "a2", "a2": "a3", "a3": "a0"},
		"upwards":       {"a0": "a3", "a1": "a3", "a2": "a3"},
		"with itself":   {"a1": "a0", "a2": "a0", "a3": "a0", "a4": "a4"},
		"nobody's root": {"a0": "A", "a1": "A", "a2": "A", "a3": "A"},
	} {
		t.Run(name, func(t *testing.T) {
			s := x.state.Clone()
			s.Links = links
			s = copied(s)
			if got := len(s.Accounts()); got != 2 {
				t.Errorf("%d accounts by %v", got, s.Links)
			}
			m := merge(s, x.state)
			if len(m.Accounts()) != 2 || encoded(merge(m, s)) != encoded(m) {
				t.Errorf("%d accounts by %v", len(m.Accounts()), m.Links)
			}
			y := &member{t, "y", m}
			rename(y, 100, "a1", "New:name") // an account whose smallest id is nobody's can be changed
			if a := y.account("id:a3"); a.Label() != "New:name" {
				t.Errorf("renamed to %q", a.Label())
			}
		})
	}
}
