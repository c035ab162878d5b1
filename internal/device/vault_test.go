package device_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/testenv"
	"github.com/authcli/auth/internal/vault"
)

// ofTheVault opens the file keyring of the tests.
const ofTheVault = "tidy walnut opens the iron drawer"

// inFile returns this machine for a process whose user insists on the file keyring.
func (m *machine) inFile() *machine {
	return m.another(func(o *device.Options) { o.Keyring = device.FileKeyring })
}

// withoutKeyring returns a machine that has no system keyring: there is no bus to find one on.
func withoutKeyring(t testing.TB) *machine {
	t.Helper()
	m := newMachine(t)
	m.options.OpenKeyring = nil
	return m
}

// The file keyring is made with the passphrase that its user gives, or with none; one that has a passphrase is opened by it,
// asked for once, before the vault is locked.
func TestFileKeyring(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"", ofTheVault} {
		m := newMachine(t).inFile()
		if len(m.read().Accounts()) > 0 || len(m.person.asked) > 0 {
			t.Errorf("before there is one, asked for %v", m.person.asked)
		}
		m.person.passphrases[device.NewForVault] = secret
		m.add("first")
		if got := m.open().KeyringKind(); got != device.FileKeyring {
			t.Errorf("the vault is in the %s keyring", got)
		}
		x := m.open().Examine(t.Context())
		if x.Keyring.Dir != m.options.Data || !x.Keyring.Exists || x.Keyring.Protected != (secret != "") || x.KeyringErr != nil {
			t.Errorf("the keyring is %+v, %v", x.Keyring, x.KeyringErr)
		}
		m.person.asked = nil
		m.person.passphrases[device.OpenVault] = secret
		d := m.open()
		for range 2 {
			if _, err := d.Read(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		m.add("second")
		want := []device.PurposeKind{device.OpenVault, device.OpenVault} // by each of the two processes once
		if secret == "" {
			want = nil
		}
		if !slices.Equal(m.person.asked, want) {
			t.Errorf("asked for %v, want %v", m.person.asked, want)
		}
		m.has("first", "second")
	}
}

// Without its passphrase the file keyring stays closed, for reading, changing and everything else.
func TestFileKeyringStaysClosed(t *testing.T) {
	t.Parallel()
	m := newMachine(t).inFile()
	_, err := m.open().Change(t.Context(), adding("first", "secret"))
	wantErr(t, err, errNobody)
	if got, err := os.ReadDir(m.options.Data); len(got) > 0 {
		t.Errorf("a keyring was made: %v, %v", got, err)
	}
	m.person.passphrases[device.NewForVault] = ofTheVault
	m.add("first")
	ctx := t.Context()
	for _, answer := range []string{"", "wrong"} {
		want := errNobody
		if answer != "" {
			m.person.passphrases[device.OpenVault], want = answer, device.ErrKeyringPassphrase
		}
		for what, act := range map[string]func(d *device.Device) error{
			"read":       func(d *device.Device) error { _, err := d.Read(ctx); return err },
			"change":     func(d *device.Device) error { _, err := d.Change(ctx, adding("second", "secret")); return err },
			"back up":    func(d *device.Device) error { _, err := d.BackUp(ctx); return err },
			"disable":    func(d *device.Device) error { _, err := d.Disable(ctx); return err },
			"key":        func(d *device.Device) error { _, err := d.Key(ctx); return err },
			"passphrase": func(d *device.Device) error { _, err := d.SetVaultPassphrase(ctx, false); return err },
			"move":       func(d *device.Device) error { _, err := d.UseKeyring(ctx, device.SystemKeyring); return err },
		} {
			if err := act(m.open()); !errors.Is(err, want) {
				t.Errorf("%s with %q: %v", what, answer, err)
			}
		}
	}
	m.person.passphrases[device.OpenVault] = ofTheVault
	m.has("first")
}

// While another process has the vault its passphrase is not changed beside it.
func TestSetVaultPassphraseWaits(t *testing.T) {
	t.Parallel()
	m := newMachine(t).inFile()
	m.person.passphrases[device.NewForVault] = ""
	m.add("first")
	release, err := vault.LockFile(t.Context(), m.options.State, "lock", "auth add", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	before := contents(t, m.options.Data)
	m.person.passphrases[device.NewForVault] = ofTheVault
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	protected, err := m.open().SetVaultPassphrase(ctx, false)
	release()
	if wantErr(t, err, context.DeadlineExceeded); protected || !maps.Equal(contents(t, m.options.Data), before) {
		t.Error("the passphrase is another one")
	}
	m.has("first")
}

// A file keyring that is damaged is set aside by a restore or by a new vault, which were asked for. A change says that it
// is damaged, and leaves it to be repaired.
func TestChangeOfADamagedFileKeyring(t *testing.T) {
	t.Parallel()
	m := newMachine(t).inFile()
	m.person.passphrases[device.NewForVault] = ""
	m.add("first")
	items := filepath.Join(m.options.Data, "keyring.age")
	whole := readFile(t, items)
	write(t, items, whole[:len(whole)-1])
	before := files(t, m.options.Data, "")
	_, err := m.open().Change(t.Context(), adding("second", "secret"))
	if damaged, ok := errors.AsType[*keyring.DamagedError](err); !ok || damaged.Item != "keyring.age" {
		t.Errorf("a change: %v", err)
	}
	if after := files(t, m.options.Data, ""); !slices.Equal(after, before) {
		t.Errorf("there is %q after %q", after, before)
	}
	write(t, items, whole)
	m.has("first")
}

// The file keyring's passphrase is changed, taken away and set again; whoever has the old one opens nothing with it. A weak
// one is refused, unless it will do.
func TestSetVaultPassphrase(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.add("first")
	_, err := m.open().SetVaultPassphrase(t.Context(), false)
	wantErr(t, err, device.ErrNoFileKeyring)
	m = newMachine(t).inFile()
	_, err = m.open().SetVaultPassphrase(t.Context(), false)
	wantErr(t, err, device.ErrNoFileKeyring)
	m.person.passphrases[device.NewForVault] = "secret"
	_, err = m.open().Change(t.Context(), adding("first", "secret"))
	wantErr(t, err, device.ErrWeak)
	m.person.passphrases[device.NewForVault] = ofTheVault
	m.add("first")
	old := ofTheVault
	for _, c := range []struct {
		passphrase string
		weak       bool
	}{{next, false}, {"", false}, {"secret", true}, {ofTheVault, false}} {
		m.person.passphrases[device.OpenVault], m.person.passphrases[device.NewForVault] = old, c.passphrase
		if c.weak {
			_, err := m.open().SetVaultPassphrase(t.Context(), false)
			wantErr(t, err, device.ErrWeak)
		}
		protected, err := m.open().SetVaultPassphrase(t.Context(), c.weak)
		if err != nil || protected != (c.passphrase != "") {
			t.Fatalf("%t, %v", protected, err)
		}
		if c.passphrase != "" {
			_, err = m.open().Read(t.Context())
			wantErr(t, err, device.ErrKeyringPassphrase)
		}
		m.person.passphrases[device.OpenVault] = c.passphrase
		m.has("first")
		old = c.passphrase
	}
	delete(m.person.passphrases, device.NewForVault)
	_, err = m.open().SetVaultPassphrase(t.Context(), false)
	wantErr(t, err, errNobody)
}

// Where the system has no keyring, and no vault exists, the file keyring is offered once, for reading and for writing; the
// answer is remembered. No is no, and so is nobody's answer: the keyring's error stands.
func TestOfferOfTheFileKeyring(t *testing.T) {
	t.Parallel()
	m := withoutKeyring(t)
	_, err := m.open().Read(t.Context())
	wantErr(t, err, device.ErrKeyringUnavailable)
	m.person.says(device.OfferFileKeyring, false)
	_, err = m.open().Change(t.Context(), adding("first", "secret"))
	wantErr(t, err, device.ErrKeyringUnavailable)
	if q := m.person.questions; len(q) != 2 || !errors.Is(q[1].Err, device.ErrKeyringUnavailable) {
		t.Errorf("asked %+v", q)
	}
	if settings, err := m.open().Settings(); err != nil || len(settings) > 0 {
		t.Errorf("remembered: %v, %v", settings, err)
	}
	m.person.passphrases[device.NewForVault] = ""
	m.person.says(device.OfferFileKeyring, true)
	m.add("first")
	m.has("first")
	if got := m.open().KeyringKind(); got != device.FileKeyring || len(m.person.questions) != 3 {
		t.Errorf("the vault is in the %s keyring, and %d questions were asked", got, len(m.person.questions))
	}

	reading := withoutKeyring(t)
	reading.person.says(device.OfferFileKeyring, true)
	if got := len(reading.read().Accounts()); got != 0 || reading.open().KeyringKind() != device.FileKeyring {
		t.Errorf("%d accounts, in the %s keyring", got, reading.open().KeyringKind())
	}

	looking := withoutKeyring(t)
	_, err = looking.open().Lookup(t.Context(), "first", false)
	wantErr(t, err, device.ErrKeyringUnavailable)
	looking.person.says(device.OfferFileKeyring, true)
	_, err = looking.open().Lookup(t.Context(), "first", false)
	wantErr(t, err, vault.ErrNotFound)
	if got := looking.open().KeyringKind(); got != device.FileKeyring {
		t.Errorf("looked up in the %s keyring", got)
	}
}

// A lookup finds what is read, says why it does not, and takes over a marker that the vault has made anew.
func TestLookup(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.add("GitHub:alice")
	m.add("GitHub:bob")
	m.change(func(tx *vault.Tx) error { tx.Set("code.min-valid", "5s"); return nil })
	got, err := m.open().Lookup(t.Context(), "alice", false)
	if want := m.account("GitHub:alice"); err != nil || !reflect.DeepEqual(got.Account, want) || got.Settings["code.min-valid"].Value != "5s" {
		t.Errorf("found %+v, %v; want %+v", got, err, want)
	}
	_, err = m.open().Lookup(t.Context(), "alice", true)
	wantErr(t, err, vault.ErrNotFound)
	_, err = m.open().Lookup(t.Context(), "github", false)
	if several, ok := errors.AsType[*vault.AmbiguousError](err); !ok || len(several.Matches) != 2 {
		t.Errorf("two of one issuer: %v", err)
	}
	m.enable(t.TempDir())
	where := m.open().Location()
	remove(t, filepath.Join(m.options.State, "vault.json"))
	d := m.open()
	if _, err := d.Lookup(t.Context(), "alice", false); err != nil || where == "" || d.Location() != where {
		t.Errorf("backups go to %q, want %q, %v", d.Location(), where, err)
	}
}

// Nothing is offered to whoever insists on the system's keyring, nor where a vault lies elsewhere: that would be a second one.
func TestNoOfferOfASecondVault(t *testing.T) {
	t.Parallel()
	insisting := withoutKeyring(t)
	insisting.options.Keyring = device.SystemKeyring
	elsewhere := newMachine(t)
	elsewhere.add("first")
	elsewhere.options.OpenKeyring = nil // its keyring has gone
	for _, m := range []*machine{insisting, elsewhere} {
		m.person.says(device.OfferFileKeyring, true)
		_, err := m.open().Read(t.Context())
		wantErr(t, err, device.ErrKeyringUnavailable)
		_, err = m.open().Change(t.Context(), adding("second", "secret"))
		wantErr(t, err, device.ErrKeyringUnavailable)
		if len(m.person.questions) > 0 {
			t.Errorf("asked %+v", m.person.questions)
		}
		if x := m.open().Examine(t.Context()); x.KeyringErr == nil || x.StateErr == nil {
			t.Errorf("the close look sees %+v", x)
		}
	}
}

// The vault moves to the file keyring and back with all that lies beside it: backups go on, and the source is gone.
func TestUseKeyring(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	m.options.KeyringWait = time.Minute // a disk may be busy
	key, id := m.key().ID(), m.id()
	m.person.passphrases[device.NewForVault], m.person.passphrases[device.OpenVault] = ofTheVault, ofTheVault
	for _, kind := range []string{device.FileKeyring, device.SystemKeyring} {
		d := m.open()
		moved, err := d.UseKeyring(t.Context(), kind)
		if err != nil || moved.New || moved.Accounts == nil || *moved.Accounts != 1 || d.KeyringKind() != kind {
			t.Fatalf("moved: %+v, %v", moved, err)
		}
		if err := d.SetSetting("keyring", kind); err != nil {
			t.Error(err)
		}
		if left := m.keyring.Items(); (len(left) > 0) != (kind == device.SystemKeyring) {
			t.Errorf("in the system keyring there are %d items", len(left))
		}
		if r := m.later(time.Hour).change(note("first", kind)); r.File == "" || len(r.Notices) > 0 {
			t.Errorf("the report is %+v", r)
		}
		m.current()
		if m.key().ID() != key || m.id() != id {
			t.Error("it is another device, or has another key")
		}
	}
	joined(t, dir).has("first")
}

// A device without a vault keeps it where it is told to, from its first account on. There are two kinds of keyrings.
func TestUseKeyringBeforeThereIsAVault(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	if moved, err := m.open().UseKeyring(t.Context(), device.FileKeyring); err != nil || !moved.New {
		t.Errorf("moved: %+v, %v", moved, err)
	}
	m.person.passphrases[device.NewForVault] = ""
	m.add("first")
	if len(m.keyring.Items()) > 0 || m.open().KeyringKind() != device.FileKeyring {
		t.Error("it is in the system keyring")
	}
	for _, d := range []*device.Device{newMachine(t).open(), m.open()} {
		_, err := d.UseKeyring(t.Context(), "nonsense")
		wantErr(t, err, device.ErrKeyringKind)
	}
	m.has("first")
}

// Where both keyrings hold a vault, and the two differ, nothing is moved or lost.
func TestUseKeyringWhereBothHoldAVault(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.person.passphrases[device.NewForVault] = ""
	m.inFile().add("in the file")
	remove(t, m.options.State)
	m.add("in the system")
	_, err := m.open().UseKeyring(t.Context(), device.FileKeyring)
	var differ *vault.DiffersError
	if !errors.As(err, &differ) || len(differ.Here) != 1 || differ.Here[0].Shown != "in the system" || differ.There[0].Shown != "in the file" {
		t.Errorf("the error is %v", err)
	}
	m.has("in the system")
	remove(t, m.options.State)
	m.inFile().has("in the file")
}

// The last whole generation becomes the vault again where the newest is damaged; where all is well, or nothing is left, that
// is said.
func TestRepair(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.add("first")
	m.add("second")
	_, err := m.open().Repair(t.Context())
	wantErr(t, err, vault.ErrWhole)
	nonsense := "nonsense"
	m.keyring.Replace("head", &nonsense)
	_, err = m.open().Read(t.Context())
	if !device.Gone(err) {
		t.Errorf("a damaged vault is %v", err)
	}
	repaired, err := m.open().Repair(t.Context())
	if err != nil || repaired.Generation != 1 || repaired.Accounts != 1 {
		t.Errorf("repaired: %+v, %v", repaired, err)
	}
	m.has("first")
	m.keyring = new(keyringtest.Memory)
	_, err = m.open().Repair(t.Context())
	wantErr(t, err, vault.ErrNothing)
}

// A new vault is started only where the old one is lost or damaged, and that has been confirmed: above the generation that
// was last seen, and as a new device. What was backed up stays where it is, and can be brought back.
func TestStartAnew(t *testing.T) {
	t.Parallel()
	for what, lose := range map[string]func(m *machine){
		"lost":    func(m *machine) { m.keyring = new(keyringtest.Memory) },
		"damaged": func(m *machine) { nonsense := "nonsense"; m.keyring.Replace("head", &nonsense) },
	} {
		m, dir := enrolled(t)
		before := contents(t, dir)
		m.person.says(device.GiveVaultUp, true)
		_, err := m.open().StartAnew(t.Context(), false)
		wantErr(t, err, device.ErrVaultThere)
		lose(m)
		m.person.yes = nil
		_, err = m.open().StartAnew(t.Context(), false)
		wantErr(t, err, errNobody)
		m.person.says(device.GiveVaultUp, false)
		_, err = m.open().StartAnew(t.Context(), false)
		if wantErr(t, err, device.ErrNotConfirmed); what == "damaged" && m.keyring.Items()["head"] != "nonsense" {
			t.Error("the old vault was replaced, unconfirmed")
		}
		m.person.says(device.GiveVaultUp, true)
		r, err := m.open().StartAnew(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		if what == "damaged" && !errors.Is(r.Stale, backup.ErrEmpty) {
			t.Errorf("the backup is stale for %v", r.Stale)
		}
		if s := m.read(); len(s.Accounts()) != 0 || s.Generation <= 1 {
			t.Errorf("%s: generation %d with %d accounts", what, s.Generation, len(s.Accounts()))
		}
		for name, text := range before {
			if contents(t, dir)[name] != text {
				t.Errorf("%s: %s is not what it was", what, name)
			}
		}
		m.restore(device.RestoreOptions{From: dir})
		m.has("first")
	}
	// A damaged marker beside a whole vault is no reason to give that up.
	m := newMachine(t)
	m.add("first")
	write(t, filepath.Join(m.options.State, "vault.json"), "nonsense")
	m.person.says(device.GiveVaultUp, true)
	_, err := m.open().StartAnew(t.Context(), false)
	wantErr(t, err, device.ErrVaultThere)
	m.has("first")
	// Where there never was one, a new one is no loss.
	m = newMachine(t)
	m.person.says(device.GiveVaultUp, true)
	if _, err := m.open().StartAnew(t.Context(), false); err != nil {
		t.Error(err)
	}
	locked := withoutKeyring(t)
	locked.person.says(device.GiveVaultUp, true)
	_, err = locked.open().StartAnew(t.Context(), false)
	wantErr(t, err, device.ErrKeyringUnavailable)
}

// A file keyring whose passphrase nobody knows is set aside under names that are said, once that is confirmed. One that
// opens without is a vault that can be read.
func TestStartAnewForgotten(t *testing.T) {
	t.Parallel()
	m := newMachine(t).inFile()
	m.person.passphrases[device.NewForVault] = ""
	m.add("first")
	m.person.says(device.GiveVaultUp, true)
	_, err := m.open().StartAnew(t.Context(), true)
	wantErr(t, err, device.ErrVaultThere)
	m.has("first")

	m.person.passphrases[device.NewForVault] = ofTheVault
	if _, err := m.open().SetVaultPassphrase(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	before := contents(t, m.options.Data)
	m.person.says(device.GiveVaultUp, false)
	_, err = m.open().StartAnew(t.Context(), true)
	wantErr(t, err, device.ErrNotConfirmed)
	if after := contents(t, m.options.Data); !maps.Equal(after, before) {
		t.Error("it was set aside, unconfirmed")
	}
	m.person.says(device.GiveVaultUp, true)
	m.person.passphrases[device.NewForVault] = ""
	r, err := m.open().StartAnew(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	aside := noticed(r, device.SetAside)
	if len(aside) != len(before) {
		t.Fatalf("set aside: %+v", r.Notices)
	}
	for _, n := range aside {
		if text := readFile(t, n.Name); !slices.Contains(slices.Collect(maps.Values(before)), text) {
			t.Errorf("%s is not what it was", n.Name)
		}
	}
	m.has()
}

// A keyring that fails fails the act, and the vault is what it was.
func TestKeyringThatFails(t *testing.T) {
	t.Parallel()
	m, _ := enrolled(t)
	m.add("second")
	for n := 1; ; n++ {
		broken := m.keyring.Clone()
		start := broken.Ops()
		broken.Fault = func(op keyringtest.Op) keyringtest.Fault {
			if op.N == start+n {
				return keyringtest.Fail
			}
			return keyringtest.None
		}
		b := m.another(func(o *device.Options) {
			o.State = filepath.Join(t.TempDir(), "state")
			o.OpenKeyring = func(string) keyring.Keyring { return broken }
		})
		testenv.CopyFolder(t, b.options.State, m.options.State)
		r, err := b.open().Change(t.Context(), note("second", "changed"))
		struck := broken.Ops() > start+n-1
		broken.Fault = nil
		switch got := b.account("second").Note; {
		case err == nil && got != "changed", err != nil && got == "changed" && !errors.Is(err, keyring.ErrUnsettled):
			t.Errorf("operation %d fails: %v, and the note is %q", n, err, got)
		case err == nil && r.Stale == nil && r.File == "":
			t.Errorf("operation %d fails: neither backed up nor stale: %+v", n, r)
		}
		if !struck || n > 100 {
			break
		}
	}
	m.has("first", "second")
}
