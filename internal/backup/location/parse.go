package location

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unicode"
)

// Options are what a location needs from its process.
type Options struct {
	// Dir is the absolute working folder. Relative folders start from it.
	Dir string
	// Home is the folder that ~ stands for; empty if there is none.
	Home string
	// Temp is a folder for files that rclone uploads. They have mode 0600 and are
	// removed right after.
	Temp string
	// LookPath finds a program, like exec.LookPath. If it is nil, no program is found.
	LookPath func(name string) (string, error)
	// Env is the environment of rclone. rclone finds its configuration there.
	Env []string
	// Wait is how long a single call may take. Zero means [FolderWait] for a folder and
	// [RemoteWait] for a remote.
	Wait time.Duration
}

// Parse parses the name of a location: a folder, or rclone:REMOTE:PATH. It does not
// access the location. Errors wrap [ErrInvalid] and say why.
//
// REMOTE is the name of a configured remote. It consists of letters, digits, spaces and
// _ . + @ -. It does not begin with - or a space, and does not end with a space. Parse
// refuses the other forms that rclone accepts here: "remote,option=value:" and
// ":backend:" set options, and some options are commands that rclone runs. PATH may be
// empty.
func Parse(text string, o Options) (Location, error) {
	if hasControl(text) {
		return nil, invalid("a location must not contain control characters")
	}
	if rest, ok := strings.CutPrefix(text, "rclone:"); ok {
		return parseRemote(rest, o)
	}
	path, err := folderPath(text, o)
	if err != nil {
		return nil, err
	}
	return bound(newFolder(path), o.Wait), nil
}

func parseRemote(text string, o Options) (Location, error) {
	remote, path, ok := strings.Cut(text, ":")
	if !ok {
		return nil, invalid("a remote is written rclone:REMOTE:PATH; the second colon is missing")
	}
	if remote == "" || strings.ContainsAny(remote, `,="'`) {
		return nil, invalid("REMOTE must be the name of a configured remote, because connection strings can run commands")
	}
	if remote[0] == '-' || strings.TrimSpace(remote) != remote || strings.ContainsFunc(remote, notInRemote) {
		return nil, invalid("REMOTE may contain letters, digits, spaces and _ . + @ -")
	}
	if strings.Trim(path, "/") != "" { // "/" alone is the root, which can differ from the remote's default folder.
		path = strings.TrimRight(path, "/")
	}
	return bound(&remoteLocation{o: o, remote: remote, path: path}, o.Wait), nil
}

func notInRemote(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_.+@- ", r)
}

// folderPath returns the absolute path of a folder.
func folderPath(text string, o Options) (string, error) {
	if text == "" {
		return "", invalid("the name of the location is empty")
	}
	if rest, ok := strings.CutPrefix(text, "~"); ok && (rest == "" || rest[0] == '/' || rest[0] == filepath.Separator) {
		if o.Home == "" {
			return "", invalid("~ cannot be used because the home folder is not known")
		}
		return filepath.Clean(o.Home + rest), nil
	}
	if filepath.IsAbs(text) {
		return filepath.Clean(text), nil
	}
	// In gdrive:auth or s3://bucket the user probably forgot "rclone:". As a folder of that
	// name, it would never leave this machine.
	if before, _, ok := strings.Cut(text, ":"); ok && !strings.ContainsAny(before, `/\`) {
		return "", invalid("write rclone: before the name of a remote, or ./ before a folder of that name")
	}
	if o.Dir == "" {
		return "", invalid("the folder must be absolute")
	}
	return filepath.Join(o.Dir, text), nil
}

func invalid(why string) error { return fmt.Errorf("%w: %w", ErrInvalid, errors.New(why)) }
