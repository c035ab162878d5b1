package keyringtest

import (
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/testenv"
)

// A Keeper keeps secrets in memory, by the clock of a test.
type Keeper struct {
	Now func() time.Time
	Err error // what it refuses everything with; nil for nothing

	mu   sync.Mutex
	kept map[string]keptSecret
}

type keptSecret struct {
	text string
	end  time.Time
}

var _ keyring.Keeper = (*Keeper)(nil)

// Keep implements [keyring.Keeper].
func (k *Keeper) Keep(name string, secret []byte, seconds uint) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.Err != nil {
		return k.Err
	}
	if k.kept == nil {
		k.kept = map[string]keptSecret{}
	}
	k.kept[name] = keptSecret{string(secret), k.Now().Add(time.Duration(seconds) * time.Second)}
	return nil
}

// Kept implements [keyring.Keeper].
func (k *Keeper) Kept(name string) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.Err != nil {
		return nil, k.Err
	}
	secret, ok := k.kept[name]
	if !ok || !k.Now().Before(secret.end) {
		return nil, keyring.ErrNotFound
	}
	return []byte(secret.text), nil
}

// Forget implements [keyring.Keeper].
func (k *Keeper) Forget(name string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.Err == nil {
		delete(k.kept, name)
	}
	return k.Err
}

// All returns everything that is kept, by its name.
func (k *Keeper) All() map[string]string {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := map[string]string{}
	for name, secret := range k.kept {
		all[name] = secret.text
	}
	return all
}

// Kernel returns the keeper that is the kernel's. Where there is none, the test is skipped, or fails if AUTH_TEST_REQUIRE
// lists "kernel-keyring".
func Kernel(t testing.TB) keyring.Keeper {
	t.Helper()
	k := keyring.Kernel()
	if err := KernelKeeps(); err != nil {
		testenv.Missing(t, "kernel-keyring", err.Error())
	}
	return k
}

// KernelKeeps returns why the kernel keeps nothing, or nil.
func KernelKeeps() error {
	name := "auth-test:" + rand.Text() // of one name, two processes would take each other's key away
	k := keyring.Kernel()
	if err := k.Keep(name, []byte("nothing"), 60); err != nil {
		return err
	}
	return k.Forget(name)
}
