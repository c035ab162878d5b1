package vault_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/vault"
)

// fewRecords are in a block of the vaults of tests, so that a hundred accounts are in
// several, and a few are in one section with all the rest.
const fewRecords = 40

// A watched vault notes what it notices.
type watched struct {
	*vault.Vault
	notices []vault.NoticeKind
}

func watch(k keyring.Keyring, dir string) *watched {
	w := new(watched)
	w.Vault = vault.Open(vault.Options{
		Keyring: k, Dir: dir, Now: func() time.Time { return start }, Timeout: patience, LockWait: patience,
		Notice:   func(n vault.Notice) { w.notices = append(w.notices, n.Kind) },
		Location: func(enrolment string) string { return "location of " + enrolment },
	})
	w.SetBlock(fewRecords)
	return w
}

func (w *watched) noticed(t *testing.T, want ...vault.NoticeKind) {
	t.Helper()
	if !slices.Equal(w.notices, want) {
		t.Errorf("noticed %v, want %v", w.notices, want)
	}
	w.notices = nil
}

func (w *watched) has(t *testing.T, labels ...string) {
	t.Helper()
	s, err := w.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range s.Accounts() {
		got = append(got, a.Shown)
	}
	if !slices.Equal(got, labels) {
		t.Errorf("the vault has %q, want %q", got, labels)
	}
}

// setNote changes the vault without adding to it.
func setNote(v *vault.Vault, text string) error {
	return v.Update(context.Background(), func(tx *vault.Tx) error { tx.Set("note", text); return nil })
}

func markerPath(v *vault.Vault) string { return filepath.Join(v.Dir(), "vault.json") }

// A marker that is damaged or gone is made anew from the vault, with the location that
// the enrolment names; one that was damaged is said.
func TestMarkerIsMended(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]*string{
		"gone": nil, "empty": new(""), "cut": new(`{"version":1,"vault":"x`), "foreign": new("[]"), "of nothing": new(`{"version":1}`),
	} {
		for how, use := range map[string]func(*watched) error{
			"read":   func(w *watched) error { _, err := w.Read(t.Context()); return err },
			"update": func(w *watched) error { return setNote(w.Vault, "x") },
			"update that changes nothing": func(w *watched) error {
				return w.Update(t.Context(), func(*vault.Tx) error { return nil })
			},
			"repair": func(w *watched) error {
				if _, err := w.Repair(t.Context()); !errors.Is(err, vault.ErrWhole) {
					return fmt.Errorf("repair of a whole vault: %w", err)
				}
				return nil
			},
			"renewal": func(w *watched) error { return w.Renew(t.Context(), func(*vault.Tx) error { return nil }) },
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				k := new(keyringtest.Memory)
				w := watch(k, t.TempDir())
				add(t, w.Vault, "GitHub:alice")
				add(t, w.Vault, "Bank:bob")
				if err := w.SetItem(t.Context(), vault.EnrolmentItem, "enrolment"); err != nil {
					t.Fatal(err)
				}
				before := markerOf(t, w.Vault)
				if text == nil {
					if err := os.Remove(markerPath(w.Vault)); err != nil {
						t.Fatal(err)
					}
				} else if err := os.WriteFile(markerPath(w.Vault), []byte(*text), 0o600); err != nil {
					t.Fatal(err)
				}
				w.notices = nil
				if err := use(w); err != nil {
					t.Fatal(err)
				}
				if text == nil {
					w.noticed(t)
				} else {
					w.noticed(t, vault.MarkerMended)
				}
				m := markerOf(t, w.Vault)
				if m.Vault != before.Vault || m.Generation < before.Generation || m.Keyring != "system" || m.Location != "location of enrolment" {
					t.Errorf("the marker is %+v", m)
				}
				w.has(t, "GitHub:alice", "Bank:bob")
			})
		}
	}
}

// A damaged marker without a vault is an error, and no new vault: the old one may be
// somewhere.
func TestDamagedMarkerWithoutVault(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "vault.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := watch(new(keyringtest.Memory), dir)
	_, readErr := w.Read(t.Context())
	_, repairErr := w.Repair(t.Context())
	for how, err := range map[string]error{"read": readErr, "update": setNote(w.Vault, "x")} {
		if !errors.Is(err, vault.ErrMarker) || !errors.Is(err, vault.ErrFormat) {
			t.Errorf("%s: %v", how, err)
		}
	}
	if !errors.Is(repairErr, vault.ErrNothing) {
		t.Errorf("repair: %v", repairErr)
	}
	if err := w.Renew(t.Context(), func(*vault.Tx) error { return nil }); err != nil {
		t.Errorf("a new vault: %v", err)
	}
	w.has(t)
}

