package vault_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/vault"
)

// The trash is emptied only by a write that has seen a secret expired twice, at
// least seven days apart.
func TestTrashExpiry(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		writes []int // days after the removal
		kept   bool
	}{
		"thirty days":                       {[]int{10, 29, 30}, true},
		"expired, seen once":                {[]int{31}, true},
		"seen twice in a row":               {[]int{31, 31, 32, 37}, true},
		"seen twice, seven days apart":      {[]int{31, 38}, false},
		"with writes between":               {[]int{31, 33, 35, 38}, false},
		"a clock that jumped ahead once":    {[]int{4000, 1, 2, 20, 29}, true},
		"and stayed so for a day":           {[]int{4000, 4001, 2, 20}, true},
		"jumped ahead, and it is over":      {[]int{4000, 1, 31, 37}, true},
		"jumped ahead, and it is over long": {[]int{4000, 1, 31, 38}, false},
		"never written":                     {nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			x := newMember(t, "x")
			x.add(0, "a1", "GitHub:alice", "first")
			x.add(1, "a2", "Bank:bob", "bank")
			x.at(2, func(tx *vault.Tx) error { return tx.Remove("a1", false) })
			for i, days := range test.writes {
				x.at(2+days*day+i, func(tx *vault.Tx) error { return tx.SetNote("a2", fmt.Sprint(i)) })
			}
			if kept := len(x.trash()) == 1; kept != test.kept {
				t.Errorf("kept: %v, want %v", kept, test.kept)
			}
			secret := credential("first").Secret.Base32()
			if written := strings.Contains(encoded(x.state), secret); written != test.kept {
				t.Errorf("written: %v, want %v", written, test.kept)
			}
			if len(x.state.Purged) > 0 == test.kept {
				t.Errorf("purge records: %v", x.state.Purged)
			}
			x.wantLive("Bank:bob")
		})
	}
}

// What came back and was removed again has its thirty days again.
func TestTrashStartsAnew(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	x.add(0, "a1", "GitHub:alice", "first")
	x.at(1, func(tx *vault.Tx) error { return tx.Remove("a1", false) })
	x.at(31*day, func(tx *vault.Tx) error { tx.Set("k", "1"); return nil })
	x.at(32*day, func(tx *vault.Tx) error { _, err := tx.Undelete(tx.Trash[0]); return err })
	x.at(33*day, func(tx *vault.Tx) error { return tx.Remove("a1", false) })
	x.at(40*day, func(tx *vault.Tx) error { tx.Set("k", "2"); return nil })
	x.at(60*day, func(tx *vault.Tx) error { tx.Set("k", "3"); return nil })
	x.wantTrash("a1 first")
}

// Undeleting changes places with the secret that is there now.
func TestUndeleteExchanges(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	x.add(0, "a1", "GitHub:alice", "first")
	x.at(1, func(tx *vault.Tx) error { return tx.SetCredential("a1", credential("second"), 0) })
	x.at(2, func(tx *vault.Tx) error { _, err := tx.Undelete(tx.Trash[0]); return err })
	x.wantSecret("id:a1", "first")
	x.wantTrash("a1 second")
}

// What an account held before can be named and brought back, of a linked account
// once, whichever of its ids held it.
func TestSuperseded(t *testing.T) {
	t.Parallel()
	x, y := twins(t)
	x.at(10, func(tx *vault.Tx) error { return tx.SetCredential("a1", credential("second"), 0) })
	y.sync(11, x)
	for _, m := range []*member{x, y} {
		old := m.state.Superseded()
		if len(old) != 1 || string(old[0].Credential.Secret.Reveal()) != "first" {
			t.Fatalf("%s: %d superseded secrets", m.id, len(old))
		}
		if len(m.state.TrashOf()) != 0 {
			t.Errorf("%s takes a live account for a removed one", m.id)
		}
	}
	y.at(20, func(tx *vault.Tx) error { _, err := tx.Undelete(tx.Superseded()[0]); return err })
	x.sync(21, y)
	x.wantSecret("id:a1", "first")
	if old := x.state.Superseded(); len(old) != 1 || string(old[0].Credential.Secret.Reveal()) != "second" {
		t.Errorf("%d superseded secrets after the exchange", len(old))
	}
}

// Setting the secret that an account has already trashes nothing.
func TestSameSecretAgain(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	x.add(0, "a1", "GitHub:alice", "first")
	x.at(1, func(tx *vault.Tx) error { return tx.SetCredential("a1", credential("first"), 0) })
	x.wantTrash()
	x.wantSecret("id:a1", "first")
}

const day = 24 * 60 // minutes

// note is a write that changes no account.
func (m *member) note(minute int) {
	m.t.Helper()
	m.at(minute, func(tx *vault.Tx) error { tx.Set("noted", fmt.Sprint(minute)); return nil })
}

