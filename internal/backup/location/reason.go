package location

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// reading tells what the error of a file system means for a caller who reads.
// The path is left out: it may be a temporary one, and the caller knows the location.
func reading(what string, err error) error {
	err = cause(err)
	switch {
	case ours(err):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return ErrGone // Not fs.ErrNotExist too: noFile is for a location that is there.
	case isGone(err):
		return reason(ErrGone, what, err)
	case isTimeout(err):
		return reason(ErrTimeout, what, err)
	case isNotDownloaded(err):
		return reason(ErrNotDownloaded, what, err)
	case isNotFolder(err):
		return reason(ErrNotFolder, what, err)
	case isLink(err):
		return reason(ErrNotFile, what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// noFile is a file that is missing in a location that is there.
func noFile() error { return fmt.Errorf("find the file: %w", fs.ErrNotExist) }

// writing is reading for a caller who writes.
func writing(what string, err error) error {
	err = cause(err)
	switch {
	case ours(err):
		return err
	case isFull(err):
		return reason(ErrFull, what, err)
	case isBusy(err):
		return reason(ErrBusy, what, err)
	case errors.Is(err, fs.ErrPermission), isReadOnly(err):
		return reason(ErrReadOnly, what, err)
	}
	return reading(what, err)
}

func reason(is error, what string, err error) error {
	return fmt.Errorf("%w: %s: %w", is, what, err)
}

// cause takes the path off an error.
func cause(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

// ours reports whether an error has its words already.
func ours(err error) bool {
	for _, known := range []error{ErrGone, ErrNotFolder, ErrNotFile, ErrTimeout, ErrTooBig, ErrReadBack} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
