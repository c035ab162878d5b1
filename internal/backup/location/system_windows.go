package location

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// placeholder has the attributes of files whose content is not on this machine.
const placeholder = windows.FILE_ATTRIBUTE_OFFLINE | windows.FILE_ATTRIBUTE_RECALL_ON_OPEN | windows.FILE_ATTRIBUTE_RECALL_ON_DATA_ACCESS

// ordinary reports whether info describes a regular file. Files of a cloud client can be
// reparse points, which Go calls irregular.
func ordinary(info fs.FileInfo) bool { return info.Mode().Type()&^fs.ModeIrregular == 0 }

// missing reports whether a file's content is only in the cloud.
func missing(info fs.FileInfo) bool {
	data, ok := info.Sys().(*syscall.Win32FileAttributeData)
	return ok && data.FileAttributes&placeholder != 0
}

func openFile(path string) (file *os.File, err error) { return os.Open(path) }

func syncFile(file *os.File) error { return file.Sync() }

// syncFolder does nothing: Windows cannot sync a folder, and renameNew writes through.
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

// busy reports whether another program has the file open. Sync clients and virus scanners
// open a new file at once, and until they close it, it cannot be renamed or removed.
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

// isGone reports whether a drive or network share has disappeared.
func isGone(err error) bool {
	return is(err, windows.ERROR_NOT_READY, windows.ERROR_BAD_NETPATH, windows.ERROR_BAD_NET_NAME, windows.ERROR_NETNAME_DELETED,
		windows.ERROR_NETWORK_UNREACHABLE, windows.ERROR_DEV_NOT_EXIST, windows.ERROR_INVALID_DRIVE)
}

// isNotDownloaded reports whether the cloud client is not running or has no network.
func isNotDownloaded(err error) bool {
	return is(err, windows.ERROR_CLOUD_FILE_PROVIDER_NOT_RUNNING, windows.ERROR_CLOUD_FILE_NETWORK_UNAVAILABLE, windows.ERROR_CLOUD_FILE_UNSUCCESSFUL,
		windows.ERROR_CLOUD_FILE_REQUEST_ABORTED, windows.ERROR_CLOUD_FILE_REQUEST_TIMEOUT, windows.ERROR_CLOUD_FILE_REQUEST_CANCELED)
}
