package device_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/vault"
)

// vaultPassphrase is the one that the act on the file keyring's passphrase sets.
const vaultPassphrase = "a passphrase for the file keyring"

// An act is what a command asks of a device.
type act struct {
	name  string
	world func(t testing.TB) world
	do    func(ctx context.Context, d *device.Device, w world) (done, error)
}

// done is what an act reports. part says that it said what of it was done, before an error or beside files that could not
// be used.
type done struct {
	device.Report

	part bool
}

// acts are the rows of the tables. One more act is one more line.
var acts = []act{
	{"add", backingUp, changing(adding("third", "third secret 1234567"))},
	{"edit", backingUp, changing(note("first", "edited"))},
	{"remove", backingUp, changing(removing("first"))},
	{"move", backingUp, changing(on("second", func(tx *vault.Tx, id string) error { tx.Move([]string{id}); return nil }))},
	{"import", backingUp, changing(importing)},
	{"code of a counter", backingUp, advancing},
	{"backup", behind, backingUpNow},
	{"backup enable, a new place", alone, enabling},
	{"backup enable, a place of others", beside, enabling},
	{"backup disable", backingUp, disabling},
	{"backup verify", behind, verifying},
	{"backup passphrase", resealable, resealing},
	{"backup key --rotate", rotatable, rotating},
	{"backup forget", forgettable, forgetting},
	{"backup lost", losable, losing},
	{"backup drill", backingUp, drilling},
	{"restore, a new machine", unborn, restoring(device.RestoreOptions{})},
	{"restore, beside accounts", beside, restoring(device.RestoreOptions{StayOn: true})},
	{"sync", together, syncing},
	{"vault use file", backingUp, using},
	{"vault passphrase", inFiles, protecting},
	{"vault repair", damaged, repairing},
	{"vault new", gone, startingAnew},
}

func changing(f func(*vault.Tx) error) func(context.Context, *device.Device, world) (done, error) {
	return func(ctx context.Context, d *device.Device, _ world) (done, error) {
		r, err := d.Change(ctx, f)
		return done{Report: r}, err
	}
}

func importing(tx *vault.Tx) error {
	for i := range 3 {
		if _, err := tx.Add(totp(fmt.Sprint("imported ", i), fmt.Sprintf("imported secret %04d", i))); err != nil {
			return err
		}
	}
	return nil
}

// advancing moves the counter on, which no backup waits for.
func advancing(ctx context.Context, d *device.Device, _ world) (done, error) {
	state, err := d.Read(ctx)
	if err != nil {
		return done{}, err
	}
	a, err := state.Find("counter", true)
	if err != nil || a.Counter > 0 { // it was the first try
		return done{}, err
	}
	_, r, err := d.Advance(ctx, a.ID)
	return done{Report: r}, err
}

func backingUpNow(ctx context.Context, d *device.Device, _ world) (done, error) {
	r, err := d.BackUp(ctx)
	return done{Report: r}, err
}

func enabling(ctx context.Context, d *device.Device, w world) (done, error) {
	e, err := d.Enable(ctx, w.name, device.EnableOptions{X25519: true})
	return done{Report: e.Report}, err
}

func disabling(ctx context.Context, d *device.Device, _ world) (done, error) {
	_, err := d.Disable(ctx)
	return done{}, err
}

func verifying(ctx context.Context, d *device.Device, _ world) (done, error) {
	b, err := d.Verify(ctx)
	return done{Report: b.Report}, err
}

func resealing(ctx context.Context, d *device.Device, _ world) (done, error) {
	r, err := d.Reseal(ctx, false)
	return done{Report: r.Report}, err
}

// rotating is known to have merged first what others wrote.
func rotating(ctx context.Context, d *device.Device, _ world) (done, error) {
	r, err := d.Rotate(ctx, device.EnableOptions{X25519: true})
	return done{Report: r.Report, part: err != nil}, err
}

func forgetting(ctx context.Context, d *device.Device, _ world) (done, error) {
	f, err := d.Forget(ctx, "other")
	return done{Report: f.Report, part: err != nil && f.Device != ""}, err
}

func losing(ctx context.Context, d *device.Device, _ world) (done, error) {
	l, err := d.Lose(ctx, "other", time.Time{}, device.EnableOptions{X25519: true})
	return done{Report: l.Report, part: err != nil && l.Merged}, err
}

func drilling(ctx context.Context, d *device.Device, _ world) (done, error) {
	drill, err := d.Drill(ctx, device.KeySource{})
	return done{Report: drill.Report, part: !drill.Whole()}, err
}

func restoring(o device.RestoreOptions) func(context.Context, *device.Device, world) (done, error) {
	return func(ctx context.Context, d *device.Device, w world) (done, error) {
		o.From = w.name
		r, err := d.Restore(ctx, o)
		return done{Report: r.Report, part: err != nil && len(r.Steps) > 0 || len(r.Skipped) > 0}, err
	}
}

