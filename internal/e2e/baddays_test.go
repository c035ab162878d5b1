package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/backup"
)

// Bad input and bad days, one test each: what the program says, how it ends, and that
// nothing is lost. This file has those of the files; others of the place. What several
// devices, clocks and sync clients do the tests of internal/device show, and what is said
// of it the script location_trouble.

// recoveryKey returns the recovery key of a device's location.
func (d *device) recoveryKey() backup.RecoveryKey {
	d.t.Helper()
	sheet := filepath.Join(d.t.TempDir(), "sheet")
	d.must("", "backup", "key", "--sheet", sheet)
	key, err := backup.ParseRecoveryKey(string(read(d.t, sheet)))
	if err != nil {
		d.t.Fatal(err)
	}
	return key
}

// payload decrypts a backup.
func payload(t testing.TB, key backup.RecoveryKey, path string) []byte {
	t.Helper()
	data, err := backup.Unseal(read(t, path), key.Identity())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// forge encrypts a payload for a location. Anybody who knows its recipient can do that.
func forge(t testing.TB, key backup.RecoveryKey, data []byte) []byte {
	t.Helper()
	to, err := backup.ParseRecipient(key.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := backup.Seal(data, backup.SealTo(to))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// restore and enable report a wrong passphrase, and nothing changes.
func TestBadWrongPassphrase(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	wrong := writeTemp(t, "battery staple correct horse")
	empty := newDevice(t, nil)
	words := []string{"wrong passphrase or key", "hint: try the passphrase again"}
	d.untouched(loc, func() {
		empty.fails(7, words, "restore", loc, "--passphrase-file", wrong)
		empty.add("own")
		empty.fails(7, words, "backup", "enable", loc, "--passphrase-file", wrong)
		other := writeTemp(t, backupKey(t).Text())
		empty.fails(7, nil, "restore", loc, "--identity", other)
	})
	empty.has("own")
	if code, b := empty.status(); code != 0 || b.On {
		t.Errorf("after a wrong passphrase backup is %+v", b)
	}
}

func backupKey(t testing.TB) backup.RecoveryKey {
	t.Helper()
	key, err := backup.NewRecoveryKey(false)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// A foreign file is refused if the user names it. In a location it is skipped and named,
// and the other files are used. It is never changed.
func TestBadForeignFile(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	key := d.recoveryKey()
	foreign := map[string][]byte{
		"notes.age":   []byte("no age file at all"),
		"empty.age":   nil,
		"photos.age":  forge(t, backupKey(t), []byte("a picture")),
		"for-us.age":  forge(t, key, []byte("not a backup")),
		"object.age":  forge(t, key, []byte(`{"format":"something else","version":1}`)),
		"nothing.age": forge(t, key, nil),
	}
	for name, data := range foreign {
		write(t, filepath.Join(loc, name), data)
	}
	before := contents(t, loc)
	empty := newDevice(t, nil)
	r := empty.restore(5, loc)
	for name := range foreign {
		r.says(t, name)
	}
	empty.right("first")
	d.add("second")
	d.run("", "sync").says(t, "notes.age", "not a backup of auth", "photos.age")
	kept(t, loc, before)
	identity := writeTemp(t, key.Text())
	for name := range foreign {
		empty.fails(7, nil, "restore", filepath.Join(loc, name), "--identity", identity)
	}
	empty.has("first")
}

// A backup of a later version is not read. The message says to update.
func TestBadNewerFormat(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	key := d.recoveryKey()
	data := payload(t, key, newest(t, loc))
	later := []byte(strings.Replace(string(data), `"format":"auth-backup","version":1`, `"format":"auth-backup","version":2`, 1))
	name := filepath.Join(loc, "later.age")
	write(t, name, forge(t, key, later))
	empty := newDevice(t, nil)
	empty.restore(5, loc).says(t, "later.age", "later version of auth")
	empty.has("first")
	empty.fails(7, []string{"later version", "install the later version"}, "restore", name, "--identity", writeTemp(t, key.Text()))
	empty.has("first")
}

// An empty vault never replaces accounts: emptied here, or new here.
func TestBadEmptyVault(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	before := contents(t, loc)
	r := d.run("", "remove", "first", "--yes")
	if r.code != 0 {
		t.Errorf("remove: exit code %d", r.code)
	}
	r.says(t, "an empty vault never replaces accounts")
	d.stale("empty")
	d.fails(9, []string{"the vault is empty"}, "backup")
	kept(t, loc, before)
	fresh := newDevice(t, nil)
	fresh.fails(9, []string{"the vault is empty", "an empty vault never replaces accounts"}, "backup", "enable", loc, "--passphrase-file", writeTemp(t, passphrase))
	fresh.restore(0, loc)
	fresh.right("first")
	d.must("", "restore", "--deleted", "--account", "first")
	d.right("first")
	d.current()
}
