// Package location reads and writes the files of a backup location. A location is a
// folder, or a remote of the user's rclone. The package handles whole small files with
// plain names, and does not look into them.
//
// # Guarantees
//
// A file never appears in part under its name. It is written under a temporary name,
// synced, read back and compared, and only then renamed. [Location.Create] never replaces
// a file. Every call ends when its context does, even if the file system, the cloud
// client or rclone hangs.
//
// A file that is written to a folder is on that folder's disk. The package cannot tell
// whether a cloud client has uploaded it.
//
// # Refusals
//
// The package refuses names that are not plain file names. It ignores everything that is
// not a regular file: it does not list, read, replace or remove symbolic links, FIFOs,
// sockets or devices. A cloud folder contains none of these, and others may be able to
// write to it. The folder itself may be a symbolic link, because its owner chose it. The
// package refuses rclone's connection strings, because they can run commands.
package location

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// MaxFile is the largest file that is written or read, in bytes.
const MaxFile = 64 << 20

// Errors of a location. They are wrapped with details, which never include the content of
// a file.
var (
	// ErrInvalid: the text does not name a location, or the name is not a plain file name.
	ErrInvalid = errors.New("not valid")
	// ErrGone: the folder or remote does not exist, or disappeared during the call.
	ErrGone = errors.New("the location is not there")
	// ErrNotFolder: the location is not a folder.
	ErrNotFolder = errors.New("the location is not a folder")
	// ErrNotFile: the name belongs to something other than a regular file.
	ErrNotFile = errors.New("not a regular file")
	// ErrReadOnly: the location does not allow writing.
	ErrReadOnly = errors.New("the location cannot be written to")
	// ErrFull: the disk or the quota is full.
	ErrFull = errors.New("no space is left at the location")
	// ErrExists: the file exists already. It was not changed.
	ErrExists = errors.New("a file of that name exists")
	// ErrNotDownloaded: the content is still in the cloud and did not arrive in time.
	ErrNotDownloaded = errors.New("the file is not downloaded from the cloud yet")
	// ErrTimeout: the call took too long. A write may still take effect.
	ErrTimeout = errors.New("the location does not answer")
	// ErrTooBig: the file is larger than MaxFile.
	ErrTooBig = errors.New("the file is too big")
	// ErrBusy: another program, such as a sync client, has the file open.
	ErrBusy = errors.New("another program holds the file")
	// ErrReadBack: the file read back differently than it was written.
	ErrReadBack = errors.New("the file does not read back as it was written")
	// ErrRcloneMissing: the location is a remote, and rclone is not installed.
	ErrRcloneMissing = errors.New("rclone is not installed")
)

// Location is a place for files. Every method may return [ErrGone], [ErrNotFolder],
// [ErrTimeout], the error of a cancelled context, and [ErrInvalid] for a name that is not
// plain. On a remote, every method may also return [ErrRcloneMissing] and *[RcloneError].
// Further errors are listed at each method.
//
// Methods may be called concurrently, also from several processes.
type Location interface {
	// String returns the absolute path of the folder, or rclone:REMOTE:PATH.
	String() string
	// Local reports whether the location is a folder.
	Local() bool
	// Wait returns how long a single call may take. After that it ends with [ErrTimeout].
	Wait() time.Duration
	// List returns the files directly in the location, sorted by name. It does not read
	// them, so it downloads nothing.
	List(ctx context.Context) ([]Entry, error)
	// Read returns a whole file of at most MaxFile bytes. If a sync client has delivered
	// only part of the file so far, Read returns that part. A file that is still in the
	// cloud is downloaded by the cloud client if the context leaves enough time.
	// Errors: fs.ErrNotExist, [ErrNotFile], [ErrNotDownloaded], [ErrTooBig].
	Read(ctx context.Context, name string) ([]byte, error)
	// Create writes a new file with mode 0600. Errors: [ErrExists], [ErrReadOnly],
	// [ErrFull], [ErrTooBig], [ErrBusy], [ErrReadBack]. After one of these there is no new
	// file. After any other error, such as [ErrTimeout] or a cancelled context, the file
	// is either missing or complete. A file that a remote reads back differently is left
	// in place for inspection.
	Create(ctx context.Context, name string, data []byte) error
	// Replace writes a file that may exist already. The file has either the old bytes or
	// the new ones. Errors are those of Create, with [ErrNotFile] in place of [ErrExists].
	Replace(ctx context.Context, name string, data []byte) error
	// Remove deletes a file. Errors: fs.ErrNotExist, [ErrNotFile], [ErrReadOnly],
	// [ErrBusy], [ErrNotDownloaded].
	Remove(ctx context.Context, name string) error
}

// Entry describes a file of a location.
type Entry struct {
	Name     string
	Size     int64     // In bytes; -1 if unknown.
	Modified time.Time // By the clock of the writer.
	// Missing marks a placeholder of a cloud client: the content is not on this machine.
	Missing bool
}

// A Preparer is a location that [Prepare] can create. Locations of [Parse] are Preparers.
// A wrapper around a location has to forward the method.
type Preparer interface {
	Prepare(ctx context.Context) error
}

// Prepare creates a location that does not exist yet. It creates only the last element of
// a folder's path, with mode 0700. If the parent is missing too, it returns [ErrGone]:
// the disk is not mounted or the cloud folder is not set up, and an ordinary folder in
// its place would never be uploaded.
func Prepare(ctx context.Context, l Location) error {
	p, ok := l.(Preparer)
	if !ok {
		return fmt.Errorf("%w: %s cannot be prepared", ErrInvalid, l)
	}
	return p.Prepare(ctx)
}

// runWithContext runs f in a goroutine. It returns when f or the context ends. A call
// that hangs in the kernel cannot be stopped, so f may go on in the background.
func runWithContext[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var none T
	if ctx.Err() != nil {
		return none, contextError(ctx)
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, contextError(ctx)
	}
}

// contextError returns the error of a context that has ended, with [ErrTimeout] for a
// deadline.
func contextError(ctx context.Context) error {
	err := ctx.Err()
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return err
}
