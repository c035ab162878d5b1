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

// lockPoll is how often a waiting writer tries again. A flock has no queue.
const lockPoll = 10 * time.Millisecond

// lock takes the file lock of the vault in dir, which every read-modify-write
// holds: without it two of 200 concurrent additions survive. It waits up to wait,
// then returns a *[BusyError]. The holder's words go to a file of their own,
// since Windows refuses to read a locked one.
func lock(ctx context.Context, dir, holder string, wait time.Duration) (unlock func(), err error) {
	return LockFile(ctx, dir, "lock", holder, wait)
}

// LockFile takes the lock of another name in dir in the same way.
func LockFile(ctx context.Context, dir, name, holder string, wait time.Duration) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	l := flock.New(filepath.Join(dir, name), flock.SetPermissions(0o600))
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	who := filepath.Join(dir, name+".holder")
	if _, err := l.TryLockContext(waiting, lockPoll); err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			text, _ := os.ReadFile(who)
			return nil, &BusyError{Holder: strings.TrimSpace(string(text)), Waited: wait}
		}
		return nil, fmt.Errorf("take the %s: %w", name, err)
	}
	_ = os.WriteFile(who, []byte(holder+"\n"), 0o600) // words for people; the lock is what counts
	return func() { _ = l.Unlock() }, nil
}
