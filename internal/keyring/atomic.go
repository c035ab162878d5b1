package keyring

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// readBounded reads a regular file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path) // before opening: a FIFO would block
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &DamagedError{Item: filepath.Base(path), Why: "it is not a regular file"}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, &DamagedError{Item: filepath.Base(path), Why: fmt.Sprintf("it has more than %d bytes", limit)}
	}
	return data, nil
}

// replaceFile writes a file whole or not at all: aside, synced, renamed, and
// the rename synced.
func replaceFile(path string, data []byte) error {
	return place(path, data, rename)
}

// createFile is replaceFile for a file that must not exist yet.
func createFile(path string, data []byte) error {
	return place(path, data, func(temp, path string) error {
		err := os.Link(temp, path) // unlike a rename, it fails if path exists
		if err == nil {
			_ = os.Remove(temp)
			return nil
		}
		if _, there := os.Lstat(path); !errors.Is(there, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", path, fs.ErrExist)
		}
		return rename(temp, path) // a file system without links
	})
}

func place(path string, data []byte, into func(temp, path string) error) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*.tmp") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = into(f.Name(), path); err != nil {
		return err
	}
	syncDir(dir)
	return nil
}

// rename replaces path. Windows refuses while another process has it open, as
// a reader does for an instant.
func rename(temp, path string) error {
	err := os.Rename(temp, path)
	for try := 0; err != nil && runtime.GOOS == "windows" && errors.Is(err, fs.ErrPermission) && try < 20; try++ {
		time.Sleep(time.Duration(try+1) * 5 * time.Millisecond)
		err = os.Rename(temp, path)
	}
	return err
}

// syncDir makes a rename last through a power failure. Not every system can;
// the rename itself has happened then, so there is nothing to report.
func syncDir(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer d.Close()
	_ = d.Sync()
}
