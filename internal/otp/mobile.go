package otp

import (
	"crypto/md5"
	"encoding/hex"
	"strconv"

	"github.com/authcli/auth/internal/account"
)

// mobile returns a Mobile-OTP code: the first hexadecimal digits of the MD5 of the time
// step in decimal, the secret's text and the PIN. The scheme prescribes MD5. Nothing else
// uses it.
//
// Source: https://motp.sourceforge.net, section "How it works".
func mobile(c account.Credential, step uint64) string {
	text := strconv.AppendUint(nil, step, 10)
	text = append(text, c.Secret.Reveal()...)
	text = append(text, c.PIN.Reveal()...)
	sum := md5.Sum(text)
	return hex.EncodeToString(sum[:])[:c.Digits]
}
