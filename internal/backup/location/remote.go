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
// What it is asked to do works from version 1.60 on, which has these quirks:
//
//   - Up to 1.62 its local backend writes a file under its final name; rcat
//     still does. Hence an upload under a temporary name, and a rename there.
//   - --immutable does not keep copyto and moveto from replacing a file.
//     --ignore-existing does, without calling it an error.
//   - Exit codes 1 and 2 swapped their meanings at 1.69, and 3 (not found)
//     tells the folder from the file no better than cat does. Whoever needs to
//     know lists the folder.
//   - cat of a folder prints all files in it; deletefile refuses one.
type remoteLocation struct {
	o      Options
	remote string
	path   string
}

func (r *remoteLocation) String() string { return "rclone:" + r.remote + ":" + r.path }

func (r *remoteLocation) Local() bool { return false }

func (r *remoteLocation) Wait() time.Duration { return RemoteWait }

// at is what rclone calls a file of the location, or with "" the location.
func (r *remoteLocation) at(name string) string {
	switch {
	case name == "" || r.path == "" || strings.HasSuffix(r.path, "/"):
		return r.remote + ":" + r.path + name
	default:
		return r.remote + ":" + r.path + "/" + name
	}
}

func (r *remoteLocation) Prepare(ctx context.Context) error {
	err := r.isFolder(ctx)
	if errors.Is(err, ErrGone) && isCode(err, notFound) {
		_, err = r.rclone(ctx, []string{"mkdir"}, r.at(""))
	}
	return err
}

// item is what rclone lsjson says of a file or folder.
type item struct {
	Name    string
	Size    int64
	ModTime string // RFC 3339; empty where it was not asked for.
	IsDir   bool
}

// modified is the zero time where it is not known.
func (i item) modified() time.Time {
	at, err := time.Parse(time.RFC3339, i.ModTime)
	if err != nil {
		return time.Time{}
	}
	return at
}

var errNotJSON = errors.New("what rclone lists is not JSON: it is another version, or another program")

func (r *remoteLocation) List(ctx context.Context) ([]Entry, error) {
	items, err := r.list(ctx)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for _, item := range items {
		if !isTemp(item.Name) && plain(item.Name) == nil {
			entries = append(entries, Entry{Name: item.Name, Size: item.Size, Modified: item.modified()})
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
		return nil, errNotJSON
	}
	// For rclone a file in the folder's place is a folder with one file of its name.
	if len(items) == 1 && items[0].Name == path.Base(r.path) {
		return items, r.isFolder(ctx)
	}
	return items, nil
}

// isFolder looks at the location itself.
func (r *remoteLocation) isFolder(ctx context.Context) error {
	out, err := r.rclone(ctx, []string{"lsjson", "--stat", "--no-modtime", "--no-mimetype"}, r.at(""))
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

// onFile runs a command on a file. Where it fails, a list of the folder tells
// whether the folder or the file is missing, or neither: then it is tried once
// more, since the file may have appeared in between.
func (r *remoteLocation) onFile(ctx context.Context, command, name string) ([]byte, error) {
	if err := plain(name); err != nil {
		return nil, err
	}
	out, err := r.rclone(ctx, []string{command}, r.at(name))
	if _, failed := errors.AsType[*RcloneError](err); !failed {
		return out, err
	}
	items, err := r.list(ctx, "--no-modtime")
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(items, func(i item) bool { return i.Name == name }) {
		return nil, noFile()
	}
	return r.rclone(ctx, []string{command}, r.at(name))
}
