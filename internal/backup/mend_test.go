package backup_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
)

// mend mends the shelf as a device does, and returns what was put back.
func (w *writer) mend(s *shelf, thorough bool) (putBack []string, err error) {
	w.t.Helper()
	job := w.job(s)
	job.Thorough = thorough
	done, err := job.Mend(w.t.Context())
	w.e.Sealed = done.Sealed
	return done.PutBack, err
}

// A missing or altered sealed key is put back from this device's copy. An intact one is
// left alone.
func TestMendSealedKeys(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	w := newWriter(t, "a", newRecoveryKey(t))
	missing, altered, whole := w.seal(s).Name, w.seal(s).Name, w.seal(s).Name
	w.run(s)
	delete(s.files, missing)
	s.files[altered] = strings.Repeat("x", len(s.files[altered]))
	s.calls = nil
	put, err := w.mend(s, false)
	if err != nil || !slices.Equal(put, []string{missing, altered}) || slices.Contains(s.calls, "write "+whole) {
		t.Errorf("put back %q, %v; the calls were %q", put, err, s.calls)
	}
	for name, data := range w.copies {
		if s.files[name] != string(data) {
			t.Errorf("%s is not what it was", name)
		}
	}
	if put, err := w.mend(s, true); err != nil || len(put) > 0 {
		t.Errorf("put back %q, %v", put, err)
	}
}

// Without a correct copy nothing is put back, and the error names the file.
func TestMendWithoutACopy(t *testing.T) {
	t.Parallel()
	for what, spoil := range map[string]func(w *writer, name string){
		"none":    func(w *writer, name string) { delete(w.copies, name) },
		"another": func(w *writer, name string) { w.copies[name] = []byte("nonsense") },
	} {
		s := newShelf(t)
		w := newWriter(t, "a", newRecoveryKey(t))
		name := w.seal(s).Name
		w.run(s)
		delete(s.files, name)
		spoil(w, name)
		if put, err := w.mend(s, true); err == nil || !strings.Contains(err.Error(), name) || len(put) > 0 || s.files[name] != "" {
			t.Errorf("%s: put back %q, %v", what, put, err)
		}
	}
}

// Reading from a remote is slow, so only the size of a sealed key is compared there
// unless the check is to be thorough.
func TestMendARemote(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.remote = true
	w := newWriter(t, "a", newRecoveryKey(t))
	name := w.seal(s).Name
	w.run(s)
	s.files[name] = strings.Repeat("x", len(s.files[name]))
	s.files["README.txt"] = strings.Repeat("x", len(s.files["README.txt"]))
	if put, err := w.mend(s, false); err != nil || len(put) > 0 {
		t.Errorf("put back %q, %v", put, err)
	}
	s.files["README.txt"] = backup.Readme(w.e.Key)
	if put, err := w.mend(s, true); err != nil || !slices.Equal(put, []string{name}) {
		t.Errorf("put back %q, %v", put, err)
	}
	s.files[name] = "short"
	if put, err := w.mend(s, false); err != nil || !slices.Equal(put, []string{name}) {
		t.Errorf("put back %q, %v", put, err)
	}
	s.files[name] = "short"
	delete(w.copies, name) // nothing to compare it with
	if put, err := w.mend(s, false); err != nil || len(put) > 0 {
		t.Errorf("put back %q, %v", put, err)
	}
}

// A retired sealed key is removed and stays away, even if only another device's backup
// says that it is retired.
func TestMendRetired(t *testing.T) {
	t.Parallel()
	s, key := newShelf(t), newRecoveryKey(t)
	w := newWriter(t, "a", key)
	first := w.seal(s)
	w.run(s)
	other := newWriter(t, "b", key)
	other.e.Sealed = []backup.SealedKey{{Name: first.Name, Hash: first.Hash, Retired: true}}
	second := other.seal(s)
	other.run(s)
	if _, there := s.files[first.Name]; there {
		t.Error("what was retired is still there")
	}
	put, err := w.mend(s, false)
	if _, there := s.files[first.Name]; err != nil || len(put) > 0 || there {
		t.Errorf("put back %q, %v", put, err)
	}
	if !w.e.Sealed[0].Retired {
		t.Error("it has not learned that the key is retired")
	}
	s.files[first.Name] = "brought back by a sync client"
	if _, err := w.mend(s, false); err != nil || s.files[first.Name] != "" || s.files[second.Name] == "" {
		t.Errorf("%v, and there is %v", err, s.entries())
	}
	// A forged file cannot retire a key.
	forged := newWriter(t, "c", key)
	forged.e.Sealed = []backup.SealedKey{{Name: second.Name, Hash: second.Hash, Retired: true}}
	name := forged.run(newShelf(t))
	c := forged.e.Sealed
	payload, err := backup.Encode(backup.Content{Device: forged.id, Created: noon, State: forged.state, Sealed: c})
	if err != nil {
		t.Fatal(err)
	}
	s.put(name, key, payload)
	delete(s.files, second.Name)
	if put, err := other.mend(s, false); err != nil || !slices.Equal(put, []string{second.Name}) {
		t.Errorf("put back %q, %v", put, err)
	}
}

