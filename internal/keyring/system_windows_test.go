package keyring_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
)

// TestCredentialManager runs the contract on the Credential Manager.
func TestCredentialManager(t *testing.T) {
	n := 0
	service := "authtest" + strconv.FormatInt(time.Now().UnixNano(), 36)
	keyringtest.Test(t, func(t *testing.T) keyring.Keyring {
		n++ // an empty keyring is a service name not used before
		k := keyring.System(keyring.SystemOptions{Service: service + strconv.Itoa(n)})
		t.Cleanup(func() {
			for _, name := range []string{"head", "previous", "value", "headx", "hea", "a0000", "a0001", "b0000", "0"} {
				_ = k.Delete(context.Background(), name)
			}
		})
		return k
	})
}

// TestCredentialManagerStore: a vault of several items lies in the Credential Manager.
func TestCredentialManagerStore(t *testing.T) {
	k := keyring.System(keyring.SystemOptions{Service: "authtest" + strconv.FormatInt(time.Now().UnixNano(), 36)})
	for i, size := range []int{100, 9000, 5000, 9000, 10} {
		save(t, k, uint64(i+1), size)
		wantLoad(t, k, uint64(i+1), size)
	}
	if err := keyring.NewStore(k).Wipe(t.Context()); err != nil {
		t.Fatal(err)
	}
}
