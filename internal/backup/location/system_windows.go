package location

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// placeholder are the attributes of a file whose content is elsewhere:
// OFFLINE, RECALL_ON_OPEN and RECALL_ON_DATA_ACCESS.
const placeholder = windows.FILE_ATTRIBUTE_OFFLINE | windows.FILE_ATTRIBUTE_RECALL_ON_OPEN | windows.FILE_ATTRIBUTE_RECALL_ON_DATA_ACCESS

// ordinary reports whether something is a file. Those of a cloud's client can
// be reparse points, which Go calls irregular.
func ordinary(info fs.FileInfo) bool { return info.Mode().Type()&^fs.ModeIrregular == 0 }

// missing reports whether a file's content is in the cloud alone.
func missing(info fs.FileInfo) bool {
	data, ok := info.Sys().(*syscall.Win32FileAttributeData)
	return ok && data.FileAttributes&placeholder != 0
}

func openFile(path string) (file *os.File, err error) { return os.Open(path) }

func syncFile(file *os.File) error { return file.Sync() }

// syncFolder: folders cannot be synced here; the rename is written through.
func syncFolder(string) error { return nil }

// renameNew renames without replacing.
func renameNew(from, to string) error {
	old, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return err
	}
	name, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return err
	}
	if err := windows.MoveFileEx(old, name, windows.MOVEFILE_WRITE_THROUGH); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
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

// busy: sync clients and virus scanners open a new file at once, and until they
// let go it cannot be renamed or removed.
func busy(err error) bool { return isBusy(err) || is(err, windows.ERROR_ACCESS_DENIED) }

func isBusy(err error) bool {
	return is(err, windows.ERROR_SHARING_VIOLATION, windows.ERROR_LOCK_VIOLATION, windows.ERROR_USER_MAPPED_FILE)
}

func isFull(err error) bool {
	return is(err, windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED)
}

func isReadOnly(err error) bool { return is(err, windows.ERROR_WRITE_PROTECT) }

func isTimeout(err error) bool { return is(err, windows.ERROR_SEM_TIMEOUT) }

func isNotFolder(err error) bool { return is(err, windows.ERROR_DIRECTORY) }

func isLink(error) bool { return false }

// isGone: a drive or share that is not there any more.
func isGone(err error) bool {
	return is(err, windows.ERROR_NOT_READY, windows.ERROR_BAD_NETPATH, windows.ERROR_BAD_NET_NAME, windows.ERROR_NETNAME_DELETED,
		windows.ERROR_NETWORK_UNREACHABLE, windows.ERROR_DEV_NOT_EXIST, windows.ERROR_INVALID_DRIVE)
}

// isNotDownloaded: the cloud's client is not running, or has no network.
func isNotDownloaded(err error) bool {
	return is(err, windows.ERROR_CLOUD_FILE_PROVIDER_NOT_RUNNING, windows.ERROR_CLOUD_FILE_NETWORK_UNAVAILABLE, windows.ERROR_CLOUD_FILE_UNSUCCESSFUL,
		windows.ERROR_CLOUD_FILE_REQUEST_ABORTED, windows.ERROR_CLOUD_FILE_REQUEST_TIMEOUT, windows.ERROR_CLOUD_FILE_REQUEST_CANCELED)
}
