package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// lock takes the file lock of the vault in dir, which every read-modify-write holds:
// without it two of 200 concurrent additions survive. It waits up to wait, then
// returns a *[BusyError]. The holder is written to a file of its own, since Windows
// refuses to read a locked one.
func lock(ctx context.Context, dir, holder string, wait time.Duration) (unlock func(), err error) {
	return LockFile(ctx, dir, "lock", holder, wait)
}

// tryLock takes the vault's lock if it is free.
func tryLock(dir string) (unlock func(), ok bool) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false
	}
	l := flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600))
	if got, err := l.TryLock(); err != nil || !got {
		return nil, false
	}
	return func() { _ = l.Unlock() }, true
}

// LockFile takes a lock of another name in dir, in the same way.
func LockFile(ctx context.Context, dir, name, holder string, wait time.Duration) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	who := filepath.Join(dir, name+".holder")
	l, err := waitForLock(ctx, filepath.Join(dir, name), wait)
	if err != nil {
		if errors.Is(err, errWaited) {
			text, _ := os.ReadFile(who)
			return nil, &BusyError{Holder: strings.TrimSpace(string(text)), Waited: wait}
		}
		return nil, fmt.Errorf("take the %s: %w", name, err)
	}
	_ = os.WriteFile(who, []byte(holder+"\n"), 0o600) // for the error message of others only
	return func() { _ = l.Unlock() }, nil
}

// errWaited is the end of waiting for a lock.
var errWaited = errors.New("waited for too long")

// waitForLock takes a lock. It waits in the kernel: two hundred processes that try
// every few milliseconds would leave the one that holds the lock no time to work.
func waitForLock(ctx context.Context, path string, wait time.Duration) (*flock.Flock, error) {
	l := flock.New(path, flock.SetPermissions(0o600))
	if got, err := l.TryLock(); err != nil || got {
		return l, err
	}
	// The file is there, and is not made again: what waits in the kernel may begin, or end,
	// after the caller has given up and removed the folder.
	l = flock.New(path, flock.SetFlag(os.O_RDONLY))
	taken := make(chan error, 1)
	go func() { taken <- l.Lock() }()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	var end error
	select {
	case err := <-taken:
		return l, err
	case <-ctx.Done():
		end = ctx.Err()
	case <-timer.C:
		end = errWaited
	}
	go func() { // the call goes on, and what it takes is given back
		if <-taken == nil {
			_ = l.Unlock()
		}
	}()
	return nil, end
}
