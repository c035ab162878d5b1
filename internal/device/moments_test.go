package device_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/keyring/keyringtest"
)

// The moments at which a fault once did harm, one by one. TestFaults strikes at all of them.

// refusing has the keyring refuse to store an item, until the function that is returned is called.
func (m *machine) refusing(item string) (again func()) {
	m.keyring.Fault = func(op keyringtest.Op) keyringtest.Fault {
		if op.Verb == "set" && op.Name == item {
			return keyringtest.Fail
		}
		return keyringtest.None
	}
	return func() { m.keyring.Fault = nil }
}

// What came to nothing leaves no sealed key behind, and no word that backup is on.
func TestNothingIsLeftOfWhatFailed(t *testing.T) {
	t.Parallel()
	m, dir := newMachine(t), filepath.Join(t.TempDir(), "cloud")
	m.add("first")
	works := m.refusing("backup")
	if _, err := m.open().Enable(t.Context(), dir, device.EnableOptions{}); !errors.Is(err, keyringtest.ErrInjected) {
		t.Errorf("enabled: %v", err)
	}
	works()
	if b := m.status().Backup; b.On {
		t.Errorf("backup is on: %+v", b)
	}
	if left := sealedKeys(t, dir); len(left) > 0 {
		t.Errorf("left at the location: %q", left)
	}
	m.enable(dir)
	one := sealedKeys(t, dir)

	m.person.passphrases[device.NewForLocation] = next
	works = m.refusing("backup")
	if _, err := m.open().Reseal(t.Context(), false); !errors.Is(err, keyringtest.ErrInjected) {
		t.Errorf("sealed anew: %v", err)
	}
	if _, err := m.open().Rotate(t.Context(), device.EnableOptions{}); !errors.Is(err, keyringtest.ErrInjected) {
		t.Errorf("rotated: %v", err)
	}
	works()
	if now := sealedKeys(t, dir); len(now) != 1 || now[0] != one[0] {
		t.Errorf("sealed keys %q, want %q", now, one)
	}
	m.add("second")
	joined(t, dir).has("first", "second")
}

// A rotation whose first backup fails still vouches for what others wrote before it, and so does one whose first backup is
// gone at once.
func TestVouchingOutlivesAFailedBackup(t *testing.T) {
	t.Parallel()
	for what, spoil := range map[string]func(m *machine, dir string){
		"fails": func(m *machine, _ string) {
			full := m.failing(func(c call) error {
				if _, named := backup.ParseFileName(c.name); named && c.verb == "create" {
					return location.ErrFull
				}
				return nil
			})
			full.person.passphrases[device.NewForLocation] = next
			_, err := full.open().Rotate(t.Context(), device.EnableOptions{})
			wantStale(t, err, location.ErrFull)
		},
		"is lost": func(m *machine, dir string) {
			m.rotate()
			remove(t, filepath.Join(dir, m.status().Backup.File))
		},
	} {
		m, dir := enrolled(t)
		other := joined(t, dir)
		other.add("theirs")
		spoil(m, dir)
		m.add("second")
		empty := newMachine(t)
		empty.person.passphrases[device.OpenLocation] = next
		if r := empty.restore(device.RestoreOptions{From: dir}); len(r.Skipped) > 0 {
			t.Errorf("%s: skipped %+v", what, r.Skipped)
		}
		empty.has("first", "second", "theirs")
	}
}

// A location without its backups is no location without news: a disk may not be mounted.
func TestNothingIsMergedFromAnEmptiedLocation(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	key, away := m.key().ID(), dir+" away"
	rename(t, dir, away)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := m.open().Sync(t.Context())
	wantStale(t, err, device.ErrEmptied)
	_, err = m.open().Rotate(t.Context(), device.EnableOptions{})
	wantStale(t, err, device.ErrEmptied)
	if m.key().ID() != key || len(files(t, dir, "")) > 0 {
		t.Errorf("the key is %s, want %s; in the folder lies %q", m.key().ID(), key, files(t, dir, ""))
	}
	remove(t, dir)
	rename(t, away, dir)
	m.sync()
	m.current()
}

// What could not be written was not restored.
func TestRestoreThatFailedBringsNothing(t *testing.T) {
	t.Parallel()
	_, dir := enrolled(t)
	m := newMachine(t)
	works := m.refusing("head")
	r, err := m.open().Restore(t.Context(), device.RestoreOptions{From: dir})
	if !errors.Is(err, keyringtest.ErrInjected) || len(r.Steps) > 0 || r.BackupTo != "" {
		t.Errorf("restored %+v, %v", r, err)
	}
	works()
	m.restore(device.RestoreOptions{From: dir})
	m.has("first")
}

// A marker that cannot be read may name a vault: no other keyring is taken for its place.
func TestKeyringOfAnUnreadableMarker(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.add("first")
	path := filepath.Join(m.options.State, "vault.json")
	remove(t, path)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := m.open().UseKeyring(t.Context(), device.FileKeyring); err == nil {
		t.Error("the vault was moved")
	}
	if err := m.open().SetSetting("keyring", device.FileKeyring); err == nil {
		t.Error("the keyring was set")
	}
	if s, err := m.open().Settings(); err != nil || s["keyring"] != "" {
		t.Errorf("settings %v, %v", s, err)
	}
	remove(t, path)
	m.has("first")
}

// A file of the device that is to be forgotten may be its newest: while it cannot be read nothing goes, and where it never
// can it stays, and is named.
func TestForgetWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	other := joined(t, dir)
	other.add("theirs")
	other.add("newest")
	file := other.status().Backup.File
	m.person.says(device.ForgetDevice, true)
	before := files(t, dir, "")
	away := m.failing(func(c call) error {
		if c.verb == "read" && c.name == file {
			return location.ErrNotDownloaded
		}
		return nil
	})
	if _, err := away.open().Forget(t.Context(), other.id()); !errors.Is(err, location.ErrNotDownloaded) || !strings.Contains(err.Error(), file) {
		t.Errorf("forgotten: %v", err)
	}
	if now := files(t, dir, ""); len(now) != len(before) {
		t.Errorf("there is %q, and there was %q", now, before)
	}
	m.has("first")

	write(t, filepath.Join(dir, file), readFile(t, filepath.Join(dir, file))[:200])
	f, err := m.open().Forget(t.Context(), other.id())
	if n := noticed(f.Report, device.NotMerged); err != nil || len(n) != 1 || n[0].Name != file {
		t.Errorf("forgotten: %v, %+v", err, f)
	}
	m.has("first", "theirs")
	if left := files(t, dir, other.id()); len(left) != 1 || left[0] != file {
		t.Errorf("left of the device: %q", left)
	}
}

// A rotation names the files that it could not merge first.
func TestRotateNamesWhatItCouldNotMerge(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	other := joined(t, dir)
	other.add("theirs")
	file := other.status().Backup.File
	away := m.failing(func(c call) error {
		if c.verb == "read" && c.name == file {
			return location.ErrNotDownloaded
		}
		return nil
	})
	away.person.passphrases[device.NewForLocation] = next
	r, err := away.open().Rotate(t.Context(), device.EnableOptions{})
	if n := noticed(r.Report, device.NotMerged); err != nil || len(n) != 1 || n[0].Name != file {
		t.Errorf("rotated: %v, %+v", err, r.Notices)
	}
	m.sync() // which can read it
	m.has("first", "theirs")
}
