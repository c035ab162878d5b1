package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// openNameless opens a file without a name in a folder. Nothing of it stays, however this
// process ends. ok is false if the file system or the kernel does not support such files.
//
// Source: open(2), O_TMPFILE.
func openNameless(dir string) (f *os.File, ok bool) {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, false
	}
	// The file can be opened again and linked by this name.
	f = os.NewFile(uintptr(fd), "/proc/self/fd/"+strconv.Itoa(fd))
	if _, err := os.Lstat(f.Name()); err != nil { // there is no /proc
		f.Close()
		return nil, false
	}
	return f, true
}

// link gives a name to a file without one. The error is [fs.ErrExist] if the name is
// taken. ok is false if the file system does not support it.
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

// linkOver replaces an existing file by a file without a name. Only a rename can replace
// a file, so the new file has a temporary name for a moment.
func linkOver(f *os.File, path string) (ok bool, err error) {
	for i := range 100 {
		aside := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"-"+strconv.Itoa(os.Getpid())+"-"+strconv.Itoa(i)+".tmp")
		ok, err := link(f, aside)
		if err != nil {
			continue // left by an earlier process that was killed at this point
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
