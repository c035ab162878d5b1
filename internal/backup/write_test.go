package backup_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/vault"
)

func adds(tx *vault.Tx, name string, c account.Credential) error {
	_, err := tx.Add(account.Account{Name: name, Credential: c})
	return err
}

// A backup is a new file, named by device, time, generation and hash. Its content says
// the same, is signed, and lists the files before it. The new file is recorded before it
// is written.
func TestRun(t *testing.T) {
	t.Parallel()
	s, key := newShelf(t), newRecoveryKey(t)
	w := newWriter(t, "a", key)
	sealed := w.seal(s)
	first := w.run(s)
	second := w.add("second").run(s)
	record, write := slices.Index(s.calls, "record "), slices.Index(s.calls, "write "+first)
	if record < 0 || record > write {
		t.Errorf("the calls were %q", s.calls)
	}
	n, ok := backup.ParseFileName(second)
	if !ok || n.Device != w.id || n.Generation != 2 || !n.Time.Equal(w.now) || !strings.HasPrefix(backup.HashOf([]byte(s.files[second])), n.Hash) {
		t.Errorf("it is named %s", second)
	}
	c := s.content(second, key)
	if c.Device != w.id || c.DeviceName != "device a" || c.Generation != 2 || !c.Created.Equal(w.now) || names(c.State) != "account of a, second" {
		t.Errorf("it says %+v", c)
	}
	if !slices.Equal(c.Supersedes, []string{backup.HashOfName(first)}) || !slices.Equal(c.Sealed, []backup.SealedKey{sealed}) || c.OldKeys != nil || c.OldFiles != nil {
		t.Errorf("it lists %+v", c)
	}
	if n := strings.Count(strings.Join(s.calls, "\n"), "record "); n != 2 {
		t.Errorf("the keyring was written %d times, want once a backup", n)
	}
	if got := w.written; len(got) != 2 || !got.Has(backup.HashOf([]byte(s.files[first]))) || !got.Has(n.Hash) {
		t.Errorf("recorded %v", got)
	}
	if s.files["README.txt"] != backup.Readme(key) {
		t.Error("there is no README")
	}
}

// If the record fails, nothing is written. If the write fails, there is no backup. If a
// later step fails, the error says so and the backup counts.
func TestRunFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fails   string
		counts  bool
		written int
	}{
		{"record ", false, 0}, {"write", false, 0}, {"write README.txt", true, 1},
	} {
		s := newShelf(t)
		w := newWriter(t, "a", newRecoveryKey(t))
		job := w.job(s)
		s.fail[c.fails] = errBroken
		done, err := job.Run(t.Context())
		if !errors.Is(err, errBroken) || (done.File != "") != c.counts || len(s.files) != c.written {
			t.Errorf("%s: %+v, %v, and %d files", c.fails, done, err, len(s.files))
		}
	}
}

