package device_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/vault"
)

// Sync brings what other devices wrote, backs the result up, and names the devices and what changed.
func TestSync(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	other := newMachine(t)
	other.options.Name = "other"
	other.restore(device.RestoreOptions{From: dir})
	other.later(time.Minute).add("theirs")
	other.change(note("first", "changed there"))
	s := m.later(time.Hour).sync()
	if !slices.Equal(s.Devices, []string{"other"}) || !slices.Equal(s.Changes.Added, []string{"theirs"}) || len(s.Changes.Changed) != 1 || s.File == "" {
		t.Errorf("synced: %+v", s)
	}
	m.has("first", "theirs")
	m.current()
	if got := m.account("first").Note; got != "changed there" {
		t.Errorf("the note is %q", got)
	}
	again := m.sync()
	if len(again.Changes.Lines()) > 0 || again.File != s.File {
		t.Errorf("the second time: %+v", again)
	}
	other.later(time.Hour).sync()
	other.has("first", "theirs")
}

// A device without a name is called by its id.
func TestSyncWithoutName(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	other := newMachine(t)
	other.options.Name = ""
	other.restore(device.RestoreOptions{From: dir})
	if s := m.sync(); !slices.Equal(s.Devices, []string{other.id()}) {
		t.Errorf("the other devices are %q", s.Devices)
	}
}

// A merge that would remove more than five accounts or a fifth of them asks first, and says how many: without a yes nothing
// is merged.
func TestSyncAsks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		accounts, removed int
		asks              bool
	}{
		{10, 2, false}, {10, 3, true}, {4, 1, true}, {40, 5, false}, {40, 6, true},
	} {
		t.Run(fmt.Sprint(c.removed, " of ", c.accounts), func(t *testing.T) {
			t.Parallel()
			m, dir := newMachine(t), filepath.Join(t.TempDir(), "cloud")
			m.change(func(tx *vault.Tx) error {
				for i := range c.accounts {
					if err := adding(fmt.Sprint("account ", i), "secret")(tx); err != nil {
						return err
					}
				}
				return nil
			})
			m.enable(dir)
			other := joined(t, dir)
			other.later(time.Minute).change(func(tx *vault.Tx) error {
				for i := range c.removed {
					if err := removing(fmt.Sprint("account ", i))(tx); err != nil {
						return err
					}
				}
				return nil
			})
			if !c.asks {
				m.sync()
				return
			}
			_, err := m.open().Sync(t.Context())
			wantErr(t, err, errNobody)
			m.person.says(device.MergeMany, false)
			_, err = m.open().Sync(t.Context())
			wantErr(t, err, device.ErrNotConfirmed)
			if got := len(m.read().Accounts()); got != c.accounts {
				t.Errorf("%d accounts are left", got)
			}
			if q := m.person.questions[0]; q.Removed != c.removed || q.Accounts != c.accounts {
				t.Errorf("the question is %+v", q)
			}
			m.person.says(device.MergeMany, true)
			m.sync()
			if got := len(m.read().Accounts()); got != c.accounts-c.removed {
				t.Errorf("%d accounts are left", got)
			}
		})
	}
}

// What another device says of the sealed keys is known here after a sync, so that any device can put them back.
func TestSyncLearnsSealedKeys(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	n := joined(t, dir)
	if _, err := m.open().AddRecipients(t.Context(), []string{newKey(t).Recipient()}); err != nil {
		t.Fatal(err)
	}
	n.sync()
	key, err := n.open().Key(t.Context())
	if err != nil || len(key.Sealed) != 2 {
		t.Errorf("%+v, %v", key.Sealed, err)
	}
}

// A device that is forgotten had a clock that ran ahead: that is told, as by a sync.
func TestForgetTellsOfAClockAhead(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	other := joined(t, dir)
	other.options.Name = "other"
	other.later(72 * time.Hour).add("from the future")
	m.person.says(device.ForgetDevice, true)
	r, err := m.open().Forget(t.Context(), "other")
	if err != nil || len(noticed(r.Report, device.StampAhead)) != 1 {
		t.Errorf("%+v, %v", r.Notices, err)
	}
}

