package location_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup/location"
)

// The leftover of a killed writer is not listed. It is removed if it is old and ours.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	l, path := folder(t)
	var temp string
	caught := location.FolderWith(l, func(from, _ string) error {
		temp = filepath.Base(from)
		return errors.New("killed")
	}, func(error) bool { return false })
	if err := caught.Create(t.Context(), "a.age", []byte("x")); err == nil || temp == "" {
		t.Fatalf("nothing was caught: %q, %v", temp, err)
	}
	if left, _ := os.ReadDir(path); len(left) != 0 {
		t.Errorf("a write that failed leaves %v behind", left)
	}
	// Cloud clients ignore these names: ".~*" (Nextcloud, Dropbox), "*.tmp" (OneDrive,
	// iCloud Drive).
	if !strings.HasPrefix(temp, ".~") || !strings.HasSuffix(temp, ".tmp") {
		t.Errorf("%s is a name that sync clients carry away", temp)
	}

	another := "A"
	if temp[7] == 'A' {
		another = "B"
	}
	fresh := temp[:7] + another + temp[8:]
	theirs := []string{".~auth-short.tmp", ".~lock.a.age#", "a.tmp", strings.ToLower(temp)}
	for _, name := range append(theirs, temp, fresh) {
		put(t, filepath.Join(path, name), "x")
		if name != fresh {
			old := time.Now().Add(-25 * time.Hour)
			if err := os.Chtimes(filepath.Join(path, name), old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	if names := namesIn(t, l); slices.Contains(names, temp) || slices.Contains(names, fresh) {
		t.Errorf("List has %q: temporary files are not files yet", names)
	}
	if err := l.Create(t.Context(), temp, nil); !errors.Is(err, location.ErrInvalid) {
		t.Errorf("Create under a temporary name: %v, want ErrInvalid", err)
	}
	if err := l.Create(t.Context(), "a.age", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(theirs, fresh) {
		if _, err := os.Lstat(filepath.Join(path, name)); err != nil {
			t.Errorf("%s was removed: it is not ours, or not old", name)
		}
	}
	if _, err := os.Lstat(filepath.Join(path, temp)); err == nil {
		t.Errorf("%s is still there", temp)
	}
}

// Windows refuses to rename a file while a sync client has it open.
func TestRenameIsRetriedWhileTheFileIsHeld(t *testing.T) {
	t.Parallel()
	held := errors.New("sharing violation")
	isHeld := func(err error) bool { return errors.Is(err, held) }
	l, _ := folder(t)

	var tries atomic.Int32 // What a deadline left behind still tries.
	twice := location.FolderWith(l, func(from, to string) error {
		if tries.Add(1) <= 2 {
			return held
		}
		return os.Rename(from, to)
	}, isHeld)
	if err := twice.Create(t.Context(), "a.age", []byte("x")); err != nil || tries.Load() != 3 {
		t.Errorf("held twice: %v after %d tries, want success at the third", err, tries.Load())
	}

	tries.Store(0)
	other := location.FolderWith(l, func(string, string) error { tries.Add(1); return errors.New("no such thing") }, isHeld)
	if err := other.Create(t.Context(), "b.age", nil); err == nil || tries.Load() != 1 {
		t.Errorf("another error: %v after %d tries, want one", err, tries.Load())
	}

	tries.Store(0)
	always := location.FolderWith(l, func(string, string) error { tries.Add(1); return held }, isHeld)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := always.Replace(ctx, "c.age", nil); !errors.Is(err, location.ErrTimeout) {
		t.Errorf("held beyond the deadline: %v, want ErrTimeout", err)
	}
	if err := always.Replace(t.Context(), "d.age", nil); !errors.Is(err, held) || tries.Load() < 6 {
		t.Errorf("held for good: %v after %d tries, want the last error after several", err, tries.Load())
	}
	if names := namesIn(t, l); !slices.Equal(names, []string{"a.age"}) {
		t.Errorf("List has %q, want a.age", names)
	}
}

// The folder disappears between two steps of a write.
func TestFolderVanishesHalfWay(t *testing.T) {
	t.Parallel()
	for what, vanish := range map[string]func(path string) error{
		"removed":   os.RemoveAll,
		"moved":     func(path string) error { return os.Rename(path, path+"-moved") },
		"exchanged": func(path string) error { return errors.Join(os.Rename(path, path+"-moved"), os.Mkdir(path, 0o700)) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "auth")
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
			l := location.FolderWith(parse(t, path, location.Options{}), func(from, to string) error {
				if err := vanish(path); err != nil {
					t.Error(err)
				}
				return os.Rename(from, to)
			}, func(error) bool { return false })
			if err := l.Create(t.Context(), "a.age", []byte("x")); !errors.Is(err, location.ErrGone) {
				t.Errorf("Create: %v, want ErrGone", err)
			}
		})
	}
}

// After the rename, the folder may be another one that does not have the file.
func TestWrittenIsWhatIsThere(t *testing.T) {
	t.Parallel()
	l, _ := folder(t)
	lying := location.FolderWith(l, func(from, _ string) error { return os.Remove(from) }, func(error) bool { return false })
	if err := lying.Create(t.Context(), "a.age", []byte("x")); !errors.Is(err, location.ErrGone) {
		t.Errorf("Create in a file system that loses the file: %v, want ErrGone", err)
	}
	torn := location.FolderWith(l, func(from, to string) error {
		return errors.Join(os.Rename(from, to), os.Truncate(to, 1))
	}, func(error) bool { return false })
	if err := torn.Create(t.Context(), "b.age", bytes.Repeat([]byte("x"), 100)); err == nil {
		t.Error("Create in a file system that tears the file: no error")
	}
}

// A caller who has given up while the disk was slow was told that nothing was written.
// That stays true when the disk goes on.
func TestGivenUpIsNotNamed(t *testing.T) {
	t.Parallel()
	for what, write := range map[string]func(context.Context, location.Location) error{
		"Create":  func(ctx context.Context, l location.Location) error { return l.Create(ctx, "a.age", []byte("new")) },
		"Replace": func(ctx context.Context, l location.Location) error { return l.Replace(ctx, "b.age", []byte("new")) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			l, path := folder(t)
			put(t, filepath.Join(path, "b.age"), "old")
			ctx, giveUp := context.WithCancel(t.Context())
			told := make(chan struct{})
			slow := location.FolderOnDisk(l, func(f *os.File) error {
				giveUp()
				<-told
				return f.Sync()
			})
			err := write(ctx, slow)
			close(told)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v, want that it was given up", err)
			}
			for names := 2; names != 1; { // The temporary file goes last.
				all, err := os.ReadDir(path)
				if err != nil {
					t.Fatal(err)
				}
				if names = len(all); slices.ContainsFunc(all, func(e os.DirEntry) bool { return e.Name() == "a.age" }) {
					t.Fatal("the file has its name after all")
				}
				time.Sleep(time.Millisecond)
			}
			if got, err := os.ReadFile(filepath.Join(path, "b.age")); string(got) != "old" {
				t.Errorf("the file that was there holds %q (%v)", got, err)
			}
		})
	}
}

