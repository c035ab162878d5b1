package atomicfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/authcli/auth/internal/atomicfile"
)

// names returns the names in a folder, sorted.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return strings.Join(list, " ")
}

func wantFile(t *testing.T, path, content string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != content {
		t.Errorf("%s holds %q (%v), want %q", path, got, err, content)
	}
	if got := names(t, filepath.Dir(path)); got != filepath.Base(path) {
		t.Errorf("the folder holds %q", got)
	}
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	for _, o := range []atomicfile.Options{{}, {NoReplace: true}} {
		path := filepath.Join(t.TempDir(), "file")
		if err := atomicfile.Write(path, []byte("new"), o); err != nil {
			t.Fatalf("%+v: %v", o, err)
		}
		wantFile(t, path, "new")
	}
}

// The file is private to its user, even if the replaced file was not.
func TestMode(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	path := filepath.Join(t.TempDir(), "file")
	put(t, path, "old")
	if err := atomicfile.Write(path, []byte("new"), atomicfile.Options{}); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, "new")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}
}

func TestNoReplace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	put(t, path, "old")
	err := atomicfile.Write(path, []byte("new"), atomicfile.Options{NoReplace: true})
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v, want fs.ErrExist", err)
	}
	wantFile(t, path, "old")
}

// A file that is created while ours is written is not replaced either.
func TestNoReplaceInBetween(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	err := atomicfile.WriteFunc(path, atomicfile.Options{NoReplace: true}, func(*os.File) error {
		put(t, path, "theirs")
		return nil
	})
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v, want fs.ErrExist", err)
	}
	wantFile(t, path, "theirs")
}

func TestOneOfManyCreates(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	var created atomic.Int32
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			err := atomicfile.Write(path, fmt.Append(nil, i), atomicfile.Options{NoReplace: true})
			switch {
			case err == nil:
				created.Add(1)
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := created.Load(); n != 1 {
		t.Errorf("%d writers created the file", n)
	}
}

// If write refuses what it read back, the old file stays.
func TestWriteFunc(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	put(t, path, "old")
	refusal := errors.New("it reads back differently")
	write := func(then error) error {
		return atomicfile.WriteFunc(path, atomicfile.Options{}, func(f *os.File) error {
			if _, err := f.WriteString("new"); err != nil {
				return err
			}
			if got, err := os.ReadFile(f.Name()); err != nil || string(got) != "new" {
				t.Errorf("aside lies %q (%v)", got, err)
			}
			if got, _ := os.ReadFile(path); string(got) != "old" {
				t.Errorf("the file holds %q already", got)
			}
			return then
		})
	}
	if err := write(refusal); !errors.Is(err, refusal) {
		t.Errorf("%v, want what the function returned", err)
	}
	wantFile(t, path, "old")
	if err := write(nil); err != nil {
		t.Error(err)
	}
	wantFile(t, path, "new")
}

// An error names the requested file, and nothing is left behind.
func TestErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "no such folder", "file"), taken} {
		err := atomicfile.Write(path, []byte("new"), atomicfile.Options{})
		at, ok := errors.AsType[*fs.PathError](err)
		if !ok || at.Path != path || strings.Contains(err.Error(), ".tmp") {
			t.Errorf("%s: %v", path, err)
		}
	}
	path := filepath.Join(dir, "file")
	err := atomicfile.WriteFunc(path, atomicfile.Options{}, func(f *os.File) error {
		f.Close()
		_, err := f.WriteString("new")
		return err
	})
	if want := "write " + path + ": " + os.ErrClosed.Error(); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if got := names(t, dir); got != "taken" {
		t.Errorf("the folder holds %q", got)
	}
}

// A reader sees either the old content or the new one, and neither the reader nor the
// writer fails. On Windows, where an open file cannot be replaced, both retry.
func TestReaderMeanwhile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	contents := [][]byte{bytes.Repeat([]byte("a"), 1<<16), bytes.Repeat([]byte("b"), 1<<10)}
	if err := atomicfile.Write(path, contents[0], atomicfile.Options{}); err != nil {
		t.Fatal(err)
	}
	var done atomic.Bool
	var reader sync.WaitGroup
	reader.Go(func() {
		for !done.Load() {
			got, err := atomicfile.Read(path)
			if err != nil || !bytes.Equal(got, contents[0]) && !bytes.Equal(got, contents[1]) {
				t.Errorf("%d bytes, %v", len(got), err)
				return
			}
			time.Sleep(time.Millisecond) // as between two commands
		}
	})
	for i := range 100 {
		if err := atomicfile.Write(path, contents[i%2], atomicfile.Options{}); err != nil {
			t.Error(err)
		}
	}
	done.Store(true)
	reader.Wait()
}
