package device

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/authcli/auth/internal/backup/location"
)

// A NearbyError says that the place that the user named has no backups, and which folders
// nearby have some.
type NearbyError struct {
	Err   error
	Found []string // folders
}

func (e *NearbyError) Error() string { return e.Err.Error() }
func (e *NearbyError) Unwrap() error { return e.Err }

// nearby looks for backups near a place that has none, and adds them to err. It looks in
// the folders directly inside the place. If the place does not exist, it looks in the
// cloud folders of this machine and the folders directly inside them.
func (d *Device) nearby(ctx context.Context, path string, err error) error {
	roots := []string{path}
	switch {
	case errors.Is(err, ErrNoBackups):
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, location.ErrGone):
		roots = nil
		for _, f := range d.CloudFolders(ctx) {
			roots = append(roots, f.Path)
		}
	default:
		return err
	}
	var found []string
	for _, root := range roots {
		for _, dir := range append([]string{root}, foldersIn(root)...) {
			if d.backupsLieIn(ctx, dir) {
				found = append(found, dir)
			}
		}
	}
	if len(found) == 0 {
		return err
	}
	return &NearbyError{err, found}
}

// machine is this machine, to look for cloud folders on.
func (d *Device) machine() location.DetectOptions {
	return location.DetectOptions{
		GOOS: runtime.GOOS, Home: d.o.Home, Getenv: d.o.Getenv, Stat: os.Stat, ReadDir: os.ReadDir, ReadFile: os.ReadFile,
	}
}

// maxFolders is how many folders are looked into: people keep hundreds in a cloud folder.
const maxFolders = 200

// foldersIn returns the folders that lie directly in another.
func foldersIn(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var list []string
	for _, e := range entries {
		if e.IsDir() && len(list) < maxFolders {
			list = append(list, filepath.Join(dir, e.Name()))
		}
	}
	return list
}

func (d *Device) backupsLieIn(ctx context.Context, dir string) bool {
	loc, err := d.openLocation(dir)
	if err != nil || !loc.Local() {
		return false
	}
	entries, err := loc.List(ctx)
	return err == nil && holdsBackups(entries)
}

// CloudFolders returns the folders of clouds that were found on this machine.
func (d *Device) CloudFolders(ctx context.Context) []CloudFolder {
	return cloudFolders(ctx, d.machine())
}