// A disk that keeps other bytes than it was given has no backup under its name.
func TestWrittenIsReadBack(t *testing.T) {
	t.Parallel()
	l, _ := folder(t)
	torn := location.FolderOnDisk(l, func(f *os.File) error {
		return os.WriteFile(f.Name(), []byte("other"), 0o600)
	})
	if err := torn.Create(t.Context(), "a.age", []byte("bytes")); !errors.Is(err, location.ErrReadBack) {
		t.Errorf("Create on a disk that keeps other bytes: %v, want ErrReadBack", err)
	}
	if names := namesIn(t, l); len(names) != 0 {
		t.Errorf("List has %q, want nothing", names)
	}
}

// If many writers create the same name at once, one succeeds and its file stays.
func TestOneOfManyCreates(t *testing.T) {
	t.Parallel()
	l, path := folder(t)
	const many = 16
	results := make(chan string, many)
	for i := range many {
		go func() {
			text := strings.Repeat(string(rune('a'+i)), 1000)
			switch err := l.Create(t.Context(), "a.age", []byte(text)); {
			case err == nil:
				results <- text
			case !errors.Is(err, location.ErrExists):
				t.Errorf("Create: %v, want nil or ErrExists", err)
				fallthrough
			default:
				results <- ""
			}
		}()
	}
	var won []string
	for range many {
		if text := <-results; text != "" {
			won = append(won, text)
		}
	}
	if data, err := os.ReadFile(filepath.Join(path, "a.age")); len(won) != 1 || string(data) != won[0] {
		t.Errorf("%d of them created the file, which holds %.5q (%v)", len(won), data, err)
	}
	if left, _ := os.ReadDir(path); len(left) != 1 {
		t.Errorf("there is %v, want a.age alone", left)
	}
}
