package transfer

import (
	"context"
	"encoding/base64"

	"github.com/authcli/auth/internal/account"
)

// duo is accounts.json of Duo Mobile, from a rooted phone. Duo keeps no issuer, and its
// own accounts are approved by a message to the phone: they have no code.
func duo() Format {
	return Format{
		Name: "duo", Title: "Duo Mobile (rooted phone)",
		Detect: func(s *Source) bool {
			return s.Some("otpGenerator") || s.Some("accountType", "name") && !s.Some("salt")
		},
		Read:  readDuo,
		Notes: "The file files/duokit/accounts.json of the app.",
	}
}

func readDuo(_ context.Context, s *Source) (Batch, error) {
	type entry struct {
		Name loose `json:"name"`
		OTP  *struct {
			Secret  loose  `json:"otpSecret"`
			Counter number `json:"counter"`
		} `json:"otpGenerator"`
	}
	var b Batch
	each(&b, s.List(), func(i int, e entry) {
		if e.OTP == nil {
			b.skip(rowName(i, "", string(e.Name)), "approved on the phone, without a code that could be moved")
			return
		}
		r := row{name: string(e.Name), secret: string(e.OTP.Secret), counter: e.OTP.Counter}
		if e.OTP.Counter.set {
			r.kind = "hotp"
		}
		if _, err := account.ParseBase32(r.secret); err != nil {
			if key, err := base64.StdEncoding.DecodeString(r.secret); err == nil {
				r.key = key
			}
		}
		b.take(i, r)
	})
	return b, nil
}
