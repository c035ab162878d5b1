package transfer

import "context"

// raivo is the export of Raivo OTP: a JSON array of which every value is a text, in a
// zip archive under a password.
//
// Source: the exporter in github.com/raivo-otp/ios-application.
func raivo() Format {
	return Format{
		Name: "raivo", Title: "Raivo OTP",
		Detect: func(s *Source) bool { return s.Some("secret", "account") },
		Read:   readRaivo, Encrypted: true,
		Notes: "Settings → Export OTPs to ZIP archive; the archive is read as it is.",
	}
}

func readRaivo(_ context.Context, s *Source) (Batch, error) {
	type entry struct {
		Issuer    loose  `json:"issuer"`
		Account   loose  `json:"account"`
		Secret    loose  `json:"secret"`
		Algorithm loose  `json:"algorithm"`
		Digits    number `json:"digits"`
		Kind      loose  `json:"kind"`
		Timer     number `json:"timer"`
		Counter   number `json:"counter"`
		Pinned    flag   `json:"pinned"`
		Icon      loose  `json:"iconValue"`
	}
	var b Batch
	each(&b, s.List(), func(i int, e entry) {
		if e.Icon != "" {
			b.dropIcon()
		}
		b.take(i, row{
			kind: string(e.Kind), issuer: string(e.Issuer), name: string(e.Account), secret: string(e.Secret), algorithm: string(e.Algorithm),
			digits: e.Digits, period: e.Timer, counter: e.Counter, favourite: bool(e.Pinned),
		})
	})
	return b, nil
}
