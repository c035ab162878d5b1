package device_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/testenv"
	"github.com/authcli/auth/internal/vault"
)

// A change is backed up at once: the report names a file at the location, which opens under the recovery key and holds the
// change.
func TestChangeIsBackedUp(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	r := m.add("second")
	if r.Stale != nil || len(r.Notices) > 0 {
		t.Errorf("the report is %+v", r)
	}
	data := readFile(t, filepath.Join(dir, r.File))
	if len(data) != r.Bytes {
		t.Errorf("the report says %d bytes, the file has %d", r.Bytes, len(data))
	}
	content, err := backup.Open([]byte(data), m.key().Identity())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := content.State.Find("second", true); err != nil {
		t.Error(err)
	}
	if content.DeviceName != "machine" || !content.Created.Equal(noon) {
		t.Errorf("it was written by %q at %s", content.DeviceName, content.Created)
	}
	m.current()
}

// Where backup was never turned on a change writes no backup, and nothing is stale.
func TestChangeWithoutBackup(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	if r := m.add("first"); r.File != "" || r.Stale != nil || len(r.Notices) > 0 {
		t.Errorf("the report is %+v", r)
	}
	if b := m.status().Backup; b.On || b.Stale {
		t.Errorf("the backup is %+v", b)
	}
	_, err := m.open().BackUp(t.Context())
	wantErr(t, err, device.ErrBackupOff)
}

// A change that is refused changes nothing, and writes no backup.
func TestChangeRefused(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	before := contents(t, dir)
	refused := errors.New("refused")
	r, err := m.open().Change(t.Context(), func(tx *vault.Tx) error {
		return errors.Join(adding("second", "secret")(tx), refused)
	})
	wantErr(t, err, refused)
	if r.File != "" {
		t.Errorf("the report is %+v", r)
	}
	m.has("first")
	if len(contents(t, dir)) != len(before) {
		t.Error("a backup was written")
	}
}

// A preview sees what a change would do, and nothing of it is kept.
func TestPreview(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	before := contents(t, dir)
	seen := 0
	err := m.open().Preview(t.Context(), func(tx *vault.Tx) error {
		err := adding("second", "secret")(tx)
		seen = len(tx.Accounts())
		return err
	})
	if err != nil || seen != 2 {
		t.Errorf("%d accounts, %v", seen, err)
	}
	m.has("first")
	if len(contents(t, dir)) != len(before) {
		t.Error("a backup was written")
	}
}

// A change never fails because its backup did: it is made, the report and the status say why the backup is stale and since
// when, and the next change catches up.
func TestChangeCatchesUp(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	away := dir + ".away"
	rename(t, dir, away)
	since := m.later(time.Hour).now
	r := m.add("in bad times")
	wantErr(t, r.Stale, location.ErrGone)
	if r.File != "" {
		t.Errorf("the report names a file: %+v", r)
	}
	m.later(time.Hour).add("worse")
	if b := m.stale(device.NotMade); !b.Since.Equal(since) || b.Text == "" {
		t.Errorf("stale since %s because %q, want since %s", b.Since, b.Text, since)
	}
	_, err := m.open().BackUp(t.Context())
	wantStale(t, err, location.ErrGone)
	if _, err := os.Stat(dir); err == nil {
		t.Error("a folder was made in the place of the one that is gone")
	}
	rename(t, away, dir)
	m.stale(device.NotMade)
	if r := m.add("in better times"); r.Stale != nil {
		t.Error(r.Stale)
	}
	m.current()
	joined(t, dir).has("first", "in bad times", "worse", "in better times")
}

// What the keyring shows while a backup is made is told with it: here that this device has a new id.
func TestBackUpTellsWhatItMet(t *testing.T) {
	t.Parallel()
	m, _ := enrolled(t)
	before, garbage := m.id(), "garbage"
	m.keyring.Replace("device", &garbage)
	r, err := m.open().BackUp(t.Context())
	if err != nil || len(noticed(r, device.DeviceRenewed)) != 1 || m.id() == before {
		t.Errorf("%+v, %v", r.Notices, err)
	}
}

