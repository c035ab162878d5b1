package location

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// readError turns an error of the file system into one of this package, for a read. It
// drops the path, which may be temporary; the caller knows the location.
func readError(what string, err error) error {
	err = cause(err)
	switch {
	case isKnown(err):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return ErrGone // It does not wrap fs.ErrNotExist, which means a missing file.
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

// noFile returns the error for a missing file in an existing location.
func noFile() error { return fmt.Errorf("find the file: %w", fs.ErrNotExist) }

// writeError is readError for a write.
func writeError(what string, err error) error {
	err = cause(err)
	switch {
	case isKnown(err):
		return err
	case isFull(err):
		return reason(ErrFull, what, err)
	case isBusy(err):
		return reason(ErrBusy, what, err)
	case errors.Is(err, fs.ErrPermission), isReadOnly(err):
		return reason(ErrReadOnly, what, err)
	}
	return readError(what, err)
}

func reason(is error, what string, err error) error {
	return fmt.Errorf("%w: %s: %w", is, what, err)
}

// cause returns the error without its path.
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

// isKnown reports whether an error is one of this package already.
func isKnown(err error) bool {
	for _, known := range []error{ErrGone, ErrNotFolder, ErrNotFile, ErrTimeout, ErrTooBig, ErrReadBack} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
