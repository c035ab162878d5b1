package transfer

import "context"

// extractOTP is the JSON output of extract_otp_secrets. Its url lacks algorithm and
// digits, so that the columns are what is read. The CSV output is read as CSV.
func extractOTP() Format {
	return Format{
		Name: "extract-otp", Title: "extract_otp_secrets (JSON)",
		Detect: func(s *Source) bool { return s.Some("secret", "name") && !s.Some("secret", "uri") },
		Read:   readExtractOTP,
		Notes:  "extract_otp_secrets --json.",
	}
}

func readExtractOTP(_ context.Context, s *Source) (Batch, error) {
	type entry struct {
		Name    loose  `json:"name"`
		Secret  loose  `json:"secret"`
		Issuer  loose  `json:"issuer"`
		Type    loose  `json:"type"`
		Counter number `json:"counter"`
	}
	var b Batch
	each(&b, s.List(), func(i int, e entry) {
		issuer, name := splitKnown(string(e.Name), string(e.Issuer))
		if e.Issuer == "" {
			issuer, name = "", string(e.Name)
		}
		b.take(i, row{kind: string(e.Type), issuer: issuer, name: name, secret: string(e.Secret), counter: e.Counter})
	})
	return b, nil
}
