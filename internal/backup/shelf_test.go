package backup_test

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/vault"
)

// A shelf is a location in memory.
type shelf struct {
	t       testing.TB
	files   map[string]string
	missing map[string]bool // placeholders of a cloud
	remote  bool
	fail    map[string]error // by verb and name, or by verb alone
	calls   []string
}

var _ location.Location = (*shelf)(nil)

func newShelf(t testing.TB) *shelf {
	return &shelf{t: t, files: map[string]string{}, missing: map[string]bool{}, fail: map[string]error{}}
}

func (s *shelf) String() string      { return "shelf" }
func (s *shelf) Local() bool         { return !s.remote }
func (s *shelf) Wait() time.Duration { return time.Second }

func (s *shelf) call(verb, name string) error {
	if verb != "read" { // several at once
		s.calls = append(s.calls, verb+" "+name)
	}
	if err := s.fail[verb+" "+name]; err != nil {
		return err
	}
	return s.fail[verb]
}

func (s *shelf) List(context.Context) ([]location.Entry, error) {
	var entries []location.Entry
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		entries = append(entries, location.Entry{Name: name, Size: int64(len(s.files[name])), Missing: s.missing[name]})
	}
	return entries, s.call("list", "")
}

func (s *shelf) Read(ctx context.Context, name string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	text, found := s.files[name]
	if !found {
		return nil, fs.ErrNotExist
	}
	return []byte(text), s.call("read", name)
}

func (s *shelf) Create(ctx context.Context, name string, data []byte) error {
	if _, found := s.files[name]; found {
		return location.ErrExists
	}
	return s.Replace(ctx, name, data)
}

func (s *shelf) Replace(_ context.Context, name string, data []byte) error {
	if err := s.call("write", name); err != nil {
		return err
	}
	s.files[name] = string(data)
	return nil
}

func (s *shelf) Remove(_ context.Context, name string) error {
	if err := s.call("remove", name); err != nil {
		return err
	}
	if _, found := s.files[name]; !found {
		return fs.ErrNotExist
	}
	delete(s.files, name)
	return nil
}

// entries lists the files on the shelf.
func (s *shelf) entries() []location.Entry {
	s.t.Helper()
	entries, err := s.List(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return entries
}

// take reads an inventory of the shelf with keys, the current key first.
func (s *shelf) take(keys ...backup.RecoveryKey) backup.Inventory {
	s.t.Helper()
	inv, err := backup.ReadInventory(s.t.Context(), s, backup.Keys{Current: keys[:1], Old: keys[1:]})
	if err != nil {
		s.t.Fatal(err)
	}
	return inv
}

// states returns the state of each file by name.
func states(inv backup.Inventory) map[string]backup.FileState {
	all := map[string]backup.FileState{}
	for _, f := range inv.Files {
		all[f.Name] = f.State
	}
	return all
}

// A writer is a device that backs up to a shelf.
type writer struct {
	t       testing.TB
	id      string
	state   *vault.State
	e       backup.Enrolment
	written backup.Written
	now     time.Time
	copies  map[string][]byte // of sealed keys
}

// newWriter returns a device with one account.
func newWriter(t testing.TB, id string, key backup.RecoveryKey) *writer {
	w := &writer{t: t, id: strings.Repeat(id, 16), state: new(vault.State), now: noon, copies: map[string][]byte{}}
	w.e = backup.Enrolment{Location: "shelf", On: true, Key: key}
	return w.add("account of " + id)
}

// add adds an account, which makes a new generation.
func (w *writer) add(name string) *writer {
	w.t.Helper()
	if w.state.ID == "" {
		w.state.ID = vault.NewID()
	}
	c := secret("a secret")
	if err := adds(&vault.Tx{State: w.state, Now: w.now, Device: w.id}, name, c); err != nil {
		w.t.Fatal(err)
	}
	w.state.Generation++
	w.now = w.now.Add(time.Minute)
	return w
}

// seal gives the device a sealed key and its own copy of it.
func (w *writer) seal(s *shelf) backup.SealedKey {
	w.t.Helper()
	sealed, data, err := w.e.Key.Seal(backup.Sealing{Passphrase: "pass", WorkFactor: 4})
	if err != nil {
		w.t.Fatal(err)
	}
	w.e.AddSealed(sealed)
	w.copies[sealed.Name] = data
	s.files[sealed.Name] = string(data)
	return sealed
}

// job returns the device's next backup.
func (w *writer) job(s *shelf) backup.Job {
	return backup.Job{
		Location: s, Enrolment: w.e, Written: w.written, Device: w.id, DeviceName: "device " + w.id[:1], Generation: w.state.Generation,
		State: w.state, Now: w.now, Entries: s.entries(),
		Record: func(written backup.Written) error {
			w.written = written
			return s.call("record", "")
		},
		SealedBytes: func(name string) ([]byte, error) {
			if data, found := w.copies[name]; found {
				return data, nil
			}
			return nil, fs.ErrNotExist
		},
	}
}

// run writes a backup, which must succeed, and returns its name.
func (w *writer) run(s *shelf) string {
	w.t.Helper()
	done, err := w.job(s).Run(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return done.File
}

func newRecoveryKey(t testing.TB) backup.RecoveryKey {
	t.Helper()
	key, err := backup.NewRecoveryKey(true)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// put encrypts a payload to a key and puts it on the shelf.
func (s *shelf) put(name string, key backup.RecoveryKey, payload []byte) string {
	s.t.Helper()
	to, err := backup.ParseRecipient(key.Recipient())
	if err != nil {
		s.t.Fatal(err)
	}
	data, err := backup.Seal(payload, backup.SealTo(to))
	if err != nil {
		s.t.Fatal(err)
	}
	s.files[name] = string(data)
	return name
}

// content decrypts a file on the shelf.
func (s *shelf) content(name string, key backup.RecoveryKey) backup.Content {
	s.t.Helper()
	c, err := backup.Open([]byte(s.files[name]), key.Identity())
	if err != nil {
		s.t.Fatalf("%s: %v", name, err)
	}
	return c
}

// names returns the names of a state's accounts, in order.
func names(s *vault.State) string {
	var list []string
	for _, a := range s.Accounts() {
		list = append(list, a.Name)
	}
	return strings.Join(list, ", ")
}

var errBroken = errors.New("broken")
