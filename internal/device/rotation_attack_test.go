package device_test

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/vault"
)

// Whoever has held a recovery key can write successions of it as long as they can write the folder. These are the attacks
// by it. The devices of the owner are never locked out by one, and nothing of the attacker's comes to them by it.

// claims writes a succession of a key: the file's name is returned.
func (x thief) claims(old backup.RecoveryKey, s backup.Succession) string {
	x.t.Helper()
	s.Old = old.ID()
	data, err := old.Succeed(s)
	if err != nil {
		x.t.Fatal(err)
	}
	write(x.t, filepath.Join(x.dir, s.Name()), string(data))
	return s.Name()
}

// takesOver writes what a rotation to the thief's key would: the succession, a sealed key and a backup.
func (x thief) takesOver(old backup.RecoveryKey, stamp int64) string {
	x.t.Helper()
	_, sealed, err := x.key.Seal(backup.Sealing{Passphrase: "a passphrase of the thief's", WorkFactor: 4})
	if err != nil {
		x.t.Fatal(err)
	}
	write(x.t, filepath.Join(x.dir, "recovery-"+x.key.ID()+"-01234567.age"), string(sealed))
	x.backup(x.key, "evil", noon)
	return x.claims(old, backup.Succession{New: x.key.ID(), Stamp: stamp})
}

// Attack: a thief who holds the key says that it was changed, and so before the owner does. A file that is only named as a
// sealed key, and none at all, is no key that could be joined: rotating and giving a device up go ahead unasked.
func TestClaimedRotationWithoutKey(t *testing.T) {
	t.Parallel()
	for _, planted := range []string{"", "recovery-%s-01234567.age"} {
		for what, act := range map[string]func(a, b *machine) error{
			"rotate": func(a, _ *machine) error {
				_, err := a.open().Rotate(t.Context(), device.EnableOptions{})
				return err
			},
			"lost": func(a, b *machine) error {
				a.person.says(device.LoseDevice, true)
				_, err := a.open().Lose(t.Context(), b.id(), time.Time{}, device.EnableOptions{})
				return err
			},
		} {
			a, b, dir := twelve(t)
			x := thief{t, dir, newKey(t)}
			name := x.claims(a.key(), backup.Succession{New: x.key.ID(), Stamp: noon.UnixMilli()})
			if planted != "" {
				write(t, filepath.Join(dir, fmt.Sprintf(planted, x.key.ID())), "no sealed key")
			}
			stale := a.later(time.Minute).add("second").Stale
			wantErr(t, stale, device.ErrRotated)
			if !strings.Contains(stale.Error(), name) {
				t.Errorf("the file that says so is not named: %v", stale)
			}
			a.person.passphrases[device.NewForLocation] = next
			if err := act(a, b); err != nil {
				t.Errorf("%s, where %q is planted: %v", what, planted, err)
			}
			a.later(time.Minute).add("third")
			a.current()
		}
	}
}

// Attack: the thief plants a whole takeover, with a sealed key and a backup. It cannot be told from a rotation that another
// device has made. The owner is asked, and says that no device of theirs did it; nothing is done without an answer.
func TestClaimedRotationWithKey(t *testing.T) {
	t.Parallel()
	a, b, dir := twelve(t)
	x := thief{t, dir, newKey(t)}
	name := x.takesOver(a.key(), noon.UnixMilli())
	own := a.key().ID()
	wantErr(t, a.later(time.Minute).add("second").Stale, device.ErrRotated)
	a.person.passphrases[device.NewForLocation] = next
	rotate := func() error {
		_, err := a.open().Rotate(t.Context(), device.EnableOptions{})
		return err
	}
	err := rotate()
	wantErr(t, err, device.ErrRotated)
	wantErr(t, err, errNobody)
	if q := a.person.questions; len(q) != 1 || q[0].Kind != device.ReplaceKey || !strings.Contains(q[0].Err.Error(), name) {
		t.Errorf("asked %+v", q)
	}
	a.person.says(device.ReplaceKey, false)
	wantErr(t, rotate(), device.ErrNotConfirmed)
	if a.key().ID() != own {
		t.Error("the key was replaced without a yes")
	}
	a.person.says(device.ReplaceKey, true)
	if err := rotate(); err != nil {
		t.Fatal(err)
	}
	a.later(time.Minute).add("third")
	a.current()
	b.rejoin(dir)
	b.later(time.Hour).sync()
	b.current()
	for _, m := range []*machine{a, b} {
		m.has(strings.Fields("a b c d e f g h i j k l second third")...)
	}
	fresh := newMachine(t)
	fresh.person.passphrases[device.OpenLocation] = next
	fresh.later(time.Hour).restore(device.RestoreOptions{From: dir})
	fresh.has(strings.Fields("a b c d e f g h i j k l second third")...)
	fresh.current()
}

