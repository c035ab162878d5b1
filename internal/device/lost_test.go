package device_test

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/vault"
)

// One act for a laptop that is gone: what it wrote until a moment comes in, and nothing
// after it; the key is new, its backups are deleted, and each account whose secret it
// held is exposed, on every device, until it has another secret.
func TestLose(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	laptop, tablet := joined(t, dir), joined(t, dir)
	laptop.options.Name = "laptop"
	laptop.later(time.Minute).add("before")
	lostAt := noon.Add(time.Hour)
	laptop.later(2 * time.Hour).add("after")
	laptop.change(on("first", func(tx *vault.Tx, id string) error { return tx.Remove(id, true) }))
	m.later(3 * time.Hour).change(adding("only here", "never-on-the-laptop1"))
	old := m.key()

	_, err := m.open().Lose(t.Context(), "laptop", lostAt, device.EnableOptions{})
	wantErr(t, err, errNobody)
	m.person.says(device.LoseDevice, true)
	m.person.passphrases[device.NewForLocation] = next
	lost, err := m.open().Lose(t.Context(), "laptop", lostAt, device.EnableOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m.has("first", "before", "only here")
	if lost.ID == old.ID() || lost.Removed == 0 || len(lost.Exposed) != 2 {
		t.Errorf("%+v", lost)
	}
	for _, f := range m.backups().Files {
		if f.Content != nil && f.Content.Device == lost.Device {
			t.Errorf("%s is still there", f.Name)
		}
	}
	m.exposed("before", "first")
	tablet.rejoin(dir)
	tablet.sync()
	tablet.exposed("before", "first")
	tablet.later(4 * time.Hour).change(on("first", func(tx *vault.Tx, id string) error {
		return tx.SetCredential(id, totp("", "a-new-secret-1234567").Credential, 0)
	}))
	m.person.says(device.MergeMany, true) // one of three is more than a fifth
	m.later(5 * time.Hour).sync()
	m.exposed("before") // the other one was replaced
	// The laptop is told, and writes nothing that is read.
	if r := laptop.later(6 * time.Hour).add("thief"); !errors.Is(r.Stale, device.ErrRotated) {
		t.Errorf("the laptop: %v", r.Stale)
	}
	fresh := newMachine(t)
	fresh.person.passphrases[device.OpenLocation] = next
	if r := fresh.restore(device.RestoreOptions{From: dir}); backup.Conflicts(r.Steps) {
		t.Errorf("%+v", r.Steps)
	}
	fresh.has("first", "before", "only here")
}

// exposed checks which accounts are exposed by the laptop.
func (m *machine) exposed(labels ...string) {
	m.t.Helper()
	var got []string
	state := m.read()
	for _, a := range state.Accounts() {
		if by, ok := state.Exposed(a); ok {
			got = append(got, a.Shown)
			if by != "laptop" {
				m.t.Errorf("%s is exposed by %q", a.Shown, by)
			}
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, labels) {
		m.t.Errorf("exposed are %q, want %q", got, labels)
	}
}

// Losing the laptop is cut short at each thing that is asked of the location: it is gone
// from there on. What is said of it then is true, and the same again ends with everything
// done.
func TestLoseCutShort(t *testing.T) {
	t.Parallel()
	story := newLoss(t)
	for at, struck := 1, true; struck; at++ {
		h := &hand{at: at, forever: true}
		t.Run(fmt.Sprint("at ", at), func(t *testing.T) {
			l := story.copied(t)
			if lost, err := l.lose(h); err != nil {
				l.saidTrue(lost)
				if lost, err = l.lose(nil); err != nil {
					t.Fatalf("done over: %v, %+v", err, lost)
				}
			}
			l.isDone()
		})
		struck = h.struck
	}
}

// A loss is the story of a laptop that is lost an hour after noon. Before, its user has
// added an account and erased another one; after, somebody did the same.
type loss struct {
	*machine

	dir, laptop, key string
}

func newLoss(t *testing.T) loss {
	t.Helper()
	m, dir := enrolled(t)
	m.add("erased before")
	laptop := joined(t, dir)
	laptop.options.Name = "laptop"
	laptop.later(time.Minute).add("before")
	laptop.change(erasing("erased before"))
	laptop.later(2 * time.Hour).add("after")
	laptop.change(erasing("first"))
	m.later(3 * time.Hour).change(adding("only here", "never-on-the-laptop1"))
	return loss{m, dir, laptop.id(), m.key().ID()}.answering()
}

// copied returns the story in a place of its own.
func (l loss) copied(t *testing.T) loss {
	t.Helper()
	m := *l.machine
	m.t = t
	l.machine, l.dir = m.copied(l.dir)
	return l.answering()
}

// answering has the person say yes, and know a new passphrase.
func (l loss) answering() loss {
	l.person.says(device.LoseDevice, true)
	l.person.says(device.MergeMany, true)
	l.person.passphrases[device.NewForLocation] = next
	return l
}

func erasing(label string) func(*vault.Tx) error {
	return on(label, func(tx *vault.Tx, id string) error { return tx.Remove(id, true) })
}

// lose loses the laptop, at a location that is gone when the hand says so.
func (l loss) lose(h *hand) (device.Lost, error) {
	m := l.failing(func(call) error {
		if h != nil && h.strikes() {
			return location.ErrGone
		}
		return nil
	})
	return m.open().Lose(l.t.Context(), "laptop", noon.Add(time.Hour), device.EnableOptions{X25519: true})
}

// saidTrue checks what was said to be done before an error.
func (l loss) saidTrue(lost device.Lost) {
	l.t.Helper()
	if key := l.machine.key().ID(); (lost.ID != "") != (key != l.key) || lost.ID != "" && lost.ID != key {
		l.t.Errorf("the key is %s, was %s, and is said to be %q", key, l.key, lost.ID)
	}
	if !lost.Merged {
		l.has("first", "erased before", "only here")
	} else {
		l.has("first", "before", "only here")
	}
	if len(lost.Exposed) == 0 {
		l.exposed()
	} else {
		l.exposed("before", "first")
	}
	if n := len(files(l.t, l.dir, l.laptop)); lost.Removed > 0 && n+lost.Removed != 5 {
		l.t.Errorf("%d backups are said to be deleted, and %d are left", lost.Removed, n)
	}
}

// isDone checks that the laptop is locked out and forgotten, and nothing else is.
func (l loss) isDone() {
	t := l.t
	t.Helper()
	l.has("first", "before", "only here")
	l.exposed("before", "first")
	if trash := l.read().Trash; len(trash) != 1 {
		t.Errorf("in the trash: %+v; what the laptop erased is not erased here", trash)
	}
	if left := files(t, l.dir, l.laptop); len(left) > 0 {
		t.Errorf("of the laptop are left %q", left)
	}
	if l.machine.key().ID() == l.key {
		t.Error("the key is the old one")
	}
	l.current()
	fresh := newMachine(t)
	fresh.person.passphrases[device.OpenLocation] = next
	if r := fresh.restore(device.RestoreOptions{From: l.dir}); len(r.Skipped) > 0 {
		t.Errorf("a new machine skips %+v", r.Skipped)
	}
	fresh.has("first", "before", "only here")
}

// Nobody vouches any longer for a lost device, also not for what it wrote under a key that
// was replaced before: where losing it is cut short, no sync merges its files.
func TestLoseEndsVouching(t *testing.T) {
	t.Parallel()
	l := newLoss(t)
	l.rotate()
	m := l.failing(func(c call) error {
		if c.verb == "remove" {
			return location.ErrGone
		}
		return nil
	})
	_, err := m.open().Lose(t.Context(), "laptop", noon.Add(time.Hour), device.EnableOptions{})
	wantErr(t, err, location.ErrGone)
	for name, state := range l.states() {
		if strings.HasPrefix(name, l.laptop) && state != backup.OldKey {
			t.Errorf("%s is %q", name, state)
		}
	}
	l.sync()
	l.has("after", "before", "only here") // as the rotation left it
	if _, err := l.lose(nil); err != nil {
		t.Fatal(err)
	}
	if left := files(t, l.dir, l.laptop); len(left) > 0 {
		t.Errorf("of the laptop are left %q", left)
	}
}

// A backup of another device that cannot be read is named, and merged when it can be: the
// new key vouches for it.
func TestLoseNamesWhatItCouldNotMerge(t *testing.T) {
	t.Parallel()
	l := newLoss(t)
	tablet := joined(t, l.dir)
	tablet.add("theirs")
	file := tablet.status().Backup.File
	m := l.failing(func(c call) error {
		if c.verb == "read" && c.name == file {
			return location.ErrNotDownloaded
		}
		return nil
	})
	lost, err := m.open().Lose(t.Context(), "laptop", noon.Add(time.Hour), device.EnableOptions{})
	if n := noticed(lost.Report, device.NotMerged); err != nil || len(n) != 1 || n[0].Name != file {
		t.Errorf("%v, %+v", err, lost.Notices)
	}
	l.sync()
	if _, err := l.read().Find("theirs", true); err != nil {
		t.Error(err)
	}
}

// Another device finishes what was cut short: it has what the first one merged.
func TestLoseFinishedElsewhere(t *testing.T) {
	t.Parallel()
	l := newLoss(t)
	m := l.failing(func(c call) error {
		if c.verb == "remove" {
			return location.ErrGone
		}
		return nil
	})
	_, err := m.open().Lose(t.Context(), "laptop", noon.Add(time.Hour), device.EnableOptions{})
	wantErr(t, err, location.ErrGone)
	tablet := newMachine(t)
	tablet.person.passphrases[device.OpenLocation] = next
	tablet.restore(device.RestoreOptions{From: l.dir, StayOn: true})
	l.machine = tablet
	if lost, err := l.answering().lose(nil); err != nil || len(noticed(lost.Report, device.NotMerged)) > 0 {
		t.Errorf("%v, %+v", err, lost)
	}
	l.isDone()
}

// What somebody writes with the old key, after the new one was made and before the laptop
// is lost again, is not merged: it is named, and stays.
func TestLoseAgainWithAStranger(t *testing.T) {
	t.Parallel()
	l := newLoss(t)
	old := l.machine.key()
	m := l.failing(func(c call) error {
		if c.verb == "remove" {
			return location.ErrGone
		}
		return nil
	})
	lost, err := m.open().Lose(t.Context(), "laptop", noon.Add(time.Hour), device.EnableOptions{})
	wantErr(t, err, location.ErrGone)
	stranger := newMachine(t)
	stranger.add("planted")
	content := backup.Content{Device: lost.Device, DeviceName: "laptop", Generation: 9, Created: noon, State: stranger.read()}
	payload, err := old.Encode(content)
	if err != nil {
		t.Fatal(err)
	}
	name := plant(t, l.dir, old, content, payload)
	for range 2 {
		lost, err = l.lose(nil)
		if err != nil {
			t.Fatal(err)
		}
		named := noticed(lost.Report, device.NotMerged)
		if len(named) != 1 || named[0].Name != name || !errors.Is(named[0].Err, backup.ErrOldKey) {
			t.Errorf("not merged: %+v", named)
		}
		if left := files(t, l.dir, l.laptop); !slices.Equal(left, []string{name}) {
			t.Errorf("of the laptop are left %q", left)
		}
		l.has("first", "before", "only here")
	}
	remove(t, filepath.Join(l.dir, name))
	l.isDone()
}

// A backup of the laptop that could not be used is used when losing it is done over and it
// is whole again, though the key is another one by then.
func TestLoseAgainWithAHalf(t *testing.T) {
	t.Parallel()
	l := newLoss(t)
	whole := map[string]string{}
	for name, text := range contents(t, l.dir) {
		if strings.HasPrefix(name, l.laptop) {
			whole[name] = text
			write(t, filepath.Join(l.dir, name), text[:len(text)/2])
		}
	}
	_, err := l.lose(nil)
	if !errors.As(err, new(*device.NoDeviceError)) {
		t.Errorf("with none of its backups whole, losing it says %v", err)
	}
	one := slices.Sorted(maps.Keys(whole))[1] // the first that is called laptop
	write(t, filepath.Join(l.dir, one), whole[one])
	if lost, err := l.lose(nil); err != nil || len(noticed(lost.Report, device.NotMerged)) != len(whole)-1 {
		t.Errorf("%v, %+v", err, lost)
	}
	for name, text := range whole {
		write(t, filepath.Join(l.dir, name), text)
	}
	// It is still not what everybody may merge.
	l.sync()
	l.has("first", "erased before", "before", "only here")
	if _, err := l.lose(nil); err != nil {
		t.Fatal(err)
	}
	l.isDone()
}

// What the lost device wrote comes back, by its thief or a sync client. Nobody vouches for it: it is named, nothing of
// it is merged or restored, and a file of another device under the same old key counts as before.
func TestLostBackupsComeBack(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	laptop, tablet := joined(t, dir), joined(t, dir)
	laptop.options.Name = "laptop"
	ofTablet := tablet.later(time.Minute).add("of the tablet").File
	laptop.later(2 * time.Hour).add("of the thief")
	ofLaptop := laptop.change(removing("first")).File
	written := readFile(t, filepath.Join(dir, ofLaptop))
	m.person.says(device.LoseDevice, true)
	m.person.passphrases[device.NewForLocation] = next
	if _, err := m.later(3*time.Hour).open().Lose(t.Context(), "laptop", noon.Add(time.Hour), device.EnableOptions{}); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, ofLaptop), written)
	if states := m.states(); states[ofLaptop] != backup.OldKey || states[ofTablet] != backup.Good {
		t.Errorf("the laptop's file is %q, the tablet's %q", states[ofLaptop], states[ofTablet])
	}
	if s := m.sync(); len(s.Skipped) != 1 || s.Skipped[0].Name != ofLaptop {
		t.Errorf("skipped: %+v", s.Skipped)
	}
	m.has("first", "of the tablet")
	fresh := newMachine(t)
	fresh.person.passphrases[device.OpenLocation] = next
	fresh.restore(device.RestoreOptions{From: dir})
	fresh.has("first", "of the tablet")
}

