package transfer

import (
	"encoding/hex"
	"testing"

	"github.com/authcli/auth/internal/testenv"
)

// Messages by GnuPG 2.2: the letter x under a passphrase, and the first 16 bytes of
// one for a public key, whose session key is 396 bytes.
const (
	gpgPhrase = "8c0d04090302b5ec5150be4997a1ffd236012d6130dd4791cf21d6440ddd5eace9ed750fd4ee135c5a40e8748fca712cff6124e8b005b5956d7ba727ad0fc0a39c236680db176e"
	gpgPublic = "85018c036a99037bab5229b4010c00ac"
	gpgData   = "d23d01c7f665bd76c7f1356123d7383206b26db338cf35350e0be3e81f7578c5"
)

func TestIsOpenPGP(t *testing.T) {
	t.Parallel()
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	phrase := unhex(gpgPhrase)
	public := append(append(unhex(gpgPublic), make([]byte, 3+0x18c-16)...), unhex(gpgData)...)
	for name, test := range map[string]struct {
		data []byte
		want bool
	}{
		"passphrase":            {phrase, true},
		"public key":            {public, true},
		"two keys":              {append(append([]byte{}, public[:3+0x18c]...), public...), true},
		"cut in the data":       {phrase[:40], true},
		"cut in the key":        {phrase[:9], false},
		"the data alone":        {phrase[15:], false},
		"a key that is no key":  {append([]byte{0x8c, 0x0d, 0x77}, phrase[3:]...), false},
		"nothing":               {nil, false},
		"one byte":              {[]byte{0x85}, false},
		"text":                  {[]byte("otpauth://totp/x"), false},
		"a new format's length": {[]byte{0xc3, 0xff, 0, 0, 0, 4, 4, 9, 0, 8, 0xd2, 1, 1}, true},
	} {
		if got := isOpenPGP(test.data); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	// Noise, as an old backup of andOTP is, is hardly ever taken for it.
	r, taken := testenv.Rand(t), 0
	for range 100_000 {
		noise := make([]byte, 200)
		for i := range noise {
			noise[i] = byte(r.Uint32())
		}
		if isOpenPGP(noise) {
			taken++
		}
	}
	if taken > 20 {
		t.Errorf("%d of 100,000 files of noise are taken for OpenPGP", taken)
	}
}
