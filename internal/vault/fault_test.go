package vault_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/testenv"
	"github.com/authcli/auth/internal/vault"
)

var faults = []keyringtest.Fault{
	keyringtest.Fail, keyringtest.FailAfter, keyringtest.Hang, keyringtest.Late, keyringtest.Lie,
	keyringtest.Empty, keyringtest.CrashBefore, keyringtest.CrashAfter,
}

// A machine is a keyring and a state folder, of which each fault has its own.
type machine struct {
	k     *keyringtest.Memory
	files map[string]string // of the state folder
}

// newMachine returns the machine on which make has made a vault.
func newMachine(t *testing.T, make func(k *keyringtest.Memory, v *vault.Vault)) machine {
	t.Helper()
	m := machine{keyringtest.Windows(), map[string]string{}}
	dir := t.TempDir()
	make(m.k, openVault(m.k, dir))
	for _, name := range []string{"vault.json", "unsettled"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			m.files[name] = string(text)
		}
	}
	return m
}

// clone returns a copy of the keyring, and the vault in it.
func (m machine) clone(t *testing.T) (*keyringtest.Memory, *watched) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range m.files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k := m.k.Clone()
	return k, watch(k, dir)
}

// eachFault does something with every fault at every operation that it needs, and hands
// what came of it to check.
func (m machine) eachFault(t *testing.T, do func(*watched) error, check func(t *testing.T, k *keyringtest.Memory, w *watched, err error, crashed bool)) {
	quiet, w := m.clone(t)
	if err := do(w); err != nil {
		t.Fatalf("without a fault: %v", err)
	}
	for _, fault := range faults {
		for n := 1; n <= quiet.Ops(); n++ {
			t.Run(fmt.Sprintf("%s at %d", fault, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					k, w := m.clone(t)
					k.Fault = keyringtest.Nth(n, fault)
					var err error
					crashed := keyringtest.Crashes(func() { err = do(w) })
					k.Fault = nil
					check(t, k, w, err, crashed)
				})
			})
		}
	}
}

// many labels make a vault that does not fit one item.
func many(n int) (labels []string) {
	for i := range n {
		labels = append(labels, fmt.Sprintf("Site%d:me", i))
	}
	return labels
}

// addTo adds an account through the vault.
func addTo(v *vault.Vault, label string) error {
	return v.Update(context.Background(), func(tx *vault.Tx) error {
		_, err := tx.Add(newAccount("", label, "secret of "+label))
		return err
	})
}

// labels returns what the vault holds, repaired where the keyring has spoilt its head.
func labels(t *testing.T, w *watched) map[string]bool {
	t.Helper()
	s, err := w.Read(t.Context())
	if _, damaged := errors.AsType[*keyring.DamagedError](err); damaged {
		if _, err := w.Repair(t.Context()); err != nil {
			t.Fatalf("repair: %v", err)
		}
		s, err = w.Read(t.Context())
	}
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	all := map[string]bool{}
	for _, a := range s.Accounts() {
		all[a.Shown] = true
	}
	return all
}

