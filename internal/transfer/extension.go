package transfer

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/authcli/auth/internal/account"
)

// extension is the backup of the browser extension Authenticator (authenticator.cc):
// an object of entries by hash. Encrypted ones have each secret, or since its third
// version each whole entry, as a text of CryptoJS.
//
// Source: src/models/otp.ts, storage.ts and encryption.ts of
// github.com/Authenticator-Extension/Authenticator.
func extension() Format {
	return Format{
		Name: "authenticator-extension", Title: "Authenticator (browser extension)",
		Detect: func(s *Source) bool {
			for _, v := range s.Object() {
				if in(v, "dataType") || in(v, "secret") {
					return true
				}
			}
			return false
		},
		Read: readExtension, Encrypted: true,
		Notes: "Backup → Download backup, with a password or without, or as a list of otpauth URIs.",
	}
}

type extensionEntry struct {
	DataType  loose  `json:"dataType"`
	Account   loose  `json:"account"`
	Issuer    loose  `json:"issuer"`
	Secret    loose  `json:"secret"`
	Type      loose  `json:"type"`
	Algorithm loose  `json:"algorithm"`
	Counter   number `json:"counter"`
	Digits    number `json:"digits"`
	Period    number `json:"period"`
	Index     number `json:"index"`
	Encrypted flag   `json:"encrypted"`
	Pinned    flag   `json:"pinned"`
	// Of the third version: keys, and entries encrypted as a whole.
	ID    loose `json:"id"`
	Salt  loose `json:"salt"`
	KeyID loose `json:"keyId"`
	Data  loose `json:"data"`
	// Of the key in some files of the second version.
	Enc loose `json:"enc"`
}

// maxKeys is how many keys a file may name; the extension has one or two.
const maxKeys = 16

func readExtension(ctx context.Context, s *Source) (Batch, error) {
	var entries []extensionEntry
	keys := map[loose]extensionEntry{}
	var indirect loose
	object := s.Object()
	for _, id := range slices.Sorted(maps.Keys(object)) {
		var e extensionEntry
		if json.Unmarshal(object[id], &e) != nil {
			continue
		}
		switch {
		case e.DataType == "Key":
			if keys[e.ID] = e; len(keys) > maxKeys {
				return Batch{}, ErrTooBig
			}
		case id == "key" && e.Enc != "":
			indirect = e.Enc
		case e.Secret != "" || e.Data != "":
			if entries = append(entries, e); len(entries) > maxAccounts {
				return Batch{}, errTooMany()
			}
		}
	}
	slices.SortStableFunc(entries, func(a, b extensionEntry) int { return int(a.Index.value - b.Index.value) })
	open, err := extensionOpener(ctx, s, entries, keys, indirect)
	if err != nil {
		return Batch{}, err
	}
	var b Batch
	for i, e := range entries {
		e, err := open(e)
		if err != nil {
			return Batch{}, err
		}
		r, err := e.row()
		if err != nil {
			b.skip(rowName(i, string(e.Issuer), string(e.Account)), err.Error())
			continue
		}
		b.take(i, r)
	}
	return b, nil
}

// extensionOpener returns the function that decrypts an entry, after asking for the
// passphrase if one is needed.
func extensionOpener(ctx context.Context, s *Source, entries []extensionEntry, keys map[loose]extensionEntry, indirect loose) (func(extensionEntry) (extensionEntry, error), error) {
	if !slices.ContainsFunc(entries, func(e extensionEntry) bool { return bool(e.Encrypted) || e.Data != "" }) {
		return func(e extensionEntry) (extensionEntry, error) { return e, nil }, nil
	}
	phrase, err := s.Passphrase(ctx)
	if err != nil {
		return nil, err
	}
	derived := map[loose]string{}
	for id, k := range keys {
		if len(k.Salt) < 8 {
			return nil, ErrDamaged
		}
		if err := s.affordArgon2(ctx, 2, 19456, 1); err != nil {
			return nil, err
		}
		key := argon2.IDKey([]byte(phrase), []byte(k.Salt), 2, 19456, 1, 32)
		derived[id] = base64.RawStdEncoding.EncodeToString(key)
	}
	if indirect != "" {
		key, err := openCryptoJS(string(indirect), phrase)
		if err != nil {
			return nil, err
		}
		phrase = hex.EncodeToString(key)
	}
	return func(e extensionEntry) (extensionEntry, error) {
		switch {
		case e.Data != "":
			plain, err := openCryptoJS(string(e.Data), derived[e.KeyID])
			if err != nil {
				return e, err
			}
			var open extensionEntry
			if json.Unmarshal(plain, &open) != nil {
				return e, ErrWrongPassphrase
			}
			return open, nil
		case bool(e.Encrypted):
			plain, err := openCryptoJS(string(e.Secret), phrase)
			if err != nil {
				return e, err
			}
			// Nothing vouches for what comes out; a secret is a text, noise is not.
			if decodeText(plain) == "" {
				return e, ErrWrongPassphrase
			}
			e.Secret = loose(plain)
		}
		return e, nil
	}, nil
}

// extensionTypes are the types by number, as some versions write them.
var extensionTypes = [...]string{"", "totp", "hotp", "battle", "steam", "hex", "hhex"}

// row returns the fields of an entry. Secrets of the types hex and hhex are base16.
func (e extensionEntry) row() (row, error) {
	kind := strings.ToLower(string(e.Type))
	if n := parseNumber(kind); !n.bad && n.set && n.value > 0 && n.value < int64(len(extensionTypes)) {
		kind = extensionTypes[n.value]
	}
	r := row{
		kind: kind, issuer: string(e.Issuer), name: string(e.Account), secret: string(e.Secret), algorithm: string(e.Algorithm),
		digits: e.Digits, period: e.Period, counter: e.Counter, favourite: bool(e.Pinned),
	}
	// The issuer may carry the address of the site behind "::".
	r.issuer, _, _ = strings.Cut(r.issuer, "::")
	if n := parseNumber(r.algorithm); n.set && !n.bad {
		if n.value < 1 || n.value > int64(len(stratumAlgorithms)) {
			return r, account.ErrAlgorithm
		}
		r.algorithm = string(stratumAlgorithms[n.value-1])
	}
	for _, prefix := range []string{"blz-", "bliz-", "stm-"} {
		if hasPrefixFold(r.secret, prefix) {
			r.secret = r.secret[len(prefix):]
			if kind == "totp" || kind == "" {
				kind = map[bool]string{true: "steam", false: "battle"}[prefix == "stm-"]
			}
		}
	}
	switch kind {
	case "battle":
		r.kind, r.digits, r.period, r.algorithm = "totp", num(8), num(30), ""
	case "hex", "hhex":
		key, err := hex.DecodeString(strings.TrimSpace(r.secret))
		if err != nil {
			return r, errNotHex
		}
		r.key, r.kind = key, map[string]string{"hex": "totp", "hhex": "hotp"}[kind]
	default:
		r.kind = kind
	}
	return r, nil
}
