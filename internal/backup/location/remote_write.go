package location

import (
	"bytes"
	"context"
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
	if err := writable(name, data); err != nil {
		return err
	}
	// Without this look, rclone would make a folder that is gone anew.
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
	if _, err := r.rclone(ctx, []string{"copyto"}, local, r.at(temp)); err != nil {
		return err
	}
	if err := r.rename(ctx, temp, name, isNew); err != nil {
		return err
	}
	back, err := r.rclone(ctx, []string{"cat"}, r.at(name))
	if err != nil {
		return err
	}
	if !bytes.Equal(back, data) {
		if _, err := r.rclone(ctx, []string{"deletefile"}, r.at(temp)); err == nil && isNew {
			return ErrExists // It was never renamed: somebody else was faster.
		}
		return ErrReadBack
	}
	r.sweep(ctx, items, made)
	return nil
}

// rename gives an uploaded file its name. That a file was there is no error for
// rclone, which then leaves both: reading back tells.
func (r *remoteLocation) rename(ctx context.Context, temp, name string, isNew bool) error {
	command := []string{"moveto"}
	if isNew {
		command = append(command, "--ignore-existing")
	}
	_, err := r.rclone(ctx, command, r.at(temp), r.at(name))
	if err != nil && ctx.Err() == nil {
		_, _ = r.rclone(ctx, []string{"deletefile"}, r.at(temp))
	}
	return err
}

// stage puts what is to be uploaded into a file. A store that breaks off can be
// tried again from it, which it cannot from a pipe.
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

// sweep removes what uploads of ours left behind that were killed: seldom
// anything, so it asks for the times only then.
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
			_, _ = r.rclone(ctx, []string{"deletefile"}, r.at(item.Name))
		}
	}
}
