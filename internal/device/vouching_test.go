package device_test

import (
	"context"
	"errors"
	"fmt"
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

// What was written before a rotation is history that counts: the backups under the new key vouch for it, and no device has
// to remember it. Whatever happens at the same time or later, no earlier backup of any device may become untrusted.

// A history is a location with earlier backups: of a laptop and a tablet that are not seen again, and of this machine.
type history struct {
	*machine

	dir  string
	old  []string  // the backups before the rotation
	then time.Time // when the newest of them was written

	devices  int    // how many wrote them
	firstKey string // the id of the key that they are under
}

// withHistory returns a history. On the last day before its end the vault has "first", "laptop" and "tablet".
func withHistory(t testing.TB) history {
	t.Helper()
	m, dir := enrolled(t)
	laptop, tablet := joined(t, dir), joined(t, dir)
	laptop.later(time.Hour).add("laptop")
	tablet.later(2 * time.Hour).add("tablet")
	tablet.later(time.Hour).change(note("tablet", "changed"))
	m.later(4 * time.Hour).sync()
	m.options.LocationWait = time.Minute // several wait for each other, on a busy disk
	h := history{m, dir, backupsIn(t, dir), m.now, 3, m.key().ID()}
	m.later(24 * time.Hour)
	return h
}

// copied returns the history once more.
func (h history) copied() history {
	h.t.Helper()
	h.machine, h.dir = h.machine.copied(h.dir)
	return h
}

// stands checks that every earlier backup is good, here and for a new machine that goes back to before the rotation.
func (h history) stands() {
	h.t.Helper()
	states := h.states()
	for _, name := range h.old {
		if states[name] != backup.Good {
			h.t.Errorf("%s is %q by now", name, states[name])
		}
	}
	m := newMachine(h.t)
	m.now = h.now
	m.person.passphrases[device.OpenLocation] = next
	r := m.restore(device.RestoreOptions{From: h.dir, At: h.then})
	if len(r.Skipped) > 0 {
		h.t.Errorf("a new machine that goes back skips %d backups: %+v", len(r.Skipped), r.Skipped[0])
	}
	if len(r.Devices) != h.devices {
		h.t.Errorf("a new machine that goes back finds %d devices, want %d", len(r.Devices), h.devices)
	}
	m.has("first", "laptop", "tablet")
}

// Under a rotation changes go on in other processes, on a location that takes its time: wherever the one waits at the
// location while the other goes ahead, every earlier backup stays good.
func TestRotateBesideChanges(t *testing.T) {
	t.Parallel()
	rotate := func(m *machine) error {
		_, err := m.open().Rotate(t.Context(), device.EnableOptions{})
		return err
	}
	edit := func(m *machine) error {
		r, err := m.open().Change(t.Context(), note("first", "edited"))
		return errors.Join(err, r.Stale)
	}
	for _, c := range []struct {
		name       string
		slow, fast func(*machine) error
	}{
		{"the rotation waits", rotate, edit},
		{"the change waits", edit, rotate},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			all := withHistory(t)
			n := 1
			for ; all.copied().beside(n, c.slow, c.fast) && !t.Failed(); n++ {
			}
			if n < 5 || t.Failed() {
				t.Errorf("it ended at call %d to the location", n)
			}
		})
	}
}

// beside runs slow, and while its call n to the location waits, fast: to its end, or to where it waits for slow. It reports
// whether there was such a call. Afterwards a change catches up, and all is well.
func (h history) beside(n int, slow, fast func(*machine) error) bool {
	h.t.Helper()
	h.person.passphrases[device.NewForLocation] = next
	var mu sync.Mutex // files are read several at once
	calls, last := 0, call{}
	waits, goOn := make(chan call), make(chan bool)
	step := func(c call) {
		mu.Lock()
		defer mu.Unlock()
		if c.verb != "read" || last.verb != "read" { // many files that are read are one call
			calls++
		}
		if last = c; calls == n {
			calls++
			waits <- c
			<-goOn
		}
	}
	slowly := h.through(place{
		before:  func(_ context.Context, c call) error { step(c); return nil },
		opening: func() { step(call{"open", ""}) },
	})
	slowEnded, fastEnded := make(chan error, 1), make(chan error, 1)
	go func() { slowEnded <- slow(slowly) }()
	select {
	case <-slowEnded:
		return false
	case c := <-waits:
		h.t.Logf("%s %s waits", c.verb, c.name)
		go func() { fastEnded <- fast(h.machine) }()
	}
	release, err := vault.LockFile(h.t.Context(), h.options.State, "backup.lock", "test", time.Millisecond)
	if held := err != nil; held {
		time.Sleep(10 * time.Millisecond) // fast comes to where it waits for the lock
	} else {
		release()
		fastEnded <- <-fastEnded
	}
	close(goOn)
	if err := errors.Join(<-slowEnded, <-fastEnded); err != nil {
		h.t.Error(err)
	}
	if h.account("first").Note != "edited" {
		h.t.Error("the change is lost")
	}
	if old := h.states()[h.old[0]]; old != backup.Good {
		h.t.Errorf("%s is %q by now", h.old[0], old)
	}
	if h.key().ID() == h.firstKey {
		h.t.Error("the rotation is lost")
	}
	for _, name := range sealedKeys(h.t, h.dir) {
		if strings.Contains(name, h.firstKey) {
			h.t.Errorf("%s is there again", name)
		}
	}
	h.later(time.Hour).add("afterwards")
	h.current()
	h.stands()
	return true
}

