package vault_test

import (
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/vault"
)

// A fileKind is a keyring in memory that says it is the other kind.
type fileKind struct{ *keyringtest.Memory }

func (fileKind) Kind() string { return "file" }

// openVault returns the vault in a keyring and a state folder.
func openVault(k keyring.Keyring, dir string) *vault.Vault {
	return vault.Open(vault.Options{
		Keyring: k, Dir: dir, Now: func() time.Time { return start }, Timeout: time.Second, LockWait: time.Second,
	})
}

// add adds accounts through the vault.
func add(t *testing.T, v *vault.Vault, labels ...string) {
	t.Helper()
	err := v.Update(t.Context(), func(tx *vault.Tx) error {
		for _, label := range labels {
			if _, err := tx.Add(newAccount("", label, "secret of "+label)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// newMovable returns a keyring that holds a vault and every item beside it, and what
// the keyring holds, by name. With accounts enough, the vault does not fit one item.
func newMovable(t *testing.T, dir string, accounts int) (*keyringtest.Memory, map[string]string) {
	t.Helper()
	from := &keyringtest.Memory{Max: 2500}
	v := openVault(from, dir)
	for i := range accounts {
		add(t, v, fmt.Sprintf("Site%d:me", i))
	}
	for i := range vault.Items {
		if i == vault.DeviceItem {
			continue // the first change set it
		}
		if err := v.SetItem(t.Context(), i, "text of "+i.String()); err != nil {
			t.Fatal(err)
		}
	}
	items := from.Items()
	for i := range vault.Items {
		if items[i.String()] == "" {
			t.Fatalf("the keyring holds no %s", i)
		}
	}
	return from, items
}

// beside returns what a keyring holds beside the vault.
func beside(items map[string]string) map[string]string {
	only := maps.Clone(items)
	maps.DeleteFunc(only, func(name, _ string) bool {
		for i := range vault.Items {
			if i.String() == name {
				return false
			}
		}
		return true
	})
	return only
}

// Moving a vault takes along all that the keyring holds, and leaves nothing behind.
func TestMoveTakesEverything(t *testing.T) {
	t.Parallel()
	for _, accounts := range []int{1, 60} {
		dir := t.TempDir()
		from, before := newMovable(t, dir, accounts)
		to := fileKind{new(keyringtest.Memory)}
		if err := openVault(from, dir).Move(t.Context(), openVault(to, dir)); err != nil {
			t.Fatal(err)
		}
		if left := from.Items(); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		if got := beside(to.Items()); !maps.Equal(got, beside(before)) {
			t.Errorf("beside the vault lie %v, want %v", got, beside(before))
		}
		state, err := openVault(to, dir).Read(t.Context())
		if err != nil || len(state.Accounts()) != accounts {
			t.Errorf("%d accounts: %v", accounts, err)
		}
	}
}

// A move that was cut short anywhere is finished by the next one. What changed in
// between, in the keyring that the vault is in by then, stays.
func TestMoveCutShort(t *testing.T) {
	t.Parallel()
	for _, accounts := range []int{1, 60} {
		dir := t.TempDir()
		from, _ := newMovable(t, dir, accounts)
		for _, fault := range []keyringtest.Fault{keyringtest.CrashBefore, keyringtest.CrashAfter} {
			for _, at := range []string{"source", "target"} {
				for n, crashed := 1, true; crashed; n++ {
					name := fmt.Sprintf("%d accounts, %s operation %d at the %s", accounts, fault, n, at)
					crashed = moveCutShort(t, name, dir, from.Clone(), at, keyringtest.Nth(n, fault))
				}
			}
		}
	}
}

func moveCutShort(t *testing.T, name, state string, from *keyringtest.Memory, at string, fault func(keyringtest.Op) keyringtest.Fault) (crashed bool) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(state)); err != nil {
		t.Fatal(err)
	}
	want := beside(from.Items())
	before, err := openVault(from.Clone(), dir).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	to := fileKind{new(keyringtest.Memory)}
	if at == "source" {
		from.Fault = fault
	} else {
		to.Fault = fault
	}
	crashed = keyringtest.Crashes(func() {
		if err := openVault(from, dir).Move(t.Context(), openVault(to, dir)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	from.Fault, to.Fault = nil, nil
	marker, _, err := vault.ReadMarker(dir)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if marker.Keyring == "file" {
		want[vault.WrittenItem.String()] = "changed meanwhile"
		if err := openVault(to, dir).SetItem(t.Context(), vault.WrittenItem, "changed meanwhile"); err != nil {
			t.Fatal(err)
		}
	}
	if err := openVault(from, dir).Move(t.Context(), openVault(to, dir)); err != nil {
		t.Errorf("%s, again: %v", name, err)
	}
	if left := from.Items(); len(left) > 0 {
		t.Errorf("%s: left behind: %v", name, left)
	}
	if got := beside(to.Items()); !maps.Equal(got, want) {
		t.Errorf("%s: beside the vault lie %v, want %v", name, got, want)
	}
	after, err := openVault(to, dir).Read(t.Context())
	if err != nil || encoded(after) != encoded(before) {
		t.Errorf("%s: the vault is another one, %v", name, err)
	}
	return crashed
}

// Each item has a name that every keyring takes and that no part of the vault has.
func TestItemNames(t *testing.T) {
	t.Parallel()
	taken := map[string]bool{"head": true, "previous": true}
	for i := range vault.Items {
		name := i.String()
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") != "" || taken[name] {
			t.Errorf("item %d is named %q", i, name)
		}
		taken[name] = true
	}
}
