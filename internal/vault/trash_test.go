package vault_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/vault"
)

// The trash is emptied only by a write that has seen a secret expired twice, at
// least seven days apart.
func TestTrashExpiry(t *testing.T) {
	t.Parallel()
	const day = 24 * 60
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
	const day = 24 * 60
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
