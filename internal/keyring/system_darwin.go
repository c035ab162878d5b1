package keyring

import (
	"context"
	"errors"
	"io/fs"
	"os/exec"
)

// systemLimit: go-keyring writes one command of at most 4096 bytes to
// "security -i", the value in base64; at exactly 4096 bytes a Set that fails
// returns nil (zalando/go-keyring#153). 2800 bytes make a command of about
// 3850.
const systemLimit = 2800

// SessionBus is empty: macOS has a keychain.
func SessionBus(string) string { return "" }

func (k *SystemKeyring) prepare(context.Context) error      { return nil }
func (k *SystemKeyring) unlock(context.Context) error       { return nil }
func (k *SystemKeyring) refuseMemory(context.Context) error { return nil }

type secretReader struct{}

func (k *SystemKeyring) readUnlocked(context.Context, string) (string, bool) { return "", false }

func (k *SystemKeyring) overwrite(context.Context, string, string) (bool, error) { return false, nil }

func (k *SystemKeyring) collection(context.Context) (string, bool, error) {
	return "default keychain", false, nil
}

// classify reads the exit status of /usr/bin/security, which is the low byte of
// an OSStatus of SecBase.h; go-keyring drops the words.
func (k *SystemKeyring) classify(_ context.Context, err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		switch exit.ExitCode() {
		case 36, // errSecInteractionNotAllowed -25308: over SSH, say
			51,  // errSecAuthFailed -25293
			128: // errSecUserCanceled -128
			return ErrLocked
		case 37, // errSecNoDefaultKeychain -25307
			50, // errSecNoSuchKeychain -25294
			53: // errSecNotAvailable -25291
			return ErrUnavailable
		}
	}
	if errors.Is(err, fs.ErrNotExist) { // no /usr/bin/security
		return ErrUnavailable
	}
	return nil
}