// A backup that was encrypted and does not decrypt is not written, nor recorded.
func TestRunDecrypts(t *testing.T) {
	t.Parallel()
	s, key := newShelf(t), newRecoveryKey(t)
	w := newWriter(t, "a", key.Torn(newRecoveryKey(t)))
	done, err := w.job(s).Run(t.Context())
	if !errors.Is(err, backup.ErrWrongKey) || done.File != "" || len(s.files) > 0 || len(w.written) > 0 {
		t.Errorf("%+v, %v, and %d files", done, err, len(s.files))
	}
	to, err := backup.ParseRecipient(key.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	data, err := backup.Seal([]byte("payload"), backup.SealTo(to))
	if err != nil {
		t.Fatal(err)
	}
	if err := backup.Opens(key, data, []byte("payload")); err != nil {
		t.Error(err)
	}
	if err := backup.Opens(key, data, []byte("another payload")); err == nil {
		t.Error("a backup of something else counts")
	}
}

// An empty vault replaces nothing, but it may be the first backup.
func TestRunOfAnEmptyVault(t *testing.T) {
	t.Parallel()
	s, key := newShelf(t), newRecoveryKey(t)
	w := newWriter(t, "a", key)
	full := w.state
	w.state = &vault.State{ID: vault.NewID()}
	w.run(s)
	w.state = full
	w.run(s)
	w.state = &vault.State{ID: vault.NewID(), Generation: full.Generation + 1}
	had := len(s.files)
	if _, err := w.job(s).Run(t.Context()); !errors.Is(err, backup.ErrEmpty) || len(s.files) != had {
		t.Errorf("%v, and %d files after %d", err, len(s.files), had)
	}
}

// Files under our id with content that the vault lacks were written by a clone, or before
// the vault was rolled back. Damaged files, forged files and pruned files that came back
// do not count as such.
func TestRunOfAClone(t *testing.T) {
	t.Parallel()
	key := newRecoveryKey(t)
	for what, make := range map[string]func(s *shelf, w *writer) (cloned bool){
		"clone": func(s *shelf, w *writer) bool {
			clone := *w
			clone.state = w.state.Clone()
			clone.add("of the clone").run(s)
			return true
		},
		"old image": func(s *shelf, w *writer) bool {
			before, written := w.state.Clone(), w.written
			w.add("since").run(s)
			w.state, w.written = before, written
			return true
		},
		"came back": func(s *shelf, w *writer) bool {
			w.written = nil
			return false
		},
		"damaged": func(s *shelf, w *writer) bool {
			name := w.add("second").run(s)
			s.files[name], w.written = s.files[name][:500], w.written[:1]
			return false
		},
		"placeholder": func(s *shelf, w *writer) bool {
			clone := *w
			clone.state = w.state.Clone()
			s.missing[clone.add("of the clone").run(s)] = true
			return false
		},
		"forged": func(s *shelf, w *writer) bool {
			clone := *w
			clone.state = w.state.Clone()
			name := clone.add("evil").run(s)
			payload, err := backup.Encode(s.content(name, key))
			if err != nil {
				t.Fatal(err)
			}
			s.put(name, key, payload)
			return false
		},
	} {
		s := newShelf(t)
		w := newWriter(t, "a", key)
		w.run(s)
		cloned := make(s, w)
		had := len(s.files)
		_, err := w.job(s).Run(t.Context())
		if cloned != errors.Is(err, backup.ErrCloned) || cloned && len(s.files) != had || !cloned && err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Retention removes only whole files that this device wrote, and drops them from its
// list. Files of others and unreadable files stay.
func TestPrune(t *testing.T) {
	t.Parallel()
	s, key := newShelf(t), newRecoveryKey(t)
	w, other := newWriter(t, "a", key), newWriter(t, "b", key)
	theirs := other.run(s)
	var all []string
	for range 10 {
		all = append(all, w.add("x"+w.now.Format(time.TimeOnly)).run(s))
	}
	s.files[all[1]] = s.files[all[1]][:500] // a sync client's half
	renamed := strings.TrimSuffix(all[2], ".age") + " (1).age"
	s.files[renamed] = s.files[all[2]]
	delete(s.files, all[2])
	for range 4 {
		all = append(all, w.add("x"+w.now.Format(time.TimeOnly)).run(s))
	}
	for i, name := range all {
		_, there := s.files[name]
		// Fourteen files of one day. The last ten stay. The second is damaged, the third
		// has another name.
		if want := i == 1 || i >= 4; there != want {
			t.Errorf("the %d. is there: %t", i+1, there)
		}
		if w.written.Has(backup.HashOfName(name)) != (i == 1 || i == 2 || there) {
			t.Errorf("the %d. is listed: %t", i+1, w.written.Has(backup.HashOfName(name)))
		}
	}
	for _, name := range []string{theirs, renamed} {
		if s.files[name] == "" {
			t.Errorf("%s is gone", name)
		}
	}

	s.fail["remove"] = location.ErrBusy
	done, err := w.add("one more").job(s).Run(t.Context())
	if !errors.Is(err, location.ErrBusy) || done.File == "" || done.Pruned != 0 {
		t.Errorf("%+v, %v", done, err)
	}
	delete(s.fail, "remove")
	if done, err := w.add("and one").job(s).Run(t.Context()); err != nil || done.Pruned != 2 {
		t.Errorf("%+v, %v", done, err)
	}
}

// The list of written files stays small enough for a keyring item, and keeps files that
// may still appear.
func TestWrittenStaysSmall(t *testing.T) {
	t.Parallel()
	s, key := newShelf(t), newRecoveryKey(t)
	w := newWriter(t, "a", key)
	for range 60 {
		w.add("x" + w.now.Format(time.TimeOnly))
		name := w.run(s)
		if w.now.Minute()%2 == 0 {
			delete(s.files, name) // nobody can tell whether it will come back
		}
	}
	if text := w.written.Encode(); len(text) > 2500 {
		t.Errorf("the list has %d bytes", len(text))
	}
	for name := range s.files {
		if n, ok := backup.ParseFileName(name); ok && !w.written.Has(n.Hash) {
			t.Errorf("%s is there and not listed", name)
		}
	}
	if again := backup.ParseWritten(w.written.Encode()); !slices.Equal(again, w.written) {
		t.Error("the list reads back differently")
	}
	if w.written.Has("") || w.written.Has("0123") || w.written.Has(strings.Repeat("0", 32)) {
		t.Error("it lists what it does not")
	}
}

// The files that a device vouches for are stored in its backups: those of the job, and
// those of its newest whole backup under the same key. Under another key the list starts
// empty.
func TestVouched(t *testing.T) {
	t.Parallel()
	s, old, key := newShelf(t), newRecoveryKey(t), newRecoveryKey(t)
	w := newWriter(t, "a", old)
	theirs := newWriter(t, "b", old).run(s)
	hash := backup.HashOf([]byte(s.files[theirs]))
	job := w.job(s)
	job.OldFiles = []string{hash}
	done, err := job.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c := s.content(done.File, old); c.OldFiles != nil {
		t.Errorf("without earlier keys it vouches for %q", c.OldFiles)
	}

	w.e = w.e.Rotated(key, 1)
	job = w.add("second").job(s)
	job.OldFiles = []string{hash, "of another", hash}
	if done, err = job.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{hash, "of another"}
	slices.Sort(want)
	if c := s.content(done.File, key); !slices.Equal(c.OldFiles, want) || !slices.Equal(c.OldKeys, []string{old.Text()}) {
		t.Errorf("it vouches for %q, want %q", c.OldFiles, want)
	}
	// Two of the newest files were delivered in part, so the one before them counts.
	for range 2 {
		name := w.add("x" + w.now.Format(time.TimeOnly)).run(s)
		s.files[name] = s.files[name][:500]
	}
	if c := s.content(w.add("third").run(s), key); !slices.Equal(c.OldFiles, want) {
		t.Errorf("it vouches for %q, want %q", c.OldFiles, want)
	}
	if got := states(s.take(key))[theirs]; got != backup.Good {
		t.Errorf("what it vouches for is %q", got)
	}
	// While none of them can be read, nothing is written that would forget the lists.
	offline := errors.New("offline")
	s.fail["read"] = offline
	if done, err := w.add("fourth").job(s).Run(t.Context()); !errors.Is(err, offline) || done.File != "" {
		t.Errorf("with nothing to read it wrote %q: %v", done.File, err)
	}
	delete(s.fail, "read")
	for name := range s.files {
		s.missing[name] = true
	}
	if done, err := w.add("fifth").job(s).Run(t.Context()); !errors.Is(err, location.ErrNotDownloaded) || done.File != "" {
		t.Errorf("with nothing downloaded it wrote %q: %v", done.File, err)
	}
	clear(s.missing)
	// What one backup lacks, because the others could not be read for it, the next one lists again.
	newest := w.add("sixth").run(s)
	short := s.content(newest, key)
	short.OldFiles = nil
	payload, err := key.Encode(short)
	if err != nil {
		t.Fatal(err)
	}
	s.put(newest, key, payload)
	if c := s.content(w.add("seventh").run(s), key); !slices.Equal(c.OldFiles, want) {
		t.Errorf("it vouches for %q, want %q", c.OldFiles, want)
	}
}