// A purge beats only trash that is older than it. What was erased for good, by its user or
// by its thirty days, restored from an old backup and removed again is in the trash.
func TestPurgeBeatsNoLaterTrash(t *testing.T) {
	t.Parallel()
	for _, now := range []bool{true, false} {
		for name, again := range map[string]struct {
			remove func(tx *vault.Tx) error
			live   []string
		}{
			"removed":  {func(tx *vault.Tx) error { return tx.Remove("a1", false) }, nil},
			"replaced": {func(tx *vault.Tx) error { return tx.SetCredential("a1", credential("second"), 0) }, []string{"GitHub:alice"}},
		} {
			t.Run(fmt.Sprintf("--now %v, %s again", now, name), func(t *testing.T) {
				x := newMember(t, "x")
				x.add(0, "a1", "GitHub:alice", "first")
				file := copied(x.state.Portable())
				x.at(day, func(tx *vault.Tx) error { return tx.Remove("a1", now) })
				x.note(33 * day)
				x.note(41 * day)
				x.wantTrash()
				old := x.clone("old")
				x.at(90*day, func(tx *vault.Tx) error {
					a, err := file.Find("GitHub:alice", true)
					if err != nil {
						return err
					}
					_, err = tx.Undelete(vault.Trashed{ID: a.ID, Label: vault.Label{Issuer: a.Issuer, Name: a.Name}, Credential: a.Credential})
					return err
				})
				x.wantSecret("id:a1", "first")
				x.at(180*day, again.remove)
				x.wantTrash("a1 first")
				x.sync(181*day, old) // which knows the purge and not what came after it
				x.wantTrash("a1 first")
				old.sync(181*day, x)
				old.wantTrash("a1 first")
				x.wantLive(again.live...)
				x.note(209 * day)
				x.note(210 * day)
				x.wantTrash("a1 first")
				x.note(211 * day)
				x.note(219 * day)
				x.wantTrash()
			})
		}
	}
}

// The thirty days count on each device from when it has learned of the removal: one that
// was away does not lose an account that it uses at its first sync. What its user erases
// there and then goes everywhere.
func TestDeviceThatWasAway(t *testing.T) {
	t.Parallel()
	for _, away := range []int{10, 29, 32, 42, 400} {
		t.Run(fmt.Sprintf("%d days", away), func(t *testing.T) {
			x := newMember(t, "x")
			x.add(0, "a1", "GitHub:alice", "first")
			x.add(1, "a2", "Bank:bob", "bank")
			y := x.clone("y")
			x.at(10, func(tx *vault.Tx) error { return tx.Remove("a1", false) })
			x.at(11, func(tx *vault.Tx) error { return tx.SetCredential("a2", credential("new"), 0) })
			for d := range away {
				x.note(20 + d*day)
			}
			back := 20 + away*day
			report := y.sync(back, x)
			if !slices.Equal(report.Removed, []string{"GitHub:alice"}) || !slices.Equal(report.Trashed, report.Removed) {
				t.Errorf("told of %q, of which in the trash are %q", report.Removed, report.Trashed)
			}
			if len(report.Replaced) != 1 || report.Replaced[0].TrashID == "" {
				t.Errorf("told of %v", report.Replaced)
			}
			y.wantTrash("a1 first", "a2 bank")
			// The others do not hurry it, whether they have heard of y or not.
			for d := range 29 {
				y.sync(back+d*day+1, x)
				if d%3 == 0 {
					x.sync(back+d*day+2, y)
				}
				x.note(back + d*day + 3)
			}
			y.note(back + 30*day)
			y.wantTrash("a1 first", "a2 bank")
			// And then it goes, for good and everywhere.
			for d := 31; d < 45; d++ {
				y.note(back + d*day)
				x.note(back + d*day + 1)
				x.sync(back+d*day+2, y)
				y.sync(back+d*day+3, x)
			}
			x.wantTrash()
			y.wantTrash()
		})
	}
	t.Run("erased by its user", func(t *testing.T) {
		x := newMember(t, "x")
		x.add(0, "a1", "GitHub:alice", "first")
		y := x.clone("y")
		x.at(10, func(tx *vault.Tx) error { return tx.Remove("a1", true) })
		report := y.sync(42*day, x)
		if len(report.Removed) != 1 || len(report.Trashed) != 0 {
			t.Errorf("told of %q, of which in the trash are %q", report.Removed, report.Trashed)
		}
		y.wantTrash()
	})
}

// What has expired on one device is not brought back to it by one that has yet to see it
// expire, if that one knew of the removal as early.
func TestExpiredStaysAway(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	x.add(0, "a1", "GitHub:alice", "first")
	y := x.clone("y")
	x.at(10, func(tx *vault.Tx) error { return tx.Remove("a1", false) })
	z := x.clone("z") // has it in the trash, and writes nothing for months
	x.note(32 * day)
	x.note(40 * day)
	x.wantTrash()
	x.sync(41*day, z)
	x.wantTrash()
	// A clock that is behind does not shorten the time of the device that was away.
	y.sync(-5*day, x)
	y.wantTrash("a1 first")
	y.note(41 * day)
	y.note(60 * day)
	y.wantTrash("a1 first")
	// A later change of the account's names brings nothing back either.
	z.at(50*day, func(tx *vault.Tx) error { return tx.SetNote("a1", "used again") })
	x.sync(51*day, z)
	x.wantLive("GitHub:alice")
	x.wantSecret("id:a1", "first")
}