// A backup that was asked for before the key was rotated, and that is made after it, is under the new key.
func TestBackUpBesideARotation(t *testing.T) {
	t.Parallel()
	m, _ := enrolled(t)
	rotated := false
	slow := m.through(place{before: func(context.Context, call) error { return nil }, opening: func() {
		if !rotated {
			rotated = true
			m.rotate()
		}
	}})
	r, err := slow.open().BackUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range m.backups().Files {
		if f.Name == r.File && (f.State != backup.Good || f.Key != m.key().ID()) {
			t.Errorf("%s is %q, under the key %s", f.Name, f.State, f.Key)
		}
	}
	m.current()
}

// The files that a rotation itself wrote go as others do when they are old enough, and so may a newer one that a sync client
// has delivered by half: whoever writes the next backup vouches for what they did.
func TestVouchingOutlivesRetention(t *testing.T) {
	t.Parallel()
	h := withHistory(t)
	rotated := h.rotate()
	path := filepath.Join(h.dir, h.later(time.Minute).add("half").File)
	whole := readFile(t, path)
	write(t, path, whole[:1000])
	for i := range 11 { // on one day, of which the last ten and the newest are kept
		h.later(time.Minute).change(note("first", fmt.Sprint(i)))
	}
	write(t, path, whole)
	left := backupsIn(t, h.dir)
	if slices.Contains(left, rotated.File) {
		t.Fatal("the backup of the rotation is still there: this test shows nothing")
	}
	h.old = slices.DeleteFunc(h.old, func(name string) bool { return !slices.Contains(left, name) })
	if len(h.old) < 4 {
		t.Errorf("only %q are left of the old backups", h.old)
	}
	h.stands()
}

// A second rotation is no worse than the first: what the first one vouched for stays good.
func TestVouchingOutlivesRotations(t *testing.T) {
	t.Parallel()
	h := withHistory(t)
	for range 2 {
		h.rotate()
		h.later(time.Hour).add(fmt.Sprint("at ", h.now.Hour()))
		h.old = backupsIn(t, h.dir)
	}
	h.rotate()
	h.stands()
}

// What a device remembers in its state folder it can do without.
func TestVouchingNeedsNoMemory(t *testing.T) {
	t.Parallel()
	h := withHistory(t)
	state := filepath.Join(h.options.State, "backup.json")
	remove(t, state)
	h.rotate()
	remove(t, state)
	h.later(time.Hour).add("afterwards")
	remove(t, state)
	h.stale(device.Changed)
	h.later(time.Hour).add("and more")
	h.current()
	h.stands()
	write(t, state, "no JSON")
	h.later(time.Hour).add("and more again")
	h.current()
	h.stands()
}

// What the cloud has not brought yet when the key is rotated, or only half of it, is history too when it comes.
func TestVouchingForWhatIsNotHereYet(t *testing.T) {
	t.Parallel()
	h := withHistory(t)
	laptop := joined(t, h.dir)
	laptop.now = h.now
	late, half := laptop.add("late").File, laptop.later(time.Hour).add("half").File
	h.old, h.devices = append(h.old, late, half), 4
	was := contents(t, h.dir)
	remove(t, filepath.Join(h.dir, late))
	write(t, filepath.Join(h.dir, "."+late+".icloud"), "a placeholder of the cloud's")
	write(t, filepath.Join(h.dir, half), was[half][:1000])
	h.later(time.Hour).rotate()
	h.later(time.Hour).sync()
	h.has("first", "laptop", "tablet")

	remove(t, filepath.Join(h.dir, "."+late+".icloud"))
	write(t, filepath.Join(h.dir, late), was[late])
	write(t, filepath.Join(h.dir, half), was[half])
	h.stands()
	h.sync()
	h.has("first", "laptop", "tablet", "late", "half")

	// Other bytes under the name that was vouched for are not what was vouched for.
	write(t, filepath.Join(h.dir, half), was[late]+"\n")
	if state := h.states()[half]; state == backup.Good {
		t.Errorf("other bytes are %q", state)
	}
}

