package location

import (
	"context"
	"encoding/json"
	"errors"
	"path"
	"slices"
	"strings"
	"time"
)

// remoteLocation is a Location on a remote of the user's rclone.
//
// It works with rclone 1.60 and later. rclone has these quirks:
//
//   - Up to 1.62, the local backend writes a file under its final name, and rcat still
//     does. Files are therefore uploaded under a temporary name and renamed on the remote.
//   - --immutable does not keep copyto and moveto from replacing a file.
//     --ignore-existing does, but reports no error.
//   - Exit codes 1 and 2 swapped their meanings in 1.69. Code 3 (not found) does not tell
//     a missing folder from a missing file. Only a listing of the folder does.
//   - cat of a folder prints all files in it. deletefile refuses a folder.
//   - A name that is not found is taken for a folder. If the file appears just then, cat
//     finds a folder without files: it prints nothing and exits with 0.
type remoteLocation struct {
	o      Options
	remote string
	path   string
}

func (r *remoteLocation) String() string { return "rclone:" + r.remote + ":" + r.path }

func (r *remoteLocation) Local() bool { return false }

func (r *remoteLocation) Wait() time.Duration { return RemoteWait }

// address returns rclone's name of a file in the location, or of the location itself if
// name is empty.
func (r *remoteLocation) address(name string) string {
	switch {
	case name == "" || r.path == "" || strings.HasSuffix(r.path, "/"):
		return r.remote + ":" + r.path + name
	default:
		return r.remote + ":" + r.path + "/" + name
	}
}

func (r *remoteLocation) Prepare(ctx context.Context) error {
	err := r.checkFolder(ctx)
	if errors.Is(err, ErrGone) && isCode(err, notFound) {
		_, err = r.rclone(ctx, []string{"mkdir"}, r.address(""))
	}
	return err
}

// item is a file or folder in the output of rclone lsjson.
type item struct {
	Name    string
	Size    int64
	ModTime string // RFC 3339; empty with --no-modtime.
	IsDir   bool
}

// modified returns the time of modification; zero if unknown.
func (i item) modified() time.Time {
	at, err := time.Parse(time.RFC3339, i.ModTime)
	if err != nil {
		return time.Time{}
	}
	return at
}

var errNotJSON = errors.New("rclone's listing is not JSON: the program is another version, or not rclone")

func (r *remoteLocation) List(ctx context.Context) ([]Entry, error) {
	items, err := r.list(ctx)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for _, item := range items {
		if !isTemp(item.Name) && checkName(item.Name) == nil {
			entries = append(entries, Entry{Name: item.Name, Size: item.Size, Modified: item.modified()})
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries, nil
}

// list returns the files of the location, including temporary ones. On some stores every
// time of modification costs a request; --no-modtime avoids that.
func (r *remoteLocation) list(ctx context.Context, flags ...string) ([]item, error) {
	out, err := r.rclone(ctx, append([]string{"lsjson", "--files-only", "--no-mimetype"}, flags...), r.address(""))
	if err != nil {
		return nil, err
	}
	var items []item
	if err := json.Unmarshal(out, &items); err != nil {
		return nil, errNotJSON
	}
	// If the location is a file, rclone lists it as a folder with this one file.
	if len(items) == 1 && items[0].Name == path.Base(r.path) {
		return items, r.checkFolder(ctx)
	}
	return items, nil
}

// checkFolder returns [ErrNotFolder] if the location is not a folder.
func (r *remoteLocation) checkFolder(ctx context.Context) error {
	out, err := r.rclone(ctx, []string{"lsjson", "--stat", "--no-modtime", "--no-mimetype"}, r.address(""))
	if err != nil {
		return err
	}
	var found item
	if err := json.Unmarshal(out, &found); err != nil {
		return errNotJSON
	}
	if !found.IsDir {
		return ErrNotFolder
	}
	return nil
}

func (r *remoteLocation) Read(ctx context.Context, name string) ([]byte, error) {
	return r.onFile(ctx, "cat", name)
}

func (r *remoteLocation) Remove(ctx context.Context, name string) error {
	_, err := r.onFile(ctx, "deletefile", name)
	return err
}

// onFile runs a command on a file. If it fails, or cat prints nothing, a listing tells
// whether the folder or the file is missing, or the file is empty. Otherwise the file may
// have appeared in between, and onFile runs the command once more.
func (r *remoteLocation) onFile(ctx context.Context, command, name string) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	out, err := r.rclone(ctx, []string{command}, r.address(name))
	_, failed := errors.AsType[*RcloneError](err)
	empty := err == nil && command == "cat" && len(out) == 0
	if !failed && !empty {
		return out, err
	}
	items, err := r.list(ctx, "--no-modtime")
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(items, func(i item) bool { return i.Name == name })
	switch {
	case at < 0:
		return nil, noFile()
	case empty && items[at].Size == 0:
		return out, nil
	}
	return r.rclone(ctx, []string{command}, r.address(name))
}