// vaults are the vaults that a fault may meet.
func vaults(t *testing.T) map[string]machine {
	fill := func(counts ...int) func(*keyringtest.Memory, *vault.Vault) {
		return func(k *keyringtest.Memory, v *vault.Vault) {
			all := many(200)
			for _, n := range counts {
				add(t, v, all[:n]...)
				all = all[n:]
			}
			if len(counts) == 0 {
				return
			}
			for item, text := range map[vault.Item]string{vault.EnrolmentItem: "e", vault.WrittenItem: "1:aaaa"} {
				if err := v.SetItem(t.Context(), item, text); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return map[string]machine{
		"new": newMachine(t, fill()), "small": newMachine(t, fill(1, 1)), "growing": newMachine(t, fill(1, 110)),
		"unsettled": func() machine { m := newMachine(t, fill(1, 1)); m.files["unsettled"] = "3\n"; return m }(),
	}
}

// Whatever goes wrong at whichever operation of a change, the vault is the old or the new
// one, and what was said of it is so. The next change is made, and stays when what was
// outstanding happens after it.
func TestUpdateFaults(t *testing.T) {
	t.Parallel()
	for name, m := range vaults(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, w := m.clone(t)
			old := labels(t, w)
			m.eachFault(t, func(w *watched) error { return addTo(w.Vault, "New:me") },
				func(t *testing.T, k *keyringtest.Memory, w *watched, err error, crashed bool) {
					_, readErr := w.Read(t.Context())
					_, damaged := errors.AsType[*keyring.DamagedError](readErr)
					if damaged && !errors.Is(err, keyring.ErrUnsettled) {
						t.Fatalf("damage that was not said: %v, %v", readErr, err)
					}
					if damaged && name == "new" {
						return // nothing was there that could have been lost
					}
					now := labels(t, w)
					added := now["New:me"]
					switch {
					case len(now) != len(old) && (!added || len(now) != len(old)+1):
						t.Fatalf("%d accounts", len(now))
					case err == nil && !crashed && !added:
						t.Fatal("a change that was acknowledged is not there")
					case err != nil && !errors.Is(err, keyring.ErrUnsettled) && added:
						t.Fatalf("a change is there that failed: %v", err)
					}
					if err := addTo(w.Vault, "Next:me"); err != nil {
						t.Fatalf("the next change: %v", err)
					}
					k.Land()
					if now = labels(t, w); !now["Next:me"] || added && !now["New:me"] {
						t.Errorf("after what was outstanding: %v", now)
					}
					if err := addTo(w.Vault, "Last:me"); err != nil {
						t.Fatalf("the change after that: %v", err)
					}
					if now = labels(t, w); !now["Next:me"] || !now["Last:me"] || added && !now["New:me"] || len(now) < len(old)+2 {
						t.Errorf("after the change after that: %v", now)
					}
				})
		})
	}
}

// A keyring that fails while it is read never makes a vault that was not written.
func TestReadFaultsOfVault(t *testing.T) {
	t.Parallel()
	for name, m := range vaults(t) {
		if name == "new" {
			continue
		}
		delete(m.files, "vault.json") // which the reading makes anew
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, w := m.clone(t)
			old := len(labels(t, w))
			read := func(w *watched) error {
				s, err := w.Read(context.Background())
				if err == nil && len(s.Accounts()) != old {
					t.Errorf("%d accounts of %d are read", len(s.Accounts()), old)
				}
				return nil
			}
			m.eachFault(t, read, func(t *testing.T, k *keyringtest.Memory, w *watched, err error, crashed bool) {
				if now := labels(t, w); len(now) != old {
					t.Errorf("%d accounts of %d", len(now), old)
				}
			})
		})
	}
}

// spoilt are vaults that cannot be read.
func spoilt(t *testing.T) map[string]machine {
	all := map[string]machine{}
	for name, m := range vaults(t) {
		if name == "new" || name == "growing" && !testenv.Long() {
			continue
		}
		for how, head := range map[string]*string{"empty": new(string), "gone": nil} {
			all[name+", head "+how] = machine{m.k.Clone(), m.files}
			all[name+", head "+how].k.Replace("head", head)
		}
	}
	return all
}

// Whatever goes wrong with a repair, the vault is repaired or can be.
func TestRepairFaults(t *testing.T) {
	t.Parallel()
	for name, m := range spoilt(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, w := m.clone(t)
			if _, err := w.Repair(t.Context()); err != nil {
				t.Fatal(err)
			}
			want := labels(t, w)
			repair := func(w *watched) error { _, err := w.Repair(context.Background()); return err }
			m.eachFault(t, repair, func(t *testing.T, k *keyringtest.Memory, w *watched, err error, crashed bool) {
				s, readErr := w.Read(t.Context())
				if err == nil && !crashed && readErr != nil {
					t.Fatalf("repaired, it is said: %v", readErr)
				}
				if readErr == nil && len(s.Accounts()) != len(want) {
					t.Fatalf("%d accounts of %d", len(s.Accounts()), len(want))
				}
				if readErr == nil && err != nil && !errors.Is(err, keyring.ErrUnsettled) {
					t.Fatalf("repaired, and said is: %v", err)
				}
				if readErr != nil {
					if err := repair(w); err != nil {
						t.Fatalf("again: %v", err)
					}
				}
				if err := addTo(w.Vault, "Next:me"); err != nil {
					t.Fatal(err)
				}
				k.Land()
				if now := labels(t, w); !now["Next:me"] || len(now) != len(want)+1 {
					t.Errorf("%d accounts of %d, after what was outstanding", len(now), len(want)+1)
				}
			})
		})
	}
}

