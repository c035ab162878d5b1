package keyring

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Kernel returns the kernel as a [Keeper]: it keeps secrets in the keyring of the user (@u), in memory that is never
// swapped out, and ends their time by itself.
//
// The keyring of the session (@s) would not do. Each login has another one, so that one terminal would be unlocked and
// the next one not, a graphical terminal is often a child of the user's systemd and in a third one, and without
// pam_keyinit (cron, containers, some su) there is none that outlives a process. @u is one for each user, also over SSH.
// It outlives the last logout, so the time has to end.
//
// A key is possessed only through a keyring that the process has. A session without pam_keyinit does not have @u, nor
// does that of another user after su. So @u is linked to the thread for the time of a call, which every process of the
// user may do.
func Kernel() Keeper { return kernel{} }

type kernel struct{}

const (
	keyType = "user"

	// keyPermissions let a process that possesses the key find it, see it in a list and read it, and nothing else: it can
	// be neither replaced nor linked elsewhere, and its time cannot be made longer. Others may not even see it.
	keyPermissions = 0x0b000000 // KEY_POS_VIEW | KEY_POS_READ | KEY_POS_SEARCH

	maxKept = 1024 // bytes of a secret that is read
)

// Keep makes a key that nobody else can see yet, gives it its end, and only then links it into @u, which puts it in the
// place of another one of that name.
func (kernel) Keep(name string, secret []byte, seconds uint) error {
	return withUserKeyring(func() error {
		const mine, user = unix.KEY_SPEC_THREAD_KEYRING, unix.KEY_SPEC_USER_KEYRING
		id, err := unix.AddKey(keyType, name, secret, mine)
		if err != nil {
			return err
		}
		defer func() { _ = keyctl(unix.KEYCTL_UNLINK, id, mine) }()
		if err := keyctl(unix.KEYCTL_SET_TIMEOUT, id, int(seconds)); err != nil {
			return err
		}
		if err := keyctl(unix.KEYCTL_LINK, id, user); err != nil {
			return err
		}
		if err := unix.KeyctlSetperm(id, keyPermissions); err != nil {
			return errors.Join(err, keyctl(unix.KEYCTL_INVALIDATE, id))
		}
		return nil
	})
}

func (kernel) Kept(name string) (secret []byte, err error) {
	err = withUserKeyring(func() error {
		id, err := find(name)
		if err != nil {
			return err
		}
		buffer := make([]byte, maxKept)
		n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, buffer, 0)
		if err == nil && n > len(buffer) {
			return fmt.Errorf("it has %d bytes, which is none of ours", n)
		}
		secret = buffer[:max(n, 0)]
		return err
	})
	return secret, err
}

func (kernel) Forget(name string) error {
	err := withUserKeyring(func() error {
		id, err := find(name)
		if err != nil {
			return err
		}
		return keyctl(unix.KEYCTL_INVALIDATE, id)
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// find returns the id of a key in @u.
func find(name string) (int, error) {
	return unix.KeyctlSearch(unix.KEY_SPEC_USER_KEYRING, keyType, name, 0)
}

// withUserKeyring calls f while its thread possesses what is in @u. What the kernel refuses is [ErrNoKeeper], and what is
// not there, any more, is [ErrNotFound].
func withUserKeyring(f func() error) error {
	runtime.LockOSThread() // keyrings are a thread's
	defer runtime.UnlockOSThread()
	err := keyctl(unix.KEYCTL_LINK, unix.KEY_SPEC_USER_KEYRING, unix.KEY_SPEC_THREAD_KEYRING)
	if err == nil {
		err = f()
		_ = keyctl(unix.KEYCTL_UNLINK, unix.KEY_SPEC_USER_KEYRING, unix.KEY_SPEC_THREAD_KEYRING)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOKEY), errors.Is(err, unix.EKEYEXPIRED), errors.Is(err, unix.EKEYREVOKED):
		return ErrNotFound
	default: // a sandbox (EPERM), a kernel without keyrings (ENOSYS), a quota (EDQUOT)
		return fmt.Errorf("%w: the kernel's keyring refuses: %w", ErrNoKeeper, err)
	}
}

func keyctl(command int, args ...int) error {
	var a [4]int
	copy(a[:], args)
	_, err := unix.KeyctlInt(command, a[0], a[1], a[2], a[3])
	return err
}
