package device_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/device"
)

// The status of a new device, and of one that backs up.
func TestStatus(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	if s := m.status(); s.Keyring != device.SystemKeyring || s.State.Generation != 0 || s.Backup.On || s.Backup.Stale {
		t.Errorf("%+v", s)
	}
	m, dir := enrolled(t)
	r := m.later(time.Hour).add("second")
	s := m.status()
	want := device.BackupStatus{
		On: true, Location: dir, File: r.File, Generation: s.State.Generation, Last: m.now, Drill: device.DrillStatus{Due: true},
		Devices: []device.DeviceDate{{ID: m.id(), Name: "machine", Created: m.now, This: true}},
	}
	if fmt.Sprintf("%+v", s.Backup) != fmt.Sprintf("%+v", want) {
		t.Errorf("the backup is %+v, want %+v", s.Backup, want)
	}
}

// The status says which devices have written since they were merged here, and goes by what
// was merged: not by what was restored in part, and not by files that can never be merged.
func TestStatusNewerElsewhere(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	newer := func(m *machine, when string, want ...*machine) {
		t.Helper()
		var ids, wanted []string
		for _, d := range m.status().Backup.Devices {
			if d.Newer {
				ids = append(ids, d.ID)
			}
		}
		for _, w := range want {
			wanted = append(wanted, w.id())
		}
		slices.Sort(ids)
		slices.Sort(wanted)
		if !slices.Equal(ids, wanted) {
			t.Errorf("%s: newer are %v, want %v", when, ids, wanted)
		}
	}
	a := joined(t, dir)
	newer(m, "another one has joined", a)
	m.restore(device.RestoreOptions{From: dir})
	newer(m, "restored into accounts of its own", a)
	m.sync()
	newer(m, "merged")
	m.add("mine")
	newer(m, "after a change here")
	a.later(time.Hour).add("theirs")
	b := joined(t, dir) // restored whole, with what a has
	newer(m, "both have written", a, b)
	newer(a, "the one in between", m, b)
	m.sync()
	newer(m, "merged again")
	// A file that is none, under the name of a device's newest one.
	name := backupsIn(t, dir)[0]
	parsed, _ := backup.ParseFileName(name)
	parsed.Device, parsed.Generation = "0123456789abcdef", 99
	write(t, filepath.Join(dir, parsed.String()), "not a backup")
	if n := len(m.status().Backup.Devices); n != 4 {
		t.Errorf("%d devices", n)
	}
	m.sync()
	newer(m, "after a sync that skipped what is no backup")
	// The note may be lost: a sync too many is asked for, and none too few.
	remove(t, filepath.Join(m.options.State, "backup.json"))
	if n := len(m.status().Backup.Devices); n != 4 {
		t.Errorf("%d devices", n)
	}
	m.sync()
	newer(m, "after the note was lost and a sync")
}

// The last backup is looked for: where it is missing or altered the backup is stale, and the next one is said to be in its
// place. A location that cannot be looked at is said to be unseen, and makes nothing stale.
func TestStatusLooks(t *testing.T) {
	t.Parallel()
	for what, harm := range map[string]func(path string){
		"missing": func(path string) { remove(t, path) },
		"cut":     func(path string) { write(t, path, readFile(t, path)[:100]) },
	} {
		m, dir := enrolled(t)
		last := m.add("second").File
		harm(filepath.Join(dir, last))
		m.stale(device.LastGone)
		r, err := m.open().BackUp(t.Context())
		if again := noticed(r, device.WrittenAgain); err != nil || len(again) != 1 || again[0].Name != last {
			t.Errorf("%s: %+v, %v", what, r, err)
		}
		m.current()
		if !slices.Contains(backupsIn(t, dir), r.File) {
			t.Errorf("%s: no other one was written", what)
		}
	}
	m, dir := enrolled(t)
	rename(t, dir, dir+".away")
	if b := m.status().Backup; !b.On || b.Stale || !errors.Is(b.Unseen, location.ErrGone) {
		t.Errorf("the backup is %+v", b)
	}
}

// Sync and verify look for the last backup too, at its bytes: another one is written where it is not whole.
func TestLastBackupIsWrittenAgain(t *testing.T) {
	t.Parallel()
	for what, act := range map[string]func(m *machine) device.Report{
		"sync":   func(m *machine) device.Report { return m.sync().Report },
		"verify": func(m *machine) device.Report { return m.verify().Report },
	} {
		m, dir := enrolled(t)
		last := m.add("second").File
		if r := act(m); len(noticed(r, device.WrittenAgain)) > 0 {
			t.Errorf("%s: %+v", what, r)
		}
		whole := readFile(t, filepath.Join(dir, last))
		write(t, filepath.Join(dir, last), whole[:len(whole)-1]+string([]byte{whole[len(whole)-1] ^ 1}))
		if r := act(m); len(noticed(r, device.WrittenAgain)) != 1 || r.File == last {
			t.Errorf("%s: %+v", what, r)
		}
		m.current()
		n := newMachine(t)
		n.restore(device.RestoreOptions{From: dir})
		n.has("first", "second")
	}
}

