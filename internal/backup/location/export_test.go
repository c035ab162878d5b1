package location

// FolderWith returns a folder with other rename calls. busy reports which of their errors
// are worth a retry.
func FolderWith(l Location, rename func(from, to string) error, busy func(error) bool) Location {
	f := newFolder(l.String())
	f.sys = system{rename: rename, renameNew: rename, busy: busy}
	return f
}

// RunWithContext is runWithContext, for tests of calls that never return.
var RunWithContext = runWithContext[int]

// LastLine returns the part of rclone's stderr that an RcloneError shows.
var LastLine = lastLine
