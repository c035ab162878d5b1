package location

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// folder is a Location in the file system.
type folder struct {
	path string
	sys  system
}

// system holds the calls that differ between operating systems. Tests replace them.
type system struct {
	rename    func(from, to string) error // Replaces an existing file.
	renameNew func(from, to string) error // Returns fs.ErrExist if the file exists.
	busy      func(error) bool            // Reports whether a retry may help.
	sync      func(*os.File) error        // Waits until a file is on the disk.
}

func newFolder(path string) *folder {
	return &folder{path: path, sys: system{rename: os.Rename, renameNew: renameNew, busy: busy, sync: syncFile}}
}

func (f *folder) String() string { return f.path }

func (f *folder) Local() bool { return true }

func (f *folder) Wait() time.Duration { return FolderWait }

func (f *folder) join(name string) string { return filepath.Join(f.path, name) }

// look checks that the folder exists. Every call begins with it. A stat does not wait for
// the other end of a FIFO and does not download anything.
func (f *folder) look() (fs.FileInfo, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, readError("look at the folder", err)
	}
	if !info.IsDir() {
		return nil, ErrNotFolder
	}
	return info, nil
}

func (f *folder) Prepare(ctx context.Context) error {
	_, err := runWithContext(ctx, func() (struct{}, error) {
		// A folder that exists but does not answer, such as a dead mount, is not created again.
		if _, err := os.Lstat(f.path); !errors.Is(err, fs.ErrNotExist) {
			_, err = f.look()
			return struct{}{}, err
		}
		parent := newFolder(filepath.Dir(f.path))
		if _, err := parent.look(); err != nil {
			return struct{}{}, fmt.Errorf("the folder above it: %w", err)
		}
		if err := os.Mkdir(f.path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return struct{}{}, writeError("make the folder", err)
		}
		return struct{}{}, syncFolder(parent.path)
	})
	return err
}

func (f *folder) List(ctx context.Context) ([]Entry, error) {
	return runWithContext(ctx, func() ([]Entry, error) {
		if _, err := f.look(); err != nil {
			return nil, err
		}
		items, err := os.ReadDir(f.path)
		if err != nil {
			return nil, readError("list the folder", err)
		}
		var entries []Entry
		for _, item := range items {
			info, err := item.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue // It went away since the folder was read.
			}
			if err != nil {
				return nil, readError("list the folder", err)
			}
			if !ordinary(info) || isTemp(info.Name()) {
				continue
			}
			entry := Entry{Name: info.Name(), Size: info.Size(), Modified: info.ModTime(), Missing: missing(info)}
			if name, ok := fromStub(entry.Name); ok {
				entry.Name, entry.Size, entry.Missing = name, -1, true
			}
			entries = append(entries, entry)
		}
		slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
		return entries, nil
	})
}

func (f *folder) Read(ctx context.Context, name string) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	var away atomic.Bool
	data, err := runWithContext(ctx, func() ([]byte, error) {
		info, err := f.find(name)
		if err != nil {
			return nil, err
		}
		away.Store(missing(info))
		return readFile(f.join(name))
	})
	if errors.Is(err, ErrTimeout) && away.Load() {
		return nil, fmt.Errorf("%w: %w", ErrNotDownloaded, err)
	}
	return data, err
}

// find returns the information of a file. It does not follow a link or open the file.
func (f *folder) find(name string) (fs.FileInfo, error) {
	if _, err := f.look(); err != nil {
		return nil, err
	}
	info, err := os.Lstat(f.join(name))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(f.join(stubName(name))); err == nil {
			return nil, ErrNotDownloaded
		}
		return nil, noFile()
	}
	if err != nil {
		return nil, readError("find the file", err)
	}
	if !ordinary(info) {
		return nil, ErrNotFile
	}
	return info, nil
}

// readFile reads a regular file. It checks the file again once it is open. openFile
// neither follows a link nor waits for a FIFO that took the file's place.
func readFile(path string) ([]byte, error) {
	file, err := openFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noFile()
	}
	if err != nil {
		return nil, readError("open the file", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, readError("read the file", err)
	}
	if !ordinary(info) {
		return nil, ErrNotFile
	}
	if info.Size() > MaxFile {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooBig, info.Size(), MaxFile)
	}
	data, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	if err != nil {
		return nil, readError("read the file", err)
	}
	if len(data) > MaxFile {
		return nil, fmt.Errorf("%w: at most %d bytes", ErrTooBig, MaxFile)
	}
	return data, nil
}

func (f *folder) Remove(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	_, err := runWithContext(ctx, func() (struct{}, error) {
		if _, err := f.find(name); err != nil {
			return struct{}{}, err
		}
		err := retryBusy(ctx, f.sys.busy, func() error { return os.Remove(f.join(name)) })
		if errors.Is(err, fs.ErrNotExist) { // Another program removed the file, or the whole folder.
			if _, err := f.find(name); err != nil {
				return struct{}{}, err
			}
		}
		if err != nil {
			return struct{}{}, writeError("remove the file", err)
		}
		return struct{}{}, syncFolder(f.path)
	})
	return err
}