func syncing(ctx context.Context, d *device.Device, _ world) (done, error) {
	s, err := d.Sync(ctx)
	return done{Report: s.Report, part: len(s.Skipped) > 0}, err
}

func using(ctx context.Context, d *device.Device, _ world) (done, error) {
	_, err := d.UseKeyring(ctx, device.FileKeyring)
	return done{}, err
}

func protecting(ctx context.Context, d *device.Device, _ world) (done, error) {
	_, err := d.SetVaultPassphrase(ctx, false)
	return done{}, err
}

func repairing(ctx context.Context, d *device.Device, _ world) (done, error) {
	_, err := d.Repair(ctx)
	return done{}, err
}

// startingAnew leaves it to the status that what the marker says of backups went with the vault.
func startingAnew(ctx context.Context, d *device.Device, _ world) (done, error) {
	r, err := d.StartAnew(ctx, false)
	if errors.Is(r.Stale, device.ErrBackupOff) {
		r.Stale = nil
	}
	return done{Report: r}, err
}

// newWorld returns a machine of no accounts, and a name for its location.
func newWorld(t testing.TB) world {
	t.Helper()
	m := newMachine(t)
	dir := filepath.Join(t.TempDir(), "cloud")
	return world{machine: m, name: dir, folder: dir, second: new(keyringtest.Memory)}
}

// alone is a machine with accounts that backs up nowhere.
func alone(t testing.TB) world {
	t.Helper()
	w := newWorld(t)
	w.add("first")
	w.change(adding("second", "second secret 123456"))
	w.change(func(tx *vault.Tx) error {
		counter := totp("counter", "counter secret 12345")
		counter.Credential.Type = account.HOTP
		_, err := tx.Add(counter)
		return err
	})
	return w
}

// backingUp is a machine with accounts that backs up.
func backingUp(t testing.TB) world {
	t.Helper()
	w := alone(t)
	w.turnOn()
	return w
}

func (w world) turnOn() {
	w.t.Helper()
	if _, err := enabling(w.t.Context(), w.open(), w); err != nil {
		w.t.Fatal(err)
	}
}

// behind is a machine whose last change is not backed up.
func behind(t testing.TB) world {
	t.Helper()
	w := backingUp(t)
	full := w.failing(func(c call) error {
		if c.verb == "create" {
			return errNobody
		}
		return nil
	})
	if _, err := full.open().Change(t.Context(), note("first", "edited")); err != nil {
		t.Fatal(err)
	}
	return w
}

// together is a machine that backs up, and another that has written something to the same place since.
func together(t testing.TB) world {
	t.Helper()
	w := backingUp(t)
	other := newMachine(t)
	other.options.Name = "other"
	other.restore(device.RestoreOptions{From: w.name})
	other.later(1)
	other.add("theirs")
	return w
}

// beside is a machine with an account of its own, and a place to which another one backs up.
func beside(t testing.TB) world {
	t.Helper()
	w, m := backingUp(t), newMachine(t)
	m.add("own")
	w.machine = m
	return w
}

// unborn is a new machine, and a place to which another one backs up.
func unborn(t testing.TB) world {
	t.Helper()
	w := backingUp(t)
	w.machine = newMachine(t)
	return w
}

func resealable(t testing.TB) world { t.Helper(); return backingUp(t).knowing(next) }
func rotatable(t testing.TB) world  { t.Helper(); return together(t).knowing(next) }

// knowing has the person take another passphrase when one is asked for.
func (w world) knowing(text string) world {
	w.person.passphrases[device.NewForLocation] = text
	return w
}

func forgettable(t testing.TB) world {
	t.Helper()
	w := together(t)
	w.person.says(device.ForgetDevice, true)
	return w
}

func losable(t testing.TB) world {
	t.Helper()
	w := together(t).knowing(next)
	w.person.says(device.LoseDevice, true)
	return w
}

// damaged is a machine whose vault is damaged.
func damaged(t testing.TB) world {
	t.Helper()
	w := backingUp(t)
	garbage := "garbage"
	w.keyring.Replace("head", &garbage)
	return w
}

// gone is a machine whose keyring has lost everything.
func gone(t testing.TB) world {
	t.Helper()
	w := backingUp(t)
	for name := range w.keyring.Items() {
		w.keyring.Replace(name, nil)
	}
	w.person.says(device.GiveVaultUp, true)
	return w
}

// inFiles is a machine whose vault lies in files, without a passphrase.
func inFiles(t testing.TB) world {
	t.Helper()
	w := newWorld(t)
	w.real = true
	w.options.Keyring = device.FileKeyring
	w.person.passphrases[device.NewForVault] = ""
	w.add("first")
	w.person.passphrases[device.NewForVault] = vaultPassphrase
	w.person.passphrases[device.OpenVault] = vaultPassphrase
	return w
}
