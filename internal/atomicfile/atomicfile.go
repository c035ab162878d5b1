// Package atomicfile writes files whole or not at all.
//
// A file is written aside in its own folder, synced and then given its name, so that
// a crash, a full disk or a reader at any moment finds the old content or the new one,
// never a part. Files are 0600, whatever mode a file had before: what this program
// writes is for its user alone.
//
// On Linux the file aside has no name, where the file system can do that: a process
// that is killed leaves nothing of what it was writing. Elsewhere it is called
// ".NAME-*.tmp", and a process that is killed leaves it.
package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/robustio"
)

// Options say how a file is written. The zero value replaces what is there.
type Options struct {
	// NoReplace leaves a file that exists alone: the error is [fs.ErrExist]. Of
	// several writers at once, one succeeds; on a file system without hard links
	// that is likely, not certain.
	NoReplace bool
}

// Write writes data to the file path. Where it returns an error nothing is left
// behind, and a file that was there is as it was. Errors of the system are
// *[fs.PathError] and name path.
//
// A symbolic link at path is replaced, not followed.
func Write(path string, data []byte, o Options) error {
	return WriteFunc(path, o, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

// WriteFunc is [Write] of what write puts into f, the file aside, whose name opens it
// again. An error of write ends it and is returned: that is how a file is read back
// before it counts. On a file system that turns out to be lacking, write is called a
// second time.
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

// writeNameless writes a file that has no name until it is whole. done is false where
// the system or the file system cannot do that.
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

// writeNamed writes a file that lies under another name until it is whole.
func writeNamed(path string, o Options, write func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*.tmp") // 0600
	if err != nil {
		return about(path, err)
	}
	aside := f.Name()
	defer os.Remove(aside) // after a rename there is nothing by that name
	defer f.Close()
	if err := fill(f, path, write); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return about(path, err)
	}
	return name(aside, path, o)
}

// fill writes the file aside, to the disk.
func fill(f *os.File, path string, write func(*os.File) error) error {
	if err := write(f); err != nil {
		if at, ok := errors.AsType[*fs.PathError](err); ok && at.Path == f.Name() {
			return about(path, err)
		}
		return err
	}
	return about(path, f.Sync())
}

// Read reads a file that [Write] may be replacing at this moment, which Windows
// refuses for an instant.
func Read(path string) ([]byte, error) { return robustio.ReadFile(path) }

// name gives the file aside its name.
func name(aside, path string, o Options) error {
	if o.NoReplace {
		// Unlike a rename, a link does not replace a file that came in between.
		err := os.Link(aside, path)
		if err == nil {
			return nil
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return exists(path)
		}
		// The file system has no links.
	}
	// Windows refuses a rename while a reader or a virus scanner has either file
	// open; robustio tries again for two seconds.
	return about(path, robustio.Rename(aside, path))
}

func exists(path string) error { return &fs.PathError{Op: "write", Path: path, Err: fs.ErrExist} }

// about makes an error of the system name the file that was asked for, instead of
// the one aside.
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

// syncFolder makes the rename last through a power failure. Not every system can
// sync a folder, and the file has its name by then: there is nothing to report.
func syncFolder(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer d.Close()
	_ = d.Sync()
}
