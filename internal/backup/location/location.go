// Package location is where backups lie: a folder, or a remote of the user's
// own rclone. It moves whole small files under plain names and knows nothing of
// what is in them.
//
// # Guarantees
//
// A file is never seen in part under its name: it is written under a temporary
// name, synced, read back, compared and only then renamed. [Location.Create]
// never replaces a file. Every call ends when its context does, however the file
// system, the cloud's client or rclone hang.
//
// "Written" is all that is promised: for a folder that the folder's own disk has
// it, never that a cloud client has uploaded it.
//
// # Refuses
//
// Names that are not plain file names. Whatever is not a file: a symbolic link,
// FIFO, socket or device among the files is neither listed, read, replaced nor
// removed, since a cloud folder holds none and others can write to it. The
// folder itself may be reached through a symbolic link, which is its owner's
// choice. rclone's connection strings, which can run commands.
package location

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// MaxFile is the largest file that is written or read, in bytes.
const MaxFile = 64 << 20

// Errors of a location. Each is wrapped with what happened; none says what a file holds.
var (
	// ErrInvalid is a text that names no location, or a name that is not a plain file name.
	ErrInvalid = errors.New("not valid")
	// ErrGone is a folder or remote that is not there, was unmounted, or vanished half way.
	ErrGone = errors.New("the location is not there")
	// ErrNotFolder is something else where the folder should be.
	ErrNotFolder = errors.New("the location is not a folder")
	// ErrNotFile is a name that belongs to something else than a file.
	ErrNotFile = errors.New("not a regular file")
	// ErrReadOnly is a location that may not be written to.
	ErrReadOnly = errors.New("the location cannot be written to")
	// ErrFull is a disk or quota without room.
	ErrFull = errors.New("no space is left at the location")
	// ErrExists is a file that is there already; it was left as it is.
	ErrExists = errors.New("a file of that name exists")
	// ErrNotDownloaded is a file whose content is still in the cloud and did not come in time.
	ErrNotDownloaded = errors.New("the file is not downloaded from the cloud yet")
	// ErrTimeout is a call that its context's deadline ended. A write may still land.
	ErrTimeout = errors.New("the location does not answer")
	// ErrTooBig is a file larger than MaxFile.
	ErrTooBig = errors.New("the file is too big")
	// ErrBusy is a file that another program, such as a sync client, holds on to.
	ErrBusy = errors.New("another program holds the file")
	// ErrReadBack is a file that did not read back as it was written.
	ErrReadBack = errors.New("the file does not read back as it was written")
	// ErrRcloneMissing is a remote on a machine without rclone.
	ErrRcloneMissing = errors.New("rclone is not installed")
)

// Location holds files. Besides the errors named at each method, all of them
// return [ErrGone], [ErrNotFolder] and [ErrTimeout], the context's own error when
// it is cancelled, [ErrInvalid] for a name that is not a plain one, and for a
// remote [ErrRcloneMissing] and *[RcloneError].
//
// Methods may be called at once, also by several processes.
type Location interface {
	// String is the absolute path of the folder, or rclone:REMOTE:PATH.
	String() string
	// Local reports whether it is a folder.
	Local() bool
	// Wait is how long a single call may take; it ends with [ErrTimeout] after that.
	Wait() time.Duration
	// List returns the files that lie directly in it, by name. It reads none of
	// them, so it downloads nothing.
	List(ctx context.Context) ([]Entry, error)
	// Read returns a whole file, at most MaxFile bytes: also half a file, where
	// that is what a sync client has delivered so far. A file that is still in
	// the cloud is fetched by the cloud's client if the context lets it.
	// Errors: fs.ErrNotExist, [ErrNotFile], [ErrNotDownloaded], [ErrTooBig].
	Read(ctx context.Context, name string) ([]byte, error)
	// Create writes a new file, 0600. Errors: [ErrExists], [ErrReadOnly],
	// [ErrFull], [ErrTooBig], [ErrBusy], [ErrReadBack]. After one of them no
	// new file is there; after any other error, and above all [ErrTimeout] and
	// a cancelled context, it is not there or there as a whole. What a remote
	// does not read back as it was written is left to be looked at.
	Create(ctx context.Context, name string, data []byte) error
	// Replace is Create for a file that may exist: it holds the old bytes or
	// the new ones. Errors: as Create, and [ErrNotFile] instead of [ErrExists].
	Replace(ctx context.Context, name string, data []byte) error
	// Remove deletes a file. Errors: fs.ErrNotExist, [ErrNotFile],
	// [ErrReadOnly], [ErrBusy], [ErrNotDownloaded].
	Remove(ctx context.Context, name string) error
}

// Entry is a file of a location as its folder lists it.
type Entry struct {
	Name     string
	Size     int64     // In bytes; -1 where it is not known.
	Modified time.Time // By the clock of whoever wrote it.
	// Missing is a cloud's placeholder: the name is here and the content is not.
	Missing bool
}

// A Preparer is a location that can be made where there is none yet, as [Prepare] says.
// Those of [Parse] are; a location that stands before another has to pass it on.
type Preparer interface {
	Prepare(ctx context.Context) error
}

// Prepare makes a location where there is none yet. Of a folder only the last
// element is made, 0700: where its parent is missing too, that is [ErrGone],
// since a disk that is not mounted or a cloud folder that is not set up must not
// be replaced by an ordinary folder that nobody carries away.
func Prepare(ctx context.Context, l Location) error {
	p, ok := l.(Preparer)
	if !ok {
		return fmt.Errorf("%w: %s cannot be prepared", ErrInvalid, l)
	}
	return p.Prepare(ctx)
}

// within runs f and returns when it ends or the context does. What hangs in the
// kernel cannot be stopped, only left behind.
func within[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var none T
	if ctx.Err() != nil {
		return none, ended(ctx)
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
		return none, ended(ctx)
	}
}

// ended is the error of a context that is over.
func ended(ctx context.Context) error {
	err := ctx.Err()
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return err
}
