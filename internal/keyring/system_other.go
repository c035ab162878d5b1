//go:build !windows && !darwin && !linux && !netbsd && !openbsd && !(dragonfly && cgo) && !(freebsd && cgo)

package keyring

import (
	"context"
	"fmt"
	"runtime"
)

// systemLimit is that of the Secret Service, which a build with cgo would use.
const systemLimit = 512 << 10

// SessionBus is empty: this build cannot use one.
func SessionBus(string) string { return "" }

func (k *SystemKeyring) prepare(context.Context) error {
	return fmt.Errorf("%w: this program was built without one for %s", ErrUnavailable, runtime.GOOS)
}

func (k *SystemKeyring) unlock(context.Context) error       { return nil }
func (k *SystemKeyring) refuseMemory(context.Context) error { return nil }

type secretReader struct{}

func (k *SystemKeyring) readUnlocked(context.Context, string) (string, bool) { return "", false }

func (k *SystemKeyring) overwrite(context.Context, string, string) (bool, error) { return false, nil }

func (k *SystemKeyring) collection(ctx context.Context) (string, bool, error) {
	return "", false, k.prepare(ctx)
}

func (k *SystemKeyring) classify(context.Context, error) error { return nil }
