// Package keyringtest holds what tests of keyrings share: the contract that
// each one keeps ([Test]), a keyring in memory that fails as it is told
// ([Memory]), models of the macOS and the Windows one, and a real Secret
// Service on a bus of its own ([SecretService]).
package keyringtest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/keyring"
)

// Test runs the contract of [keyring.Keyring]. new returns an empty keyring
// that nothing else uses.
func Test(t *testing.T, new func(*testing.T) keyring.Keyring) {
	for _, c := range []struct {
		name string
		test func(*testing.T, keyring.Keyring)
	}{
		{"missing item", testMissing},
		{"overwrite", testOverwrite},
		{"delete", testDelete},
		{"values", testValues},
		{"empty value", testEmpty},
		{"limit", testLimit},
		{"names", testNames},
		{"ended context", testContext},
		{"kind", testKind},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, new(t)) })
	}
}

// patient bounds a call that should answer at once.
func patient(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func set(t *testing.T, k keyring.Keyring, name, value string) {
	t.Helper()
	if err := k.Set(patient(t), name, value); err != nil {
		t.Fatalf("Set %s, %d bytes: %v", name, len(value), err)
	}
}

func want(t *testing.T, k keyring.Keyring, name, value string) {
	t.Helper()
	got, err := k.Get(patient(t), name)
	if err != nil {
		t.Fatalf("Get %s: %v", name, err)
	}
	if got != value {
		t.Fatalf("Get %s: %d bytes, not the %d that were set", name, len(got), len(value))
	}
}

func wantMissing(t *testing.T, k keyring.Keyring, name string) {
	t.Helper()
	if got, err := k.Get(patient(t), name); !errors.Is(err, keyring.ErrNotFound) || got != "" {
		t.Fatalf("Get of a missing item: %q, %v; want ErrNotFound", got, err)
	}
}

func testMissing(t *testing.T, k keyring.Keyring) { wantMissing(t, k, "absent") }

func testOverwrite(t *testing.T, k keyring.Keyring) {
	for _, value := range []string{"first", "a second and longer value", "3"} {
		set(t, k, "head", value)
		want(t, k, "head", value)
	}
}

func testDelete(t *testing.T, k keyring.Keyring) {
	set(t, k, "head", "one")
	set(t, k, "previous", "two")
	for range 2 { // the second time it is missing, which is no error
		if err := k.Delete(patient(t), "head"); err != nil {
			t.Fatal(err)
		}
		wantMissing(t, k, "head")
	}
	want(t, k, "previous", "two")
}

func testValues(t *testing.T, k keyring.Keyring) {
	for _, value := range []string{
		"x",
		"two words, 'quotes', \"double\", back\\slash, $HOME `id` ; | & < >",
		"Zażółć gęślą jaźń · 二要素認証 · 🔐",
		"auth-head 1 7 inline 3 AAAA _-_-",
		strings.Repeat("0123456789abcdef", 100),
	} {
		set(t, k, "value", value)
		want(t, k, "value", value)
	}
}

// An empty value may come back as one or as a missing item: keyrings differ,
// and a store writes none.
func testEmpty(t *testing.T, k keyring.Keyring) {
	set(t, k, "value", "before")
	set(t, k, "value", "")
	if got, err := k.Get(patient(t), "value"); got != "" || err != nil && !errors.Is(err, keyring.ErrNotFound) {
		t.Fatalf("Get of an empty value: %q, %v", got, err)
	}
}

func testLimit(t *testing.T, k keyring.Keyring) {
	if k.Limit() < 2500 {
		t.Fatalf("Limit is %d; a store counts on 2500", k.Limit())
	}
	full := strings.Repeat("x", k.Limit())
	set(t, k, "value", full)
	want(t, k, "value", full)
	if err := k.Set(patient(t), "value", full+"x"); !errors.Is(err, keyring.ErrTooBig) {
		t.Fatalf("Set of a byte more than Limit: %v, want ErrTooBig", err)
	}
	want(t, k, "value", full)
}

func testNames(t *testing.T, k keyring.Keyring) {
	names := []string{"head", "headx", "hea", "a0000", "a0001", "b0000", "0"}
	for _, name := range names {
		set(t, k, name, "value of "+name)
	}
	for _, name := range names {
		want(t, k, name, "value of "+name)
	}
	for _, name := range []string{"", "Head", "a-b", "a b", "é", "a:b", "a\n"} {
		if err := k.Set(patient(t), name, "x"); err == nil {
			t.Errorf("Set takes the name %q, which not every system does", name)
		}
		if _, err := k.Get(patient(t), name); err == nil || errors.Is(err, keyring.ErrNotFound) {
			t.Errorf("Get of the name %q: %v; want a refusal", name, err)
		}
	}
}

func testContext(t *testing.T, k keyring.Keyring) {
	set(t, k, "head", "kept")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	for _, c := range []struct {
		ctx  context.Context
		want error
	}{{cancelled, context.Canceled}, {late, keyring.ErrTimeout}} {
		if _, err := k.Get(c.ctx, "head"); !errors.Is(err, c.want) {
			t.Errorf("Get: %v, want %v", err, c.want)
		}
		if err := k.Set(c.ctx, "head", "other"); !errors.Is(err, c.want) {
			t.Errorf("Set: %v, want %v", err, c.want)
		}
		if err := k.Delete(c.ctx, "head"); !errors.Is(err, c.want) {
			t.Errorf("Delete: %v, want %v", err, c.want)
		}
		if err := keyring.Put(c.ctx, k, "head", "other"); errors.Is(err, keyring.ErrUnsettled) {
			t.Errorf("Put that never began is unsettled: %v", err)
		}
	}
	want(t, k, "head", "kept")
}

func testKind(t *testing.T, k keyring.Keyring) {
	if kind := k.Kind(); kind != "system" && kind != "file" {
		t.Errorf("Kind is %q", kind)
	}
}
