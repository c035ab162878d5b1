package keyring_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	keyringtest.Test(t, func(*testing.T) keyring.Keyring { return new(keyringtest.Memory) })
}

func TestModels(t *testing.T) {
	t.Parallel()
	keyringtest.Test(t, func(*testing.T) keyring.Keyring { return keyringtest.Windows() })
	keyringtest.Test(t, func(*testing.T) keyring.Keyring { return keyringtest.MacOS("auth-0123456789abcdef", 2800) })
}

func TestPut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		op      int // 1 is the Set, 2 the Get that reads it back
		fault   keyringtest.Fault
		is, not []error
	}{
		{"all well", 9, keyringtest.Fail, nil, nil},
		{"refused", 1, keyringtest.Fail, []error{keyringtest.ErrInjected}, []error{keyring.ErrUnsettled}},
		{"refused, and stored all the same", 1, keyringtest.FailAfter, nil, nil},
		{"no answer", 1, keyringtest.Hang, []error{keyring.ErrUnsettled, keyring.ErrTimeout}, nil},
		{"claimed only", 1, keyringtest.Lie, []error{keyring.ErrUnsettled}, []error{keyring.ErrTimeout}},
		{"stored empty", 1, keyringtest.Empty, []error{keyring.ErrUnsettled}, nil},
		{"not read back", 2, keyringtest.Fail, []error{keyring.ErrUnsettled, keyringtest.ErrInjected}, nil},
		{"no answer to the read", 2, keyringtest.Hang, []error{keyring.ErrUnsettled, keyring.ErrTimeout}, nil},
		{"read back empty", 2, keyringtest.Empty, []error{keyring.ErrUnsettled}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := &keyringtest.Memory{Fault: keyringtest.Nth(c.op, c.fault)}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				err := keyring.Put(ctx, k, "head", "value")
				if c.is == nil && err != nil {
					t.Error(err)
				}
				if got := k.Items()["head"]; err == nil && got != "value" {
					t.Errorf("stored is %q", got)
				}
				for _, want := range c.is {
					if !errors.Is(err, want) {
						t.Errorf("%v is not %v", err, want)
					}
				}
				for _, not := range c.not {
					if errors.Is(err, not) {
						t.Errorf("%v is %v", err, not)
					}
				}
			})
		})
	}
}

func TestPutCancelledIsUnsettled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &keyringtest.Memory{Fault: keyringtest.Nth(1, keyringtest.Late)}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { time.Sleep(time.Second); cancel() }()
		err := keyring.Put(ctx, k, "head", "value")
		if !errors.Is(err, keyring.ErrUnsettled) || !errors.Is(err, context.Canceled) {
			t.Errorf("Put interrupted while the keyring was silent: %v", err)
		}
	})
}
