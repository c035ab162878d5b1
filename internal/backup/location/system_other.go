//go:build !linux && !darwin && !windows

package location

import "io/fs"

func missing(fs.FileInfo) bool { return false }

func renameNew(from, to string) error { return lookAndRename(from, to) }
