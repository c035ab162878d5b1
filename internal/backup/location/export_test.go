package location

import "os"

// FolderWith returns a folder with other rename calls. busy reports which of their errors
// are worth a retry.
func FolderWith(l Location, rename func(from, to string) error, busy func(error) bool) Location {
	f := newFolder(l.String())
	f.sys.rename, f.sys.renameNew, f.sys.busy = rename, rename, busy
	return f
}

// FolderOnDisk returns a folder whose files are on the disk when sync has returned.
func FolderOnDisk(l Location, sync func(*os.File) error) Location {
	f := newFolder(l.String())
	f.sys.sync = sync
	return f
}

// RunWithContext is runWithContext, for tests of calls that never return.
var RunWithContext = runWithContext[int]

// LastLine returns the part of rclone's stderr that an RcloneError shows.
var LastLine = lastLine