// A device that was away while the key was rotated went on under the old one: its files are named and not merged, until it
// has joined and so vouches for them itself.
func TestVouchingForItself(t *testing.T) {
	t.Parallel()
	h := withHistory(t)
	away, folder := newMachine(t), filepath.Join(t.TempDir(), "cloud")
	carry(t, h.dir, folder)
	away.restore(device.RestoreOptions{From: folder})
	h.rotate()
	r := away.later(48 * time.Hour).add("written away")
	for _, name := range backupsIn(t, folder) {
		write(t, filepath.Join(h.dir, name), readFile(t, filepath.Join(folder, name)))
	}
	s := h.later(24 * time.Hour).sync()
	if !slices.ContainsFunc(s.Skipped, func(f backup.File) bool { return f.Name == r.File && f.State == backup.OldKey }) {
		t.Errorf("skipped: %+v", s.Skipped)
	}
	h.has("first", "laptop", "tablet")

	// It comes home, with all of what lies there now.
	carry(t, h.dir, folder)
	for _, name := range sealedKeys(t, folder) { // a sync client deletes what was deleted
		if !slices.Contains(sealedKeys(t, h.dir), name) {
			remove(t, filepath.Join(folder, name))
		}
	}
	wantErr(t, away.add("too early").Stale, device.ErrRotated)
	away.stale(device.KeyRotated)
	away.rejoin(folder)
	away.current()
	carry(t, folder, h.dir)
	h.sync()
	h.has("first", "laptop", "tablet", "written away", "too early")
	if state := h.states()[r.File]; state != backup.Good {
		t.Errorf("%s is %q", r.File, state)
	}
}

// A file under the old key that comes to lie there after the rotation may be of whoever found the laptop: it is named, and
// never merged, whatever it says of itself.
func TestNobodyVouchesForTheFinder(t *testing.T) {
	t.Parallel()
	h := withHistory(t)
	key := h.key()
	content, err := backup.Open([]byte(readFile(t, filepath.Join(h.dir, h.old[0]))), key.Identity())
	if err != nil {
		t.Fatal(err)
	}
	h.rotate()
	finder := &vault.Tx{State: content.State, Now: h.now.Add(time.Hour), Device: content.Device}
	if err := errors.Join(adding("evil", "of the finder")(finder), removing("first")(finder)); err != nil {
		t.Fatal(err)
	}
	content.Created, content.Generation = h.now.Add(time.Hour), content.Generation+100
	content.Supersedes, content.OldFiles = nil, nil
	payload, err := key.Encode(content)
	if err != nil {
		t.Fatal(err)
	}
	evil := plant(t, h.dir, key, content, payload)
	m := newMachine(t)
	m.now = h.later(2 * time.Hour).now
	m.person.passphrases[device.OpenLocation] = next
	restored := m.restore(device.RestoreOptions{From: h.dir})
	m.has("first", "laptop", "tablet")
	for who, skipped := range map[string][]backup.File{"restore": restored.Skipped, "sync": h.sync().Skipped, "verify": h.verify().Skipped()} {
		if len(skipped) != 1 || skipped[0].Name != evil || skipped[0].State != backup.OldKey || !errors.Is(skipped[0].Err, backup.ErrOldKey) {
			t.Errorf("%s skips %+v", who, skipped)
		}
	}
	h.add("later")
	h.rotate() // which does not vouch for it either
	h.has("first", "laptop", "tablet", "later")
	if state := h.states()[evil]; state != backup.OldKey {
		t.Errorf("after the next rotation it is %q", state)
	}
}

// To forget the device that rotated the key is to lose its backups, and nothing that they vouched for.
func TestForgetWhoVouched(t *testing.T) {
	t.Parallel()
	h := withHistory(t)
	old := h.id()
	h.rotate()
	other := newMachine(t)
	other.now = h.now
	other.person.passphrases[device.OpenLocation] = next
	other.restore(device.RestoreOptions{From: h.dir})
	other.person.says(device.ForgetDevice, true)
	if _, err := other.open().Forget(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	states := other.states()
	for _, name := range h.old {
		if n, _ := backup.ParseFileName(name); n.Device != old && states[name] != backup.Good {
			t.Errorf("%s is %q by now", name, states[name])
		}
	}
}