// Backups says what every file at the location is, and which hold the newest state of their device.
func TestBackups(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	m.options.Name = "laptop"
	newest := m.later(time.Hour).add("second").File
	other := joined(t, dir)
	theirs := other.status().Backup.File
	write(t, filepath.Join(dir, "notes.age"), "notes")
	b := m.backups()
	if len(b.Files) != 4 || len(b.Newest) != 2 || !b.Newest[newest] || !b.Newest[theirs] {
		t.Errorf("%d files, and newest are %v", len(b.Files), b.Newest)
	}
	for _, f := range b.Files {
		switch f.Name {
		case "notes.age":
			if f.State != backup.Foreign || f.Content != nil {
				t.Errorf("%+v", f)
			}
		case newest:
			if f.State != backup.Good || f.Content.DeviceName != "laptop" || f.Device() != m.id() || len(f.Content.State.Accounts()) != 2 {
				t.Errorf("%+v", f)
			}
		}
	}
	if skipped := b.Skipped(); len(skipped) != 1 || skipped[0].Name != "notes.age" {
		t.Errorf("skipped: %+v", skipped)
	}
	gone := m.failing(func(call) error { return location.ErrGone })
	_, err := gone.open().Backups(t.Context())
	wantErr(t, err, location.ErrGone)
	_, err = gone.open().Verify(t.Context())
	wantErr(t, err, location.ErrGone)
}

// Verify backs up what is not backed up, and puts back what is missing; what cannot be put back is a stale backup.
func TestVerify(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	rename(t, dir, dir+".away")
	m.add("second")
	rename(t, dir+".away", dir)
	b := m.verify()
	if m.current(); b.File == "" {
		t.Errorf("verified: %+v", b.Report)
	}
	name := sealedKeys(t, dir)[0]
	whole := readFile(t, filepath.Join(dir, name))
	write(t, filepath.Join(dir, name), whole[:len(whole)-1]+string([]byte{whole[len(whole)-1] ^ 1}))
	if put := noticed(m.verify().Report, device.PutBack); len(put) != 1 || put[0].Name != name || readFile(t, filepath.Join(dir, name)) != whole {
		t.Errorf("put back: %+v", put)
	}
	remove(t, filepath.Join(dir, name))
	remove(t, filepath.Join(m.options.State, "sealed"))
	_, err := m.open().Verify(t.Context())
	if _, ok := errors.AsType[*device.StaleError](err); !ok {
		t.Errorf("the error is %v", err)
	}
	full := m.failing(func(c call) error {
		if c.verb == "create" {
			return location.ErrFull
		}
		return nil
	})
	full.add("third")
	_, err = full.open().Verify(t.Context())
	wantStale(t, err, location.ErrFull)
}

// A close look tells folder, marker, keyring, vault and location, and changes nothing.
func TestExamine(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	copied := m.add("second").File
	write(t, filepath.Join(dir, copied[:len(copied)-len(".age")]+" (conflicted copy).age"), readFile(t, filepath.Join(dir, copied)))
	before := contents(t, dir)
	x := m.open().Examine(t.Context())
	if x.StateDir != m.options.State || !x.Marked || x.MarkerErr != nil || x.Marker.Location != dir {
		t.Errorf("the marker: %+v", x)
	}
	if x.Keyring.Kind != device.SystemKeyring || x.Keyring.Service != "auth-test" || x.KeyringErr != nil {
		t.Errorf("the keyring: %+v, %v", x.Keyring, x.KeyringErr)
	}
	if x.StateErr != nil || len(x.State.Accounts()) != 2 || x.Backup.Stale || !x.Backup.On {
		t.Errorf("the vault: %v, %+v", x.StateErr, x.Backup)
	}
	if x.LocationErr != nil || x.Location.Name != dir || x.Location.Files != len(before) || len(x.Location.ConflictCopies) != 1 {
		t.Errorf("the location: %+v, %v", x.Location, x.LocationErr)
	}
	if now := contents(t, dir); len(now) != len(before) {
		t.Errorf("the folder holds %q", files(t, dir, ""))
	}
	rename(t, dir, dir+".away")
	x = m.open().Examine(t.Context())
	wantErr(t, x.LocationErr, location.ErrGone)
	write(t, filepath.Join(m.options.State, "vault.json"), "nonsense")
	x = m.open().Examine(t.Context())
	if x.MarkerErr == nil || x.StateErr != nil {
		t.Errorf("a damaged marker beside a whole vault: %v, %v", x.MarkerErr, x.StateErr)
	}
	x = newMachine(t).open().Examine(t.Context())
	if x.Marked || x.Location != nil || x.Backup.On || x.StateErr != nil || x.State.Generation != 0 {
		t.Errorf("of a new device: %+v", x)
	}
}

// The folder of a cloud is found where its client makes it.
func TestCloudFolders(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	folder := filepath.Join(m.options.Home, "Dropbox")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	found := m.open().CloudFolders(t.Context())
	if !slices.ContainsFunc(found, func(f device.CloudFolder) bool { return f.Service == "Dropbox" && f.Path == folder }) {
		t.Errorf("found %+v", found)
	}
}
