package location

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// sfDataless marks a file whose content the file provider has evicted (sys/stat.h, since macOS 10.15).
const sfDataless = 0x40000000

// missing reports whether a file's content is only in the cloud.
func missing(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Flags&sfDataless != 0
}

// renameNew renames without replacing. It is atomic if the file system supports that.
func renameNew(from, to string) error {
	err := unix.RenamexNp(from, to, unix.RENAME_EXCL)
	if is(err, unix.EINVAL, unix.ENOSYS, unix.ENOTSUP) {
		return lookAndRename(from, to)
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}
