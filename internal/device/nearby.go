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
// the folders directly inside the place, or in the one around a file that lies beside
// backups. If the place does not exist, or there are none, it looks in the cloud folders of
// this machine and the folders directly inside them.
func (d *Device) nearby(ctx context.Context, path string, err error) error {
	roots := []string{path}
	switch {
	case errors.Is(err, ErrNoBackups):
	case errors.Is(err, ErrBeside):
		dir := filepath.Dir(path)
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(d.o.Dir, dir)
		}
		if d.liesIn(ctx, dir, holdsFiles) {
			return &NearbyError{err, []string{dir}}
		}
		roots = d.cloudRoots(ctx) // it was copied out of there
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, location.ErrGone):
		roots = d.cloudRoots(ctx)
	default:
		return err
	}
	found := d.backupsBelow(ctx, roots)
	if len(found) == 0 {
		return err
	}
	return &NearbyError{err, found}
}

// backupsBelow returns the folders with backups among the roots and directly inside them.
func (d *Device) backupsBelow(ctx context.Context, roots []string) (found []string) {
	for _, root := range roots {
		for _, dir := range append([]string{root}, foldersIn(root)...) {
			if d.liesIn(ctx, dir, holdsBackups) {
				found = append(found, dir)
			}
		}
	}
	return found
}

// CloudBackups returns the folders in the clouds of this machine that hold backups, of this
// device or of others.
func (d *Device) CloudBackups(ctx context.Context) []string {
	return d.backupsBelow(ctx, d.cloudRoots(ctx))
}

// Remotes returns the names of the remotes that the user's rclone has; none where there is
// no rclone, or it does not answer.
func (d *Device) Remotes(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, location.FolderWait)
	defer cancel()
	return location.Remotes(ctx, location.Options{LookPath: d.o.LookPath, Env: d.o.Environ})
}

// cloudRoots returns the paths of the cloud folders of this machine.
func (d *Device) cloudRoots(ctx context.Context) (roots []string) {
	for _, f := range d.CloudFolders(ctx) {
		roots = append(roots, f.Path)
	}
	return roots
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

// liesIn reports whether a folder is there, and holds what is looked for.
func (d *Device) liesIn(ctx context.Context, dir string, holds func([]location.Entry) bool) bool {
	loc, err := d.openLocation(dir)
	if err != nil || !loc.Local() {
		return false
	}
	entries, err := loc.List(ctx)
	return err == nil && holds(entries)
}

// CloudFolders returns the folders of clouds that were found on this machine.
func (d *Device) CloudFolders(ctx context.Context) []CloudFolder {
	return cloudFolders(ctx, d.machine())
}
