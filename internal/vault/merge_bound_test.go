package vault_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/vault"
)

// addBound adds a device-bound account.
func (m *member) addBound(minute int, id, label, secret string) {
	m.t.Helper()
	m.at(minute, func(tx *vault.Tx) error {
		a := newAccount(id, label, secret)
		a.DeviceBound = true
		_, err := tx.AddBeside(a)
		return err
	})
}

func (m *member) wantSecret(query, secret string) {
	m.t.Helper()
	if a := m.account(query); string(a.Secret.Reveal()) != secret {
		m.t.Errorf("%s holds %q for %s, want %q", m.id, a.Secret.Reveal(), query, secret)
	}
}

// boundPair returns two devices that hold one device-bound account, each with a
// secret of its own.
func boundPair(t *testing.T) (x, y *member) {
	t.Helper()
	x, y = newMember(t, "x"), newMember(t, "y")
	x.addBound(0, "b1", "Corp:me", "of x")
	y.sync(1, x)
	if !y.account("id:b1").NeedsVerification() {
		t.Fatal("the secret left x")
	}
	y.at(10, func(tx *vault.Tx) error { return tx.SetCredential("b1", credential("of y"), 0) })
	return x, y
}

// The secret of a device-bound account is local: it leaves in no backup and is
// neither replaced by another device's nor replaces it.
func TestDeviceBoundSecretIsLocal(t *testing.T) {
	t.Parallel()
	x, y := boundPair(t)
	for minute := 20; minute < 30; minute += 2 {
		x.sync(minute, y)
		y.sync(minute+1, x)
	}
	x.wantSecret("id:b1", "of x")
	y.wantSecret("id:b1", "of y")
	for _, m := range []*member{x, y} {
		m.wantTrash()
		if text := encoded(m.state.Portable()); strings.Contains(text, m.account("id:b1").Secret.Base32()) {
			t.Errorf("the secret leaves %s", m.id)
		}
	}
}

// However the stripped copies of others arrive, in whatever order, older, newer or
// of the same stamp, the local secret survives.
func TestDeviceBoundSecretSurvivesEveryOrder(t *testing.T) {
	t.Parallel()
	x, y := boundPair(t)
	early := copied(y.state.Portable())
	y.at(50, func(tx *vault.Tx) error { return tx.SetCredential("b1", credential("again of y"), 0) })
	late, own := copied(y.state.Portable()), copied(x.state.Portable())
	named := newMember(t, "z")
	named.sync(60, x)
	states := []*vault.State{x.state, early, late, own, named.state}
	permute(states, func(order []*vault.State) {
		m := merge(order...)
		a, err := m.Find("id:b1", true)
		if err != nil || string(a.Secret.Reveal()) != "of x" {
			t.Fatalf("%q, %v", a.Secret.Reveal(), err)
		}
		if len(m.Trash) != 0 {
			t.Fatal("a secret went to the trash")
		}
	})
}

func permute[T any](list []T, f func([]T)) {
	var walk func(int)
	walk = func(n int) {
		if n == len(list) {
			f(list)
			return
		}
		for i := n; i < len(list); i++ {
			list[n], list[i] = list[i], list[n]
			walk(n + 1)
			list[n], list[i] = list[i], list[n]
		}
	}
	walk(0)
}

// In trash too: each device keeps its own, and finds it again when the account is
// brought back.
func TestDeviceBoundSecretIsLocalInTrash(t *testing.T) {
	t.Parallel()
	x, y := boundPair(t)
	x.at(20, func(tx *vault.Tx) error { return tx.Remove("b1", false) })
	y.sync(30, x)
	x.sync(31, y)
	x.wantLive()
	y.wantLive()
	x.wantTrash("b1 of x")
	y.wantTrash("b1 of y")
	if len(x.state.Portable().Trash) != 0 {
		t.Error("a trashed device-bound secret leaves x")
	}
	y.at(40, func(tx *vault.Tx) error { _, err := tx.Undelete(tx.Trash[0]); return err })
	x.sync(50, y)
	x.wantSecret("id:b1", "of x")
	y.wantSecret("id:b1", "of y")
}

