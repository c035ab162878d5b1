package device_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/vault"
)

// Bad days of a location, its clocks and its sync clients, with several devices.

// kept checks that every file of before is there, and as it was, but for the README.
func kept(t testing.TB, dir string, before map[string]string) {
	t.Helper()
	now := contents(t, dir)
	for name, text := range before {
		if name != "README.txt" && now[name] != text {
			t.Errorf("%s is gone, or was changed", name)
		}
	}
}

// Backups are new files: whatever is done afterwards, none is ever changed.
func TestFilesNeverChange(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	other := joined(t, dir)
	for i := range 3 {
		before := contents(t, dir)
		m.later(time.Minute).add(fmt.Sprint("a", i))
		other.later(time.Minute).sync()
		other.change(note("first", fmt.Sprint(i)))
		if _, err := m.open().BackUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := m.open().AddRecipients(t.Context(), []string{newKey(t).Recipient()}); err != nil {
			t.Fatal(err)
		}
		kept(t, dir, before)
	}
}

// Where backups go and to which key is this device's own: whatever somebody puts into the folder, the next backup is for our
// key, and what lies in theirs is not touched.
func TestRecipientIsOurs(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	key := m.key()
	_, theirs := enrolled(t)
	before := contents(t, theirs)
	carry(t, theirs, dir)
	r := m.add("second")
	if _, err := backup.Open([]byte(readFile(t, filepath.Join(dir, r.File))), key.Identity()); err != nil {
		t.Error(err)
	}
	if now := contents(t, theirs); len(now) != len(before) {
		t.Errorf("the other folder holds %q", files(t, theirs, ""))
	}
}

// What changed on three devices while they were offline, each in a folder of its own that a sync client brings together
// later, is the same everywhere in the end. An account that one enrolled anew, and another renamed, is there twice: each with
// the secret that was meant.
func TestThreeDevices(t *testing.T) {
	t.Parallel()
	laptop, first := enrolled(t)
	for _, label := range []string{"work", "old", "bank"} {
		laptop.add(label)
	}
	machines, folders := []*machine{laptop}, []string{first}
	for range 2 {
		m, folder := newMachine(t), filepath.Join(t.TempDir(), "cloud")
		carry(t, first, folder)
		m.person.says(device.MergeMany, true)
		m.restore(device.RestoreOptions{From: folder})
		machines, folders = append(machines, m), append(folders, folder)
	}
	laptop.person.says(device.MergeMany, true)
	tablet, server := machines[1], machines[2]

	tablet.later(time.Hour).change(removing("work"))
	tablet.change(adding("work", "enrolled anew 123456"))
	tablet.change(on("bank", func(tx *vault.Tx, id string) error { return tx.SetTag(id, "money", true) }))
	laptop.later(2 * time.Hour).change(on("work", func(tx *vault.Tx, id string) error { return tx.SetLabel(id, "", "office") }))
	laptop.add("from the laptop")
	server.change(removing("old"))
	server.change(on("bank", func(tx *vault.Tx, id string) error { return tx.SetAlias(id, "b") }))
	server.add("from the server")

	online := func() {
		for _, from := range folders {
			for _, to := range folders {
				if from != to {
					carry(t, from, to)
				}
			}
		}
	}
	for range 3 {
		online()
		for _, m := range machines {
			m.now = laptop.now
			m.sync()
		}
	}
	online()
	m := newMachine(t)
	m.now = laptop.now
	m.restore(device.RestoreOptions{From: first})
	for _, m := range append(machines, m) {
		m.has("bank", "first", "from the laptop", "from the server", "office", "work")
		if got := m.secret("office"); got != "12345678901234567890" {
			t.Errorf("office has the secret %q", got)
		}
		if got := m.secret("work"); got != "enrolled anew 123456" {
			t.Errorf("work has the secret %q", got)
		}
		if bank := m.account("b"); bank.Name != "bank" || !slices.Equal(bank.Tags, []string{"money"}) {
			t.Errorf("bank is %+v", bank)
		}
	}
}

