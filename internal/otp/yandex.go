package otp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"github.com/authcli/auth/internal/account"
)

// Sizes of a Yandex secret in bytes: the key alone, or the key followed by the issuer's
// number, the length of the PIN and a checksum.
const (
	yandexSecret = 16
	yandexFull   = 26
)

// yandex returns a Yandex Key code: letters a to z from an HMAC-SHA256 over the time
// step, keyed with the SHA-256 of PIN and secret. It differs from RFC 6238 in the
// key, in taking 63 bits instead of 31, and in the alphabet. The error is
// [ErrYandexSecret].
//
// Source: the generator of github.com/norblik/KeeYaOtp, the first open one.
func yandex(c account.Credential, step uint64) (string, error) {
	secret := c.Secret.Reveal()
	if len(secret) != yandexSecret && len(secret) != yandexFull {
		return "", ErrYandexSecret
	}
	sum := sha256.Sum256(append(c.PIN.Reveal(), secret[:yandexSecret]...))
	key := sum[:]
	// The first implementation stored the key as a number, and so lost a leading zero.
	if key[0] == 0 {
		key = key[1:]
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, step))
	hash := mac.Sum(nil)
	offset := hash[len(hash)-1] & 0xf
	value := binary.BigEndian.Uint64(hash[offset:]) & (1<<63 - 1)
	letters := make([]byte, c.Digits)
	for i := len(letters) - 1; i >= 0; i-- {
		letters[i] = 'a' + byte(value%26)
		value /= 26
	}
	return string(letters), nil
}
