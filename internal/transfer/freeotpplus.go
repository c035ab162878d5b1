package transfer

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// freeOTPPlus is the JSON export of FreeOTP+.
//
// Source: Token and TokenPersistence in github.com/helloworld1/FreeOTPPlus.
func freeOTPPlus() Format {
	return Format{
		Name: "freeotp+", Title: "FreeOTP+", Extension: ".json",
		Detect: func(s *Source) bool {
			o := s.Object()
			return hasKeys(o, "tokens", "tokenOrder") || hasKeys(o, "tokens") && len(o) == 1 || anyHas(o["tokens"], "secret")
		},
		Read: readFreeOTPPlus, Write: writeFreeOTPPlus,
		Holds: Holds{
			Types:     []account.Type{account.TOTP, account.HOTP, account.Steam},
			MinDigits: 5, MaxDigits: 10, MaxCounter: 1<<63 - 1, Plain: true, Refuse: refuse(steamIssuer, steamLike),
		},
		Notes: "Export → JSON. The counter of an HOTP account is kept as it is in the file.",
	}
}

// freeOTPToken is one token of FreeOTP and FreeOTP+.
type freeOTPToken struct {
	Algo      loose  `json:"algo"`
	Counter   number `json:"counter"`
	Digits    number `json:"digits"`
	IssuerExt loose  `json:"issuerExt"`
	IssuerInt loose  `json:"issuerInt"`
	IssuerAlt loose  `json:"issuerAlt"`
	Label     loose  `json:"label"`
	LabelAlt  loose  `json:"labelAlt"`
	Period    number `json:"period"`
	Secret    signed `json:"secret"`
	Type      loose  `json:"type"`
	Image     loose  `json:"image"`
}

// row returns the fields of a token. What the user renamed wins over what the code said.
func (t freeOTPToken) row() row {
	r := row{
		kind: string(t.Type), algorithm: string(t.Algo), digits: t.Digits, period: t.Period, counter: t.Counter,
		key: append([]byte{}, t.Secret...),
	}
	for _, issuer := range []loose{t.IssuerAlt, t.IssuerExt, t.IssuerInt} {
		if r.issuer == "" {
			r.issuer = string(issuer)
		}
	}
	r.name = string(t.Label)
	if t.LabelAlt != "" {
		r.name = string(t.LabelAlt)
	}
	if strings.EqualFold(r.issuer, "steam") && strings.EqualFold(r.kind, "totp") && (!t.Digits.set || t.Digits.value == 5) {
		r.kind = "steam"
	}
	return r
}

func readFreeOTPPlus(_ context.Context, s *Source) (Batch, error) {
	var file struct {
		Tokens []json.RawMessage `json:"tokens"`
	}
	if err := s.JSON(&file); err != nil {
		return Batch{}, err
	}
	var b Batch
	each(&b, file.Tokens, func(i int, t freeOTPToken) {
		if t.Image != "" {
			b.dropIcon()
		}
		b.take(i, t.row())
	})
	return b, nil
}

// steamIssuer refuses Steam accounts under other names: the app knows them by the issuer.
func steamIssuer(a account.Account) string {
	if a.Type == account.Steam && a.Issuer != "Steam" {
		return "the format knows Steam accounts only under the issuer Steam"
	}
	return ""
}

func writeFreeOTPPlus(accounts []account.Account, _ WriteOptions) (Output, error) {
	tokens, order := []any{}, []string{}
	for _, a := range accounts {
		bytes := []int{}
		for _, b := range a.Secret.Reveal() {
			bytes = append(bytes, int(int8(b)))
		}
		kind := "TOTP"
		if a.Type == account.HOTP {
			kind = "HOTP"
		}
		period := a.Period
		if period == 0 {
			period = 30
		}
		tokens = append(tokens, map[string]any{
			"algo": string(a.Algorithm), "counter": a.Counter, "digits": a.Digits, "issuerExt": a.Issuer, "issuerInt": a.Issuer,
			"label": a.Name, "period": period, "secret": bytes, "type": kind,
		})
		order = append(order, a.Issuer+":"+a.Name)
	}
	return writeJSON(map[string]any{"tokenOrder": order, "tokens": tokens})
}