// A marker of a later version stops every write, and its fields survive those of this one.
func TestMarkerOfLaterVersion(t *testing.T) {
	t.Parallel()
	w := watch(new(keyringtest.Memory), t.TempDir())
	add(t, w.Vault, "GitHub:alice")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(markerPath(w.Vault), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(markerPath(w.Vault))
	if err != nil {
		t.Fatal(err)
	}
	write(strings.Replace(string(text), "{", `{"widgets":{"a":[1,2]},`, 1))
	if err := errors.Join(setNote(w.Vault, "x"), w.SetLocation(t.Context(), "/cloud")); err != nil {
		t.Fatal(err)
	}
	if text, err = os.ReadFile(markerPath(w.Vault)); err != nil || !strings.Contains(string(text), `"widgets":{"a":[1,2]}`) {
		t.Errorf("the marker is %s, %v", text, err)
	}
	write(strings.Replace(string(text), `"version":1`, `"version":2`, 1))
	for how, err := range map[string]error{
		"update": setNote(w.Vault, "y"), "renew": w.Renew(t.Context(), func(*vault.Tx) error { return nil }),
	} {
		if !errors.Is(err, vault.ErrNewer) {
			t.Errorf("%s: %v", how, err)
		}
	}
}

// unwritable makes every write of a marker fail until the returned function is called:
// a folder stands in its place aside.
func unwritable(t *testing.T, v *vault.Vault) (writable func()) {
	t.Helper()
	away := markerPath(v) + ".away"
	if err := errors.Join(os.Rename(markerPath(v), away), os.Mkdir(markerPath(v), 0o700)); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := errors.Join(os.Remove(markerPath(v)), os.Rename(away, markerPath(v))); err != nil {
			t.Fatal(err)
		}
	}
}

// A change whose marker cannot be written is stored, and said to be; the next command,
// whichever it is, brings the marker up to it.
func TestMarkerCannotBeWritten(t *testing.T) {
	t.Parallel()
	for how, next := range map[string]func(*watched) error{
		"read":   func(w *watched) error { _, err := w.Read(t.Context()); return err },
		"update": func(w *watched) error { return setNote(w.Vault, "y") },
		"update that changes nothing": func(w *watched) error {
			return w.Update(t.Context(), func(*vault.Tx) error { return nil })
		},
	} {
		t.Run(how, func(t *testing.T) {
			k := new(keyringtest.Memory)
			w := watch(k, t.TempDir())
			add(t, w.Vault, "GitHub:alice")
			var writable func()
			err := w.Update(t.Context(), func(tx *vault.Tx) error {
				writable = unwritable(t, w.Vault) // between its reading and its writing
				_, err := tx.Add(newAccount("", "Bank:bob", "bank"))
				return err
			})
			writable()
			if err != nil {
				t.Fatalf("a change that is stored: %v", err)
			}
			w.noticed(t, vault.MarkerUnwritten)
			if m := markerOf(t, w.Vault); m.Generation != 1 {
				t.Fatalf("the marker is of generation %d", m.Generation)
			}
			if err := next(w); err != nil {
				t.Fatal(err)
			}
			w.noticed(t)
			if m := markerOf(t, w.Vault); m.Generation < 2 {
				t.Errorf("the marker is still of generation %d", m.Generation)
			}
			w.has(t, "GitHub:alice", "Bank:bob")
		})
	}
}

// To look into another keyring moves no marker.
func TestReadingElsewhereMovesNoMarker(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), new(keyringtest.Memory)
	elsewhere := watch(fileKind{other}, t.TempDir())
	for _, label := range []string{"A:a", "B:b", "C:c"} {
		add(t, elsewhere.Vault, label)
	}
	w := watch(new(keyringtest.Memory), dir)
	add(t, w.Vault, "GitHub:alice")
	before := markerOf(t, w.Vault)
	watch(fileKind{other}, dir).has(t, "A:a", "B:b", "C:c")
	if m := markerOf(t, w.Vault); m.Keyring != before.Keyring || m.Vault != before.Vault || m.Generation != before.Generation {
		t.Errorf("the marker is %+v now", m)
	}
}

