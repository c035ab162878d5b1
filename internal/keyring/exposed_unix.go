//go:build unix

package keyring

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// exposed says why a file is not its user's alone, by the rule of ssh; nothing if it is.
func exposed(info fs.FileInfo) string {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int64(stat.Uid) != int64(os.Geteuid()) {
		return fmt.Sprintf("it belongs to another user (%d)", stat.Uid)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Sprintf("others may read it (its mode is %04o, and 0600 is right)", mode)
	}
	return ""
}