// Two devices back up in the same second, by the same clock: both files are there, and both count.
func TestSameSecond(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	other := joined(t, dir)
	m.options.LocationWait, other.options.LocationWait = time.Minute, time.Minute // a disk may be busy
	had := len(backupsIn(t, dir))
	var both sync.WaitGroup
	for i, one := range []*device.Device{m.open(), other.open()} {
		both.Go(func() {
			if r, err := one.Change(t.Context(), adding(fmt.Sprint("at once ", i), "secret")); err != nil || r.Stale != nil {
				t.Errorf("%v, %v", r.Stale, err)
			}
		})
	}
	both.Wait()
	if got := len(backupsIn(t, dir)); got != had+2 {
		t.Errorf("%d backups, want %d", got, had+2)
	}
	m.sync()
	other.sync()
	for _, one := range []*machine{m, other, joined(t, dir)} {
		one.has("first", "at once 0", "at once 1")
	}
}

// The clock goes back a year: what is written then is the newest all the same, and nothing that was there goes, as often as
// that is.
func TestClockBack(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	m.later(365 * 24 * time.Hour).add("in time")
	before := contents(t, dir)
	m.later(-365 * 24 * time.Hour).add("a year before")
	m.change(note("in time", "changed"))
	m.current()
	kept(t, dir, before)
	for i := range 12 { // more than are kept of a day
		m.later(time.Minute).change(note("first", fmt.Sprint(i)))
	}
	m.current()
	n := newMachine(t)
	n.now = m.now
	n.restore(device.RestoreOptions{From: dir})
	n.has("first", "in time", "a year before")
	if a, b := n.account("in time").Note, n.account("first").Note; a != "changed" || b != "11" {
		t.Errorf("the last changes are %q and %q", a, b)
	}
	m.later(366 * 24 * time.Hour).add("in time again")
	m.current()
}

// The clock jumps years ahead and comes back: no history goes, no trash is emptied, it is said, and what other devices
// change by the right clock is not lost for ever.
func TestClockAhead(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	for i := range 14 {
		m.later(24 * time.Hour).change(note("first", fmt.Sprint("day ", i)))
	}
	m.add("removed")
	m.change(removing("removed"))
	before := contents(t, dir)
	m.later(5 * 365 * 24 * time.Hour).add("ahead")
	m.change(note("ahead", "x"))
	m.later(-5 * 365 * 24 * time.Hour).later(24 * time.Hour).change(note("first", "after"))
	m.current()
	kept(t, dir, before)
	m.restore(device.RestoreOptions{Options: backup.Options{Deleted: true, Accounts: []string{"removed"}}})
	m.has("first", "ahead", "removed")
	if ahead := m.read().Ahead(m.now); !slices.Contains(ahead, "ahead") {
		t.Errorf("stamped ahead of this clock are %q", ahead)
	}
	n := newMachine(t)
	n.now = m.now
	n.restore(device.RestoreOptions{From: dir})
	n.change(note("ahead", "later than that"))
	m.sync()
	if got := m.account("ahead").Note; got != "later than that" {
		t.Errorf("a change by the right clock is lost: %q", got)
	}
}

// conflictNames are what sync clients make of a name when two devices wrote it.
func conflictNames(name string) []string {
	base := strings.TrimSuffix(name, ".age")
	return []string{
		base + " 2.age", base + "-LAPTOP.age", base + " (Alice's conflicted copy 2026-01-02).age", base + " (1).age",
		base + " (conflicted copy 2026-01-02 030405).age", base + ".sync-conflict-20260102-030405-ABCDEFG.age",
		base + " (# Edit conflict 2026-01-02 abc #).age", base + " [conflicted].age", base + "_LAPTOP_Jan-02-0304-2026_Conflict.age",
		"Copy of " + name,
	}
}