// A backup that could not be noted is no success: the next status would know nothing of it.
func TestBackUpThatCannotBeNoted(t *testing.T) {
	t.Parallel()
	m, _ := enrolled(t)
	note := filepath.Join(m.options.State, "backup.json")
	remove(t, note)
	if err := os.MkdirAll(filepath.Join(note, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := m.open().BackUp(t.Context()); !errors.As(err, new(*device.StaleError)) {
		t.Errorf("the error is %v", err)
	}
	remove(t, note)
	if _, err := m.open().BackUp(t.Context()); err != nil {
		t.Error(err)
	}
	m.current()
}

// A backup that was made already is not made again by a change that changes nothing; one that is asked for is.
func TestBackUpAgain(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	first := m.add("second")
	if r := m.change(func(*vault.Tx) error { return nil }); r.File != first.File {
		t.Errorf("the backup is %q, want %q", r.File, first.File)
	}
	had := len(backupsIn(t, dir))
	r, err := m.open().BackUp(t.Context())
	if err != nil || r.File == first.File || len(backupsIn(t, dir)) != had+1 {
		t.Errorf("backed up to %q, after %q: %v", r.File, first.File, err)
	}
	m.current()
}

// An advanced counter never waits for the location: the backup is stale because the vault has changed, and the next change
// catches up.
func TestAdvanceLeavesTheLocationAlone(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	c := account.Default(account.HOTP)
	c.Secret = account.NewSecret([]byte("12345678901234567890"))
	m.change(func(tx *vault.Tx) error {
		_, err := tx.Add(account.Account{Name: "counted", Credential: c, Counter: 7})
		return err
	})
	untouchable := m.through(place{before: func(_ context.Context, c call) error {
		t.Errorf("the location was asked to %s", c.verb)
		return nil
	}})
	counter, r, err := untouchable.open().Advance(t.Context(), m.account("counted").ID)
	if err != nil || counter != 7 || r.File != "" || r.Stale != nil {
		t.Errorf("counter %d, %+v, %v", counter, r, err)
	}
	m.stale(device.Changed)
	m.add("second")
	m.current()
	if got := joined(t, dir).account("counted").Counter; got != 8 {
		t.Errorf("the counter in the backup is %d, want 8", got)
	}
	if _, _, err := m.open().Advance(t.Context(), "no such id"); err == nil {
		t.Error("a counter of nothing was advanced")
	}
}

// Whoever interrupts the backup of a change has given it up: that is no reason for the status.
func TestChangeInterrupted(t *testing.T) {
	t.Parallel()
	m, _ := enrolled(t)
	ctx, cancel := context.WithCancel(t.Context())
	interrupted := m.through(place{before: func(ctx context.Context, _ call) error {
		cancel()
		return ctx.Err()
	}})
	r, err := interrupted.open().Change(ctx, adding("second", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	wantErr(t, r.Stale, context.Canceled)
	m.has("first", "second")
	m.stale(device.Changed)
	m.add("third")
	m.current()
}

// A location that does not answer holds nobody up: the backup is stale when its time is over.
func TestChangeOnALocationThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // where a loaded machine takes no time
		m, _ := enrolled(t)
		hanging := m.through(place{before: func(ctx context.Context, _ call) error {
			<-ctx.Done()
			return fmt.Errorf("%w: %w", location.ErrTimeout, ctx.Err())
		}})
		begin := time.Now()
		wantErr(t, hanging.add("second").Stale, location.ErrTimeout)
		if waited := time.Since(begin); waited != location.FolderWait {
			t.Errorf("it waited for %s", waited)
		}
		m.stale(device.NotMade)
		m.add("third")
		m.current()
	})
}

// An empty folder where backups were written before is a disk that is not mounted, or was emptied: nothing is written into
// it until somebody turns backup on again, which puts back what this device has.
func TestEmptiedLocation(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	for name := range contents(t, dir) {
		remove(t, filepath.Join(dir, name))
	}
	wantErr(t, m.add("second").Stale, device.ErrEmptied)
	_, err := m.open().BackUp(t.Context())
	wantStale(t, err, device.ErrEmptied)
	if got := files(t, dir, ""); len(got) > 0 {
		t.Errorf("%q was written", got)
	}
	m.stale(device.NotMade)
	delete(m.person.passphrases, device.NewForLocation) // the key is there: nobody is asked
	if e := m.enable(dir); e.Joined || len(noticed(e.Report, device.PutBack)) == 0 {
		t.Errorf("enabled: %+v", e)
	}
	m.current()
	joined(t, dir).has("first", "second")
}

// An empty vault never replaces accounts.
func TestEmptyVaultReplacesNothing(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	before := contents(t, dir)
	wantErr(t, m.change(removing("first")).Stale, backup.ErrEmpty)
	m.stale(device.NotMade)
	if len(contents(t, dir)) != len(before) {
		t.Error("a backup was written")
	}
	m.restore(device.RestoreOptions{Options: backup.Options{Deleted: true}})
	m.has("first")
	m.current()
}

// Many changes at once, each in a process: all are made, and the last backup has all of them.
func TestChangesAtOnce(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	m.options.LocationWait = time.Minute // for all of them, on a busy disk
	want := []string{"first"}
	var all sync.WaitGroup
	for i := range 8 {
		label := fmt.Sprint("at once ", i)
		want = append(want, label)
		d := m.open()
		all.Go(func() {
			if r, err := d.Change(t.Context(), adding(label, "secret")); err != nil || r.Stale != nil {
				t.Errorf("%s: %v, %v", label, err, r.Stale)
			}
		})
	}
	all.Wait()
	m.has(want...)
	m.current()
	joined(t, dir).has(want...)
}

// Where another process has backed up this change too, there is nothing left to do, whether the lock of backups is free by
// then or not. Where it has not, the report says who has the lock.
func TestAnotherProcessWasFaster(t *testing.T) {
	t.Parallel()
	for _, locked := range []bool{false, true} {
		m, _ := enrolled(t)
		var fast device.Report
		slow := m.another(func(o *device.Options) {
			if locked {
				o.LocationWait = 20 * time.Millisecond
			}
			o.OpenLocation = func(name string) (location.Location, error) {
				fast = m.add("by the other")
				if locked {
					release, err := vault.LockFile(t.Context(), o.State, "backup.lock", "auth edit", time.Minute)
					if err != nil {
						return nil, err
					}
					t.Cleanup(release)
				}
				return location.Parse(name, location.Options{Dir: o.Dir, Wait: o.LocationWait})
			}
		})
		r := slow.add("by this one")
		if r.Stale != nil || r.File == "" || r.File != fast.File || r.Bytes != 0 {
			t.Errorf("locked: %t: the report is %+v; the other process wrote %s", locked, r, fast.File)
		}
		m.current()
		if !locked {
			continue
		}
		waiting := m.another(func(o *device.Options) { o.LocationWait = 20 * time.Millisecond })
		r = waiting.add("while it is locked")
		var busy *vault.BusyError
		if !errors.As(r.Stale, &busy) || busy.Holder != "auth edit" {
			t.Errorf("stale because %v", r.Stale)
		}
	}
}

// What is missing or altered at the location is put back, and it is said; what cannot be put back is said, and the backup
// counts all the same.
func TestPutBack(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	sealed := sealedKeys(t, dir)[0]
	was := contents(t, dir)
	remove(t, filepath.Join(dir, sealed))
	write(t, filepath.Join(dir, "README.txt"), "written by auth, and altered")
	broken := m.failing(func(c call) error {
		if c.verb == "replace" {
			return location.ErrReadOnly
		}
		return nil
	})
	r := broken.add("second")
	if r.File == "" || r.Stale != nil || len(noticed(r, device.NotMended)) != 1 || len(noticed(r, device.PutBack)) != 0 {
		t.Errorf("the report is %+v", r)
	}
	m.current()
	r = m.add("third")
	put := map[string]bool{}
	for _, n := range noticed(r, device.PutBack) {
		put[n.Name] = true
	}
	if len(put) != 2 || !put[sealed] || !put["README.txt"] {
		t.Errorf("put back %v", put)
	}
	now := contents(t, dir)
	for _, name := range []string{sealed, "README.txt"} {
		if now[name] != was[name] {
			t.Errorf("%s is not what it was", name)
		}
	}
}

// A cloned machine finds backups under its own id that it never wrote: it takes a new id, says so, and goes on. Nothing is
// merged but by sync.
func TestClone(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	clone := newMachine(t)
	clone.keyring = m.keyring.Clone()
	testenv.CopyFolder(t, clone.options.State, m.options.State)
	m.add("on the first")
	r := clone.add("on the clone")
	if r.Stale != nil || r.File == "" || len(noticed(r, device.NewDeviceID)) != 1 {
		t.Errorf("the report is %+v", r)
	}
	clone.current()
	clone.has("first", "on the clone")
	if m.id() == clone.id() {
		t.Error("both go by one id")
	}
	if r := m.add("more"); len(r.Notices) > 0 {
		t.Errorf("the first one takes itself for a clone: %+v", r)
	}
	clone.sync()
	clone.has("first", "on the clone", "on the first", "more")
	joined(t, dir).has("first", "on the clone", "on the first", "more")
}

// An old image of the keyring is said to be one, and nothing of what was backed up since is lost.
func TestOldImage(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	image := m.keyring.Clone()
	m.add("since")
	before := contents(t, dir)
	m.keyring = image
	r := m.add("after")
	back := noticed(r, device.VaultRolledBack)
	if len(back) != 1 || back[0].Found+1 != back[0].Expected || len(noticed(r, device.NewDeviceID)) != 1 {
		t.Errorf("the report is %+v", r)
	}
	m.current()
	kept(t, dir, before)
	m.sync()
	m.has("first", "since", "after")
	joined(t, dir).has("first", "since", "after")
}

// A keyring that holds another vault than the one this device last saw is said to.
func TestReplacedVault(t *testing.T) {
	t.Parallel()
	m, other := newMachine(t), newMachine(t)
	m.add("first")
	other.add("of another")
	m.keyring = other.keyring
	if r := m.add("second"); len(noticed(r, device.VaultReplaced)) != 1 {
		t.Errorf("the report is %+v", r)
	}
	m.has("of another", "second")
}

// A device that stays open knows what it did itself: that backup is on, and off again.
func TestOpenThroughout(t *testing.T) {
	t.Parallel()
	m, dir := newMachine(t), filepath.Join(t.TempDir(), "cloud")
	d, ctx := m.open(), t.Context()
	if _, err := d.Change(ctx, adding("first", "secret")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Enable(ctx, dir, device.EnableOptions{}); err != nil {
		t.Fatal(err)
	}
	if r, err := d.Change(ctx, adding("second", "secret")); err != nil || r.File == "" {
		t.Errorf("%+v, %v", r, err)
	}
	s, err := d.Status(ctx)
	if err != nil || !s.Backup.On || s.Backup.Stale || d.Location() != dir {
		t.Errorf("%+v, %v", s.Backup, err)
	}
	if r, err := d.Restore(ctx, device.RestoreOptions{}); err != nil || r.From != dir {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := d.Disable(ctx); err != nil {
		t.Fatal(err)
	}
	if s, err = d.Status(ctx); err != nil || s.Backup.On || d.Location() != "" {
		t.Errorf("%+v, %v", s.Backup, err)
	}
}
