package keyring

import (
	"context"
	"errors"
	"syscall"
)

// systemLimit: a credential's blob has at most 2560 bytes
// (CRED_MAX_CREDENTIAL_BLOB_SIZE, wincred.h).
const systemLimit = 2500

// SessionBus is empty: Windows has a Credential Manager.
func SessionBus(string) string { return "" }

func (k *SystemKeyring) prepare(context.Context) error      { return nil }
func (k *SystemKeyring) unlock(context.Context) error       { return nil }
func (k *SystemKeyring) refuseMemory(context.Context) error { return nil }

type secretReader struct{}

func (k *SystemKeyring) readUnlocked(context.Context, string) (string, bool) { return "", false }

func (k *SystemKeyring) overwrite(context.Context, string, string) (bool, error) { return false, nil }

func (k *SystemKeyring) collection(context.Context) (string, bool, error) {
	return "Credential Manager", false, nil
}

// classify knows the one error of CredRead and CredWrite that is about the session
// and not about the item: a network logon (SSH with a key) has no credential set.
func (k *SystemKeyring) classify(_ context.Context, err error) error {
	const noSuchLogonSession = syscall.Errno(1312) // ERROR_NO_SUCH_LOGON_SESSION
	if errors.Is(err, noSuchLogonSession) {
		return ErrUnavailable
	}
	return nil
}