// Conflict copies of every kind, a file that came by half, and what sync clients leave lying about: all accounts are there
// once, the half file alone is named, and when the rest of it arrives it counts.
func TestConflictCopies(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	whole := m.later(time.Minute).add("second").File
	for _, name := range conflictNames(whole) {
		write(t, filepath.Join(dir, name), readFile(t, filepath.Join(dir, whole)))
	}
	last := m.later(time.Minute).add("third").File
	data := readFile(t, filepath.Join(dir, last))
	write(t, filepath.Join(dir, last), data[:len(data)/2])
	write(t, filepath.Join(dir, ".syncthing."+last+".tmp"), data[:100])
	write(t, filepath.Join(dir, "desktop.ini"), "[.ShellClassInfo]")
	if err := os.Mkdir(filepath.Join(dir, "folder.age"), 0o700); err != nil {
		t.Fatal(err)
	}
	n := newMachine(t)
	r := n.restore(device.RestoreOptions{From: dir})
	if len(r.Skipped) != 1 || r.Skipped[0].Name != last || r.Skipped[0].State != backup.Damaged {
		t.Errorf("skipped: %+v", r.Skipped)
	}
	n.has("first", "second")
	n.current()
	write(t, filepath.Join(dir, last), data)
	n.sync()
	n.has("first", "second", "third")
	m.sync()
	m.has("first", "second", "third")
	m.current()
}

// A sync client renames the newest file of a device, delivers another by half, and brings back what was deleted: sync takes
// what is whole, and names the rest; and nobody takes himself for a clone.
func TestSyncClient(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	other := joined(t, dir)
	name := other.later(time.Minute).add("theirs").File
	old := contents(t, dir)
	rename(t, filepath.Join(dir, name), filepath.Join(dir, "Copy of "+strings.TrimSuffix(name, ".age")+" (other's conflicted copy).age"))
	m.sync()
	m.has("first", "theirs")
	half := other.later(time.Minute).add("more").File
	data := readFile(t, filepath.Join(dir, half))
	write(t, filepath.Join(dir, half), data[:len(data)-100])
	if s := m.sync(); len(s.Skipped) != 1 || s.Skipped[0].Name != half || s.Skipped[0].State != backup.Damaged {
		t.Errorf("skipped: %+v", s.Skipped)
	}
	m.has("first", "theirs")
	write(t, filepath.Join(dir, half), data)
	m.sync()
	m.has("first", "theirs", "more")
	for i := range 12 {
		m.later(time.Minute).change(note("first", fmt.Sprint(i)))
	}
	back := 0
	for name, text := range old {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			write(t, filepath.Join(dir, name), text)
			back++
		}
	}
	if back == 0 {
		t.Error("nothing had been deleted: this test shows nothing")
	}
	r, err := m.open().BackUp(t.Context())
	if err != nil || len(noticed(r, device.NewDeviceID)) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	m.has("first", "theirs", "more")
}

