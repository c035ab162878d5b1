package device_test

import (
	"slices"
	"testing"
	"time"

	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
)

// lockable returns a machine with the account "first" in a file keyring under [ofTheVault], whose person will type that,
// and the keeper of its key.
func lockable(t testing.TB) (*machine, *keyringtest.Keeper) {
	t.Helper()
	m := newMachine(t).inFile()
	keeper := &keyringtest.Keeper{Now: func() time.Time { return m.now }}
	m.options.Keeper = keeper
	m.person.passphrases[device.NewForVault] = ofTheVault
	m.add("first")
	m.person.passphrases[device.OpenVault] = ofTheVault
	m.person.asked = nil
	return m, keeper
}

func (m *machine) unlock(while time.Duration) {
	m.t.Helper()
	until, err := m.open().Unlock(m.t.Context(), while)
	if err != nil {
		m.t.Fatal(err)
	}
	if want := m.now.Add(while); !until.Equal(want) {
		m.t.Errorf("unlocked until %v, want %v", until, want)
	}
}

// wantAsked checks what the person was asked for since the last time.
func (m *machine) wantAsked(what string, want ...device.PurposeKind) {
	m.t.Helper()
	if !slices.Equal(m.person.asked, want) {
		m.t.Errorf("%s: asked for %v, want %v", what, m.person.asked, want)
	}
	m.person.asked = nil
}

// Unlocking asks for the passphrase, each time. Until it ends nothing asks for it, and status and doctor say when that is.
func TestUnlock(t *testing.T) {
	t.Parallel()
	m, _ := lockable(t)
	unlocked := func(want time.Time) {
		t.Helper()
		if got := m.status().Unlocked; !got.Equal(want) {
			t.Errorf("status: unlocked until %v, want %v", got, want)
		}
		if got := m.open().Examine(t.Context()).Keyring.Unlocked; !got.Equal(want) {
			t.Errorf("doctor: unlocked until %v, want %v", got, want)
		}
	}
	unlocked(time.Time{})
	m.wantAsked("locked", device.OpenVault, device.OpenVault)
	m.unlock(time.Hour)
	m.wantAsked("unlock", device.OpenVault)
	end := m.now.Add(time.Hour)
	unlocked(end)
	m.add("second")
	m.has("first", "second")
	m.wantAsked("unlocked")
	m.later(30 * time.Minute)
	m.unlock(time.Hour)
	m.wantAsked("unlock again", device.OpenVault)
	m.later(time.Hour - time.Second)
	m.has("first", "second")
	m.wantAsked("unlocked again")
	m.later(time.Second)
	m.has("first", "second")
	m.wantAsked("over", device.OpenVault)

	m.unlock(time.Hour)
	for _, want := range []bool{true, false} {
		if was, err := m.open().Lock(); err != nil || was != want {
			t.Errorf("Lock: %t, %v; want %t", was, err, want)
		}
	}
	m.person.asked = nil
	m.has("first", "second")
	m.wantAsked("locked again", device.OpenVault)
}

