package vault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/vault"
)

// three returns a vault of generation 3 and a list of backup files: one of each
// generation, and one of which only the hash is known.
func three(t *testing.T) (k *keyringtest.Memory, v *vault.Vault) {
	t.Helper()
	k = new(keyringtest.Memory)
	v = openVault(k, t.TempDir())
	for _, label := range []string{"GitHub:one", "GitHub:two", "GitHub:three"} {
		add(t, v, label)
	}
	if err := v.SetItem(t.Context(), vault.WrittenItem, "0011\n1:aaaa\n2:bbbb\n3:cccc"); err != nil {
		t.Fatal(err)
	}
	return k, v
}

func markerOf(t *testing.T, v *vault.Vault) vault.Marker {
	t.Helper()
	m, ok, err := vault.ReadMarker(v.Dir())
	if err != nil || !ok {
		t.Fatalf("the marker: %v, %v", ok, err)
	}
	return m
}

func wantWritten(t *testing.T, k *keyringtest.Memory, want string) {
	t.Helper()
	if got := k.Items()["written"]; got != want {
		t.Errorf("the list of written files is %q, want %q", got, want)
	}
}

// What the list of backup files names is what the vault holds: a vault that goes back
// drops what is newer, or the next backup would supersede what only that file holds.
func TestWrittenGoesBackWithTheVault(t *testing.T) {
	t.Parallel()
	t.Run("not without need", func(t *testing.T) {
		k, v := three(t)
		add(t, v, "GitHub:four")
		wantWritten(t, k, "0011\n1:aaaa\n2:bbbb\n3:cccc")
	})
	t.Run("repair", func(t *testing.T) {
		k, v := three(t)
		k.Replace("head", new(string))
		repaired, err := v.Repair(t.Context())
		if err != nil || repaired.Generation != 2 {
			t.Fatalf("%+v, %v", repaired, err)
		}
		wantWritten(t, k, "1:aaaa\n2:bbbb")
	})
	t.Run("an older image", func(t *testing.T) {
		k, v := three(t)
		k.Replace("head", new(k.Items()["previous"]))
		add(t, v, "GitHub:four")
		wantWritten(t, k, "1:aaaa\n2:bbbb")
	})
	t.Run("an older image than the marker knew of", func(t *testing.T) {
		k, v := three(t)
		m := markerOf(t, v)
		m.Generation = 2
		if err := vault.WriteMarker(v.Dir(), m); err != nil {
			t.Fatal(err)
		}
		k.Replace("head", new(k.Items()["previous"]))
		add(t, v, "GitHub:four")
		wantWritten(t, k, "0011\n1:aaaa\n2:bbbb")
	})
	t.Run("another vault", func(t *testing.T) {
		k, v := three(t)
		other := new(keyringtest.Memory)
		ov := openVault(other, t.TempDir())
		for i := range 4 {
			add(t, ov, fmt.Sprintf("Other:%d", i))
		}
		k.Replace("head", new(other.Items()["head"]))
		add(t, v, "GitHub:four")
		wantWritten(t, k, "")
	})
	t.Run("a new vault in place of a lost one", func(t *testing.T) {
		k, v := three(t)
		for item := range k.Items() {
			if item != "written" {
				k.Replace(item, nil)
			}
		}
		if err := v.Renew(t.Context(), func(*vault.Tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
		wantWritten(t, k, "")
	})
}

// Wherever a repair or a write onto an older image stops, no file is listed whose
// content the vault does not hold.
func TestWrittenIsTrimmedFirst(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]struct {
		head string
		do   func(v *vault.Vault) error
	}{
		"repair": {"", func(v *vault.Vault) error { _, err := v.Repair(t.Context()); return err }},
		"update": {"previous", func(v *vault.Vault) error {
			return v.Update(t.Context(), func(tx *vault.Tx) error { tx.Set("k", "v"); return nil })
		}},
	} {
		for _, fault := range []keyringtest.Fault{keyringtest.CrashBefore, keyringtest.CrashAfter, keyringtest.Fail, keyringtest.Lie} {
			for n, done := 1, false; !done; n++ {
				k, v := three(t)
				k.Replace("head", new(k.Items()[act.head]))
				start := k.Ops()
				struck := false
				k.Fault = func(op keyringtest.Op) keyringtest.Fault {
					if op.N == start+n {
						struck = true
						return fault
					}
					return keyringtest.None
				}
				_ = keyringtest.Crashes(func() { _ = act.do(v) })
				k.Fault, done = nil, !struck
				s, err := v.Read(t.Context())
				if _, damaged := errors.AsType[*keyring.DamagedError](err); err != nil && !damaged {
					t.Fatalf("%s, %s at %d: %v", name, fault, n, err)
				}
				if err == nil && s.Generation > 3 && k.Items()["written"] != "1:aaaa\n2:bbbb" {
					t.Errorf("%s, %s at %d: generation %d lists %q", name, fault, n, s.Generation, k.Items()["written"])
				}
			}
		}
	}
}