// No attack: another device did rotate the key, and the cloud has yet to bring its sealed key. That is one to join all the same.
func TestRotationWhoseKeyIsOnItsWay(t *testing.T) {
	t.Parallel()
	a, b, dir := twelve(t)
	b.sync()
	a.later(time.Minute).rotate()
	name := sealedKeys(t, dir)[0]
	remove(t, filepath.Join(dir, name))
	write(t, filepath.Join(dir, "."+name+".icloud"), "a placeholder of the cloud's")
	own := b.key().ID()
	_, err := b.later(time.Hour).open().Rotate(t.Context(), device.EnableOptions{})
	wantErr(t, err, device.ErrRotated)
	if len(b.person.questions) != 1 || b.key().ID() != own {
		t.Errorf("asked %+v", b.person.questions)
	}
}

// Attack: as before, but giving the lost device up is what the owner does.
func TestClaimedRotationAndLost(t *testing.T) {
	t.Parallel()
	a, b, dir := twelve(t)
	x := thief{t, dir, newKey(t)}
	x.takesOver(a.key(), noon.UnixMilli())
	a.person.passphrases[device.NewForLocation] = next
	a.person.says(device.LoseDevice, true)
	lose := func() (device.Lost, error) {
		return a.later(time.Minute).open().Lose(t.Context(), b.id(), time.Time{}, device.EnableOptions{})
	}
	lost, err := lose()
	wantErr(t, err, device.ErrRotated)
	if lost.Merged || len(lost.Exposed) > 0 || lost.Removed > 0 {
		t.Errorf("without an answer this was done: %+v", lost)
	}
	a.person.says(device.ReplaceKey, true)
	if lost, err = lose(); err != nil || lost.Removed == 0 || len(lost.Exposed) != 12 {
		t.Errorf("lost %+v: %v", lost, err)
	}
	a.current()
}

// Attack: the thief stamps their rotation so that no other can be newer. It wins against none: the owner rotates, before or
// after it, and all devices, also new ones, use the owner's key.
func TestRotationOfTheFarFuture(t *testing.T) {
	t.Parallel()
	for _, stamp := range []int64{math.MaxInt64, math.MaxInt64 - 1, 1 << 62, noon.AddDate(1, 0, 0).UnixMilli()} {
		a, b, dir := twelve(t)
		first := a.key()
		x := thief{t, dir, newKey(t)}
		x.takesOver(first, stamp)
		// It may be of a clock that is right, where the one here is wrong: nothing more goes to that key.
		wantErr(t, a.later(time.Minute).add("second").Stale, device.ErrRotated)
		a.stale(device.KeyRotated)
		a.person.says(device.ReplaceKey, true)
		for n := range 3 {
			a.later(time.Minute).rotate()
			a.add(fmt.Sprint("after rotation ", n))
			if b := a.status().Backup; b.Stale && b.Reason == device.KeyRotated {
				t.Errorf("stamp %d: after rotation %d the backup is %+v", stamp, n, b)
			}
		}
		b.rejoin(dir)
		b.later(time.Hour).sync()
		fresh := newMachine(t)
		fresh.person.passphrases[device.OpenLocation] = next
		fresh.later(time.Hour).restore(device.RestoreOptions{From: dir})
		for _, m := range []*machine{b, fresh} {
			if m.key().ID() != a.key().ID() {
				t.Errorf("stamp %d: the key is %s, want %s", stamp, m.key().ID(), a.key().ID())
			}
			if m.read().Generation == 0 || slices.ContainsFunc(m.read().Accounts(), func(acc vault.Account) bool { return acc.Shown == "evil" }) {
				t.Errorf("stamp %d: the thief's account is there", stamp)
			}
		}
	}
}

// A vault that has met a clock of the far future stamps its own rotations so that all count them. A thief with the key before
// is overruled, as if that clock had been right.
func TestRotationAfterAWrongClock(t *testing.T) {
	t.Parallel()
	a, b, dir := twelve(t)
	b.later(400 * 24 * time.Hour).change(note("a", "changed in a year"))
	b.now = noon
	a.sync()
	first := a.key()
	a.later(time.Minute).rotate()
	thief{t, dir, newKey(t)}.takesOver(first, noon.AddDate(0, 0, 20).UnixMilli())
	wantErr(t, a.later(time.Hour).add("second").Stale, device.ErrTwoRotations)
	a.person.says(device.ReplaceKey, true)
	a.rotate()
	if r := a.add("third"); errors.Is(r.Stale, device.ErrTwoRotations) {
		t.Errorf("after another rotation: %v", r.Stale)
	}
	b.later(2 * time.Hour).rejoin(dir)
	fresh := newMachine(t)
	fresh.person.passphrases[device.OpenLocation] = next
	fresh.later(2 * time.Hour).restore(device.RestoreOptions{From: dir})
	if b.key().ID() != a.key().ID() || fresh.key().ID() != a.key().ID() {
		t.Error("they are on several keys")
	}
}

