package location

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unicode"
)

// Options is what a location needs of the process that it lives in.
type Options struct {
	// Dir is the absolute working folder, which relative folders count from.
	Dir string
	// Home is what ~ stands for. Empty: there is none.
	Home string
	// Temp is a folder for what rclone is to upload, in files 0600 that are
	// removed at once.
	Temp string
	// LookPath finds a program, as exec.LookPath does. Nil: there are none.
	LookPath func(name string) (string, error)
	// Env is rclone's environment, where it finds its configuration.
	Env []string
	// Wait is how long a single call may take. Zero is what is usual for the kind
	// of location: [FolderWait], [RemoteWait].
	Wait time.Duration
}

// Parse reads what a user calls a location: a folder, or rclone:REMOTE:PATH.
// It looks at nothing. Errors wrap [ErrInvalid] and say why.
//
// REMOTE is the name of a configured remote: letters, digits, _ . + @ - and
// spaces, neither - nor a space first and no space last. Everything else that
// rclone takes in its place is refused: "remote,option=value:" and ":backend:"
// set options, and some of those are commands that rclone runs. PATH may be
// empty.
func Parse(text string, o Options) (Location, error) {
	if control(text) {
		return nil, invalid("a location has no control characters")
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
		return nil, invalid("a remote is rclone:REMOTE:PATH, and the second colon is missing")
	}
	if remote == "" || strings.ContainsAny(remote, `,="'`) {
		return nil, invalid("REMOTE is the name of a remote that is configured: connection strings can run commands")
	}
	if remote[0] == '-' || strings.TrimSpace(remote) != remote || strings.ContainsFunc(remote, notInRemote) {
		return nil, invalid("REMOTE has letters, digits, _ . + @ - and spaces")
	}
	if strings.Trim(path, "/") != "" { // "/" alone is the root, and not the folder that the remote begins at.
		path = strings.TrimRight(path, "/")
	}
	return bound(&remoteLocation{o: o, remote: remote, path: path}, o.Wait), nil
}

func notInRemote(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_.+@- ", r)
}

// folderPath makes the path of a folder absolute.
func folderPath(text string, o Options) (string, error) {
	if text == "" {
		return "", invalid("it is empty")
	}
	if rest, ok := strings.CutPrefix(text, "~"); ok && (rest == "" || rest[0] == '/' || rest[0] == filepath.Separator) {
		if o.Home == "" {
			return "", invalid("~ stands for no folder: there is no home")
		}
		return filepath.Clean(o.Home + rest), nil
	}
	if filepath.IsAbs(text) {
		return filepath.Clean(text), nil
	}
	// gdrive:auth, s3://bucket: a remote whose "rclone:" was forgotten would become a folder of that name, and nothing would ever leave the machine.
	if before, _, ok := strings.Cut(text, ":"); ok && !strings.ContainsAny(before, `/\`) {
		return "", invalid("a remote begins with rclone:, a folder of that name with ./")
	}
	if o.Dir == "" {
		return "", invalid("the folder is not absolute")
	}
	return filepath.Join(o.Dir, text), nil
}

func invalid(why string) error { return fmt.Errorf("%w: %w", ErrInvalid, errors.New(why)) }
