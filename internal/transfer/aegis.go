package transfer

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// aegis is the vault of Aegis Authenticator: plain, or encrypted with a master key that
// lies in slots, each under a password.
//
// Source: docs/vault.md of Aegis.
func aegis() Format {
	return Format{
		Name: "aegis", Title: "Aegis Authenticator", Extension: ".json",
		Detect: func(s *Source) bool {
			return hasKeys(s.Object(), "header", "db") || in(s.Object()["db"], "entries")
		},
		Read: readAegis, Write: writeAegis, Encrypted: true,
		Holds: Holds{
			Types:     []account.Type{account.TOTP, account.HOTP, account.Steam, account.MOTP, account.Yandex},
			MinDigits: 1, MaxDigits: 10, MaxCounter: 1<<63 - 1, Tags: AnyTags, Star: true, Note: true, Plain: true, Sealed: true, Refuse: hexText,
		},
		Notes: "Settings → Import & Export → Export. Read by most other authenticators, so the best format to move on with. Groups are tags.",
	}
}

type aegisFile struct {
	Version int             `json:"version"`
	Header  aegisHeader     `json:"header"`
	DB      json.RawMessage `json:"db"`
}

type aegisDB struct {
	Entries []json.RawMessage `json:"entries"`
	Groups  []struct {
		UUID loose `json:"uuid"`
		Name loose `json:"name"`
	} `json:"groups"`
}

type aegisEntry struct {
	Type     loose    `json:"type"`
	Name     loose    `json:"name"`
	Issuer   loose    `json:"issuer"`
	Note     loose    `json:"note"`
	Favorite flag     `json:"favorite"`
	Icon     loose    `json:"icon"`
	Group    loose    `json:"group"`
	Groups   []string `json:"groups"`
	Info     struct {
		Secret  loose  `json:"secret"`
		Algo    loose  `json:"algo"`
		Digits  number `json:"digits"`
		Period  number `json:"period"`
		Counter number `json:"counter"`
		PIN     loose  `json:"pin"`
	} `json:"info"`
}

func readAegis(ctx context.Context, s *Source) (Batch, error) {
	var file aegisFile
	if err := s.JSON(&file); err != nil {
		return Batch{}, err
	}
	data := []byte(file.DB)
	var sealed string
	if json.Unmarshal(data, &sealed) == nil {
		var err error
		if data, err = openAegis(ctx, s, file.Header, sealed); err != nil {
			return Batch{}, err
		}
		s = s.inner(s.Name, data)
	}
	var db aegisDB
	if err := s.decode(data, &db); err != nil {
		return Batch{}, err
	}
	var b Batch
	groups := map[string]string{}
	for _, g := range db.Groups {
		groups[string(g.UUID)] = string(g.Name)
	}
	each(&b, db.Entries, func(i int, e aegisEntry) { b.take(i, e.row(&b, i, groups)) })
	return b, nil
}

// row is where Aegis' habits are known: MD5 is a mark of Mobile-OTP only, and an entry
// of another type with it gives codes with SHA1 in the app; a Mobile-OTP secret is kept
// as bytes and used as their hexadecimal text.
func (e aegisEntry) row(b *Batch, i int, groups map[string]string) row {
	r := row{
		kind: string(e.Type), issuer: string(e.Issuer), name: string(e.Name), note: string(e.Note), favourite: bool(e.Favorite),
		secret: string(e.Info.Secret), algorithm: string(e.Info.Algo), pin: string(e.Info.PIN),
		digits: e.Info.Digits, period: e.Info.Period, counter: e.Info.Counter, tags: []string{string(e.Group)},
	}
	kind, _ := parseType(r.kind)
	if kind == account.MOTP {
		if secret, err := account.ParseBase32(r.secret); err == nil {
			r.key = []byte(hex.EncodeToString(secret.Reveal()))
		}
	} else if strings.EqualFold(r.algorithm, "MD5") {
		r.algorithm = "SHA1"
		b.warn("%s: Aegis shows codes with SHA1 where the file says MD5", rowName(i, r.issuer, r.name))
	}
	for _, id := range e.Groups {
		r.tags = append(r.tags, groups[id])
	}
	if e.Icon != "" && e.Icon != "null" {
		b.dropIcon()
	}
	return r
}

func writeAegis(accounts []account.Account, o WriteOptions) (Output, error) {
	ids := map[string]string{}
	entries, groups := []any{}, []any{}
	for _, a := range accounts {
		id, err := newUUID(o.Rand)
		if err != nil {
			return Output{}, err
		}
		member := []string{}
		for _, tag := range groupTags(a) {
			if ids[tag] == "" {
				if ids[tag], err = newUUID(o.Rand); err != nil {
					return Output{}, err
				}
				groups = append(groups, map[string]any{"uuid": ids[tag], "name": tag})
			}
			member = append(member, ids[tag])
		}
		entries = append(entries, map[string]any{
			"type": string(a.Type), "uuid": id, "name": a.Name, "issuer": a.Issuer, "note": a.Note, "favorite": isFavourite(a),
			"icon": nil, "icon_mime": nil, "icon_hash": nil, "groups": member, "info": aegisInfoOf(a),
		})
	}
	var db any = map[string]any{"version": 3, "entries": entries, "groups": groups, "icons_optimized": true}
	header := aegisHeader{}
	if o.Passphrase != "" {
		plain, err := json.Marshal(db)
		if err != nil {
			return Output{}, err
		}
		if header, db, err = sealAegis(plain, o); err != nil {
			return Output{}, err
		}
	}
	return writeJSON(map[string]any{"version": 1, "header": header, "db": db})
}

func aegisInfoOf(a account.Account) map[string]any {
	info := map[string]any{"secret": a.Secret.Base32(), "algo": string(a.Algorithm), "digits": a.Digits}
	switch a.Type {
	case account.HOTP:
		info["counter"] = a.Counter
		return info
	case account.MOTP:
		raw, _ := hex.DecodeString(string(a.Secret.Reveal())) // hexText has looked at it
		info["secret"] = account.NewSecret(raw).Base32()
		fallthrough
	case account.Yandex:
		info["pin"] = string(a.PIN.Reveal())
	}
	info["period"] = a.Period
	return info
}

// hexText refuses Mobile-OTP secrets that are not lower-case hexadecimal digits, the
// only texts that Aegis can keep.
func hexText(a account.Account) string {
	if a.Type != account.MOTP {
		return ""
	}
	text := string(a.Secret.Reveal())
	if raw, err := hex.DecodeString(text); err != nil || hex.EncodeToString(raw) != text {
		return "the format knows Mobile-OTP secrets only as lower-case hexadecimal digits"
	}
	return ""
}
