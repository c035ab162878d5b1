package device_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup"
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
	exposed := func(d *machine) (labels []string) {
		state := d.read()
		for _, a := range state.Accounts() {
			if by, ok := state.Exposed(a); ok {
				labels = append(labels, a.Shown)
				if by != "laptop" {
					t.Errorf("exposed by %q", by)
				}
			}
		}
		return labels
	}
	if got := exposed(m); len(got) != 2 {
		t.Errorf("exposed: %q", got)
	}
	tablet.rejoin(dir)
	tablet.sync()
	if got := exposed(tablet); len(got) != 2 {
		t.Errorf("exposed on the tablet: %q", got)
	}
	tablet.later(4 * time.Hour).change(on("first", func(tx *vault.Tx, id string) error {
		return tx.SetCredential(id, totp("", "a-new-secret-1234567").Credential, 0)
	}))
	m.person.says(device.MergeMany, true) // one of three is more than a fifth
	m.later(5 * time.Hour).sync()
	if got := exposed(m); len(got) != 1 || got[0] != "before" {
		t.Errorf("exposed after one was replaced: %q", got)
	}
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
