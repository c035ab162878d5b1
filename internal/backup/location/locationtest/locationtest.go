// Package locationtest tests that every kind of location keeps the same promises. It also
// has a location that fails on demand, for the tests of other packages.
package locationtest

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup/location"
)

const (
	// odd is a name that causes trouble for shells, globs, flags and old file systems.
	odd = "-100% [x]{y}* バックアップ é 🗝 (conflicted copy 2026-01-02 030405).age"
	// big has more bytes than one packet, page or multipart chunk of any store.
	big = 5 << 20
)

// Test runs the contract of [location.Location] on a location that does not exist yet and
// that Prepare can create. The parts build on each other, because setting up a remote
// again for each part would be slow.
func Test(t *testing.T, l location.Location) {
	for _, part := range []struct {
		name string
		run  func(*testing.T, location.Location)
	}{
		{"nothing is there", nothing},
		{"Prepare", prepare},
		{"Create", create},
		{"Replace", replace},
		{"names", names},
		{"contexts", contexts},
		{"whole or not at all", whole},
		{"Remove", remove},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.run(t, l) }) {
			return
		}
	}
}

// Neither looking nor writing creates the location: one that disappeared must not come
// back empty.
func nothing(t *testing.T, l location.Location) {
	if _, err := l.List(t.Context()); !errors.Is(err, location.ErrGone) {
		t.Errorf("List: %v, want ErrGone", err)
	}
	if err := l.Create(t.Context(), "a.age", []byte("x")); !errors.Is(err, location.ErrGone) {
		t.Errorf("Create: %v, want ErrGone", err)
	}
	if _, err := l.Read(t.Context(), "a.age"); !errors.Is(err, location.ErrGone) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Read: %v, want ErrGone and not that a file is missing", err)
	}
}

func prepare(t *testing.T, l location.Location) {
	for range 2 { // What is there already is left alone.
		if err := location.Prepare(t.Context(), l); err != nil {
			t.Fatalf("Prepare: %v", err)
		}
	}
	listed(t, l)
	if _, err := l.Read(t.Context(), "a.age"); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, location.ErrGone) {
		t.Errorf("Read of a file that is not there: %v, want fs.ErrNotExist alone", err)
	}
	if err := l.Remove(t.Context(), "a.age"); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, location.ErrGone) {
		t.Errorf("Remove of a file that is not there: %v, want fs.ErrNotExist alone", err)
	}
}

func create(t *testing.T, l location.Location) {
	made(t, l, odd, []byte("first"))
	for _, again := range []string{"first", "second"} {
		if err := l.Create(t.Context(), odd, []byte(again)); !errors.Is(err, location.ErrExists) {
			t.Errorf("Create of a file that is there: %v, want ErrExists", err)
		}
	}
	holds(t, l, odd, []byte("first"))
	made(t, l, "empty.age", nil)
	holds(t, l, "empty.age", nil)
	listed(t, l, odd, "empty.age")
}

func replace(t *testing.T, l location.Location) {
	for _, text := range []string{"old", "new, and longer"} {
		if err := l.Replace(t.Context(), "README.txt", []byte(text)); err != nil {
			t.Fatalf("Replace: %v", err)
		}
	}
	holds(t, l, "README.txt", []byte("new, and longer"))
}

// names checks that names are taken literally. If the location ignores case, a second
// name is refused; it never replaces the first one.
func names(t *testing.T, l location.Location) {
	if err := l.Create(t.Context(), "EMPTY.age", []byte("upper")); err == nil {
		holds(t, l, "EMPTY.age", []byte("upper"))
	} else if !errors.Is(err, location.ErrExists) {
		t.Errorf("Create of a name that differs in case: %v, want nil or ErrExists", err)
	}
	holds(t, l, "empty.age", nil)
	for _, name := range []string{"", ".", "..", "/", "a/b", "../a", "/etc/passwd", "a/", "a\x00b", strings.Repeat("a", 256)} {
		each(t, location.ErrInvalid, map[string]error{
			"Read":    second(l.Read(t.Context(), name)),
			"Create":  l.Create(t.Context(), name, nil),
			"Replace": l.Replace(t.Context(), name, nil),
			"Remove":  l.Remove(t.Context(), name),
		})
	}
	if err := l.Create(t.Context(), "vast.age", make([]byte, location.MaxFile+1)); !errors.Is(err, location.ErrTooBig) {
		t.Errorf("Create of more than MaxFile: %v, want ErrTooBig", err)
	}
}

