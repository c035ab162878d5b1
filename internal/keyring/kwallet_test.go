//go:build linux

package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
)

// KWallet says that it has stored what it has not yet written. Killed, it is back at an
// older generation, or has nothing, or values that are empty. None of these is taken for
// a vault that was not written, and after each a newer one can be written.
func TestKWalletKilled(t *testing.T) {
	t.Parallel()
	s := keyringtest.KWallet(t)
	var known uint64 // above every generation so far, as a marker says
	for range 3 {
		acknowledged := run(t, s.Env, "some")
		if _, err := fmt.Sscanf(acknowledged, "generation %d", &known); err != nil {
			t.Fatal(acknowledged)
		}
		s.Kill()
		s.StartKWallet()
		switch out := run(t, s.Env, "load"); {
		case out == keyring.ErrNotFound.Error(), strings.Contains(out, "is damaged"):
		default:
			var got uint64
			if _, err := fmt.Sscanf(out, "generation %d", &got); err != nil || got > known {
				t.Errorf("after generation %d: %s", known, out)
			}
		}
		if out := run(t, s.Env, fmt.Sprint("renew ", known+1)); out != fmt.Sprint("generation ", known+1) {
			t.Errorf("a new vault in place of what is left: %s", out)
		}
		known++
	}
}

// writeSome saves a few generations, and says which one is the last.
func writeSome(k keyring.Keyring) string {
	s := keyring.NewStore(limited{k, killLimit})
	snap, err := s.Load(context.Background())
	if err != nil && !errors.Is(err, keyring.ErrNotFound) {
		return err.Error()
	}
	for range 4 {
		snap.Generation++
		if err := s.Save(context.Background(), snap.Generation, pieces(snap.Generation, killSize(snap.Generation))...); err != nil {
			return err.Error()
		}
	}
	return fmt.Sprint("generation ", snap.Generation)
}

// renew writes a generation in place of whatever is there.
func renew(k keyring.Keyring, text string) string {
	generation, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return err.Error()
	}
	snap, err := keyring.NewSnapshot(pieces(generation, killSize(generation))...)
	if err != nil {
		return err.Error()
	}
	if err := keyring.NewStore(limited{k, killLimit}).Restore(context.Background(), snap, generation); err != nil {
		return err.Error()
	}
	return load(k)
}
