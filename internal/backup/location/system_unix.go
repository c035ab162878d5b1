//go:build !windows

package location

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// ordinary reports whether something is a file.
func ordinary(info fs.FileInfo) bool { return info.Mode().IsRegular() }

// openFile opens a file to read it. A FIFO opens at once and a link does not.
func openFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
}

// syncFile waits until the disk has a file. File systems of a cloud that know
// nothing of it say so: what they wrote is read back all the same.
func syncFile(file *os.File) error {
	err := file.Sync()
	if is(err, syscall.EINVAL, syscall.ENOTSUP, syscall.ENOSYS) {
		return nil
	}
	return err
}

// syncFolder waits until the disk has the names in a folder.
func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return writing("sync the folder", err)
	}
	defer dir.Close()
	if err := syncFile(dir); err != nil {
		return writing("sync the folder", err)
	}
	return nil
}

func is(err error, codes ...syscall.Errno) bool {
	for _, code := range codes {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// busy: a file can be renamed here whoever holds it.
func busy(error) bool { return false }

func isBusy(err error) bool     { return is(err, syscall.EBUSY, syscall.ETXTBSY) }
func isFull(err error) bool     { return is(err, syscall.ENOSPC, syscall.EDQUOT) }
func isReadOnly(err error) bool { return is(err, syscall.EROFS) }
func isTimeout(err error) bool  { return is(err, syscall.ETIMEDOUT) }

// isNotFolder: something on the way is a file.
func isNotFolder(err error) bool { return is(err, syscall.ENOTDIR) }

// isLink: O_NOFOLLOW met one. BSDs say EMLINK or EFTYPE, which the look before it makes rare.
func isLink(err error) bool { return is(err, syscall.ELOOP) }

// isGone: a network file system or FUSE whose other side went away.
func isGone(err error) bool {
	return is(err, syscall.ENOTCONN, syscall.ESTALE, syscall.ENODEV, syscall.ENXIO, syscall.ECONNABORTED, syscall.EHOSTDOWN, syscall.EHOSTUNREACH)
}

// isNotDownloaded: how macOS says that a file is in the cloud and its client does not fetch it.
func isNotDownloaded(err error) bool { return is(err, syscall.EDEADLK, syscall.EAGAIN) }
