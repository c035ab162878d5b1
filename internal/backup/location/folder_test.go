package location_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup/location"
)

// folder returns an existing location and its path.
func folder(t *testing.T) (location.Location, string) {
	t.Helper()
	path := t.TempDir()
	return parse(t, path, location.Options{}), path
}

func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func namesIn(t *testing.T, l location.Location) []string {
	t.Helper()
	entries, err := l.List(t.Context())
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names
}

func TestFolderIsMadeForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("modes are POSIX's")
	}
	path := filepath.Join(t.TempDir(), "auth")
	l := parse(t, path, location.Options{})
	if err := location.Prepare(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if err := l.Create(t.Context(), "a.age", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{path: fs.ModeDir | 0o700, filepath.Join(path, "a.age"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}

// If a disk is not mounted, its folder must not be created on another disk.
func TestPrepareMakesNoParents(t *testing.T) {
	t.Parallel()
	disk := filepath.Join(t.TempDir(), "usb-stick")
	l := parse(t, filepath.Join(disk, "auth"), location.Options{})
	if err := location.Prepare(t.Context(), l); !errors.Is(err, location.ErrGone) {
		t.Errorf("Prepare: %v, want ErrGone", err)
	}
	if _, err := os.Lstat(disk); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the parent was made: %v", err)
	}
}

func TestFileInTheFoldersPlace(t *testing.T) {
	t.Parallel()
	path := put(t, filepath.Join(t.TempDir(), "auth"), "mine")
	fails(t, parse(t, path, location.Options{}), location.ErrNotFolder)
	fails(t, parse(t, filepath.Join(path, "sub"), location.Options{}), location.ErrNotFolder)
	if data, err := os.ReadFile(path); string(data) != "mine" {
		t.Errorf("the file was touched: %q, %v", data, err)
	}
}

// fails expects the same error from every call.
func fails(t *testing.T, l location.Location, want error) {
	t.Helper()
	for what, call := range map[string]func(context.Context) error{
		"List":    func(ctx context.Context) error { _, err := l.List(ctx); return err },
		"Read":    func(ctx context.Context) error { _, err := l.Read(ctx, "a.age"); return err },
		"Create":  func(ctx context.Context) error { return l.Create(ctx, "b.age", []byte("x")) },
		"Replace": func(ctx context.Context) error { return l.Replace(ctx, "a.age", []byte("x")) },
		"Remove":  func(ctx context.Context) error { return l.Remove(ctx, "a.age") },
		"Prepare": func(ctx context.Context) error { return location.Prepare(ctx, l) },
	} {
		wait := time.Minute
		if want == location.ErrTimeout { //nolint:errorlint // it is the one that is expected
			wait = 100 * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		if err := call(ctx); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
		cancel()
	}
}

// Conflict copies and partial files are files. Anything that is not a regular file is
// neither listed nor followed.
func TestListHasFilesAlone(t *testing.T) {
	t.Parallel()
	l, path := folder(t)
	copies := []string{
		"dev-1 2.age", "dev-1 (1).age", "dev-1 (HOST's conflicted copy 2026-01-02).age", "dev-1 (conflicted copy 2026-01-02 030405).age",
		"dev-1-HOST.age", "dev-1.age", "dev-1.sync-conflict-20260102-030405-ABCDEFG.age", "DEV-1.AGE.part", ".hidden",
	}
	for _, name := range copies {
		put(t, filepath.Join(path, name), name)
	}
	put(t, filepath.Join(path, "half.age"), "age-encry")
	want := append(slices.Clone(copies), "half.age")
	slices.Sort(want)

	outside := put(t, filepath.Join(t.TempDir(), "outside"), "not yours")
	if err := os.Mkdir(filepath.Join(path, "sub.age"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(path, "link.age")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if got := namesIn(t, l); !slices.Equal(got, want) {
		t.Errorf("List has %q, want %q", got, want)
	}
	if data, err := l.Read(t.Context(), "half.age"); string(data) != "age-encry" {
		t.Errorf("half a file reads as %q, %v", data, err)
	}
	for _, name := range []string{"sub.age", "link.age"} {
		notAFile(t, l, name)
	}
	if data, _ := os.ReadFile(outside); string(data) != "not yours" {
		t.Errorf("a link was followed: %q", data)
	}
}

// notAFile expects every call to refuse a name and to leave it as it is.
func notAFile(t *testing.T, l location.Location, name string) {
	t.Helper()
	if _, err := l.Read(t.Context(), name); !errors.Is(err, location.ErrNotFile) {
		t.Errorf("Read %s: %v, want ErrNotFile", name, err)
	}
	if err := l.Replace(t.Context(), name, []byte("x")); !errors.Is(err, location.ErrNotFile) {
		t.Errorf("Replace %s: %v, want ErrNotFile", name, err)
	}
	if err := l.Remove(t.Context(), name); !errors.Is(err, location.ErrNotFile) {
		t.Errorf("Remove %s: %v, want ErrNotFile", name, err)
	}
	if err := l.Create(t.Context(), name, []byte("x")); !errors.Is(err, location.ErrExists) {
		t.Errorf("Create %s: %v, want ErrExists", name, err)
	}
	if _, err := os.Lstat(filepath.Join(l.String(), name)); err != nil {
		t.Errorf("%s is gone: %v", name, err)
	}
}

// The folder may be a link, because people keep ~/Dropbox on another disk.
func TestFolderBehindALink(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "auth")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	l := parse(t, link, location.Options{})
	if err := l.Create(t.Context(), "a.age", []byte("x")); err != nil {
		t.Error(err)
	}
	if l.String() != link {
		t.Errorf("it is called %s, want what the user said", l)
	}
}

// An old iCloud stub means that a file is in the cloud. The stub counts as the file:
// nothing is written in its place, and it is not removed.
func TestStubOfICloud(t *testing.T) {
	t.Parallel()
	l, path := folder(t)
	put(t, filepath.Join(path, ".a.age.icloud"), "bplist00")
	entries, err := l.List(t.Context())
	if err != nil || len(entries) != 1 || entries[0].Name != "a.age" || !entries[0].Missing || entries[0].Size != -1 {
		t.Errorf("List has %+v, %v, want a.age missing", entries, err)
	}
	if _, err := l.Read(t.Context(), "a.age"); !errors.Is(err, location.ErrNotDownloaded) {
		t.Errorf("Read: %v, want ErrNotDownloaded", err)
	}
	if err := l.Remove(t.Context(), "a.age"); !errors.Is(err, location.ErrNotDownloaded) {
		t.Errorf("Remove: %v, want ErrNotDownloaded", err)
	}
	if err := l.Create(t.Context(), "a.age", nil); !errors.Is(err, location.ErrExists) {
		t.Errorf("Create: %v, want ErrExists", err)
	}
}

func TestTooBigToRead(t *testing.T) {
	t.Parallel()
	l, path := folder(t)
	put(t, filepath.Join(path, "vast.age"), "")
	if err := os.Truncate(filepath.Join(path, "vast.age"), location.MaxFile+1); err != nil { // A hole: no bytes on the disk.
		t.Fatal(err)
	}
	if _, err := l.Read(t.Context(), "vast.age"); !errors.Is(err, location.ErrTooBig) {
		t.Errorf("Read: %v, want ErrTooBig", err)
	}
}

// A call that never returns is abandoned at the deadline, or at once if the user
// interrupts.
func TestCallsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	defer close(never)
	hang := func() (int, error) { <-never; return 0, nil }
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := location.RunWithContext(ctx, hang); !errors.Is(err, location.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("at the deadline: %v, want ErrTimeout", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := location.RunWithContext(ctx, hang); !errors.Is(err, context.Canceled) || errors.Is(err, location.ErrTimeout) {
		t.Errorf("interrupted: %v, want context.Canceled alone", err)
	}
}
