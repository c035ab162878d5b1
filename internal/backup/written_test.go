package backup_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/vault"
)

// The list of written files reads back as it was written. It also reads the older form
// without generations.
func TestWrittenText(t *testing.T) {
	t.Parallel()
	const text = "0123456789abcdef\n7:fedcba9876543210"
	w := backup.ParseWritten(text)
	if got := w.Encode(); got != text {
		t.Errorf("written again as %q", got)
	}
	for hash, want := range map[string]bool{
		"0123456789abcdef": true, "0123456789abcdef0123456789abcdef": true, "fedcba9876543210ff": true,
		"fedcba987654321": false, "7:fedcba98765432": false, "": false,
	} {
		if w.Has(hash) != want {
			t.Errorf("Has(%q) is %v", hash, !want)
		}
	}
}

// A backup of a rolled-back vault does not supersede files of later generations. They may
// hold the only copy of what was added since. The device is treated as a clone.
func TestBackupOfOlderGeneration(t *testing.T) {
	t.Parallel()
	key, err := backup.NewRecoveryKey(true)
	if err != nil {
		t.Fatal(err)
	}
	loc, err := location.Parse(t.TempDir(), location.Options{Dir: "/"})
	if err != nil {
		t.Fatal(err)
	}
	var written backup.Written
	run := func(device string, generation uint64, s *vault.State) error {
		entries, err := loc.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = backup.Job{
			Location: loc, Enrolment: backup.Enrolment{Location: loc.String(), On: true, Key: key}, Written: written,
			Device: device, Generation: generation, State: s, Now: noon, Entries: entries,
			Record: func(w backup.Written) error { written = w; return nil },
		}.Run(t.Context())
		return err
	}
	one := example(t)
	two := change(t, one.Clone(), func(tx *vault.Tx) error { tx.Set("since", "then"); return nil })
	if err := errors.Join(run("0123456789abcdef", 1, one), run("0123456789abcdef", 2, two)); err != nil {
		t.Fatal(err)
	}
	if err := run("0123456789abcdef", 1, one); !errors.Is(err, backup.ErrCloned) {
		t.Fatalf("a vault that has gone back: %v, want ErrCloned", err)
	}
	if err := run("fedcba9876543210", 1, one); err != nil {
		t.Fatal(err)
	}
	inv, err := backup.ReadInventory(t.Context(), loc, backup.Enrolment{Key: key}.Keys())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range inv.Files {
		if f.State != backup.Good || f.Content.Device != "fedcba9876543210" {
			continue
		}
		for _, g := range inv.Files {
			if g.State == backup.Good && g.Content.Generation == 2 && slices.Contains(f.Content.Supersedes, g.Hash[:16]) {
				t.Error("the file of the later generation is superseded")
			}
		}
	}
}
