package testenv

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// CopyFolder copies a folder of the program like a backup of the disk. Unlike
// [os.CopyFS], it keeps files readable by their owner only.
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