// Losing a device merges what the others wrote, and asks as a sync does. Without a yes nothing has happened.
func TestLoseAsks(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	m.add("second")
	laptop, tablet := joined(t, dir), joined(t, dir)
	laptop.options.Name = "laptop"
	laptop.later(time.Minute).add("of the laptop")
	tablet.later(time.Minute).change(removing("first"))
	before, key := files(t, dir, ""), m.key().ID()
	m.person.says(device.LoseDevice, true)
	m.person.says(device.MergeMany, false)
	m.person.passphrases[device.NewForLocation] = next
	_, err := m.open().Lose(t.Context(), "laptop", time.Time{}, device.EnableOptions{})
	wantErr(t, err, device.ErrNotConfirmed)
	m.has("first", "second")
	if after := files(t, dir, ""); !slices.Equal(after, before) || m.key().ID() != key {
		t.Errorf("there is %q after %q", after, before)
	}
}

// So does a rotation, which says also then what it could not read.
func TestRotateAsks(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	m.add("second")
	laptop, tablet := joined(t, dir), joined(t, dir)
	damaged := laptop.later(time.Minute).add("of the laptop").File
	write(t, filepath.Join(dir, damaged), readFile(t, filepath.Join(dir, damaged))[:900])
	tablet.later(time.Minute).change(removing("first"))
	before, key := files(t, dir, ""), m.key().ID()
	m.person.says(device.MergeMany, false)
	m.person.passphrases[device.NewForLocation] = next
	r, err := m.open().Rotate(t.Context(), device.EnableOptions{})
	if wantErr(t, err, device.ErrNotConfirmed); len(noticed(r.Report, device.NotMerged)) != 1 {
		t.Errorf("%+v", r.Notices)
	}
	m.has("first", "second")
	if after := files(t, dir, ""); !slices.Equal(after, before) || m.key().ID() != key {
		t.Errorf("there is %q after %q", after, before)
	}
}

// A name that is nobody's, and a device that wrote nothing before it was lost.
func TestLoseOthers(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	m.person.says(device.LoseDevice, true)
	m.person.passphrases[device.NewForLocation] = next
	_, err := m.open().Lose(t.Context(), "nobody", time.Time{}, device.EnableOptions{})
	if !errors.As(err, new(*device.NoDeviceError)) {
		t.Errorf("the error is %v", err)
	}
	late := joined(t, dir)
	late.options.Name = "late"
	late.later(time.Hour).add("late")
	if _, err := m.open().Lose(t.Context(), late.id(), noon.Add(-time.Hour), device.EnableOptions{}); err != nil {
		t.Fatal(err)
	}
	m.has("first")
}
