package transfer

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/authcli/auth/internal/account"
)

// stratumTypes are the types in the order of their numbers, from 1.
var stratumTypes = [...]account.Type{account.HOTP, account.TOTP, account.MOTP, account.Steam, account.Yandex}

// stratumAlgorithms are the algorithms in the order of their numbers, from 0.
var stratumAlgorithms = [...]account.Algorithm{account.SHA1, account.SHA256, account.SHA512}

// stratum is the unencrypted backup of Stratum, formerly Authenticator Pro.
//
// Source: doc/BACKUP_FORMAT.md of github.com/stratumauth/app.
func stratum() Format {
	return Format{
		Name: "stratum", Title: "Stratum, Authenticator Pro", Extension: ".json",
		Detect: func(s *Source) bool { return hasKeys(s.Object(), "Authenticators") },
		Read:   func(_ context.Context, s *Source) (Batch, error) { return readStratum(s) },
		Write:  writeStratum,
		Holds: Holds{
			Types:     []account.Type{account.TOTP, account.HOTP, account.Steam, account.MOTP, account.Yandex},
			MinDigits: 6, MaxDigits: 10, MaxCounter: 1<<63 - 1, Tags: AnyTags, Plain: true,
			Refuse: stratumRefuses,
		},
		Notes: "Settings → Backup → Unencrypted, or with a password. Categories are tags.",
	}
}

// stratumEntry is one account; the names of its members are the app's.
type stratumEntry struct {
	Type      number
	Icon      loose
	Issuer    loose
	Username  loose
	Secret    loose
	Pin       loose
	Algorithm number
	Digits    number
	Period    number
	Counter   number
}

// readStratum reads the JSON of a backup, encrypted ones once they are open.
func readStratum(s *Source) (Batch, error) {
	var file struct {
		Authenticators []json.RawMessage
		Categories     []struct {
			ID   loose
			Name loose
		}
		AuthenticatorCategories []struct {
			CategoryID          loose `json:"CategoryId"`
			AuthenticatorSecret loose
		}
		CustomIcons []json.RawMessage
	}
	if err := s.JSON(&file); err != nil {
		return Batch{}, err
	}
	names, tags := map[loose]string{}, map[loose][]string{}
	for _, c := range file.Categories {
		names[c.ID] = string(c.Name)
	}
	for _, c := range file.AuthenticatorCategories {
		tags[c.AuthenticatorSecret] = append(tags[c.AuthenticatorSecret], names[c.CategoryID])
	}
	var b Batch
	if len(file.CustomIcons) > 0 {
		b.dropIcon()
	}
	each(&b, file.Authenticators, func(i int, e stratumEntry) {
		b.take(i, e.row(tags[e.Secret]))
	})
	return b, nil
}

// row returns the fields of e. A number that stands for nothing becomes a text that
// stands for nothing, so that the row is refused.
func (e stratumEntry) row(tags []string) row {
	r := row{
		kind: "unknown", issuer: string(e.Issuer), name: string(e.Username), secret: string(e.Secret), pin: string(e.Pin),
		algorithm: "unknown", digits: e.Digits, period: e.Period, counter: e.Counter, tags: tags,
	}
	if i := e.Type.value - 1; !e.Type.bad && i >= 0 && i < int64(len(stratumTypes)) {
		r.kind = string(stratumTypes[i])
	}
	if i := e.Algorithm.value; !e.Algorithm.bad && i >= 0 && i < int64(len(stratumAlgorithms)) {
		r.algorithm = string(stratumAlgorithms[i])
	}
	return r
}

// stratumRefuses knows what the app checks: one odd account costs the whole backup.
func stratumRefuses(a account.Account) string {
	switch {
	case a.Issuer == "":
		return "the format does not know accounts without an issuer"
	case a.Type == account.HOTP && a.Digits > 8:
		return fmt.Sprintf("the format does not know HOTP codes of %d digits", a.Digits)
	}
	return ""
}

func writeStratum(accounts []account.Account, _ WriteOptions) (Output, error) {
	entries, categories, members := []any{}, []any{}, []any{}
	ids := map[string]string{}
	seen := map[string]bool{}
	var skipped []Skip
	for i, a := range accounts {
		secret := a.Secret.Base32()
		if a.Type == account.MOTP {
			secret = string(a.Secret.Reveal())
		}
		if seen[secret] {
			skipped = append(skipped, Skip{rowName(i, a.Issuer, a.Name), "the format knows each secret once, and another account has the same"})
			continue
		}
		seen[secret] = true
		name := any(a.Name)
		if a.Name == "" {
			name = nil
		}
		entries = append(entries, map[string]any{
			"Type": slices.Index(stratumTypes[:], a.Type) + 1, "Icon": nil, "Issuer": a.Issuer, "Username": name, "Secret": secret,
			"Pin": string(a.PIN.Reveal()), "Algorithm": max(slices.Index(stratumAlgorithms[:], a.Algorithm), 0),
			"Digits": a.Digits, "Period": max(a.Period, 0), "Counter": a.Counter, "Ranking": i, "CopyCount": 0,
		})
		for _, tag := range a.Tags {
			if ids[tag] == "" {
				sum := sha1.Sum([]byte(tag))
				ids[tag] = hex.EncodeToString(sum[:4])
				categories = append(categories, map[string]any{"Id": ids[tag], "Name": tag, "Ranking": len(ids) - 1})
			}
			members = append(members, map[string]any{"CategoryId": ids[tag], "AuthenticatorSecret": secret, "Ranking": i})
		}
	}
	out, err := writeJSON(map[string]any{
		"Authenticators": entries, "Categories": categories, "AuthenticatorCategories": members, "CustomIcons": []any{},
	})
	out.Skipped = skipped
	return out, err
}
