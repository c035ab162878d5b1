package location

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// remoteLocation is a Location on a remote of the user's rclone.
//
// Versions from 1.60 on are known to do what is asked here. Up to 1.62 rclone
// wrote a file of its local backend under its final name, and rcat still does
// so: hence a temporary name and a rename on the remote, which all versions
// have. --stat of lsjson is as old as 1.56. Exit codes 1 and 2 changed their
// meanings at 1.69, and 3, "not found", says neither whether the folder or the
// file is missing, nor do all commands use it: whoever needs to know lists the
// folder.
type remoteLocation struct {
	o      Options
	remote string
	path   string
}

func (r *remoteLocation) String() string { return "rclone:" + r.remote + ":" + r.path }

func (r *remoteLocation) Local() bool { return false }

// at is what rclone calls a file of the location, or with "" the location.
func (r *remoteLocation) at(name string) string {
	switch {
	case name == "" || r.path == "" || strings.HasSuffix(r.path, "/"):
		return r.remote + ":" + r.path + name
	default:
		return r.remote + ":" + r.path + "/" + name
	}
}

func (r *remoteLocation) prepare(ctx context.Context) error {
	out, err := r.rclone(ctx, []string{"lsjson", "--stat"}, r.at(""))
	if isCode(err, notFound) {
		_, err := r.rclone(ctx, []string{"mkdir"}, r.at(""))
		return err
	}
	if err != nil {
		return err
	}
	var found item
	if err := json.Unmarshal(out, &found); err != nil {
		return fmt.Errorf("rclone lists what is not JSON: %w", errNotJSON)
	}
	if !found.IsDir {
		return ErrNotFolder
	}
	return nil
}

// item is what rclone lsjson says of a file or folder.
type item struct {
	Name    string
	Size    int64
	ModTime time.Time
	IsDir   bool
}

var errNotJSON = errors.New("it is another version, or another program")

func (r *remoteLocation) List(ctx context.Context) ([]Entry, error) {
	items, err := r.list(ctx)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for _, item := range items {
		if !isTemp(item.Name) && plain(item.Name) == nil {
			entries = append(entries, Entry{Name: item.Name, Size: item.Size, Modified: item.ModTime})
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries, nil
}

// list returns the files of the location, temporary ones too. Some stores answer
// with a time of modification only file by file; flags can leave it out.
func (r *remoteLocation) list(ctx context.Context, flags ...string) ([]item, error) {
	out, err := r.rclone(ctx, append([]string{"lsjson", "--files-only", "--no-mimetype"}, flags...), r.at(""))
	if err != nil {
		return nil, err
	}
	var items []item
	if err := json.Unmarshal(out, &items); err != nil {
		return nil, fmt.Errorf("rclone lists what is not JSON: %w", errNotJSON)
	}
	return items, nil
}

func (r *remoteLocation) Read(ctx context.Context, name string) ([]byte, error) {
	if err := plain(name); err != nil {
		return nil, err
	}
	out, err := r.rclone(ctx, []string{"cat"}, r.at(name))
	return out, r.whether(ctx, name, err)
}

func (r *remoteLocation) Remove(ctx context.Context, name string) error {
	if err := plain(name); err != nil {
		return err
	}
	_, err := r.rclone(ctx, []string{"deletefile"}, r.at(name))
	return r.whether(ctx, name, err)
}

// whether tells a file that is not there from a location that is not there.
func (r *remoteLocation) whether(ctx context.Context, name string, err error) error {
	var failed *RcloneError
	if !errors.As(err, &failed) {
		return err
	}
	items, listErr := r.list(ctx, "--no-modtime")
	if listErr != nil {
		return listErr
	}
	if !slices.ContainsFunc(items, func(i item) bool { return i.Name == name }) {
		return fmt.Errorf("find the file: %w", fs.ErrNotExist)
	}
	return err
}

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
	if _, err := r.rclone(ctx, []string{"copyto", "--immutable"}, local, r.at(temp)); err != nil {
		return err
	}
	move := []string{"moveto"}
	if isNew {
		move = append(move, "--immutable")
	}
	if _, err := r.rclone(ctx, move, r.at(temp), r.at(name)); err != nil {
		_, _ = r.rclone(ctx, []string{"deletefile"}, r.at(temp))
		return err
	}
	back, err := r.rclone(ctx, []string{"cat"}, r.at(name))
	if err != nil {
		return err
	}
	if !bytes.Equal(back, data) {
		return ErrReadBack
	}
	r.sweep(ctx, items, made)
	return nil
}

// stage puts what is to be uploaded into a file. A store that breaks off can be
// tried again from it, which it cannot from a pipe.
func (r *remoteLocation) stage(data []byte) (path string, made time.Time, err error) {
	if r.o.Temp == "" {
		return "", made, invalid("there is no folder for temporary files")
	}
	dir, err := os.MkdirTemp(r.o.Temp, "auth-upload-")
	if err != nil {
		return "", made, fmt.Errorf("a copy to upload: %w", cause(err))
	}
	path = filepath.Join(dir, "upload")
	err = os.WriteFile(path, data, 0o600)
	if err == nil {
		var info fs.FileInfo
		if info, err = os.Stat(path); err == nil {
			return path, info.ModTime(), nil
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
		if isTemp(item.Name) && now.Sub(item.ModTime) > leftoverAge {
			_, _ = r.rclone(ctx, []string{"deletefile"}, r.at(item.Name))
		}
	}
}