// Whatever goes wrong with a new vault in place of one that cannot be read, the new one
// is there or can be made, and until it is there the old one can be repaired.
func TestRenewFaults(t *testing.T) {
	t.Parallel()
	for name, m := range spoilt(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, w := m.clone(t)
			if _, err := w.Repair(t.Context()); err != nil {
				t.Fatal(err)
			}
			old := labels(t, w)
			renew := func(w *watched) error {
				return w.Renew(context.Background(), func(tx *vault.Tx) error {
					_, err := tx.Add(newAccount("", "New:me", "secret"))
					return err
				})
			}
			m.eachFault(t, renew, func(t *testing.T, k *keyringtest.Memory, w *watched, err error, crashed bool) {
				s, readErr := w.Read(t.Context())
				isNew := readErr == nil && len(s.Accounts()) == 1 && s.Accounts()[0].Shown == "New:me"
				if err == nil && !crashed && !isNew {
					t.Fatalf("renewed, it is said: %v", readErr)
				}
				if readErr == nil && !isNew {
					t.Fatal("another vault came")
				}
				if isNew && err != nil && !errors.Is(err, keyring.ErrUnsettled) {
					t.Fatalf("renewed, and said is: %v", err)
				}
				if !isNew {
					if _, err := w.Repair(t.Context()); err != nil {
						t.Fatalf("repair of the old one: %v", err)
					}
					if now := labels(t, w); len(now) != len(old) && !now["New:me"] {
						t.Errorf("%d accounts of %d", len(now), len(old))
					}
				}
			})
		})
	}
}

// Whatever goes wrong with a move, at either side, the vault is where the marker says; a
// second move ends it, and what was outstanding changes nothing then.
func TestMoveFaults(t *testing.T) {
	t.Parallel()
	for name, m := range vaults(t) {
		if name == "new" || name == "unsettled" {
			continue
		}
		for _, at := range []string{"source", "target"} {
			t.Run(name+", "+at, func(t *testing.T) {
				t.Parallel()
				_, w := m.clone(t)
				want := labels(t, w)
				quiet, w := m.clone(t)
				to := new(keyringtest.Memory)
				if err := w.Move(t.Context(), openVault(fileKind{to}, w.Dir())); err != nil {
					t.Fatal(err)
				}
				ops := quiet.Ops()
				if at == "target" {
					ops = to.Ops()
				}
				for _, fault := range faults {
					for n := 1; n <= ops; n++ {
						t.Run(fmt.Sprintf("%s at %d", fault, n), func(t *testing.T) {
							synctest.Test(t, func(t *testing.T) { moveFault(t, m, at, keyringtest.Nth(n, fault), len(want)) })
						})
					}
				}
			})
		}
	}
}

func moveFault(t *testing.T, m machine, at string, fault func(keyringtest.Op) keyringtest.Fault, accounts int) {
	from, w := m.clone(t)
	to := new(keyringtest.Memory)
	target := watch(fileKind{to}, w.Dir())
	if at == "source" {
		from.Fault = fault
	} else {
		to.Fault = fault
	}
	var err error
	crashed := keyringtest.Crashes(func() { err = w.Move(t.Context(), target.Vault) })
	from.Fault, to.Fault = nil, nil
	now := map[string]*watched{"system": w, "file": target}[markerOf(t, w.Vault).Keyring]
	if now == w && err == nil && !crashed {
		t.Error("moved, it is said")
	}
	if now == target && err != nil {
		t.Errorf("moved, and said is: %v", err)
	}
	if left := from.Items(); err == nil && !crashed && len(left) > 0 && len(w.notices) == 0 {
		t.Errorf("left behind, and not said: %v", left)
	}
	if got := labels(t, now); len(got) != accounts {
		t.Errorf("%d accounts of %d", len(got), accounts)
	}
	if err := w.Move(t.Context(), target.Vault); err != nil {
		t.Fatalf("the second move: %v", err)
	}
	if left := from.Items(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	from.Land()
	to.Land()
	if err := addTo(target.Vault, "Next:me"); err != nil {
		t.Fatal(err)
	}
	if got := labels(t, target); len(got) != accounts+1 {
		t.Errorf("%d accounts of %d, after what was outstanding", len(got), accounts+1)
	}
	if text, ok, err := target.Item(t.Context(), vault.EnrolmentItem); err != nil || !ok || text != "e" {
		t.Errorf("the enrolment is %q, %v", text, err)
	}
}

// What lies beside the vault is the old text or the new one, and what was said is so.
func TestItemFaults(t *testing.T) {
	t.Parallel()
	m := vaults(t)["small"]
	for name, text := range map[string]string{"set": "new", "removed": ""} {
		t.Run(name, func(t *testing.T) {
			set := func(w *watched) error { return w.SetItem(context.Background(), vault.EnrolmentItem, text) }
			m.eachFault(t, set, func(t *testing.T, k *keyringtest.Memory, w *watched, err error, crashed bool) {
				got := k.Items()["backup"]
				switch {
				case err == nil && !crashed && got != text:
					t.Errorf("%q, and said is that it is %q", got, text)
				case err != nil && !errors.Is(err, keyring.ErrUnsettled) && got != "e":
					t.Errorf("%q, and said is: %v", got, err)
				}
			})
		})
	}
}
