package keyring

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"filippo.io/age"
)

// A Keeper keeps small secrets of this user outside of the process, each until its time is over. [Kernel] is the one of
// this machine.
type Keeper interface {
	// Keep keeps a secret for whole seconds, at least one, in place of another of that name. Where nothing can be kept the
	// error is [ErrNoKeeper].
	Keep(name string, secret []byte, seconds uint) error
	// Kept returns a secret, or [ErrNotFound] where there is none or its time is over. Where nothing can be kept the error
	// is [ErrNoKeeper].
	Kept(name string) ([]byte, error)
	// Forget takes a secret away. A missing one is no error.
	Forget(name string) error
}

var (
	// ErrNoKeeper: there is nothing that keeps an opened key, or it refuses.
	ErrNoKeeper = errors.New("this system does not keep the file keyring unlocked")
	// ErrNoPassphrase: the file keyring's key is under no passphrase.
	ErrNoPassphrase = errors.New("the file keyring has no passphrase")
)

// Unlock opens the key with the passphrase, and has the [Keeper] keep it from now on for a while, which is rounded up to
// seconds. Until then no passphrase is asked for. It returns when that ends. The passphrase is asked for even where the
// key is kept already.
//
// What is kept is the identity, under a name made of the key file. So it is of no use for another keyring, nor for this
// one after its passphrase was changed, since that makes a new identity.
//
// Errors: as [FileKeyring.Get], [ErrNoPassphrase], [ErrNoKeeper].
func (k *FileKeyring) Unlock(ctx context.Context, now time.Time, d time.Duration) (until time.Time, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.prove(ctx); err != nil {
		return time.Time{}, err
	}
	if _, sealed := keyText(k.opened.from); !sealed {
		return time.Time{}, ErrNoPassphrase
	}
	seconds := uint((d + time.Second - 1) / time.Second)
	key := kept{until: time.Unix(now.Unix()+int64(seconds), 0), identity: k.opened.identity}
	name, secret := keptName(k.opened.from), key.String()
	if err := k.keeper().Keep(name, []byte(secret), seconds); err != nil {
		return time.Time{}, err
	}
	if again, err := k.keeper().Kept(name); err != nil || string(again) != secret {
		err = fmt.Errorf("%w: the key does not read back", ErrNoKeeper)
		return time.Time{}, errors.Join(err, k.keeper().Forget(name))
	}
	return key.until, nil
}

// Unlocked returns until when the [Keeper] keeps the key. It asks for nothing. Where the key is kept no longer, what was
// opened with it closes.
//
// Errors: [ErrNotFound] where it is not kept, [ErrNoPassphrase], [ErrNoKeeper], and those of the key file, as
// [FileKeyring.Protected].
func (k *FileKeyring) Unlocked() (until time.Time, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.opened.kept {
		k.opened = opened{}
	}
	text, err := k.readKey()
	if err != nil {
		return time.Time{}, err
	}
	if _, sealed := keyText(text); !sealed {
		return time.Time{}, ErrNoPassphrase
	}
	key, err := k.keptKey(text)
	return key.until, err
}

// Lock has the [Keeper] forget the key. It reports whether it was kept. Errors: as [FileKeyring.Unlocked], but for
// [ErrNotFound].
func (k *FileKeyring) Lock() (was bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	text, err := k.readKey()
	if err != nil {
		return false, err
	}
	if _, sealed := keyText(text); !sealed {
		return false, ErrNoPassphrase
	}
	_, err = k.keptKey(text)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return false, err
	}
	return err == nil, k.forget(text)
}

// Open opens the key with the passphrase, also where it is kept by the [Keeper]: so the passphrase is proven. The key
// stays open. Errors: as [FileKeyring.Get].
func (k *FileKeyring) Open(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.prove(ctx)
}

// prove is [FileKeyring.Open]. k.mu is held.
func (k *FileKeyring) prove(ctx context.Context) error {
	if k.opened.kept {
		k.opened = opened{}
	}
	text, err := k.readKey()
	if err != nil || k.opened.identity != nil && bytes.Equal(text, k.opened.from) {
		return err
	}
	_, err = k.ask(ctx, text)
	return err
}

// forget closes what was opened with a kept key, and has the [Keeper] forget the key of a key file.
func (k *FileKeyring) forget(text []byte) error {
	if k.opened.kept {
		k.opened = opened{}
	}
	return k.keeper().Forget(keptName(text))
}

// keptKey returns the key that is kept for a key file. One that is not ours is [ErrNotFound]: the passphrase opens the
// file all the same.
func (k *FileKeyring) keptKey(text []byte) (kept, error) {
	secret, err := k.keeper().Kept(keptName(text))
	if err != nil {
		return kept{}, err
	}
	defer clear(secret)
	return parseKept(secret)
}

func (k *FileKeyring) keeper() Keeper {
	if k.o.Keeper == nil {
		return noKeeper{}
	}
	return k.o.Keeper
}

// keptName names the key of a key file, without saying where the file is.
func keptName(text []byte) string {
	sum := sha256.Sum256(append([]byte("auth unlock 1\n"), text...))
	return "auth:" + hex.EncodeToString(sum[:16])
}

const keptMagic = "auth-unlocked"

// A kept key is what the [Keeper] keeps, as text:
//
//	auth-unlocked 1 UNTIL IDENTITY
//
// UNTIL is in seconds since 1970. It is for people: the [Keeper] ends the time.
type kept struct {
	until    time.Time
	identity *age.X25519Identity
}

func (k kept) String() string {
	return fmt.Sprintf("%s 1 %d %s", keptMagic, k.until.Unix(), k.identity)
}

// parseKept reads a kept key, or returns [ErrNotFound].
func parseKept(secret []byte) (kept, error) {
	words := strings.Split(string(secret), " ")
	if len(words) != 4 || words[0] != keptMagic || words[1] != "1" {
		return kept{}, ErrNotFound
	}
	until, ok := parseNumber(words[2])
	identity, err := age.ParseX25519Identity(words[3])
	if !ok || err != nil {
		return kept{}, ErrNotFound
	}
	return kept{until: time.Unix(int64(until), 0), identity: identity}, nil
}

// noKeeper keeps nothing.
type noKeeper struct{}

func (noKeeper) Keep(string, []byte, uint) error { return errNoKernel() }
func (noKeeper) Kept(string) ([]byte, error)     { return nil, errNoKernel() }
func (noKeeper) Forget(string) error             { return nil }

func errNoKernel() error {
	return fmt.Errorf("%w: only Linux has a keyring in its kernel", ErrNoKeeper)
}