// An account verified on another device after it was removed here comes back, though
// the secret that says so stays there.
func TestVerifyingBringsBack(t *testing.T) {
	t.Parallel()
	x, y := boundPair(t)
	x.at(20, func(tx *vault.Tx) error { return tx.Remove("b1", false) })
	y.at(30, func(tx *vault.Tx) error { return tx.SetCredential("b1", credential("new of y"), 0) })
	report := x.sync(40, y)
	x.wantSecret("id:b1", "of x")
	if !slices.Equal(report.Back, []string{"Corp:me"}) {
		t.Errorf("told %q", report.Lines())
	}
}

// A name-only account joins the device-bound one of its label and type, whichever
// device has which, and the secret stays where it is.
func TestNameOnlyJoinsDeviceBound(t *testing.T) {
	t.Parallel()
	for name, add := range map[string]func(y *member){
		"added by name":         func(y *member) { y.add(5, "n1", "corp: ME", "") },
		"device-bound as well":  func(y *member) { y.addBound(5, "n1", "Corp:me", "of y") },
		"by name, then renamed": func(y *member) { y.add(5, "n1", "Elsewhere:me", ""); rename(y, 6, "n1", "Corp:me") },
	} {
		t.Run(name, func(t *testing.T) {
			x, y := newMember(t, "x"), newMember(t, "y")
			x.addBound(0, "b1", "Corp:me", "of x")
			add(y)
			own := string(y.account("id:n1").Secret.Reveal())
			report := x.sync(20, y)
			y.sync(20, x)
			if !slices.Equal(report.Joined, x.live()) {
				t.Errorf("told %q", report.Lines())
			}
			if len(x.live()) != 1 || len(y.live()) != 1 {
				t.Errorf("not joined: %q, %q", x.live(), y.live())
			}
			x.wantSecret("id:b1", "of x")
			x.wantSecret("id:n1", "of x")
			y.wantSecret("id:b1", own)
		})
	}
	t.Run("another type is another account", func(t *testing.T) {
		x, y := newMember(t, "x"), newMember(t, "y")
		x.addBound(0, "b1", "Corp:me", "of x")
		y.at(5, func(tx *vault.Tx) error {
			a := newAccount("n1", "Corp:me", "")
			a.Type = account.HOTP
			_, err := tx.AddBeside(a)
			return err
		})
		x.sync(20, y)
		x.wantLive("Corp:me (1)", "Corp:me (2)")
	})
}

// Two device-bound accounts of one device that had the same name one after the
// other are two, and no merge takes the secret of either.
func TestNamesThatWentOverAreNoLink(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	x.addBound(0, "b1", "Corp:me", "old")
	rename(x, 10, "b1", "Corp:before")
	x.addBound(20, "b2", "Corp:me", "new")
	y := newMember(t, "y")
	y.sync(30, x)
	x.sync(40, y)
	x.wantLive("Corp:before", "Corp:me")
	x.wantSecret("id:b1", "old")
	x.wantSecret("id:b2", "new")
	// Swapped names neither.
	rename(x, 50, "b2", "Corp:aside")
	rename(x, 51, "b1", "Corp:me")
	rename(x, 52, "b2", "Corp:before")
	y.sync(60, x)
	x.sync(70, y)
	x.wantLive("Corp:before", "Corp:me")
	x.wantSecret("id:b1", "old")
	x.wantSecret("id:b2", "new")
}

// A secret that was verified without being device-bound takes no device-bound one's
// place.
func TestFreeSecretDoesNotReplaceBoundOne(t *testing.T) {
	t.Parallel()
	x, y := newMember(t, "x"), newMember(t, "y")
	x.addBound(0, "b1", "Corp:me", "of x")
	y.add(5, "n1", "Corp:me", "")
	y.at(50, func(tx *vault.Tx) error { return tx.SetCredential("n1", credential("of y"), 0) })
	x.sync(60, y)
	y.sync(60, x)
	x.wantLive("Corp:me")
	x.wantSecret("id:b1", "of x")
	y.wantSecret("id:n1", "of y")
}

func rename(m *member, minute int, id, label string) {
	m.t.Helper()
	m.at(minute, func(tx *vault.Tx) error {
		issuer, name := account.SplitLabel(label)
		return tx.SetLabel(id, issuer, name)
	})
}