// A hasty location is waited for shortly, and may take its time once it is asked.
type hasty struct{ location.Location }

func (hasty) Wait() time.Duration { return 20 * time.Millisecond }

// While another process writes to the location whoever needs it says so, by the name of that process.
func TestLocationInUse(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	other := joined(t, dir)
	other.options.Name = "other"
	other.later(time.Minute).add("theirs")
	m.person.says(device.LoseDevice, true)
	m.person.says(device.ForgetDevice, true)
	release, err := vault.LockFile(t.Context(), m.options.State, "backup.lock", "auth edit", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	before := files(t, dir, "")
	waiting := m.another(func(o *device.Options) {
		o.OpenLocation = func(name string) (location.Location, error) {
			loc, err := location.Parse(name, location.Options{Dir: o.Dir})
			return hasty{loc}, err
		}
	})
	ctx := t.Context()
	for what, act := range map[string]func(d *device.Device) error{
		"sync":   func(d *device.Device) error { _, err := d.Sync(ctx); return err },
		"rotate": func(d *device.Device) error { _, err := d.Rotate(ctx, device.EnableOptions{}); return err },
		"lose": func(d *device.Device) error {
			_, err := d.Lose(ctx, "other", time.Time{}, device.EnableOptions{})
			return err
		},
		"forget": func(d *device.Device) error { _, err := d.Forget(ctx, "other"); return err },
		"reseal": func(d *device.Device) error { _, err := d.Reseal(ctx, false); return err },
	} {
		if busy, ok := errors.AsType[*vault.BusyError](act(waiting.open())); !ok || busy.Holder != "auth edit" {
			t.Errorf("%s does not say who writes to the location", what)
		}
	}
	if after := files(t, dir, ""); !slices.Equal(after, before) {
		t.Errorf("there is %q after %q", after, before)
	}
}

// What cannot be used is named and left alone, and the rest is merged.
func TestSyncSkips(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	other := joined(t, dir)
	other.later(time.Minute).add("theirs")
	name := other.later(time.Minute).add("more").File
	whole := readFile(t, filepath.Join(dir, name))
	write(t, filepath.Join(dir, name), whole[:len(whole)-20])
	s := m.sync()
	if len(s.Skipped) != 1 || s.Skipped[0].Name != name || s.Skipped[0].State != backup.Damaged {
		t.Errorf("skipped: %+v", s.Skipped)
	}
	m.has("first", "theirs")
	write(t, filepath.Join(dir, name), whole)
	if s := m.sync(); len(s.Skipped) != 0 {
		t.Errorf("skipped: %+v", s.Skipped)
	}
	m.has("first", "theirs", "more")
}

// What is stamped more than a day ahead of this clock is merged, and said to be.
func TestSyncWithAClockAhead(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	other := joined(t, dir)
	other.later(48 * time.Hour).add("of tomorrow")
	s := m.sync()
	ahead := noticed(s.Report, device.StampAhead)
	if len(ahead) != 1 || ahead[0].Name != "of tomorrow" {
		t.Errorf("noticed %+v", s.Notices)
	}
	m.has("first", "of tomorrow")
}

// Where the location is not there nothing is merged; where the result cannot be backed up it is merged all the same.
func TestSyncAtABadMoment(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	joined(t, dir).add("theirs")
	fails := func(verb string, err error) *machine {
		return m.failing(func(c call) error {
			if c.verb == verb {
				return err
			}
			return nil
		})
	}
	_, err := fails("list", location.ErrGone).open().Sync(t.Context())
	wantErr(t, err, location.ErrGone)
	m.has("first")
	_, err = fails("create", location.ErrFull).open().Sync(t.Context())
	wantStale(t, err, location.ErrFull)
	m.has("first", "theirs")
	m.stale(device.NotMade)
	m.sync()
	m.current()
}
