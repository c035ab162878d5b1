package device_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/device"
)

// restores returns the error of a new machine that restores a location with a passphrase.
func restores(t testing.TB, dir, passphrase string) error {
	t.Helper()
	m := newMachine(t)
	m.person.passphrases[device.OpenLocation] = passphrase
	_, err := m.open().Restore(t.Context(), device.RestoreOptions{From: dir})
	return err
}

// The key is shown without its secret, and with it only where that is asked for.
func TestKey(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	key, err := m.open().Key(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, text, err := m.open().KeyText(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	secret := parseKey(t, text)
	if key.Location != dir || key.ID != secret.ID() || key.Recipient != secret.Recipient() || !key.Quantum || again.ID != key.ID {
		t.Errorf("the key is %+v", key)
	}
	if len(key.Sealed) != 1 || key.Sealed[0].Name != sealedKeys(t, dir)[0] {
		t.Errorf("it is sealed as %+v", key.Sealed)
	}
}

// A sheet that was made here is void when this device backs up to another key, whoever
// rotated it, and until there is a new sheet.
func TestSheetIsVoid(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	other := joined(t, dir)
	never := joined(t, dir)
	for _, made := range []*machine{m, other} {
		if err := made.open().SheetMade(t.Context(), made.key().ID()); err != nil {
			t.Fatal(err)
		}
	}
	void := func(m *machine, want bool) {
		t.Helper()
		if made := m.status().Backup.VoidSheet; made.IsZero() == want {
			t.Errorf("the sheet is void: %v, of %v", !want, made)
		}
	}
	m.add("later")
	void(m, false)
	m.rotate()
	void(m, true)
	void(other, false) // it does not know yet
	for made, want := range map[*machine]int{other: 1, never: 0} {
		made.person.passphrases[device.OpenLocation] = next
		if e := made.enable(dir); len(noticed(e.Report, device.SheetVoid)) != want {
			t.Errorf("the notices of joining the new key are %+v", e.Notices)
		}
		void(made, want == 1)
	}
	m.add("later still")
	void(m, true)
	if err := m.open().SheetMade(t.Context(), m.key().ID()); err != nil {
		t.Fatal(err)
	}
	void(m, false)
	m.add("last")
	void(m, false)
}

// A new passphrase opens what lies there, and the old one nothing; further keys stay as they are, on every device.
func TestReseal(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	further := newKey(t)
	if _, err := m.open().AddRecipients(t.Context(), []string{further.Recipient()}); err != nil {
		t.Fatal(err)
	}
	other := joined(t, dir)
	m.person.passphrases[device.NewForLocation] = next
	r, err := m.open().Reseal(t.Context(), false)
	if err != nil || r.File == "" || len(r.Notices) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	retired := 0
	for _, sealed := range r.Sealed {
		if sealed.Retired {
			retired++
		}
	}
	if retired != 1 || len(r.Sealed) != 3 || len(sealedKeys(t, dir)) != 2 {
		t.Errorf("sealed as %+v, and there lie %q", r.Sealed, sealedKeys(t, dir))
	}
	other.add("other") // a device that has not heard of it yet
	other.sync()
	other.add("more")
	if got := sealedKeys(t, dir); len(got) != 2 {
		t.Errorf("another device put back what was retired: %q", got)
	}
	wantErr(t, restores(t, dir, passphrase), backup.ErrWrongKey)
	if err := restores(t, dir, next); err != nil {
		t.Error(err)
	}
	by := newMachine(t)
	by.person.says(device.AdoptKey, true)
	if _, err := by.open().Restore(t.Context(), device.RestoreOptions{From: dir, KeySource: with(keyFile(further))}); err != nil {
		t.Error(err)
	}
}

// A weak passphrase is refused unless it will do, and then all stays as it was.
func TestResealRefused(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	before := contents(t, dir)
	m.person.passphrases[device.NewForLocation] = "secret"
	_, err := m.open().Reseal(t.Context(), false)
	wantErr(t, err, device.ErrWeak)
	_, err = m.open().Rotate(t.Context(), device.EnableOptions{})
	wantErr(t, err, device.ErrWeak)
	delete(m.person.passphrases, device.NewForLocation)
	_, err = m.open().Reseal(t.Context(), false)
	wantErr(t, err, errNobody)
	_, err = m.open().Rotate(t.Context(), device.EnableOptions{})
	wantErr(t, err, errNobody)
	if now := contents(t, dir); len(now) != len(before) {
		t.Errorf("the folder holds %q", files(t, dir, ""))
	}
	m.person.passphrases[device.NewForLocation] = "secret"
	if _, err := m.open().Reseal(t.Context(), true); err != nil {
		t.Error(err)
	}
	if err := restores(t, dir, "secret"); err != nil {
		t.Error(err)
	}
}

// Where a sealed key is neither at the location nor here it cannot be told what it was under: that is said.
func TestResealWithoutTheOldOne(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	name := sealedKeys(t, dir)[0]
	remove(t, filepath.Join(dir, name))
	remove(t, filepath.Join(m.options.State, "sealed", name))
	m.person.passphrases[device.NewForLocation] = next
	r, err := m.open().Reseal(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if gone := noticed(r.Report, device.SealedKeyGone); len(gone) != 1 || gone[0].Name != name {
		t.Errorf("noticed %+v", r.Notices)
	}
	if err := restores(t, dir, next); err != nil {
		t.Error(err)
	}
}

// The copies of the sealed keys can be lost: what lies at the location will do.
func TestResealWithoutCopies(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	remove(t, filepath.Join(m.options.State, "sealed"))
	m.person.passphrases[device.NewForLocation] = next
	if r, err := m.open().Reseal(t.Context(), false); err != nil || len(r.Notices) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	wantErr(t, restores(t, dir, passphrase), backup.ErrWrongKey)

	bad := m.failing(func(c call) error {
		if c.verb == "read" {
			return location.ErrNotDownloaded
		}
		return nil
	})
	remove(t, filepath.Join(m.options.State, "sealed"))
	_, err := bad.open().Reseal(t.Context(), false)
	wantErr(t, err, location.ErrNotDownloaded)
}

// The key is sealed for further keys, all of them or none; each then opens the location alone.
func TestAddRecipients(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	a, b := newKey(t), newKey(t)
	_, err := m.open().AddRecipients(t.Context(), []string{"nonsense"})
	var input *device.InputError
	if !errors.As(err, &input) || !strings.Contains(err.Error(), "recipient") {
		t.Errorf("the error is %v", err)
	}
	r, err := m.open().AddRecipients(t.Context(), []string{a.Recipient(), b.Recipient()})
	if err != nil || len(r.Sealed) != 3 || len(sealedKeys(t, dir)) != 3 || r.File == "" {
		t.Errorf("%+v, %v", r, err)
	}
	for _, key := range []backup.RecoveryKey{a, b} {
		by := newMachine(t)
		by.person.passphrases = nil
		by.person.says(device.AdoptKey, true)
		by.restore(device.RestoreOptions{From: dir, KeySource: with(keyFile(key))})
		by.has("first")
	}
	if err := restores(t, dir, passphrase); err != nil {
		t.Error(err)
	}
}

// The key is made anew for a lost laptop. What others wrote is brought in first; the old sealed keys go; the laptop keeps
// its vault, writes nothing more, and knows why; others go on with the new passphrase.
func TestRotate(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	laptop, tablet := joined(t, dir), joined(t, dir)
	tablet.later(time.Minute).add("on the tablet")
	old := m.key().ID()
	r := m.later(time.Hour).rotate()
	if r.ID == old || r.File == "" || !r.Quantum {
		t.Errorf("rotated: %+v", r)
	}
	for _, name := range sealedKeys(t, dir) {
		if strings.Contains(name, old) {
			t.Errorf("%s is still there", name)
		}
	}
	m.has("first", "on the tablet")
	m.current()
	before := contents(t, dir)
	wantErr(t, laptop.later(time.Hour).add("on the laptop").Stale, device.ErrRotated)
	laptop.stale(device.KeyRotated)
	_, err := laptop.open().BackUp(t.Context())
	wantStale(t, err, device.ErrRotated)
	laptop.has("first", "on the laptop")
	if now := contents(t, dir); len(now) != len(before) {
		t.Errorf("the laptop wrote: %q", files(t, dir, ""))
	}
	wantErr(t, restores(t, dir, passphrase), backup.ErrWrongKey)
	_, err = tablet.open().Enable(t.Context(), dir, device.EnableOptions{})
	wantErr(t, err, backup.ErrWrongKey)
	tablet.rejoin(dir)
	tablet.add("tablet again")
	tablet.current()
	for _, name := range sealedKeys(t, dir) {
		if strings.Contains(name, old) {
			t.Errorf("the tablet put %s back", name)
		}
	}
	m.sync()
	m.has("first", "on the tablet", "tablet again")
	if err := restores(t, dir, next); err != nil {
		t.Error(err)
	}

	x, err := m.open().Rotate(t.Context(), device.EnableOptions{X25519: true, Weak: true})
	if err != nil || x.Quantum {
		t.Errorf("rotated for age before 1.3: %+v, %v", x.Key, err)
	}
}

// A device that is gone for good is forgotten by its name or its id: once that is confirmed, what it had is brought in, and
// its backups go, and nobody else's.
func TestForget(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	lost := newMachine(t)
	lost.options.Name = "Old Laptop"
	lost.restore(device.RestoreOptions{From: dir})
	lost.add("only on the lost one")
	id := lost.id()
	own := len(backupsIn(t, dir)) - 2
	before := contents(t, dir)
	forget := func(name string) (device.Forgotten, error) { return m.open().Forget(t.Context(), name) }

	var nobody *device.NoDeviceError
	if _, err := forget("nobody"); !errors.As(err, &nobody) || nobody.Name != "nobody" || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("the error is %v", err)
	}
	if _, err := forget(m.id()); !errors.As(err, &nobody) {
		t.Errorf("to forget oneself is %v", err)
	}
	_, err := forget("old laptop")
	wantErr(t, err, errNobody)
	m.person.says(device.ForgetDevice, false)
	_, err = forget("old laptop")
	wantErr(t, err, device.ErrNotConfirmed)
	if now := contents(t, dir); len(now) != len(before) {
		t.Errorf("the folder holds %q", files(t, dir, ""))
	}
	m.has("first")

	m.person.says(device.ForgetDevice, true)
	f, err := forget("old laptop")
	if err != nil || f.Device != id || f.Removed != 2 || f.File == "" {
		t.Errorf("%+v, %v", f, err)
	}
	if q := m.person.questions[len(m.person.questions)-1]; q.Device.Name != "Old Laptop" || q.Device.ID != id {
		t.Errorf("the question was %+v", q)
	}
	m.has("first", "only on the lost one")
	m.current()
	for _, name := range backupsIn(t, dir) {
		if strings.HasPrefix(name, id) {
			t.Errorf("%s is still there", name)
		}
	}
	if got := len(backupsIn(t, dir)); got != own+1 {
		t.Errorf("%d backups, want %d", got, own+1)
	}
	joined(t, dir).has("first", "only on the lost one")
}

// Of several devices that have one name none is forgotten by it.
func TestForgetOneOfSeveral(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	m.options.Name = "this one"
	a, b := joined(t, dir), joined(t, dir)
	m.person.says(device.ForgetDevice, true)
	_, err := m.open().Forget(t.Context(), "machine")
	var several *device.SeveralDevicesError
	if !errors.As(err, &several) {
		t.Fatalf("the error is %v", err)
	}
	// All that have the name are shown, with what tells them apart.
	want := map[string]bool{m.id(): true, a.id(): false, b.id(): false}
	for _, d := range several.Devices {
		this, known := want[d.ID]
		if !known || d.This != this || d.Name != "machine" || d.Created.IsZero() {
			t.Errorf("%+v", d)
		}
		delete(want, d.ID)
	}
	if len(want) > 0 {
		t.Errorf("not shown: %v", want)
	}
	if f, err := m.open().Forget(t.Context(), a.id()); err != nil || f.Removed != 1 {
		t.Errorf("%+v, %v", f, err)
	}
}

// Where what a device had cannot be backed up, its backups stay.
func TestForgetWithoutBackup(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	other := joined(t, dir)
	other.add("other")
	before := contents(t, dir)
	m.person.says(device.ForgetDevice, true)
	full := m.failing(func(c call) error {
		if c.verb == "create" {
			return location.ErrFull
		}
		return nil
	})
	f, err := full.open().Forget(t.Context(), other.id())
	if wantStale(t, err, location.ErrFull); f.Removed != 0 {
		t.Errorf("%d were removed", f.Removed)
	}
	if now := contents(t, dir); len(now) != len(before) {
		t.Errorf("the folder holds %q", files(t, dir, ""))
	}
	readOnly := m.failing(func(c call) error {
		if c.verb == "remove" {
			return location.ErrReadOnly
		}
		return nil
	})
	_, err = readOnly.open().Forget(t.Context(), other.id())
	wantErr(t, err, location.ErrReadOnly)
}
