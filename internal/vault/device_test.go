package vault_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/vault"
)

// patience is how long a keyring may take in tests on a real disk, which may be busy. Those
// of a keyring that hangs run in a bubble, where time costs nothing.
const patience = time.Minute

// failing makes an operation on an item fail.
func failing(verb, name string) func(keyringtest.Op) keyringtest.Fault {
	return func(op keyringtest.Op) keyringtest.Fault {
		if op.Verb == verb && op.Name == name {
			return keyringtest.Fail
		}
		return keyringtest.None
	}
}

// Whoever writes to the keyring or the marker waits for the vault's lock. Where it stays
// with another the error names the holder, and nothing is written.
func TestWritersWaitForTheLock(t *testing.T) {
	t.Parallel()
	k := new(keyringtest.Memory)
	w := watch(k, t.TempDir())
	add(t, w.Vault, "GitHub:alice")
	hasty := vault.Open(vault.Options{
		Keyring: k, Dir: w.Dir(), Now: func() time.Time { return start }, Timeout: patience, LockWait: time.Millisecond,
	})
	other := vault.Open(vault.Options{Keyring: k, Dir: w.Dir(), Holder: "auth sync", LockWait: time.Second})
	unlock, err := other.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	before, marker := k.Items(), markerOf(t, w.Vault)
	for name, write := range map[string]func(context.Context) error{
		"Update": func(ctx context.Context) error { return hasty.Update(ctx, func(*vault.Tx) error { return nil }) },
		"Renew":  func(ctx context.Context) error { return hasty.Renew(ctx, func(*vault.Tx) error { return nil }) },
		"Repair": func(ctx context.Context) error { _, err := hasty.Repair(ctx); return err },
		"Move": func(ctx context.Context) error {
			return hasty.Move(ctx, openVault(fileKind{new(keyringtest.Memory)}, w.Dir()))
		},
		"SetItem":     func(ctx context.Context) error { return hasty.SetItem(ctx, vault.WrittenItem, "1:x") },
		"SetLocation": func(ctx context.Context) error { return hasty.SetLocation(ctx, "/elsewhere") },
		"RenewDevice": func(ctx context.Context) error { _, err := hasty.RenewDevice(ctx); return err },
	} {
		err := write(t.Context())
		if busy, ok := errors.AsType[*vault.BusyError](err); !ok || busy.Holder != "auth sync" || !strings.Contains(err.Error(), "auth sync") {
			t.Errorf("%s does not say who holds the vault: %v", name, err)
		}
	}
	if !maps.Equal(k.Items(), before) || markerOf(t, w.Vault).Location != marker.Location {
		t.Error("something was written all the same")
	}
}

// Where the folder of the lock cannot be made nothing is changed without a lock.
func TestNoFolderForTheLock(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	k := new(keyringtest.Memory)
	v := openVault(k, filepath.Join(file, "state"))
	if err := v.SetItem(t.Context(), vault.WrittenItem, "1:x"); err == nil || len(k.Items()) > 0 {
		t.Errorf("%v, and the keyring holds %d items", err, len(k.Items()))
	}
}

// A device keeps its id where the keyring does not show it, and is not believed to have a
// new one that the keyring did not take.
func TestDeviceIsNotRenewedBlindly(t *testing.T) {
	t.Parallel()
	k := new(keyringtest.Memory)
	w := watch(k, t.TempDir())
	k.Fault = failing("set", "device")
	if err := addTo(w.Vault, "GitHub:alice"); !errors.Is(err, keyringtest.ErrInjected) {
		t.Errorf("a change of a device without an id: %v", err)
	}
	if len(k.Items()) > 0 {
		t.Errorf("the keyring holds %d items", len(k.Items()))
	}
	k.Fault = nil
	add(t, w.Vault, "GitHub:alice")
	before := k.Items()["device"]
	for _, verb := range []string{"get", "set"} {
		k.Fault = failing(verb, "device")
		if id, err := w.RenewDevice(t.Context()); !errors.Is(err, keyringtest.ErrInjected) || id != "" {
			t.Errorf("%s fails: the new id is %q, %v", verb, id, err)
		}
	}
	k.Fault = failing("get", "device")
	if id, err := w.Device(t.Context()); !errors.Is(err, keyringtest.ErrInjected) || id != "" {
		t.Errorf("the id is %q, %v", id, err)
	}
	if k.Items()["device"] != before {
		t.Error("the id is another one")
	}
}

// Where backups go is known from the enrolment also after the marker and the vault were
// lost, be the vault begun anew or repaired.
func TestLocationOutlivesTheMarker(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(*watched) error{
		"renewal": func(w *watched) error {
			return w.Renew(t.Context(), func(tx *vault.Tx) error { tx.Set("k", "v"); return nil })
		},
		"repair": func(w *watched) error { _, err := w.Repair(t.Context()); return err },
	} {
		k := new(keyringtest.Memory)
		w := watch(k, t.TempDir())
		add(t, w.Vault, "GitHub:alice")
		add(t, w.Vault, "Bank:bob")
		if err := w.SetItem(t.Context(), vault.EnrolmentItem, "E"); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(w.Dir(), "vault.json")); err != nil {
			t.Fatal(err)
		}
		k.Replace("head", new(string))
		if err := act(w); err != nil {
			t.Fatal(err)
		}
		if m := markerOf(t, w.Vault); m.Location != "location of E" {
			t.Errorf("%s: backups go to %q", name, m.Location)
		}
	}
}
