// Package otp computes one-time codes from an account and a time or a counter. It covers
// RFC 6238 (TOTP), RFC 4226 (HOTP), Steam Guard, Mobile-OTP and Yandex Key.
//
// The package never returns a wrong code. It refuses everything that
// [account.Credential.Validate] refuses, and never replaces a parameter by a default. It
// uses only the HMAC arithmetic of pquerna/otp, which no other package imports. The
// parsing of that module silently falls back to defaults and is not used.
package otp

import (
	"errors"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/authcli/auth/internal/account"
)

// Errors of [At] and [Count], besides those of [account.Credential.Validate].
var (
	ErrNoSecret     = errors.New("the account is here without its secret")
	ErrWrongKind    = errors.New("an HOTP code needs a counter, every other code an instant")
	ErrInstant      = errors.New("there are no codes for instants before 1970")
	ErrYandexSecret = errors.New("the secret of a Yandex account has 16 bytes, or 26 with its checksum")
)

// A Code is a one-time code.
type Code struct {
	Text string
	// The code is valid from From, inclusive, until Until, exclusive.
	From, Until time.Time
}

// At returns the code of c that is valid at t. c is TOTP, Steam, MOTP or Yandex; for
// HOTP the error is [ErrWrongKind]. Further errors are [ErrNoSecret], [ErrInstant],
// [ErrYandexSecret] and those of [account.Credential.Validate].
func At(c account.Credential, t time.Time) (Code, error) {
	if err := check(c); err != nil {
		return Code{}, err
	}
	if c.Type == account.HOTP {
		return Code{}, ErrWrongKind
	}
	if t.Unix() < 0 {
		return Code{}, ErrInstant
	}
	period := int64(c.Period)
	step := t.Unix() / period
	text, err := compute(c, uint64(step))
	if err != nil {
		return Code{}, err
	}
	from := time.Unix(step*period, 0).In(t.Location())
	return Code{Text: text, From: from, Until: from.Add(time.Duration(period) * time.Second)}, nil
}

// Count returns the code of the HOTP credential c for counter, the moving factor of
// RFC 4226, section 5.1. For other types the error is [ErrWrongKind]; further errors
// are [ErrNoSecret] and those of [account.Credential.Validate].
func Count(c account.Credential, counter uint64) (string, error) {
	if err := check(c); err != nil {
		return "", err
	}
	if c.Type != account.HOTP {
		return "", ErrWrongKind
	}
	return compute(c, counter)
}

func check(c account.Credential) error {
	if c.Secret.Empty() {
		return ErrNoSecret
	}
	return c.Validate()
}

// compute returns the code for a valid c and the number of a time step or a counter.
func compute(c account.Credential, step uint64) (string, error) {
	switch c.Type {
	case account.MOTP:
		return mobile(c, step), nil
	case account.Yandex:
		return yandex(c, step)
	}
	options := hotp.ValidateOpts{Digits: otp.Digits(c.Digits)}
	if c.Type == account.Steam {
		options.Encoder = otp.EncoderSteam
	}
	switch c.Algorithm {
	case account.SHA1:
		options.Algorithm = otp.AlgorithmSHA1
	case account.SHA256:
		options.Algorithm = otp.AlgorithmSHA256
	case account.SHA512:
		options.Algorithm = otp.AlgorithmSHA512
	default:
		return "", account.ErrAlgorithm
	}
	return hotp.GenerateCodeCustom(c.Secret.Base32(), step, options)
}
