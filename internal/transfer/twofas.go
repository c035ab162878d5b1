package transfer

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"

	"github.com/authcli/auth/internal/account"
)

const (
	twofasIterations = 10_000
	twofasSalt       = 256 // bytes
	twofasNonce      = 12  // bytes
	// twofasReference is encrypted beside the accounts; the app tries a password on it.
	// It is a constant of the format (BackupContent in twofas/2fas-android).
	twofasReference = "tRViSsLKzd86Hprh4ceC2OP7xazn4rrt4xhfEUbOjxLX8Rc3mkISXE0lWbmnWfggogbBJhtYgpK6fMl1D6mtsy92R3HkdGfwuXbzLebqVFJsR7IZ2w58t938iymwG4824igYy1wi6n2WDpO1Q1P69zwJGs2F5a1qP4MyIiDSD7NCV2OvidXQCBnDlGfmz0f1BQySRkkt4ryiJeCjD2o4QsveJ9uDBUn8ELyOrESv5R5DMDkD4iAF8TXU7KyoJujd"
)

// twofas is the backup of 2FAS, schemas 1 to 4.
//
// Source: BackupContent and RemoteService in github.com/twofas/2fas-android.
func twofas() Format {
	return Format{
		Name: "2fas", Title: "2FAS", Extension: ".2fas",
		Detect: func(s *Source) bool {
			o := s.Object()
			return hasKeys(o, "servicesEncrypted") || hasKeys(o, "schemaVersion", "services") || anyHas(o["services"], "secret")
		},
		Read: readTwofas, Write: writeTwofas, Encrypted: true,
		Holds: Holds{
			Types:      []account.Type{account.TOTP, account.HOTP, account.Steam},
			Algorithms: []account.Algorithm{account.SHA1, account.SHA256, account.SHA512},
			Digits:     []int{5, 6, 7, 8}, Periods: []int{10, 30, 60, 90}, MaxCounter: 1<<31 - 1, Tags: 1, Plain: true, Sealed: true,
		},
		Notes: "Settings → 2FAS Backup → Export. Names that were edited in the app are the issuer here; the original is kept as note. The group is a tag.",
	}
}

type twofasService struct {
	Name    loose `json:"name"`
	Secret  loose `json:"secret"`
	GroupID loose `json:"groupId"`
	OTP     struct {
		Label     loose  `json:"label"`
		Account   loose  `json:"account"`
		Issuer    loose  `json:"issuer"`
		Digits    number `json:"digits"`
		Period    number `json:"period"`
		Algorithm loose  `json:"algorithm"`
		Counter   number `json:"counter"`
		TokenType loose  `json:"tokenType"`
	} `json:"otp"`
	Icon json.RawMessage `json:"icon"`
}

func readTwofas(ctx context.Context, s *Source) (Batch, error) {
	var file struct {
		Services  []json.RawMessage `json:"services"`
		Encrypted loose             `json:"servicesEncrypted"`
		Groups    []struct {
			ID   loose `json:"id"`
			Name loose `json:"name"`
		} `json:"groups"`
	}
	if err := s.JSON(&file); err != nil {
		return Batch{}, err
	}
	if file.Encrypted != "" {
		if err := s.affordPBKDF2(ctx, sha256.New, twofasIterations, 32); err != nil {
			return Batch{}, err
		}
		phrase, err := s.Passphrase(ctx)
		if err != nil {
			return Batch{}, err
		}
		plain, err := openTwofas(string(file.Encrypted), phrase)
		if err != nil {
			return Batch{}, err
		}
		if err := s.inner(s.Name, plain).JSON(&file.Services); err != nil {
			return Batch{}, err
		}
	}
	groups := map[loose]string{}
	for _, g := range file.Groups {
		groups[g.ID] = string(g.Name)
	}
	var b Batch
	each(&b, file.Services, func(i int, v twofasService) {
		r := row{
			kind: string(v.OTP.TokenType), issuer: string(v.Name), name: string(v.OTP.Account), secret: string(v.Secret),
			algorithm: string(v.OTP.Algorithm), digits: v.OTP.Digits, period: v.OTP.Period, counter: v.OTP.Counter, tags: []string{groups[v.GroupID]},
		}
		original := account.Clean(string(v.OTP.Issuer))
		if r.name == "" {
			_, r.name = splitKnown(string(v.OTP.Label), original)
		}
		switch {
		case r.issuer == "":
			r.issuer = original
		case original != "" && original != account.Clean(r.issuer):
			r.note = "Issuer: " + original
		}
		if len(v.Icon) > 0 && string(v.Icon) != "null" {
			b.dropIcon()
		}
		b.take(i, r)
	})
	return b, nil
}

