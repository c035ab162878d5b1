package location

// FolderWith is a folder in which renames fail as a test wants: each is asked
// instead of the system, and busy says which of its errors may pass.
func FolderWith(l Location, rename func(from, to string) error, busy func(error) bool) Location {
	f := newFolder(l.String())
	f.sys = system{rename: rename, renameNew: rename, busy: busy}
	return f
}

// Within is how a call ends with its context although the system never answers.
var Within = within[int]

// LastLine is what an RcloneError shows of rclone's stderr.
var LastLine = lastLine