// An item that should say who this device is, and does not, stops no change: the device
// has a new id, and it is said.
func TestDamagedDeviceItem(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"empty": "", "garbage": "hunter2", "without id": `{"version":1}`} {
		for how, use := range map[string]func(*watched) error{
			"update":  func(w *watched) error { return setNote(w.Vault, "x") },
			"device":  func(w *watched) error { _, err := w.Device(t.Context()); return err },
			"renewal": func(w *watched) error { _, err := w.RenewDevice(t.Context()); return err },
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				k := new(keyringtest.Memory)
				w := watch(k, t.TempDir())
				add(t, w.Vault, "GitHub:alice")
				old, err := w.Device(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				k.Replace("device", &text)
				if err := use(w); err != nil {
					t.Fatal(err)
				}
				w.noticed(t, vault.DeviceRenewed)
				if id, err := w.Device(t.Context()); err != nil || id == "" || id == old {
					t.Errorf("the id is %q, %v; it was %q", id, err, old)
				}
				w.noticed(t)
			})
		}
	}
	k := new(keyringtest.Memory)
	w := watch(k, t.TempDir())
	add(t, w.Vault, "GitHub:alice")
	k.Replace("device", new(`{"version":99,"id":"x"}`))
	if err := setNote(w.Vault, "x"); !errors.Is(err, vault.ErrNewer) {
		t.Errorf("a device of a later version: %v", err)
	}
}

// A write that the keyring did not answer may still happen. The one after it is of a
// later generation, so that what was acknowledged is there when it has happened.
func TestLateSet(t *testing.T) {
	t.Parallel()
	for _, accounts := range []int{1, 80} { // inline, and in chunks
		for n := 1; n <= 12; n++ {
			t.Run(fmt.Sprintf("%d accounts, operation %d", accounts, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { lateSet(t, accounts, n) })
			})
		}
	}
}