// openTwofas decrypts "data:salt:nonce", each in base64.
func openTwofas(text, phrase string) ([]byte, error) {
	var parts [][]byte
	for part := range strings.SplitSeq(text, ":") {
		data, err := base64.StdEncoding.DecodeString(part)
		if err != nil {
			return nil, ErrDamaged
		}
		parts = append(parts, data)
	}
	if len(parts) != 3 || len(parts[2]) != twofasNonce {
		return nil, ErrDamaged
	}
	key, err := pbkdf2.Key(sha256.New, phrase, parts[1], twofasIterations, 32)
	if err != nil {
		return nil, ErrDamaged
	}
	return openGCM(key, parts[2], parts[0], nil)
}

// sealTwofas encrypts one text of a file. All texts of a file share the salt, each has
// a nonce of its own.
func sealTwofas(plain, key, salt []byte, rand io.Reader) (string, error) {
	nonce := make([]byte, twofasNonce)
	if _, err := io.ReadFull(rand, nonce); err != nil {
		return "", err
	}
	sealed, err := sealGCM(key, nonce, plain, nil)
	b64 := base64.StdEncoding.EncodeToString
	return b64(sealed) + ":" + b64(salt) + ":" + b64(nonce), err
}

func writeTwofas(accounts []account.Account, o WriteOptions) (Output, error) {
	services, groups := []any{}, []any{}
	ids := map[string]string{}
	now := o.Now.UnixMilli()
	for i, a := range accounts {
		label := ""
		if a.Name != "" {
			label = a.Label()
		}
		otp := map[string]any{
			"label": label, "account": a.Name, "issuer": a.Issuer, "digits": a.Digits, "algorithm": string(a.Algorithm),
			"tokenType": strings.ToUpper(string(a.Type)), "source": "Manual",
		}
		if a.Type == account.HOTP {
			otp["counter"] = a.Counter
		} else {
			otp["period"] = a.Period
		}
		v := map[string]any{
			"name": a.Issuer, "secret": a.Secret.Base32(), "updatedAt": now, "otp": otp, "order": map[string]any{"position": i},
		}
		if tags := groupTags(a); len(tags) > 0 {
			if ids[tags[0]] == "" {
				id, err := newUUID(o.Rand)
				if err != nil {
					return Output{}, err
				}
				ids[tags[0]] = id
				groups = append(groups, map[string]any{"id": id, "name": tags[0], "isExpanded": true, "updatedAt": now})
			}
			v["groupId"] = ids[tags[0]]
		}
		services = append(services, v)
	}
	file := map[string]any{
		"services": services, "groups": groups, "updatedAt": now, "schemaVersion": 4,
		"appVersionCode": 5000012, "appVersionName": "5.0.0", "appOrigin": "android",
	}
	if o.Passphrase != "" {
		if err := sealServices(file, o); err != nil {
			return Output{}, err
		}
	}
	return writeJSON(file)
}

// sealServices moves the services of a file into servicesEncrypted.
func sealServices(file map[string]any, o WriteOptions) error {
	salt := make([]byte, twofasSalt)
	if _, err := io.ReadFull(o.Rand, salt); err != nil {
		return err
	}
	key, err := pbkdf2.Key(sha256.New, o.Passphrase, salt, twofasIterations, 32)
	if err != nil {
		return err
	}
	plain, err := json.Marshal(file["services"])
	if err != nil {
		return err
	}
	file["services"] = []any{}
	if file["servicesEncrypted"], err = sealTwofas(plain, key, salt, o.Rand); err != nil {
		return err
	}
	file["reference"], err = sealTwofas([]byte(twofasReference), key, salt, o.Rand)
	return err
}
