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

// leftoverAge is the age at which a temporary file counts as a leftover of a crash. A
// younger one may still be in use.
const leftoverAge = 24 * time.Hour

func (f *folder) Create(ctx context.Context, name string, data []byte) error {
	return f.write(ctx, name, data, true)
}

func (f *folder) Replace(ctx context.Context, name string, data []byte) error {
	return f.write(ctx, name, data, false)
}

func (f *folder) write(ctx context.Context, name string, data []byte, isNew bool) error {
	if err := checkWritable(name, data); err != nil {
		return err
	}
	_, err := runWithContext(ctx, func() (struct{}, error) {
		return struct{}{}, f.put(ctx, name, data, isNew)
	})
	return err
}

// checkWritable refuses names and sizes that could not be read back.
func checkWritable(name string, data []byte) error {
	if err := checkName(name); err != nil {
		return err
	}
	if isTemp(name) {
		return fmt.Errorf("%w: the name is reserved for temporary files", ErrInvalid)
	}
	if len(data) > MaxFile {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooBig, len(data), MaxFile)
	}
	return nil
}

// put writes a temporary file and then renames it. If the caller stops waiting, put goes
// on in the background. It checks the context before it renames.
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
	temp := f.join(tempName())
	defer os.Remove(temp)
	written, err := f.writeAside(temp, data)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	rename := f.sys.rename
	if isNew {
		rename = f.sys.renameNew
	}
	err = retryBusy(ctx, f.sys.busy, func() error { return rename(temp, f.join(name)) })
	if isNew && errors.Is(err, fs.ErrExist) {
		return ErrExists
	}
	if err != nil {
		return writeError("rename the file", err)
	}
	if err := syncFolder(f.path); err != nil {
		return err
	}
	if err := f.checkWritten(before, name, written); err != nil {
		return err
	}
	f.sweep(written.ModTime())
	return nil
}

// writeAside writes a temporary file and reads it back.
func (f *folder) writeAside(path string, data []byte) (fs.FileInfo, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, writeError("write the file", err)
	}
	_, err = file.Write(data)
	if err == nil {
		err = f.sys.sync(file)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, writeError("write the file", err)
	}
	back, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: the file disappeared while it was written", ErrGone)
	}
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(back, data) {
		return nil, ErrReadBack
	}
	info, err := os.Lstat(path)
	if err != nil {
		return nil, writeError("write the file", err)
	}
	return info, nil
}

// checkWritten checks that the folder is still the same one and has the new file. A disk
// that is unmounted meanwhile leaves an empty folder behind, in which every single step
// succeeds.
func (f *folder) checkWritten(before fs.FileInfo, name string, written fs.FileInfo) error {
	after, err := f.look()
	if err != nil {
		return err
	}
	info, err := os.Lstat(f.join(name))
	if err != nil || !os.SameFile(before, after) || info.Size() != written.Size() {
		return fmt.Errorf("%w: it changed while the file was written", ErrGone)
	}
	return nil
}

// sweep removes temporary files that killed writers left behind. Their age is relative to
// the file just written, so both times come from the file system's clock. A file that
// cannot be removed is left for the next call.
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
			os.Remove(f.join(item.Name()))
		}
	}
}

// retryBusy retries while a sync client or virus scanner holds the file open. The pauses
// grow, and add up to about two seconds.
func retryBusy(ctx context.Context, busy func(error) bool, try func() error) error {
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
			return contextError(ctx)
		}
	}
}
