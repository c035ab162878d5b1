// Package sim lets several devices live whole histories over the package device, in one
// process: with clones, wrong clocks, and a sync client that delivers late, in part,
// twice, and under the names of conflicted copies. Whatever happened, in the end
// everybody syncs, and gives the passphrases that are asked for. Then all living devices
// are equal, nothing is lost, and a new machine gets all of it with the newest passphrase.
//
// Where every device that could open the location is gone, or backs up elsewhere, and what
// is left there opens only keys that were rotated away, all of them begin a new location:
// no device is ever enrolled on a key that has a successor.
//
// What may be gone in the end is what its user erased, what expired in the trash, what is
// bound to a device that is gone, and what the design gives up: what was on a device that
// is gone and had not arrived elsewhere, also in a backup under a key that was rotated
// away before it arrived.
package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/testenv"
)

// histories returns the seed of the first history, and how many are lived: as many as
// AUTH_TEST_HISTORIES says, which nobody has seen before, or a few that are always the same.
// New ones are for the nights, as [testenv.Seed] says.
func histories(t *testing.T) (seed uint64, n int) {
	const few = 30
	var nights int
	_, after, _ := strings.Cut(testenv.FileOf(t, ".github", "workflows", "nightly.yml"), "AUTH_TEST_HISTORIES: ")
	if _, err := fmt.Sscan(after, &nights); err != nil {
		t.Error("the nights: ", err)
	}
	testenv.Times(t, fmt.Sprintf("a history of %d acts on several devices is run", steps), few, nights)
	text := os.Getenv("AUTH_TEST_HISTORIES")
	if text == "" {
		return 7000, few
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal("AUTH_TEST_HISTORIES: ", err)
	}
	return testenv.Seed(t), n
}

// steps is how long a history is.
const steps = 40

func TestHistories(t *testing.T) {
	seed, n := histories(t)
	for i := range uint64(n) {
		t.Run(fmt.Sprint(seed+i), func(t *testing.T) {
			cryptotest.SetGlobalRandom(t, seed+i)
			w := newWorld(t, seed+i)
			w.live()
			if len(w.wrong) == 0 {
				w.end()
			}
			if len(w.wrong) > 0 {
				w.logOrder()
				t.Errorf("%s\nAUTH_TEST_SEED=%d AUTH_TEST_HISTORIES=1 repeats this:\n%s", lines(w.wrong), seed+i, lines(w.trace))
			}
		})
		if t.Failed() {
			return
		}
	}
}

// live lets the machines live.
func (w *world) live() {
	w.begin()
	acts := w.acts()
	for range steps {
		if len(w.wrong) > 0 {
			return
		}
		w.now = w.now.Add(time.Duration(w.chance.IntN(300)) * time.Minute)
		machines := w.living()
		m := machines[w.chance.IntN(len(machines))]
		m.folders[home].sync(w.chance)
		m.folders[elsewhere].sync(w.chance)
		acts[w.chance.IntN(len(acts))](w, m)
	}
}

// rounds is how often everybody syncs in the end at most.
const rounds = 12

// end lets everybody sync, and checks what was promised.
func (w *world) end() {
	w.over = true
	w.log("the end")
	for n := range rounds {
		before := w.all()
		if n == 2 && !slices.ContainsFunc(w.living(), func(m *machine) bool { return m.location() == w.home }) {
			w.log("nobody can open %s any more", w.home)
			w.home = anew
		}
		for _, m := range w.living() {
			settle(w.folders()...)
			w.bring(m)
		}
		settle(w.folders()...)
		if slices.Equal(before, w.all()) {
			break
		}
	}
	if len(w.wrong) > 0 {
		return
	}
	w.checkEqual()
	w.checkLost()
	w.checkNew()
}

// all returns what each living machine knows, its key, and the files in the cloud: what one
// machine has written last, the others have yet to read.
func (w *world) all() (all []string) {
	for _, m := range w.living() {
		all = append(all, m.key()+known(m.read()))
	}
	return append(all, slices.Sorted(maps.Keys(w.clouds[w.home].files))...)
}

// bring lets a machine sync, and its user do what they are told.
func (w *world) bring(m *machine) {
	if s, err := m.open().Status(w.t.Context()); err != nil || !s.Backup.On || s.Backup.Location != w.home {
		if err == nil && s.Backup.On { // what went back there comes from there
			_ = w.sync(m)
		}
		_ = w.enable(m, w.home)
	}
	if errors.Is(w.sync(m), device.ErrBackupOff) { // turning it on was cut short
		_ = w.enable(m, w.home)
		_ = w.sync(m)
	}
	if len(m.read().Accounts()) == 0 { // an empty vault is never backed up
		w.add(m)
	}
	s, err := m.open().Status(w.t.Context())
	if err != nil {
		w.complain("%s: %v", m.name, err)
		return
	}
	if b := s.Backup; b.Stale && (b.Reason == device.KeyRotated || b.Reason == device.OtherKeysLie) {
		w.log("   stale: %d %s", b.Reason, b.Text)
		err := w.enable(m, w.home)
		// Those of a key whose device is gone will not come. Where another key can be joined
		// this is refused. Once is enough: they lie there still, and status goes on counting them.
		hopeless := errors.Is(err, device.ErrNoSealedKeys) || errors.Is(err, backup.ErrSuperseded) || errors.Is(err, backup.ErrWrongKey)
		if hopeless && !m.gaveUp {
			m.gaveUp = true
			w.rekeyed = 0
			w.rotate(m)
		}
		_ = w.sync(m)
	}
}