// feeds plants a backup under a key of what a device had, with one account more and one erased, as the thief of that device
// can. It may list more sealed keys.
func (x thief) feeds(key backup.RecoveryKey, had *vault.State, at time.Time, sealed ...backup.SealedKey) string {
	x.t.Helper()
	state := had.Clone()
	tx := &vault.Tx{State: state, Now: at, Device: "feedfeedfeedfeed"}
	if err := errors.Join(adding("evil", "evil-secret-12345678")(tx), on("c", func(tx *vault.Tx, id string) error { return tx.Remove(id, true) })(tx)); err != nil {
		x.t.Fatal(err)
	}
	content := backup.Content{Device: "feedfeedfeedfeed", Generation: 99, Created: at, State: state, Sealed: sealed}
	payload, err := key.Encode(content)
	if err != nil {
		x.t.Fatal(err)
	}
	return plant(x.t, x.dir, key, content, payload)
}

// Attack: the key was rotated because of a thief, who deletes the file that says so, or signs another one by which the key
// was only joined with the new one. A device that was away joins the new key. It does not vouch for what the thief has
// written under the old one meanwhile, whatever that says of its sealed keys.
func TestVouchingAfterAnAlteredRotation(t *testing.T) {
	t.Parallel()
	for what, alter := range map[string]func(x thief, old backup.RecoveryKey, name, now string){
		"nothing": func(thief, backup.RecoveryKey, string, string) {},
		"deleted": func(x thief, _ backup.RecoveryKey, name, _ string) { remove(x.t, filepath.Join(x.dir, name)) },
		"signed anew": func(x thief, old backup.RecoveryKey, _, now string) {
			x.claims(old, backup.Succession{New: now, Stamp: noon.Add(1000 * time.Hour).UnixMilli(), Joined: true})
		},
	} {
		for _, listed := range []bool{false, true} {
			a, b, dir := twelve(t)
			b.sync()
			a.sync()
			old, had := a.key(), b.read()
			a.later(time.Minute).rotate()
			x := thief{t, dir, old}
			alter(x, old, backup.Succession{Old: old.ID(), New: a.key().ID()}.Name(), a.key().ID())
			if listed { // b learns that a sealed key of the old key is in use
				content := backup.Content{
					Device: "feedfeedfeedfeed", Generation: 98, Created: noon.Add(time.Hour), State: had.Clone(),
					Sealed: []backup.SealedKey{{Name: "recovery-" + old.ID() + "-01234567.age", Hash: "0123456789abcdef0123456789abcdef"}},
				}
				payload, err := old.Encode(content)
				if err != nil {
					t.Fatal(err)
				}
				plant(t, dir, old, content, payload)
				_, _ = b.later(2 * time.Hour).open().Sync(t.Context())
			}
			evil := x.feeds(old, had, noon.Add(3*time.Hour))
			b.later(4 * time.Hour).rejoin(dir)
			for _, m := range []*machine{b, a} {
				m.later(5 * time.Hour).sync()
				m.has(strings.Fields("a b c d e f g h i j k l")...)
				if state := m.states()[evil]; state != backup.OldKey {
					t.Errorf("%s, with a sealed key listed %t: the thief's file is %q", what, listed, state)
				}
			}
		}
	}
}

// Attack: the key of a device was rotated because of a thief, and that device then joined the key of another one. The thief
// deletes the file that says so, signs one by which the first key was joined, and brings its sealed key back. Whoever types
// the passphrase of that key on the other device does not vouch for what the thief has written under it.
func TestTakingInAKeyThatWasRotatedAway(t *testing.T) {
	t.Parallel()
	a, b, aDir, bDir := apart(t, passphrase, next)
	found := a.key()
	sealed := files(t, aDir, "recovery-"+found.ID())[0]
	data := readFile(t, filepath.Join(aDir, sealed))
	a.person.passphrases[device.NewForLocation] = "one more horse, one more staple"
	if _, err := a.later(2*time.Hour).open().Rotate(t.Context(), device.EnableOptions{}); err != nil {
		t.Fatal(err)
	}
	a.person.passphrases[device.OpenLocation] = next
	a.later(time.Minute).enable(aDir)
	carry(t, aDir, bDir)

	for _, name := range files(t, bDir, "successor-"+found.ID()) {
		remove(t, filepath.Join(bDir, name))
	}
	write(t, filepath.Join(bDir, sealed), data)
	x := thief{t, bDir, newKey(t)}
	x.claims(found, backup.Succession{New: b.key().ID(), Stamp: noon.UnixMilli(), Joined: true})
	remove(t, filepath.Join(bDir, x.takesOver(found, 0))) // a key to join, so that b asks for a passphrase
	evil := x.backup(found, "evil", noon.Add(3*time.Hour))
	b.person.passphrases[device.OpenLocation] = passphrase
	_, err := b.later(4*time.Hour).open().Enable(t.Context(), bDir, device.EnableOptions{})
	wantErr(t, err, backup.ErrSuperseded)
	b.later(time.Hour).sync()
	b.has("first", "second")
	if state := b.states()[evil]; state != backup.OldKey {
		t.Errorf("the thief's file is %q", state)
	}
}

