package device

import (
	"context"
	"errors"
	"time"

	"github.com/authcli/auth/internal/keyring"
)

// A Keeper keeps the opened key of the file keyring.
type Keeper = keyring.Keeper

// KernelKeeper returns the [Keeper] of this machine: its kernel, where that keeps keys.
func KernelKeeper() Keeper { return keyring.Kernel() }

// MaxUnlock is how long the file keyring may stay unlocked, by one [Device.Unlock].
const MaxUnlock = 30 * 24 * time.Hour

// Unlock keeps the opened key of the file keyring for a while, so that no command asks for its passphrase, and returns
// when that ends. The passphrase is asked for, also where the keyring is unlocked already.
//
// Errors: [ErrUnlockTime] for a while that is not between a second and [MaxUnlock]; [ErrNoPassphrase] and
// [ErrSystemUnlocks] where there is nothing to unlock, or [ErrKeyringLocked] where the system's keyring is locked;
// [ErrNoKeeper] where the machine keeps no keys, before the passphrase is asked for; [ErrNoFileKeyring].
func (d *Device) Unlock(ctx context.Context, while time.Duration) (until time.Time, err error) {
	if while < time.Second || while > MaxUnlock {
		return time.Time{}, ErrUnlockTime
	}
	s := d.storage
	switch {
	case s.kind == SystemKeyring:
		seen, err := d.examineKeyring(ctx)
		if err == nil && seen.Locked {
			err = ErrKeyringLocked
		}
		if err == nil {
			err = ErrSystemUnlocks
		}
		return time.Time{}, err
	case s.file == nil || !s.file.Exists():
		return time.Time{}, ErrNoFileKeyring
	}
	if _, err := s.file.Unlocked(); err != nil && !errors.Is(err, keyring.ErrNotFound) {
		return time.Time{}, err
	}
	if err := s.prove(ctx); err != nil {
		return time.Time{}, err
	}
	return s.file.Unlock(ctx, d.o.Now(), while)
}

// Lock takes the opened key of the file keyring away, and reports whether it was kept. Errors: [ErrNoPassphrase] and
// [ErrSystemUnlocks] where there is nothing to lock, [ErrNoKeeper], [ErrNoFileKeyring].
func (d *Device) Lock() (was bool, err error) {
	s := d.storage
	switch {
	case s.kind == SystemKeyring:
		return false, ErrSystemUnlocks
	case s.file == nil || !s.file.Exists():
		return false, ErrNoFileKeyring
	}
	return s.file.Lock()
}

// unlockedUntil returns until when the file keyring is unlocked; zero where it is not.
func (s *storage) unlockedUntil() time.Time {
	if s.file == nil {
		return time.Time{}
	}
	until, err := s.file.Unlocked()
	if err != nil {
		return time.Time{}
	}
	return until
}
