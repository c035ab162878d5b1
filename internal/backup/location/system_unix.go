//go:build !windows

package location

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// ordinary reports whether info describes a regular file.
func ordinary(info fs.FileInfo) bool { return info.Mode().IsRegular() }

// openFile opens a file for reading. It does not wait for a FIFO and refuses a link.
func openFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
}

// syncFile waits until a file is on the disk. It ignores file systems that do not support
// syncing, as some cloud file systems do; the caller reads the file back anyway.
func syncFile(file *os.File) error {
	err := file.Sync()
	if is(err, syscall.EINVAL, syscall.ENOTSUP, syscall.ENOSYS) {
		return nil
	}
	return err
}

// syncFolder waits until the names in a folder are on the disk.
func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return writeError("sync the folder", err)
	}
	defer dir.Close()
	if err := syncFile(dir); err != nil {
		return writeError("sync the folder", err)
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

// busy returns false: on Unix an open file can be renamed.
func busy(error) bool { return false }

func isBusy(err error) bool     { return is(err, syscall.EBUSY, syscall.ETXTBSY) }
func isFull(err error) bool     { return is(err, syscall.ENOSPC, syscall.EDQUOT) }
func isReadOnly(err error) bool { return is(err, syscall.EROFS) }
func isTimeout(err error) bool  { return is(err, syscall.ETIMEDOUT) }

// isNotFolder reports whether an element of the path is a file.
func isNotFolder(err error) bool { return is(err, syscall.ENOTDIR) }

// isLink reports whether O_NOFOLLOW refused a link. BSDs return EMLINK or EFTYPE instead,
// but there the earlier Lstat has almost always refused the link already.
func isLink(err error) bool { return is(err, syscall.ELOOP) }

// isGone reports whether the other end of a network file system or FUSE is gone.
func isGone(err error) bool {
	return is(err, syscall.ENOTCONN, syscall.ESTALE, syscall.ENODEV, syscall.ENXIO, syscall.ECONNABORTED, syscall.EHOSTDOWN, syscall.EHOSTUNREACH)
}

// isNotDownloaded reports whether macOS could not download the file from the cloud.
func isNotDownloaded(err error) bool { return is(err, syscall.EDEADLK, syscall.EAGAIN) }
