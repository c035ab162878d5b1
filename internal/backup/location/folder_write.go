package location

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// leftoverAge is how much older than a new file a temporary one is before it is
// taken for what a crash left behind, and not for what somebody is writing.
const leftoverAge = 24 * time.Hour

func (f *folder) Create(ctx context.Context, name string, data []byte) error {
	return f.write(ctx, name, data, true)
}

func (f *folder) Replace(ctx context.Context, name string, data []byte) error {
	return f.write(ctx, name, data, false)
}

func (f *folder) write(ctx context.Context, name string, data []byte, isNew bool) error {
	if err := writable(name, data); err != nil {
		return err
	}
	_, err := within(ctx, func() (struct{}, error) {
		return struct{}{}, f.put(ctx, name, data, isNew)
	})
	return err
}

// writable refuses names and sizes that would not read back.
func writable(name string, data []byte) error {
	if err := plain(name); err != nil {
		return err
	}
	if isTemp(name) {
		return fmt.Errorf("%w: the name is one of temporary files", ErrInvalid)
	}
	if len(data) > MaxFile {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooBig, len(data), MaxFile)
	}
	return nil
}

// put writes a file aside and names it last. It is left alone when its caller
// stops waiting, so it looks at the context before the step that counts.
func (f *folder) put(ctx context.Context, name string, data []byte, isNew bool) error {
	before, err := f.look()
	if err != nil {
		return err
	}
	switch _, err := f.find(name); {
	case errors.Is(err, fs.ErrNotExist):
	case isNew && (err == nil || errors.Is(err, ErrNotFile) || errors.Is(err, ErrNotDownloaded)):
		return ErrExists
	case err != nil:
		return err
	}
	temp := f.in(tempName())
	defer os.Remove(temp)
	written, err := writeAside(temp, data)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ended(ctx)
	}
	rename := f.sys.rename
	if isNew {
		rename = f.sys.renameNew
	}
	err = patiently(ctx, f.sys.busy, func() error { return rename(temp, f.in(name)) })
	if isNew && errors.Is(err, fs.ErrExist) {
		return ErrExists
	}
	if err != nil {
		return writing("rename the file", err)
	}
	if err := syncFolder(f.path); err != nil {
		return err
	}
	if err := f.still(before, name, written); err != nil {
		return err
	}
	f.sweep(written.ModTime())
	return nil
}

// writeAside writes a temporary file and reads it back.
func writeAside(path string, data []byte) (fs.FileInfo, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, writing("write the file", err)
	}
	_, err = file.Write(data)
	if err == nil {
		err = syncFile(file)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, writing("write the file", err)
	}
	back, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: the file vanished while it was written", ErrGone)
	}
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(back, data) {
		return nil, ErrReadBack
	}
	info, err := os.Lstat(path)
	if err != nil {
		return nil, writing("write the file", err)
	}
	return info, nil
}

// still makes sure that the folder is the one that it was and holds the new
// file. A disk that is unmounted half way leaves an empty folder behind, in
// which every single step succeeds.
func (f *folder) still(before fs.FileInfo, name string, written fs.FileInfo) error {
	after, err := f.look()
	if err != nil {
		return err
	}
	info, err := os.Lstat(f.in(name))
	if err != nil || !os.SameFile(before, after) || info.Size() != written.Size() {
		return fmt.Errorf("%w: it changed while the file was written", ErrGone)
	}
	return nil
}

// sweep removes what writers of ours left behind that were killed. Age counts
// from the file just written and so by one clock, the file system's own. What
// cannot be removed now is a matter for the next time.
func (f *folder) sweep(now time.Time) {
	items, err := os.ReadDir(f.path)
	if err != nil {
		return
	}
	for _, item := range items {
		if !isTemp(item.Name()) {
			continue
		}
		info, err := item.Info()
		if err == nil && ordinary(info) && now.Sub(info.ModTime()) > leftoverAge {
			os.Remove(f.in(item.Name()))
		}
	}
}

// patiently repeats what a sync client or virus scanner prevents by holding a
// file open, with growing pauses of two seconds in all.
func patiently(ctx context.Context, busy func(error) bool, try func() error) error {
	for pause := 25 * time.Millisecond; ; pause *= 2 {
		err := try()
		if err == nil || !busy(err) || pause > time.Second {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ended(ctx)
		}
	}
}