// A device that is open, as the live view has one, is locked with the others, and asks.
func TestLockWhileOpen(t *testing.T) {
	t.Parallel()
	m, _ := lockable(t)
	m.unlock(time.Hour)
	m.person.asked = nil
	d := m.open()
	read := func() {
		t.Helper()
		if _, err := d.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	read()
	m.wantAsked("unlocked")
	if _, err := m.open().Lock(); err != nil {
		t.Fatal(err)
	}
	delete(m.person.passphrases, device.OpenVault)
	_, err := d.Read(t.Context())
	wantErr(t, err, errNobody)
	m.person.passphrases[device.OpenVault] = ofTheVault
	m.person.asked = nil
	read()
	read()
	m.wantAsked("locked", device.OpenVault)
}

// A wrong passphrase unlocks nothing. A time that is none is refused before it is asked for, and so it is where nothing
// keeps a key.
func TestUnlockRefused(t *testing.T) {
	t.Parallel()
	m, keeper := lockable(t)
	for _, while := range []time.Duration{-time.Hour, 0, time.Second - 1, device.MaxUnlock + 1} {
		_, err := m.open().Unlock(t.Context(), while)
		wantErr(t, err, device.ErrUnlockTime)
	}
	keeper.Err = keyring.ErrNoKeeper
	_, err := m.open().Unlock(t.Context(), time.Hour)
	wantErr(t, err, device.ErrNoKeeper)
	_, err = m.open().Lock()
	wantErr(t, err, device.ErrNoKeeper)
	m.wantAsked("refused")
	m.has("first")
	keeper.Err = nil
	m.person.passphrases[device.OpenVault] = "wrong"
	_, err = m.open().Unlock(t.Context(), time.Hour)
	wantErr(t, err, device.ErrKeyringPassphrase)
	if all := keeper.All(); len(all) > 0 {
		t.Errorf("%d secrets are kept", len(all))
	}
}

// There is nothing to unlock in the system keyring, nor in a file keyring without a passphrase or before there is one.
func TestNothingToUnlock(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.add("first")
	for what, c := range map[string]struct {
		m    *machine
		want error
	}{
		"system keyring": {m, device.ErrSystemUnlocks},
		"no vault yet":   {newMachine(t).inFile(), device.ErrNoFileKeyring},
	} {
		_, err := c.m.open().Unlock(t.Context(), time.Hour)
		wantErr(t, err, c.want)
		_, err = c.m.open().Lock()
		wantErr(t, err, c.want)
		c.m.wantAsked(what)
	}
	m = newMachine(t).inFile()
	m.person.passphrases[device.NewForVault] = ""
	m.add("first")
	m.person.asked = nil
	_, err := m.open().Unlock(t.Context(), time.Hour)
	wantErr(t, err, device.ErrNoPassphrase)
	_, err = m.open().Lock()
	wantErr(t, err, device.ErrNoPassphrase)
	m.wantAsked("no passphrase")
}

// Another passphrase takes the old one, also while the keyring is unlocked, and so does taking it away. Afterwards, and
// after the vault has moved or was given up, no key is kept.
func TestNoKeyIsLeft(t *testing.T) {
	t.Parallel()
	for what, act := range map[string]func(m *machine) error{
		"another passphrase": func(m *machine) error {
			m.person.passphrases[device.NewForVault] = next
			_, err := m.open().SetVaultPassphrase(m.t.Context(), false)
			m.wantAsked("another passphrase", device.OpenVault, device.NewForVault)
			return err
		},
		"no passphrase": func(m *machine) error {
			m.person.passphrases[device.NewForVault] = ""
			_, err := m.open().SetVaultPassphrase(m.t.Context(), false)
			m.wantAsked("no passphrase", device.OpenVault, device.NewForVault)
			return err
		},
		"moved": func(m *machine) error {
			_, err := m.open().UseKeyring(m.t.Context(), device.SystemKeyring)
			m.wantAsked("moved")
			return err
		},
		"given up": func(m *machine) error {
			m.person.says(device.GiveVaultUp, true)
			_, err := m.open().StartAnew(m.t.Context(), true)
			return err
		},
	} {
		m, keeper := lockable(t)
		m.unlock(time.Hour)
		m.person.asked = nil
		if err := act(m); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if all := keeper.All(); len(all) > 0 {
			t.Errorf("%s: %d secrets are still kept", what, len(all))
		}
	}

	m, keeper := lockable(t)
	m.unlock(time.Hour)
	m.person.passphrases[device.OpenVault] = "wrong"
	m.person.passphrases[device.NewForVault] = next
	_, err := m.open().SetVaultPassphrase(t.Context(), false)
	wantErr(t, err, device.ErrKeyringPassphrase)
	if all := keeper.All(); len(all) != 1 {
		t.Errorf("a change that was refused leaves %d secrets", len(all))
	}
	m.has("first")
}
