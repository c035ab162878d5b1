package account_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/account"
)

// credential returns a valid credential of a type, of another secret for another byte.
func credential(kind account.Type, b byte) account.Credential {
	c := account.Default(kind)
	c.Secret = account.NewSecret([]byte(strings.Repeat(string(rune(b)), 16)))
	return c
}

// Two credentials are equal if everything is that codes are computed from.
func TestEqual(t *testing.T) {
	t.Parallel()
	c := credential(account.TOTP, 'a')
	if !c.Equal(credential(account.TOTP, 'a')) {
		t.Error("one is not equal to itself")
	}
	for name, change := range map[string]func(*account.Credential){
		"secret":    func(c *account.Credential) { c.Secret = credential(account.TOTP, 'b').Secret },
		"PIN":       func(c *account.Credential) { c.PIN = account.NewSecret([]byte("1234")) },
		"type":      func(c *account.Credential) { c.Type = account.Steam },
		"algorithm": func(c *account.Credential) { c.Algorithm = account.SHA256 },
		"digits":    func(c *account.Credential) { c.Digits = 8 },
		"period":    func(c *account.Credential) { c.Period = 60 },
	} {
		d := c
		if change(&d); c.Equal(d) || d.Equal(c) {
			t.Errorf("another %s is equal", name)
		}
	}
}

// A type that this version does not know has no codes.
func TestValidateType(t *testing.T) {
	t.Parallel()
	for _, kind := range []account.Type{account.TOTP, account.HOTP, account.Steam, account.MOTP, account.Yandex} {
		if err := credential(kind, 'a').Validate(); errors.Is(err, account.ErrType) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	for _, kind := range []account.Type{"", "ocra", "TOTP"} {
		c := credential(account.TOTP, 'a')
		c.Type = kind
		if err := c.Validate(); !errors.Is(err, account.ErrType) {
			t.Errorf("%q: %v", kind, err)
		}
	}
}

// Algorithms are read in the spellings of exports, and no other is taken for one.
func TestParseAlgorithm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]account.Algorithm{
		"sha1": account.SHA1, "SHA-256": account.SHA256, "SHA_256": account.SHA256, "HmacSHA512": account.SHA512,
		"Algorithm.sha256": account.SHA256, "sha: 1": account.SHA1, "hmac(sha1)": account.SHA1,
	} {
		if got, err := account.ParseAlgorithm(text); err != nil || got != want {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "sha", "MD5", "SHA224", "SHA2560"} {
		if got, err := account.ParseAlgorithm(text); !errors.Is(err, account.ErrAlgorithm) || got != "" {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
}

// A label splits at its first colon; one without is a name.
func TestSplitLabel(t *testing.T) {
	t.Parallel()
	for label, want := range map[string][2]string{
		"alice": {"", "alice"}, "GitHub:alice": {"GitHub", "alice"}, "GitHub : alice": {"GitHub", "alice"}, "a:b:c": {"a", "b:c"}, ":x": {"", "x"},
	} {
		if issuer, name := account.SplitLabel(label); issuer != want[0] || name != want[1] {
			t.Errorf("%q is %q and %q", label, issuer, name)
		}
	}
}

// What a type has fixed, a URI does not change; what is broken is refused.
func TestURIsOfOtherTypes(t *testing.T) {
	t.Parallel()
	a, err := account.ParseURI("otpauth://steam/Steam:x?secret=GEZDGNBVGY3TQOJQ&algorithm=SHA256&digits=8&period=60")
	if d := account.Default(account.Steam); err != nil || a.Algorithm != d.Algorithm || a.Digits != d.Digits || a.Period != d.Period {
		t.Errorf("Steam: %+v, %v", a.Credential, err)
	}
	for _, uri := range []string{
		"motp://x:y?secret=a&secret=b", "motp://x:y?pin=1234", "steam://not!base32", "otpauth://yaotp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY&pin=1!",
	} {
		if a, err := account.ParseURI(uri); err == nil || !a.Secret.Empty() {
			t.Errorf("%s is taken: %v", uri, err)
		}
	}
}
