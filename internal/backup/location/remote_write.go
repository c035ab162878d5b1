package location

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

func (r *remoteLocation) Create(ctx context.Context, name string, data []byte) error {
	return r.write(ctx, name, data, true)
}

func (r *remoteLocation) Replace(ctx context.Context, name string, data []byte) error {
	return r.write(ctx, name, data, false)
}

func (r *remoteLocation) write(ctx context.Context, name string, data []byte, isNew bool) error {
	if err := checkWritable(name, data); err != nil {
		return err
	}
	// Without this check, rclone would create a missing folder again.
	items, err := r.list(ctx, "--no-modtime")
	if err != nil {
		return err
	}
	if isNew && slices.ContainsFunc(items, func(i item) bool { return i.Name == name }) {
		return ErrExists
	}
	local, made, err := r.stage(data)
	if err != nil {
		return err
	}
	defer os.RemoveAll(filepath.Dir(local))
	temp := tempName()
	if _, err := r.rclone(ctx, []string{"copyto"}, local, r.address(temp)); err != nil {
		return err
	}
	if err := r.rename(ctx, temp, name, isNew); err != nil {
		return err
	}
	back, err := r.Read(ctx, name)
	switch {
	case errors.Is(err, fs.ErrNotExist): // the store says that it is renamed, and does not show it
		return ErrReadBack
	case err != nil:
		return err
	}
	if !bytes.Equal(back, data) {
		if _, err := r.rclone(ctx, []string{"deletefile"}, r.address(temp)); err == nil && isNew {
			return ErrExists // The upload was never renamed: another writer was faster.
		}
		return ErrReadBack
	}
	r.sweep(ctx, items, made)
	return nil
}

// rename gives an uploaded file its name. If a file of that name exists, rclone reports
// no error and leaves both files. The caller finds out by reading back.
func (r *remoteLocation) rename(ctx context.Context, temp, name string, isNew bool) error {
	command := []string{"moveto"}
	if isNew {
		command = append(command, "--ignore-existing")
	}
	_, err := r.rclone(ctx, command, r.address(temp), r.address(name))
	if err != nil && ctx.Err() == nil {
		_, _ = r.rclone(ctx, []string{"deletefile"}, r.address(temp))
	}
	return err
}

// stage writes data to a local file for the upload. Unlike a pipe, a file lets rclone
// retry.
func (r *remoteLocation) stage(data []byte) (file string, made time.Time, err error) {
	if r.o.Temp == "" {
		return "", made, invalid("there is no folder for temporary files")
	}
	dir, err := os.MkdirTemp(r.o.Temp, "auth-upload-")
	if err != nil {
		return "", made, fmt.Errorf("a copy to upload: %w", cause(err))
	}
	file = filepath.Join(dir, "upload")
	err = os.WriteFile(file, data, 0o600)
	if err == nil {
		var info fs.FileInfo
		if info, err = os.Stat(file); err == nil {
			return file, info.ModTime(), nil
		}
	}
	os.RemoveAll(dir)
	return "", made, fmt.Errorf("a copy to upload: %w", cause(err))
}

// sweep removes temporary files that killed uploads left behind. It asks for times of
// modification only if there are temporary files, which is rare.
func (r *remoteLocation) sweep(ctx context.Context, items []item, now time.Time) {
	if !slices.ContainsFunc(items, func(i item) bool { return isTemp(i.Name) }) {
		return
	}
	items, err := r.list(ctx)
	if err != nil {
		return
	}
	for _, item := range items {
		if at := item.modified(); isTemp(item.Name) && !at.IsZero() && now.Sub(at) > leftoverAge {
			_, _ = r.rclone(ctx, []string{"deletefile"}, r.address(item.Name))
		}
	}
}