func (w *world) sync(m *machine) error {
	return w.do(m, "sync", func(ctx context.Context, d *device.Device) error {
		s, err := d.Sync(ctx)
		for _, f := range s.Skipped {
			w.log("   skipped %s: %v", f.Name, f.Err)
		}
		return err
	})
}

// checkEqual checks that all living devices are equal, and back up under one key.
func (w *world) checkEqual() {
	first := w.living()[0]
	for _, m := range w.living() {
		if m.key() != first.key() {
			w.complain("%s has the key %s, and %s %s", first.name, first.key(), m.name, m.key())
		}
		if !same(m.read(), first.read()) {
			w.complain("%s and %s are not equal: %s", first.name, m.name, difference(known(first.read()), known(m.read())))
		}
		s, err := m.open().Status(w.t.Context())
		if err != nil || s.Backup.Stale && (s.Backup.Reason != device.OtherKeysLie || !w.closed(m)) {
			w.complain("%s: the backup is %+v, %v", m.name, s.Backup, err)
		}
	}
}

// closed reports whether there are backups at home that nobody can open any more: the
// device that had the key is gone, and its sealed key has never arrived. Status goes on
// counting them, as the design has it.
func (w *world) closed(m *machine) bool {
	f := m.folders[w.home]
	inv, err := backup.ReadInventory(w.t.Context(), f, w.allKeys())
	if err != nil {
		w.t.Fatal(err)
	}
	e, _ := m.enrolment()
	return slices.ContainsFunc(inv.Files, func(file backup.File) bool {
		return file.Key == "" || !e.Keys().Has(file.Key) && !slices.ContainsFunc(inv.Sealed, func(s location.Entry) bool {
			id, _ := backup.SealedKeyID(s.Name)
			return id == file.Key
		})
	})
}

// checkLost checks that every secret that was ever added is there, or may be gone.
func (w *world) checkLost() {
	for _, x := range w.secrets {
		there := slices.ContainsFunc(w.living(), func(m *machine) bool { return m.has(x.text) })
		if x.added && !there && !w.mayBeGone(x) {
			w.complain("%s is nowhere", x.text)
		}
	}
	for _, a := range w.living()[0].read().Accounts() {
		if x := w.secrets[string(a.Secret.Reveal())]; x != nil && !x.reset && a.Counter < x.next {
			w.complain("the counter of %s is %d, and %d was used", a.Shown, a.Counter, x.next-1)
		}
	}
}

// checkNew checks that a new machine gets everything with the newest passphrase.
func (w *world) checkNew() {
	old := w.living()[0]
	n := w.newMachine()
	settle(w.folders()...)
	if len(old.read().Accounts()) == 0 {
		return // there may be no backup
	}
	for _, word := range w.person.known {
		// What a device made that is gone may never have arrived.
		if _, arrived := w.clouds[w.home].files[word.sealed]; word.key == old.key() && (arrived || !word.by.dead) {
			w.person.try = []string{word.text}
		}
	}
	w.log("the newest passphrase is %q", w.person.try)
	err := w.do(n, "restore", func(ctx context.Context, d *device.Device) error {
		r, err := d.Restore(ctx, device.RestoreOptions{From: w.home})
		if err == nil && r.BackupTo != w.home {
			w.complain("backup is on to %q", r.BackupTo)
		}
		return err
	})
	if err != nil {
		w.complain("a new machine: %v", err)
		return
	}
	if a, b := shown(old), shown(n); !slices.Equal(a, b) {
		w.complain("a new machine has %q, not %q", b, a)
	}
	for range rounds {
		before := w.all()
		for _, m := range w.living() {
			settle(w.folders()...)
			_ = w.sync(m)
		}
		if slices.Equal(before, w.all()) {
			break
		}
	}
	w.checkEqual()
}

// shown returns what a user sees of a vault: each account and its secret, in their order,
// and the trash.
func shown(m *machine) (list []string) {
	s := m.read()
	for _, a := range s.Accounts() {
		secret := string(a.Secret.Reveal())
		if a.DeviceBound {
			secret = ""
		}
		list = append(list, fmt.Sprint(a.Shown, " ", a.Alias, a.Note, a.Tags, secret, a.Counter))
	}
	for _, t := range s.TrashOf() {
		if !t.DeviceBound {
			list = append(list, "trash "+string(t.Credential.Secret.Reveal()))
		}
	}
	return list
}

// difference returns where two texts begin to differ.
func difference(a, b string) string {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	part := func(s string) string { return s[max(0, n-60):min(len(s), n+120)] }
	return fmt.Sprintf("\n%s\n%s", part(a), part(b))
}

// order logs the successions in the cloud.
func (w *world) logOrder() {
	f := newFolder(w.clouds[w.home], "nobody")
	settle(f)
	entries, _ := f.List(w.t.Context())
	for _, s := range backup.ReadSuccessions(w.t.Context(), f, entries, w.allKeys().Current, "") {
		w.log("succession %+v", s)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name, "successor-") {
			w.log("%s", e.Name)
		}
	}
	for _, m := range w.living() {
		w.log("%s is under %s", m.name, m.key())
	}
}
