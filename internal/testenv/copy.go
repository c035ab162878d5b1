package testenv

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// CopyFolder copies a folder of the program's, as a backup of the disk does: files stay
// readable by their owner alone, which [os.CopyFS] does not see to.
func CopyFolder(t testing.TB, to, from string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(to, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}
