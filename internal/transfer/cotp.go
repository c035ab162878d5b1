package transfer

import (
	"context"
	"encoding/json"
	"fmt"
)

// cotp is what `cotp export` writes: elements, or the URIs of an otpauth list as items.
//
// Source: src/importers and src/exporters of github.com/replydev/cotp.
func cotp() Format {
	return Format{
		Name: "cotp", Title: "cotp",
		Detect: func(s *Source) bool {
			o := s.Object()
			if hasKeys(o, "nonce", "salt", "cipher") {
				return true
			}
			var items []string
			return hasKeys(o, "version", "elements") || anyHas(o["elements"], "secret") || json.Unmarshal(o["items"], &items) == nil && items != nil && !hasKeys(o, "encrypted")
		},
		Read:  readCotp,
		Notes: "`cotp export`. cotp's own database is encrypted and has to be exported first.",
	}
}

func readCotp(_ context.Context, s *Source) (Batch, error) {
	if hasKeys(s.Object(), "nonce", "salt", "cipher") {
		return Batch{}, &NotExportableError{What: "the encrypted database of cotp itself", Do: "Export it first: `cotp export --path FILE`."}
	}
	var file struct {
		Elements []json.RawMessage `json:"elements"`
		Items    []loose           `json:"items"`
	}
	if err := s.JSON(&file); err != nil {
		return Batch{}, err
	}
	type element struct {
		Secret    loose  `json:"secret"`
		Issuer    loose  `json:"issuer"`
		Label     loose  `json:"label"`
		Digits    number `json:"digits"`
		Type      loose  `json:"type"`
		Algorithm loose  `json:"algorithm"`
		Period    number `json:"period"`
		Counter   number `json:"counter"`
		PIN       loose  `json:"pin"`
	}
	var b Batch
	for i, uri := range file.Items {
		readText(&b, fmt.Sprintf("row %d", i+1), string(uri))
	}
	each(&b, file.Elements, func(i int, e element) {
		b.take(i, row{
			kind: string(e.Type), issuer: string(e.Issuer), name: string(e.Label), secret: string(e.Secret), algorithm: string(e.Algorithm),
			digits: e.Digits, period: e.Period, counter: e.Counter, pin: string(e.PIN),
		})
	})
	return b, nil
}
