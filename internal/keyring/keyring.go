// Package keyring is where the bytes of a vault live: in the keyring of the
// operating system ([System]) or, on machines without one, in an age file
// ([File]). On either of them a [Store] keeps one snapshot so that a crash
// leaves the old one or the new one.
//
// It guarantees that every call ends with its context, that a Set which may
// or may not have happened is told apart from one that failed ([ErrUnsettled]),
// and that damage is never taken for emptiness ([DamagedError]).
//
// It does not list items, since not every system can; it does not fall back from
// one keyring to another; and it does not guard writers against each other: a
// writer holds the vault's file lock.
package keyring

import (
	"context"
	"errors"
	"fmt"
)

// A Keyring holds small texts under names. It is safe for concurrent reads;
// writers are kept apart by the vault's file lock.
//
// Names are one or more lower-case ASCII letters and digits: Windows folds
// case, and every system takes these.
type Keyring interface {
	// Get returns the value of an item, or [ErrNotFound].
	Get(ctx context.Context, name string) (string, error)
	// Set stores a value, replacing another. A nil error is the keyring's
	// claim, not a proof: use [Put] to write what must not be lost, and [Remove].
	Set(ctx context.Context, name, value string) error
	// Delete removes an item. A missing one is no error.
	Delete(ctx context.Context, name string) error
	// Limit is the most bytes that a value may have; more is [ErrTooBig].
	Limit() int
	// Kind is "system" or "file".
	Kind() string
}

var (
	// ErrNotFound: there is no such item, or no head in a [Store].
	ErrNotFound = errors.New("not in the keyring")
	// ErrLocked: the keyring is there and stays closed until it is unlocked.
	ErrLocked = errors.New("keyring is locked")
	// ErrUnavailable: there is no keyring to talk to, or it cannot keep items.
	ErrUnavailable = errors.New("keyring is not available")
	// ErrTimeout: no answer before the context's deadline. The call itself
	// cannot be taken back; a Set or Delete may still happen.
	ErrTimeout = errors.New("keyring did not answer in time")
	// ErrTooBig: the value is larger than [Keyring.Limit], or a snapshot has
	// more chunks than a [Store] takes.
	ErrTooBig = errors.New("value is too big for the keyring")
	// ErrUnsettled: it is not known whether a Set has happened or will happen.
	ErrUnsettled = errors.New("not known whether the keyring has stored it")
	// ErrWrongPassphrase: the passphrase does not open the file keyring's key.
	ErrWrongPassphrase = errors.New("wrong passphrase")
	// ErrNoKey: the key of a file keyring is missing.
	ErrNoKey = errors.New("key of the file keyring is missing")
	// ErrExposed: the key of a file keyring belongs to another user, or others may read it.
	ErrExposed = errors.New("key of the file keyring is not private")
	// ErrNewer: written by a later version of the program.
	ErrNewer = errors.New("written by a newer version")
)

// A DamagedError says that an item is there and cannot be used as it is. It
// never stands for an absent item.
type DamagedError struct {
	Item string // an item's or a file's name
	Why  string // without content of the item
	Err  error  // a sentinel that says more, or nil
}

func (e *DamagedError) Error() string { return fmt.Sprintf("%s is damaged: %s", e.Item, e.Why) }

func (e *DamagedError) Unwrap() error { return e.Err }

// OfFileKeyring reports whether a file of the file keyring is what is damaged: nothing in it
// can be read then.
func (e *DamagedError) OfFileKeyring() bool { return e.Item == itemsFile || e.Item == keyFile }

// Put sets an item, reads it back and compares. A nil error from a keyring's Set
// does not mean that it stored anything: a dismissed prompt, or a command of 4096
// bytes on macOS, looks like success.
//
// [ErrUnsettled] says that the outcome is not known. It wraps [ErrTimeout] or
// the context's error if the keyring did not answer; the Set may then still
// happen, even after this process has ended. With any other error the keyring
// has refused, and does not hold the value: one that reports an error and has
// stored it all the same is no failure.
func Put(ctx context.Context, k Keyring, name, value string) error {
	if err := ctx.Err(); err != nil {
		return contextError(err) // nothing was sent, so nothing is unsettled
	}
	if err := k.Set(ctx, name, value); err != nil {
		if errors.Is(err, ErrTimeout) || errors.Is(err, context.Canceled) {
			return fmt.Errorf("item %s: %w: %w", name, ErrUnsettled, err)
		}
		if got, readErr := k.Get(ctx, name); readErr == nil && got == value {
			return nil
		}
		return fmt.Errorf("item %s: %w", name, err)
	}
	got, err := k.Get(ctx, name)
	if err != nil {
		return fmt.Errorf("item %s: %w: reading it back: %w", name, ErrUnsettled, err)
	}
	if got != value {
		return fmt.Errorf("item %s: %w: it reads back differently", name, ErrUnsettled)
	}
	return nil
}

// Remove deletes an item, and looks whether it is gone. Errors are as those of [Put].
func Remove(ctx context.Context, k Keyring, name string) error {
	err := k.Delete(ctx, name)
	if errors.Is(err, ErrTimeout) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("item %s: %w: %w", name, ErrUnsettled, err)
	}
	_, readErr := k.Get(ctx, name)
	switch {
	case errors.Is(readErr, ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("item %s: %w", name, err)
	case readErr != nil:
		return fmt.Errorf("item %s: %w: %w", name, ErrUnsettled, readErr)
	default:
		return fmt.Errorf("item %s: %w: it is still there", name, ErrUnsettled)
	}
}

// contextError returns the error of a context that has ended as ours: a deadline is
// [ErrTimeout].
func contextError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return err
}

// checkName refuses a name that not every keyring takes. Names are constants
// of this program, so a bad one is a fault of ours.
func checkName(name string) error {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return fmt.Errorf("item name %q is not of lower-case letters and digits", name)
		}
	}
	if name == "" {
		return errors.New("item name is empty")
	}
	return nil
}
