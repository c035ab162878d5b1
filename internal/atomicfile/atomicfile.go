// Package atomicfile writes a file completely or not at all.
//
// A file is written under a temporary name in its own folder, synced and then renamed.
// After a crash or on a full disk, and for a reader at any moment, the file has either
// its old content or the new one. Files get mode 0600, whatever mode the replaced file
// had, because the files of this program are private to its user.
//
// On Linux, the temporary file has no name if the file system supports that, so a killed
// process leaves nothing behind. Otherwise it is called ".NAME-*.tmp", and a killed
// process leaves it.
package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/robustio"
)

// Options say how a file is written. The zero value replaces an existing file.
type Options struct {
	// NoReplace does not replace an existing file: the error is [fs.ErrExist]. If several
	// processes create the same file at once, one of them succeeds. On a file system
	// without hard links this is likely but not certain.
	NoReplace bool
}

// Write writes data to the file path. If it returns an error, it leaves nothing behind,
// and an existing file is unchanged. Errors of the system are *[fs.PathError] with path.
//
// A symbolic link at path is replaced, not followed.
func Write(path string, data []byte, o Options) error {
	return WriteFunc(path, o, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

// WriteFunc is [Write] for what write puts into f, the temporary file. f.Name can be
// opened again, so write can read the file back before it counts. If write returns an
// error, WriteFunc stops and returns it. write is called a second time if the file system
// turns out to lack a feature.
func WriteFunc(path string, o Options, write func(f *os.File) error) error {
	if o.NoReplace {
		if _, err := os.Lstat(path); err == nil {
			return exists(path)
		}
	}
	done, err := writeNameless(path, o, write)
	if !done {
		err = writeNamed(path, o, write)
	}
	if err != nil {
		return err
	}
	syncFolder(filepath.Dir(path))
	return nil
}

// writeNameless writes a file that has no name until it is complete. done is false if the
// system or the file system does not support that.
func writeNameless(path string, o Options, write func(*os.File) error) (done bool, err error) {
	f, ok := openNameless(filepath.Dir(path))
	if !ok {
		return false, nil
	}
	defer f.Close()
	if err := fill(f, path, write); err != nil {
		return true, err
	}
	done, err = link(f, path)
	if errors.Is(err, fs.ErrExist) && !o.NoReplace {
		return linkOver(f, path)
	}
	return done, err
}

// writeNamed writes a file under a temporary name until it is complete.
func writeNamed(path string, o Options, write func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*.tmp") // 0600
	if err != nil {
		return about(path, err)
	}
	aside := f.Name()
	defer os.Remove(aside) // does nothing after the rename
	defer f.Close()
	if err := fill(f, path, write); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return about(path, err)
	}
	return name(aside, path, o)
}

// fill writes the temporary file and syncs it.
func fill(f *os.File, path string, write func(*os.File) error) error {
	if err := write(f); err != nil {
		if at, ok := errors.AsType[*fs.PathError](err); ok && at.Path == f.Name() {
			return about(path, err)
		}
		return err
	}
	return about(path, f.Sync())
}

// Read reads a file that [Write] may be replacing. Windows refuses that for a moment, so
// Read retries.
func Read(path string) ([]byte, error) { return robustio.ReadFile(path) }

// name renames the temporary file.
func name(aside, path string, o Options) error {
	if o.NoReplace {
		// Unlike a rename, a link does not replace a file that was created meanwhile.
		err := os.Link(aside, path)
		if err == nil {
			return nil
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return exists(path)
		}
		// The file system does not support links.
	}
	// Windows refuses a rename while a reader or a virus scanner has either file open.
	// robustio retries for two seconds.
	return about(path, robustio.Rename(aside, path))
}

func exists(path string) error { return &fs.PathError{Op: "write", Path: path, Err: fs.ErrExist} }

// about makes an error of the system name the requested file instead of the temporary
// one.
func about(path string, err error) error {
	if err == nil {
		return nil
	}
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err
	} else if at, ok := errors.AsType[*os.LinkError](err); ok {
		err = at.Err
	}
	return &fs.PathError{Op: "write", Path: path, Err: err}
}

// syncFolder makes the rename survive a power failure. Errors are ignored: some systems
// cannot sync a folder, and the file is in place already.
func syncFolder(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer d.Close()
	_ = d.Sync()
}
