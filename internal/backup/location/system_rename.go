//go:build !windows

package location

import (
	"io/fs"
	"os"
)

// lookAndRename is for file systems that cannot rename without replacing. Names of
// backups are random, so another writer does not create the same one in between.
func lookAndRename(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return os.Rename(from, to)
}
