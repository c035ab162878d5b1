package transfer

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
)

// freeOTP is tokens.xml, the shared preferences in which FreeOTP 1 keeps a token a
// text, as JSON. FreeOTP+ on the phone keeps them the same way.
func freeOTP() Format {
	return Format{
		Name: "freeotp", Title: "FreeOTP 1 (rooted phone)",
		Detect: func(s *Source) bool {
			return slices.ContainsFunc(s.Prefs(), isFreeOTPToken)
		},
		Read:  readFreeOTP,
		Notes: "The file shared_prefs/tokens.xml of FreeOTP 1 or FreeOTP+.",
	}
}

// maxToken is how many bytes of JSON one token of FreeOTP may be.
const maxToken = 1 << 20

func isFreeOTPToken(p pref) bool {
	return p.Name != "tokenOrder" && len(p.Value) <= maxToken && strings.HasPrefix(p.Value, "{") && in(json.RawMessage(p.Value), "secret")
}

func readFreeOTP(_ context.Context, s *Source) (Batch, error) {
	var b Batch
	var tokens []json.RawMessage
	for _, p := range s.Prefs() {
		if isFreeOTPToken(p) {
			tokens = append(tokens, json.RawMessage(p.Value))
		}
	}
	each(&b, tokens, func(i int, t freeOTPToken) { b.take(i, t.row()) })
	return b, nil
}
