package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// openNameless opens a file of a folder that has no name yet: whatever ends this process,
// nothing of it stays. ok is false where the file system, or the kernel, has no such files.
//
// Source: open(2), O_TMPFILE.
func openNameless(dir string) (f *os.File, ok bool) {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, false
	}
	// By this name it can be opened again, and linked.
	f = os.NewFile(uintptr(fd), "/proc/self/fd/"+strconv.Itoa(fd))
	if _, err := os.Lstat(f.Name()); err != nil { // there is no /proc
		f.Close()
		return nil, false
	}
	return f, true
}

// link gives a file without a name one. The error is [fs.ErrExist] where there is such a
// file, and ok is false where the file system cannot do it.
func link(f *os.File, path string) (ok bool, err error) {
	switch err := unix.Linkat(unix.AT_FDCWD, f.Name(), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW); {
	case err == nil:
		return true, nil
	case errors.Is(err, unix.EEXIST):
		return true, exists(path)
	default:
		return false, nil
	}
}

// linkOver puts a file without a name in the place of one that is there. Only a name can
// replace a name, so that it has one of its own for the instant between two calls.
func linkOver(f *os.File, path string) (ok bool, err error) {
	for i := range 100 {
		aside := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"-"+strconv.Itoa(os.Getpid())+"-"+strconv.Itoa(i)+".tmp")
		ok, err := link(f, aside)
		if err != nil {
			continue // of an earlier process that was killed in this instant
		}
		if !ok {
			return false, nil
		}
		if err := os.Rename(aside, path); err != nil {
			os.Remove(aside)
			return true, about(path, err)
		}
		return true, nil
	}
	return false, nil
}