// A README.txt of ours is put back if it is altered, and replaced after a rotation. Line
// endings do not matter. A README.txt of the user stays, and ours is written beside it.
func TestMendReadme(t *testing.T) {
	t.Parallel()
	key := newRecoveryKey(t)
	ours := backup.Readme(key)
	for _, c := range []struct {
		what, is string
		put      bool
		name     string
	}{
		{"missing", "", false, "README.txt"},
		{"whole", ours, false, "README.txt"},
		{"of an editor on Windows", strings.ReplaceAll(ours, "\n", "\r\n"), false, ""},
		{"altered", strings.Replace(ours, "never delete", "delete", 1), true, "README.txt"},
		{"the user's", "shopping list\n", false, "README-auth.txt"},
	} {
		s := newShelf(t)
		if c.is != "" {
			s.files["README.txt"] = c.is
		}
		w := newWriter(t, "a", key)
		put, err := w.mend(s, false)
		if err != nil || (len(put) == 1) != c.put {
			t.Errorf("%s: put back %q, %v", c.what, put, err)
		}
		if c.name != "" && s.files[c.name] != ours {
			t.Errorf("%s: %s is %q", c.what, c.name, s.files[c.name])
		}
		if c.name != "README.txt" && s.files["README.txt"] != c.is {
			t.Errorf("%s: README.txt was touched", c.what)
		}
		if put, err := w.mend(s, false); err != nil || len(put) > 0 {
			t.Errorf("%s, again: put back %q, %v", c.what, put, err)
		}
		if c.name == "README-auth.txt" {
			s.files[c.name] = "written by auth, once"
			if put, err := w.mend(s, false); err != nil || !slices.Equal(put, []string{c.name}) {
				t.Errorf("%s: put back %q, %v", c.what, put, err)
			}
		}
		next := newRecoveryKey(t)
		w.e = w.e.Rotated(next, 1)
		if put, err := w.mend(s, false); err != nil || len(put) > 0 {
			t.Errorf("%s, rotated: put back %q, %v", c.what, put, err)
		}
	}
	s := newShelf(t)
	w := newWriter(t, "a", key)
	s.files["README.txt"] = "altered, written by auth"
	s.fail["read README.txt"] = location.ErrNotDownloaded
	if put, err := w.mend(s, false); !errors.Is(err, location.ErrNotDownloaded) || len(put) > 0 {
		t.Errorf("put back %q, %v", put, err)
	}
	delete(s.fail, "read README.txt")
	s.fail["write"] = location.ErrReadOnly
	if put, err := w.mend(s, false); !errors.Is(err, location.ErrReadOnly) || len(put) > 0 {
		t.Errorf("put back %q, %v", put, err)
	}
}

// The README explains how to decrypt with age alone, for the kind of key in use.
func TestReadme(t *testing.T) {
	t.Parallel()
	hybrid, err := backup.NewRecoveryKey(false)
	if err != nil {
		t.Fatal(err)
	}
	plain := newRecoveryKey(t)
	if text := backup.Readme(hybrid); !strings.Contains(text, "age 1.3 or later") || !strings.Contains(text, "age -d -i recovery-"+hybrid.ID()) {
		t.Error(text)
	}
	if text := backup.Readme(plain); strings.Contains(text, "1.3") || !strings.Contains(text, "recovery-"+plain.ID()) || strings.Contains(text, plain.Text()) {
		t.Error(text)
	}
}

// The last sealed key that opens the recovery key with a passphrase is not taken away, though it is retired: the one in
// its place was lost with the device that made it. Once that arrives, the old one goes. What is gone is not put back:
// somebody who knows the old passphrase may have deleted the rest.
func TestMendKeepsTheLast(t *testing.T) {
	t.Parallel()
	s, key := newShelf(t), newRecoveryKey(t)
	w := newWriter(t, "a", key)
	first := w.seal(s)
	w.run(s)
	old := s.files[first.Name]
	other := newWriter(t, "b", key)
	other.e.Sealed = []backup.SealedKey{{Name: first.Name, Hash: first.Hash, Retired: true}}
	second := other.seal(s)
	other.run(s)
	w.e.Sealed = []backup.SealedKey{{Name: first.Name, Hash: first.Hash, Retired: true}, second} // as it learns from that backup
	onItsWay := s.files[second.Name]
	delete(s.files, second.Name)
	s.files[first.Name] = old // its removal has not arrived either
	s.files[strings.TrimSuffix(first.Name, ".age")+" (conflicted copy).age"] = old
	for range 2 {
		if _, err := w.mend(s, false); err == nil || s.files[first.Name] != old { // the error says that the second is missing
			t.Fatalf("%v, and there is %v", err, s.entries())
		}
	}
	delete(s.files, first.Name)
	if put, err := w.mend(s, false); err == nil || len(put) > 0 || s.files[first.Name] != "" {
		t.Errorf("put back %q, %v", put, err)
	}
	s.files[first.Name], s.files[second.Name] = old, onItsWay
	if _, err := w.mend(s, false); err != nil || s.files[first.Name] != "" || s.files[second.Name] == "" {
		t.Errorf("%v, and there is %v", err, s.entries())
	}
}
