package keyring

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	gokeyring "github.com/zalando/go-keyring"
)

// SystemOptions says how to reach the keyring of the operating system.
type SystemOptions struct {
	// Service is the name under which all items lie, in lower case because
	// Windows folds it.
	Service string
	// Bus is the address of the D-Bus session bus, from [SessionBus]. Where it
	// is empty every call is [ErrUnavailable], and go-keyring is not asked: its
	// D-Bus library would start a bus and a keyring of its own on every call.
	// It means nothing on macOS and Windows.
	Bus string
	// Interactive says that somebody can answer a prompt of the keyring's.
	// Without it a locked Secret Service is [ErrLocked] and nobody is asked.
	Interactive bool
}

// SystemKeyring is the keyring of the operating system: the Secret Service
// over D-Bus, the macOS keychain, or the Windows Credential Manager. Make one
// with [System].
//
// Its calls cannot be cancelled. One that does not answer before its context
// ends goes on in the background until the process exits. A process that saw
// [ErrTimeout] should exit.
type SystemKeyring struct {
	o SystemOptions

	// Each is done once, before the first call that needs it.
	prepared func(context.Context) error // every call
	unlocked func(context.Context) error // every call of go-keyring
	lasting  func(context.Context) error // Set

	reader atomic.Pointer[secretReader] // of the last readUnlocked, while no other has it
}

var _ Keyring = (*SystemKeyring)(nil)

// System returns the system's keyring. It does not talk to it yet.
func System(o SystemOptions) *SystemKeyring {
	k := &SystemKeyring{o: o}
	k.prepared = untilSuccess(k.prepare)
	k.unlocked = untilSuccess(k.unlock)
	k.lasting = untilSuccess(k.refuseMemory)
	return k
}

// Kind is "system".
func (k *SystemKeyring) Kind() string { return "system" }

// Limit is the system's limit of a value, in bytes.
func (k *SystemKeyring) Limit() int { return systemLimit }

// Get returns an item's value. See [Keyring]. Errors: [ErrNotFound],
// [ErrLocked], [ErrUnavailable], [ErrTimeout].
func (k *SystemKeyring) Get(ctx context.Context, name string) (string, error) {
	return k.call(ctx, name, func() (string, error) {
		if value, ok := k.readUnlocked(ctx, name); ok {
			return value, nil
		}
		if err := errors.Join(k.unlocked(ctx), ctx.Err()); err != nil {
			return "", err
		}
		return gokeyring.Get(k.o.Service, name)
	})
}

// Set stores an item. See [Keyring] and [Put]. Errors: [ErrTooBig],
// [ErrLocked], [ErrUnavailable], [ErrTimeout].
func (k *SystemKeyring) Set(ctx context.Context, name, value string) error {
	if len(value) > systemLimit {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooBig, len(value), systemLimit)
	}
	_, err := k.call(ctx, name, func() (string, error) {
		if err := k.unlocked(ctx); err != nil {
			return "", err
		}
		if err := errors.Join(k.lasting(ctx), ctx.Err()); err != nil {
			return "", err
		}
		if done, err := k.overwrite(ctx, name, value); done {
			return "", err
		}
		return "", gokeyring.Set(k.o.Service, name, value)
	})
	return err
}

// Delete removes an item. See [Keyring].
func (k *SystemKeyring) Delete(ctx context.Context, name string) error {
	_, err := k.call(ctx, name, func() (string, error) {
		if err := errors.Join(k.unlocked(ctx), ctx.Err()); err != nil {
			return "", err
		}
		return "", gokeyring.Delete(k.o.Service, name)
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// Collection returns the name of the collection of the Secret Service that
// go-keyring uses: "login" if there is one, else the one behind the alias
// "default". On macOS and Windows it is a fixed name. locked says that reading
// would prompt.
//
// It neither prompts nor starts a service, and ends with its context. Errors:
// [ErrUnavailable] where no service runs or it has no collection,
// [ErrTimeout].
func (k *SystemKeyring) Collection(ctx context.Context) (name string, locked bool, err error) {
	type answer struct {
		name   string
		locked bool
	}
	a, err := await(ctx, func() (a answer, err error) {
		a.name, a.locked, err = k.collection(ctx)
		return a, err
	})
	if err != nil {
		return "", false, k.explain(ctx, err)
	}
	return a.name, a.locked, nil
}

// call runs f, which talks to the keyring, and waits for it until ctx ends.
func (k *SystemKeyring) call(ctx context.Context, name string, f func() (string, error)) (string, error) {
	if err := errors.Join(checkName(name), checkName(trimProfile(k.o.Service))); err != nil {
		return "", err
	}
	value, err := await(ctx, func() (string, error) {
		// Nothing is started for a caller that has stopped waiting.
		if err := errors.Join(k.prepared(ctx), ctx.Err()); err != nil {
			return "", err
		}
		return f()
	})
	if err != nil {
		return "", k.explain(ctx, err)
	}
	return value, nil
}

// explain maps an error of go-keyring or of what lies below it to ours.
func (k *SystemKeyring) explain(ctx context.Context, err error) error {
	for _, ours := range []error{ErrNotFound, ErrLocked, ErrUnavailable, ErrTimeout, ErrTooBig, context.Canceled} {
		if errors.Is(err, ours) {
			return err
		}
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return contextError(err)
	case errors.Is(err, gokeyring.ErrNotFound):
		return ErrNotFound
	case errors.Is(err, gokeyring.ErrSetDataTooBig):
		return ErrTooBig
	case errors.Is(err, gokeyring.ErrUnsupportedPlatform):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if ours := k.classify(ctx, err); ours != nil {
		return fmt.Errorf("%w: %w", ours, err)
	}
	return err
}

// trimProfile returns a service without its hyphen, so that it can be checked as
// a name: that of a second profile is "auth-0123456789abcdef".
func trimProfile(service string) string {
	for i := range len(service) {
		if service[i] == '-' {
			return service[:i] + service[i+1:]
		}
	}
	return service
}

// await runs f and waits for its result until ctx ends; f goes on in the
// background then. A panic in f becomes an error: go-keyring trusts the types of
// what a service answers.
func await[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var none T
	if err := ctx.Err(); err != nil {
		return none, contextError(err)
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r = result{err: fmt.Errorf("%w: its answer makes no sense", ErrUnavailable)}
			}
			done <- r
		}()
		r.value, r.err = f()
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, contextError(ctx.Err())
	}
}

// untilSuccess returns a function that calls f each time until f has succeeded,
// and never again.
func untilSuccess(f func(context.Context) error) func(context.Context) error {
	var mu sync.Mutex
	var done bool
	return func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if done {
			return nil
		}
		err := f(ctx)
		done = err == nil
		return err
	}
}