// Attack: the key was rotated because of a thief, and a device has not joined the new one yet. The thief goes on writing with
// the key that they found. The device merges nothing, says so and what to do, and joins with what it had.
func TestFeedingADeviceOnTheOldKey(t *testing.T) {
	t.Parallel()
	for what, joined := range map[string]bool{"rotated": false, "signed anew as joined": true} {
		a, b, dir := twelve(t)
		b.sync()
		a.sync()
		old, had := a.key(), b.read()
		a.later(time.Minute).rotate()
		x := thief{t, dir, old}
		if joined {
			x.claims(old, backup.Succession{New: a.key().ID(), Stamp: noon.Add(time.Hour).UnixMilli(), Joined: true})
		}
		x.feeds(old, had, noon.Add(2*time.Hour))
		b.person.says(device.MergeMany, true)
		b.person.says(device.ForgetDevice, true)
		want := strings.Fields("a b c d e f g h i j k l")
		for range 2 {
			s, err := b.later(3 * time.Hour).open().Sync(t.Context())
			wantStale(t, err, device.ErrRotated)
			if len(noticed(s.Report, device.NothingMerged)) != 1 || len(s.Devices) > 0 {
				t.Errorf("%s: synced %+v", what, s)
			}
			_, err = b.open().Forget(t.Context(), "feedfeedfeedfeed")
			wantStale(t, err, device.ErrRotated)
			b.stale(device.KeyRotated)
			b.has(want...)
		}
		b.rejoin(dir)
		for _, m := range []*machine{b, a} {
			m.later(5 * time.Hour).sync()
			m.has(want...)
			m.current()
		}
	}
}

// A device on the old key lost what it had backed up there: its keyring came back from an older image. Nothing is merged under
// that key, and what the device wrote itself comes back once it has joined the new one.
func TestOwnBackupUnderTheOldKey(t *testing.T) {
	t.Parallel()
	a, b, dir := twelve(t)
	folder := filepath.Join(t.TempDir(), "cloud")
	carry(t, dir, folder)
	a.later(time.Minute).seeing(dir, folder).rotate()
	before := b.keyring.Clone()
	b.later(time.Hour).add("late")
	b.keyring = before
	carry(t, folder, dir)
	want := strings.Fields("a b c d e f g h i j k l")
	_, err := b.later(time.Hour).open().Sync(t.Context())
	wantStale(t, err, device.ErrRotated)
	b.has(want...)
	b.rejoin(dir)
	b.sync()
	b.has(append(want, "late")...)
	b.current()
}

// Attack: a stolen laptop erased accounts before the key was rotated. The rotation ignores that, and so does what comes later:
// the laptop's backup is history that is vouched for, and is read again by each sync and each new machine.
func TestErasedBeforeARotation(t *testing.T) {
	t.Parallel()
	m, laptop, dir := twelve(t)
	for _, a := range laptop.read().Accounts()[1:] {
		laptop.change(func(tx *vault.Tx) error { return tx.Remove(a.ID, true) })
	}
	m.person.says(device.MergeMany, true)
	m.later(time.Minute).rotate()
	for range 2 {
		m.later(time.Minute).sync()
		if live, trash := len(m.read().Accounts()), len(m.read().TrashOf()); live != 1 || trash != 11 {
			t.Errorf("%d accounts live, and %d secrets are in the trash", live, trash)
		}
		fresh := newMachine(t)
		fresh.person.passphrases[device.OpenLocation] = next
		fresh.later(time.Hour).restore(device.RestoreOptions{From: dir})
		if live, trash := len(fresh.read().Accounts()), len(fresh.read().TrashOf()); live != 1 || trash != 11 {
			t.Errorf("on a new machine %d accounts live, and %d secrets are in the trash", live, trash)
		}
	}
}
