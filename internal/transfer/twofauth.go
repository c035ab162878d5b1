package transfer

import (
	"context"
	"encoding/json"
)

// twofauth is the export of 2FAuth.
func twofauth() Format {
	return Format{
		Name: "2fauth", Title: "2FAuth",
		Detect: func(s *Source) bool {
			return anyHas(s.Object()["data"], "otp_type")
		},
		Read:  readTwofauth,
		Notes: "Accounts → Manage → Export.",
	}
}

func readTwofauth(_ context.Context, s *Source) (Batch, error) {
	var file struct {
		Data []json.RawMessage `json:"data"`
	}
	if err := s.JSON(&file); err != nil {
		return Batch{}, err
	}
	type entry struct {
		Type      loose  `json:"otp_type"`
		Account   loose  `json:"account"`
		Service   loose  `json:"service"`
		Secret    loose  `json:"secret"`
		Digits    number `json:"digits"`
		Algorithm loose  `json:"algorithm"`
		Period    number `json:"period"`
		Counter   number `json:"counter"`
		Icon      loose  `json:"icon"`
	}
	var b Batch
	each(&b, file.Data, func(i int, e entry) {
		if e.Icon != "" {
			b.dropIcon()
		}
		b.take(i, row{
			kind: string(e.Type), issuer: string(e.Service), name: string(e.Account), secret: string(e.Secret), algorithm: string(e.Algorithm),
			digits: e.Digits, period: e.Period, counter: e.Counter,
		})
	})
	return b, nil
}
