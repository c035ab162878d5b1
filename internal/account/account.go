// Package account defines what an account is, how its secret is written as text, and how
// otpauth URIs are parsed and printed.
//
// A secret is never printed, logged or marshalled by accident (see [Secret]). The parsers
// never guess: an unknown algorithm or a bad number of digits is an error, because a
// wrong code is worse than none. The package imports no other package of the project and
// does no input or output.
package account

import (
	"errors"
	"fmt"
)

// An Account is one one-time-password account.
type Account struct {
	ID     string   // random, and never changes; not part of a URI
	Issuer string   // who checks the code, such as "GitHub"
	Name   string   // the user's name there, such as "alice@example.com"
	Alias  string   // a short name that the user chose, or empty
	Tags   []string // sorted, without duplicates
	Note   string
	Credential
	// Counter is the next moving factor of an HOTP account (RFC 4226, section 5.1).
	Counter uint64
	// DeviceBound marks an account whose secret stays on this device.
	DeviceBound bool
}

// A Credential has everything that a code is computed from, except the time or the
// counter. The zero value means that the secret is missing: the account needs
// verification.
type Credential struct {
	Type      Type
	Secret    Secret
	Algorithm Algorithm
	Digits    int // characters of a code
	Period    int // how many seconds a code is valid; 0 for HOTP
	PIN       Secret
}

// Type is the way a code is computed.
type Type string

// The types of accounts.
const (
	TOTP   Type = "totp"   // RFC 6238
	HOTP   Type = "hotp"   // RFC 4226
	Steam  Type = "steam"  // Steam Guard: RFC 6238 with five letters of its own alphabet
	MOTP   Type = "motp"   // Mobile-OTP: MD5 over time, secret text and PIN
	Yandex Type = "yandex" // Yandex Key: HMAC-SHA256 keyed with PIN and secret, eight letters
)

// Algorithm is the hash under the HMAC.
type Algorithm string

// The algorithms of accounts.
const (
	SHA1   Algorithm = "SHA1"
	SHA256 Algorithm = "SHA256"
	SHA512 Algorithm = "SHA512"
	MD5    Algorithm = "MD5" // only as part of MOTP
)

// Limits of a Credential.
const (
	MinDigits = 5
	MaxDigits = 10
	MaxPeriod = 1<<31 - 1 // seconds: what an int holds on every machine; a longer period could overflow time arithmetic
)

// Errors of [Credential.Validate] and of the parsers of this package.
var (
	ErrEmptySecret = errors.New("the secret is empty")
	ErrType        = errors.New("unknown type of account")
	ErrAlgorithm   = errors.New("unknown algorithm (SHA1, SHA256 and SHA512 are known)")
	ErrDigits      = fmt.Errorf("digits out of range (%d to %d)", MinDigits, MaxDigits)
	ErrPeriod      = errors.New("period out of range (1 second or more)")
	ErrCounter     = errors.New("counter is not a number from 0 to 18446744073709551615")
)

// Default returns the defaults of a URI of type t.
func Default(t Type) Credential {
	switch t {
	case HOTP:
		return Credential{Type: t, Algorithm: SHA1, Digits: 6}
	case Steam:
		return Credential{Type: t, Algorithm: SHA1, Digits: 5, Period: 30}
	case MOTP:
		return Credential{Type: t, Algorithm: MD5, Digits: 6, Period: 10}
	case Yandex:
		return Credential{Type: t, Algorithm: SHA256, Digits: 8, Period: 30}
	default:
		return Credential{Type: t, Algorithm: SHA1, Digits: 6, Period: 30}
	}
}

// Validate returns the first reason why no code can be computed from c: [ErrType],
// [ErrEmptySecret], [ErrAlgorithm], [ErrDigits] or [ErrPeriod].
func (c Credential) Validate() error {
	switch c.Type {
	case TOTP, HOTP, Steam, MOTP, Yandex:
	default:
		return ErrType
	}
	if c.Secret.Empty() {
		return ErrEmptySecret
	}
	switch c.Algorithm {
	case SHA1, SHA256, SHA512:
	case MD5:
		if c.Type != MOTP {
			return ErrAlgorithm
		}
	default:
		return ErrAlgorithm
	}
	if c.Digits < MinDigits || c.Digits > MaxDigits {
		return ErrDigits
	}
	if c.Type != HOTP && (c.Period < 1 || c.Period > MaxPeriod) {
		return ErrPeriod
	}
	return nil
}

// Equal reports whether a and b give the same codes. Its running time does not depend on
// the content of the secrets.
func (c Credential) Equal(d Credential) bool {
	return c.Secret.Equal(d.Secret) && c.PIN.Equal(d.PIN) &&
		c.Type == d.Type && c.Algorithm == d.Algorithm && c.Digits == d.Digits && c.Period == d.Period
}

// NeedsVerification reports whether the account lacks its secret.
func (a Account) NeedsVerification() bool { return a.Secret.Empty() }