func lateSet(t *testing.T, accounts, n int) {
	k := keyringtest.Windows()
	w := watch(k, t.TempDir())
	var labels []string
	for i := range accounts {
		labels = append(labels, fmt.Sprintf("Site%d:me", i))
	}
	add(t, w.Vault, labels...)
	from := k.Ops()
	k.Fault = func(op keyringtest.Op) keyringtest.Fault {
		if op.N == from+n && op.Verb == "set" {
			return keyringtest.Late
		}
		return keyringtest.None
	}
	addOne := func(label string) error {
		return w.Update(t.Context(), func(tx *vault.Tx) error {
			_, err := tx.Add(newAccount("", label, "secret of "+label))
			return err
		})
	}
	late := addOne("Late:me")
	k.Fault = nil
	if late == nil {
		return // no Set at that operation
	}
	if !errors.Is(late, keyring.ErrUnsettled) {
		t.Fatalf("a Set without an answer: %v", late)
	}
	if text, err := os.ReadFile(filepath.Join(w.Dir(), "unsettled")); err != nil || strings.TrimSpace(string(text)) != "2" {
		t.Fatalf("the note of the unsettled write says %q, %v", text, err)
	}
	if err := addOne("Bank:bob"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(w.Dir(), "unsettled")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the note of a settled write: %v", err)
	}
	k.Land()
	has := func(when string) {
		t.Helper()
		s, err := w.Read(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		if _, err := s.Find("Bank:bob", true); err != nil {
			t.Errorf("%s: an account that was acknowledged is gone", when)
		}
	}
	has("after the late Set")
	if err := setNote(w.Vault, "x"); err != nil {
		t.Fatal(err)
	}
	has("after the next change")
	w.noticed(t)
}

// Where an older head comes back the newest vault is read that is still whole, also where
// the marker could not be written after it.
func TestNewerThanTheMarker(t *testing.T) {
	t.Parallel()
	k := keyringtest.Windows()
	w := watch(k, t.TempDir())
	add(t, w.Vault, "GitHub:alice")
	old := k.Items()["head"]
	add(t, w.Vault, many(80)...)
	behind := markerOf(t, w.Vault)
	add(t, w.Vault, "Bank:bob")
	if err := vault.WriteMarker(w.Dir(), behind); err != nil {
		t.Fatal(err)
	}
	k.Replace("head", &old)
	s, err := w.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find("Bank:bob", true); err != nil {
		t.Errorf("generation %d: an account that was acknowledged is gone", s.Generation)
	}
	// What is older than the marker is not taken instead of the head: nobody knows whether
	// that write was acknowledged.
	behind.Generation = 40
	if err := vault.WriteMarker(w.Dir(), behind); err != nil {
		t.Fatal(err)
	}
	if s, err := w.Read(t.Context()); err != nil || s.Generation != 1 {
		t.Errorf("generation %d is read, %v", s.Generation, err)
	}
}

// Whatever the note of an unsettled write holds, the next write goes above it.
func TestUnsettledNumber(t *testing.T) {
	t.Parallel()
	for text, least := range map[string]uint64{"7\n": 8, "2\n": 3, "garbage": 3, "": 3} {
		w := watch(new(keyringtest.Memory), t.TempDir())
		add(t, w.Vault, "GitHub:alice")
		if err := os.WriteFile(filepath.Join(w.Dir(), "unsettled"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := setNote(w.Vault, "x"); err != nil {
			t.Fatal(err)
		}
		if m := markerOf(t, w.Vault); m.Generation < least {
			t.Errorf("note %q: the next generation is %d", text, m.Generation)
		}
	}
}

// Neither a change nor a repair goes below what the marker has seen.
func TestWritesGoAboveTheMarker(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]struct {
		head *string
		do   func(*watched) error
	}{
		"update":  {nil, func(w *watched) error { return setNote(w.Vault, "y") }},
		"repair":  {new(""), func(w *watched) error { _, err := w.Repair(t.Context()); return err }},
		"renewal": {new(""), func(w *watched) error { return w.Renew(t.Context(), func(*vault.Tx) error { return nil }) }},
	} {
		k := new(keyringtest.Memory)
		w := watch(k, t.TempDir())
		add(t, w.Vault, "GitHub:alice")
		add(t, w.Vault, "Bank:bob")
		m := markerOf(t, w.Vault)
		m.Generation = 40
		if err := vault.WriteMarker(w.Dir(), m); err != nil {
			t.Fatal(err)
		}
		if act.head != nil {
			k.Replace("head", act.head)
		}
		if err := act.do(w); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m = markerOf(t, w.Vault) // before a read could mend it
		s, err := w.Read(t.Context())
		if err != nil || s.Generation <= 40 {
			t.Errorf("%s: generation %d, %v", name, s.Generation, err)
		}
		if m.Generation != s.Generation {
			t.Errorf("%s: the marker is of generation %d, the vault of %d", name, m.Generation, s.Generation)
		}
	}
}

// A vault that cannot be read begins anew also while a write is unsettled.
func TestRenewWhileUnsettled(t *testing.T) {
	t.Parallel()
	k := new(keyringtest.Memory)
	w := watch(k, t.TempDir())
	add(t, w.Vault, "GitHub:alice")
	k.Replace("head", new(string))
	if err := os.WriteFile(filepath.Join(w.Dir(), "unsettled"), []byte("2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.Renew(t.Context(), func(tx *vault.Tx) error { tx.Set("k", "v"); return nil }); err != nil {
		t.Fatal(err)
	}
	w.has(t)
}

// A repair does not go back behind a vault that a later version has written.
func TestRepairOfLaterVersion(t *testing.T) {
	t.Parallel()
	k := new(keyringtest.Memory)
	w := watch(k, t.TempDir())
	add(t, w.Vault, "GitHub:alice")
	err := keyring.NewStore(k).Save(t.Context(), 2, []byte(`{"version":99,"vault":"v","clock":1,"accounts":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	before := k.Items()["head"]
	if _, err := w.Repair(t.Context()); !errors.Is(err, vault.ErrNewer) {
		t.Errorf("repair: %v", err)
	}
	if k.Items()["head"] != before {
		t.Error("the head is another one")
	}
}

// A restore into a new vault may be killed anywhere: the vault is new still, or restored.
func TestFirstRenewalIsKilled(t *testing.T) {
	t.Parallel()
	for _, fault := range []keyringtest.Fault{keyringtest.CrashBefore, keyringtest.CrashAfter} {
		for n, killed := 1, true; killed; n++ {
			k, dir := new(keyringtest.Memory), t.TempDir()
			k.Fault = keyringtest.Nth(n, fault)
			killed = keyringtest.Crashes(func() {
				err := watch(k, dir).Renew(t.Context(), func(tx *vault.Tx) error {
					_, err := tx.Add(newAccount("a1", "GitHub:alice", "first"))
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
			k.Fault = nil
			s, err := watch(k, dir).Read(t.Context())
			if err != nil || len(s.Accounts()) != 1 && !killed {
				t.Errorf("%s at %d: %v", fault, n, err)
			}
		}
	}
}