// contexts checks that a context that has ended makes every call fail with its own error
// and change nothing.
func contexts(t *testing.T, l location.Location) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	for ctx, want := range map[context.Context]error{cancelled: context.Canceled, late: location.ErrTimeout} {
		each(t, want, map[string]error{
			"List":    second(l.List(ctx)),
			"Read":    second(l.Read(ctx, odd)),
			"Create":  l.Create(ctx, "late.age", nil),
			"Replace": l.Replace(ctx, odd, nil),
			"Remove":  l.Remove(ctx, odd),
			"Prepare": location.Prepare(ctx, l),
		})
	}
	holds(t, l, odd, []byte("first"))
}

// whole checks that a big file is visible completely or not at all, while it is written
// and after writes that a deadline interrupted.
func whole(t *testing.T, l location.Location) {
	data := noise(big)
	done := make(chan error, 1)
	go func() { done <- l.Create(t.Context(), "big.age", data) }()
	looks := 2 // At a remote, where one costs as much as a step of the write.
	if l.Local() {
		looks = 1 << 20
	}
	for ; looks > 0 && len(done) == 0; looks-- {
		wholeOrMissing(t, l, "big.age", data)
	}
	if err := <-done; err != nil {
		t.Fatalf("Create: %v", err)
	}
	holds(t, l, "big.age", data)

	waits := []time.Duration{time.Millisecond, 4 * time.Millisecond, 16 * time.Millisecond}
	if !l.Local() { // Within the upload, or the rename.
		waits = []time.Duration{300 * time.Millisecond}
	}
	for _, wait := range waits {
		name := "broken-off-" + wait.String() + ".age"
		short, cancel := context.WithTimeout(t.Context(), wait)
		if err := l.Create(short, name, data); err != nil && !errors.Is(err, location.ErrTimeout) {
			t.Errorf("Create within %v: %v, want nil or ErrTimeout", wait, err)
		}
		cancel()
		wholeOrMissing(t, l, name, data)
	}
}

// remove checks that exactly one file is removed: a name is never a pattern.
func remove(t *testing.T, l location.Location) {
	if err := l.Remove(t.Context(), odd); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	entries, err := l.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name)
	}
	for name, want := range map[string]bool{odd: false, "empty.age": true, "README.txt": true, "big.age": true} {
		if slices.Contains(left, name) != want {
			t.Errorf("%q is listed: %v, want %v", name, !want, want)
		}
	}
}

// each expects the same error from several calls.
func each(t *testing.T, want error, calls map[string]error) {
	t.Helper()
	for what, err := range calls {
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func wholeOrMissing(t *testing.T, l location.Location, name string, data []byte) {
	t.Helper()
	got, err := l.Read(t.Context(), name)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%s has %d of %d bytes (%v)", name, len(got), len(data), err)
	}
}

func made(t *testing.T, l location.Location, name string, data []byte) {
	t.Helper()
	if err := l.Create(t.Context(), name, data); err != nil {
		t.Fatalf("Create %q: %v", name, err)
	}
}

func holds(t *testing.T, l location.Location, name string, want []byte) {
	t.Helper()
	got, err := l.Read(t.Context(), name)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%q reads back as %d bytes (%v), want %d", name, len(got), err, len(want))
	}
}

// listed expects exactly these files in the location, with the right sizes.
func listed(t *testing.T, l location.Location, want ...string) {
	t.Helper()
	entries, err := l.List(t.Context())
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name)
		if e.Missing || e.Size < 0 || e.Modified.IsZero() {
			t.Errorf("%q is listed as %+v", e.Name, e)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("List has %q, want %q", got, want)
	}
}

// noise returns bytes that do not compress and do not repeat, so that a missing part is
// noticed.
func noise(size int) []byte {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data)
	return data
}
