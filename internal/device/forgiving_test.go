package device_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/device"
)

// Who names the folder above, or a folder that is not there, is told where the backups are.
func TestRestoreFromTheFolderAbove(t *testing.T) {
	t.Parallel()
	fresh := newMachine(t)
	cloud := filepath.Join(fresh.options.Home, "Dropbox")
	if err := os.MkdirAll(filepath.Join(cloud, "photos"), 0o700); err != nil {
		t.Fatal(err)
	}
	m, dir := newMachine(t), filepath.Join(cloud, "auth")
	m.add("first")
	m.enable(dir)
	for _, from := range []string{cloud, filepath.Join(fresh.options.Home, "Documents")} {
		_, err := fresh.open().Restore(t.Context(), device.RestoreOptions{From: from})
		var near *device.NearbyError
		if !errors.As(err, &near) || !slices.Equal(near.Found, []string{dir}) {
			t.Errorf("from %s: %v", from, err)
		}
	}
	// The same for what lies beside the backups, there and where it was copied to.
	readme, err := os.ReadFile(filepath.Join(dir, "README.txt"))
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "README.txt")
	if err := os.WriteFile(elsewhere, readme, 0o600); err != nil {
		t.Fatal(err)
	}
	sealed, err := filepath.Glob(filepath.Join(dir, "recovery-*.age"))
	if err != nil || len(sealed) != 1 {
		t.Fatal(sealed, err)
	}
	for _, from := range []string{filepath.Join(dir, "README.txt"), elsewhere, sealed[0]} {
		_, err := fresh.open().Restore(t.Context(), device.RestoreOptions{From: from})
		var near *device.NearbyError
		if !errors.Is(err, device.ErrBeside) || !errors.As(err, &near) || !slices.Equal(near.Found, []string{dir}) {
			t.Errorf("from %s: %v", from, err)
		}
	}
	if slices.Contains(fresh.person.asked, device.OpenLocation) || slices.Contains(fresh.person.asked, device.OpenBackupFile) {
		t.Error("a passphrase was asked for")
	}
	_, err = newMachine(t).open().Restore(t.Context(), device.RestoreOptions{From: filepath.Join(cloud, "photos")})
	wantErr(t, err, device.ErrNoBackups)
}

// A wrong passphrase is asked for again, three times in all, and then it is an error.
func TestThreeTries(t *testing.T) {
	t.Parallel()
	_, dir := enrolled(t)
	for wrong, want := range []error{nil, nil, nil, backup.ErrWrongKey} {
		fresh := newMachine(t)
		tries := 0
		fresh.options.Asker = typing{fresh.person, func() string {
			if tries++; tries <= wrong {
				return next
			}
			return passphrase
		}}
		_, err := fresh.open().Restore(t.Context(), device.RestoreOptions{From: dir})
		if !errors.Is(err, want) || tries != min(wrong+1, 3) {
			t.Errorf("after %d wrong ones: %v, asked %d times", wrong, err, tries)
		}
	}
	// Whoever reads it from a file has no other, and is asked once.
	fresh := newMachine(t)
	fresh.person.passphrases[device.OpenLocation] = next
	_, err := fresh.open().Restore(t.Context(), device.RestoreOptions{From: dir})
	wantErr(t, err, backup.ErrWrongKey)
}

// A careful person turns backup on first. The first account makes the first file.
func TestEnableAnEmptyVault(t *testing.T) {
	t.Parallel()
	m, dir := newMachine(t), filepath.Join(t.TempDir(), "cloud")
	if e := m.enable(dir); e.Joined || e.File != "" {
		t.Errorf("enabled: %+v", e)
	}
	if n := len(backupsIn(t, dir)); n != 0 {
		t.Errorf("%d backups of nothing", n)
	}
	m.current()
	// Who joins before there is a backup keeps a copy of what opens the location.
	early := newMachine(t)
	early.enable(dir)
	sealed := filepath.Join(dir, sealedKeys(t, dir)[0])
	was := readFile(t, sealed)
	remove(t, sealed)
	if r := early.add("early"); len(noticed(r, device.PutBack)) != 1 || readFile(t, sealed) != was {
		t.Errorf("%+v", r)
	}
	early.change(removing("early"))
	remove(t, filepath.Join(dir, early.status().Backup.File))
	for _, name := range backupsIn(t, dir) {
		remove(t, filepath.Join(dir, name))
	}
	if r := m.add("first"); r.Stale != nil || r.File == "" {
		t.Errorf("%+v", r)
	}
	joined(t, dir).has("first")

	// Where others have backups, an empty vault joins, and replaces nothing.
	empty := newMachine(t)
	_, err := empty.open().Enable(t.Context(), dir, device.EnableOptions{})
	wantStale(t, err, backup.ErrEmpty)
	empty.sync()
	empty.has("first")
	empty.current()
}

// A location cannot be taken back to before its oldest backup, and says when that was.
func TestNothingThatOld(t *testing.T) {
	t.Parallel()
	_, dir := enrolled(t)
	fresh := newMachine(t)
	_, err := fresh.open().Restore(t.Context(), device.RestoreOptions{From: dir, At: noon.Add(-time.Second)})
	var old *device.NothingThatOldError
	if !errors.As(err, &old) || !old.Oldest.Equal(noon) {
		t.Errorf("the error is %v", err)
	}
}

// typing is a person who types another passphrase each time.
type typing struct {
	*person

	text func() string
}

// Passphrase implements [device.Asker].
func (p typing) Passphrase(context.Context, device.Purpose) (string, error) { return p.text(), nil }