// A sealed key that was swapped before a new machine came is not taken for the right one there, and the first device puts it
// back.
func TestSwappedSealedKeyIsNotLearned(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	added, err := m.open().AddRecipients(t.Context(), []string{newKey(t).Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	further := filepath.Join(dir, added.Sealed[1].Name)
	whole := readFile(t, further)
	swapped, err := backup.Seal([]byte("of another"), backup.Sealing{Passphrase: next, WorkFactor: 4})
	if err != nil {
		t.Fatal(err)
	}
	write(t, further, string(swapped))
	n := joined(t, dir)
	n.add("from the new machine")
	if r, err := m.open().BackUp(t.Context()); err != nil || len(noticed(r, device.PutBack)) != 1 || readFile(t, further) != whole {
		t.Errorf("%+v, %v", r, err)
	}
	n.add("another")
	if readFile(t, further) != whole {
		t.Error("the swapped sealed key came back")
	}

	// The new machine has a copy of the right one now, and no other copy is needed.
	n.sync()
	remove(t, m.options.State)
	remove(t, further)
	if r := n.add("a third"); len(noticed(r, device.PutBack)) != 1 || readFile(t, further) != whole {
		t.Errorf("%+v", r)
	}
}

// A sealed key that is missing while a machine joins is put back by another, and keeps nobody from joining or syncing.
func TestJoinWhileASealedKeyIsMissing(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	added, err := m.open().AddRecipients(t.Context(), []string{newKey(t).Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	remove(t, filepath.Join(dir, added.Sealed[1].Name))
	n := joined(t, dir)
	n.sync()
	n.has("first")
}

// A forged file may ask for hours of scrypt: it is refused at once, and does not keep the right sealed key from being used.
func TestWorkFactorBomb(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	bomb := "age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 30\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
	write(t, filepath.Join(dir, "recovery-"+m.key().ID()+"-00000000.age"), bomb)
	write(t, filepath.Join(dir, "bomb.age"), bomb)
	n := newMachine(t)
	if r := n.restore(device.RestoreOptions{From: dir}); len(r.Skipped) != 1 || r.Skipped[0].Name != "bomb.age" {
		t.Errorf("skipped: %+v", r.Skipped)
	}
	n.has("first")
	for _, name := range sealedKeys(t, dir) {
		write(t, filepath.Join(dir, name), bomb)
	}
	wantErr(t, restores(t, dir, passphrase), backup.ErrWorkFactor)
	m.add("second")
	m.current()
}

// Device-bound accounts come back by name, each device has a secret of its own, and neither restore nor sync replaces one by
// the other's. No file at the location holds one.
func TestDeviceBound(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	m.change(func(tx *vault.Tx) error {
		bound := totp("bound", "of the first device!")
		bound.DeviceBound = true
		_, err := tx.Add(bound)
		return err
	})
	n := newMachine(t)
	wantOutcomes(t, n.restore(device.RestoreOptions{From: dir}), "first", backup.Restored, "bound", backup.Unverified)
	n.later(time.Hour).change(on("bound", func(tx *vault.Tx, id string) error {
		return tx.SetCredential(id, totp("", "of the second device").Credential, 0)
	}))
	for range 2 {
		m.sync()
		n.sync()
	}
	n.restore(device.RestoreOptions{From: dir})
	if a, b := m.secret("bound"), n.secret("bound"); a != "of the first device!" || b != "of the second device" {
		t.Errorf("the secrets are %q and %q", a, b)
	}
	for _, f := range n.backups().Files {
		if a, err := f.Content.State.Find("bound", true); err == nil && !a.NeedsVerification() || len(f.Content.State.Trash) > 0 {
			t.Errorf("%s holds %+v", f.Name, a)
		}
	}
}

// A year of backups leaves the last ten, one a day and one a month. Only files of this device go, and history can be gone
// back to.
func TestYearOfBackups(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	other := joined(t, dir)
	theirs := map[string]string{}
	for _, name := range backupsIn(t, dir) {
		if strings.HasPrefix(name, other.id()) {
			theirs[name] = readFile(t, filepath.Join(dir, name))
		}
	}
	write(t, filepath.Join(dir, "notes.age"), "of the user")
	theirs["notes.age"] = "of the user"
	m.later(24 * time.Hour).add("first day")
	for i := range 14 {
		m.later(time.Minute).change(note("first", fmt.Sprint(i)))
	}
	own := files(t, dir, m.id())
	if len(own) != 11 { // the last ten, and the newest of the day before
		t.Errorf("%d backups after a day of changes", len(own))
	}
	evening := m.now
	m.later(24 * time.Hour).add("second day")
	m.later(31 * 24 * time.Hour).add("second month")
	kept(t, dir, theirs)
	n := newMachine(t)
	n.restore(device.RestoreOptions{From: dir, At: evening})
	n.has("first", "first day")
}
