package transfer

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// Names of the preferences in which Authy keeps its tokens, and what is fixed there.
const (
	authyTokens  = "com.authy.storage.tokens.authenticator.key"
	authyOwn     = "com.authy.storage.tokens.authy.key"
	authyRounds  = 1000 // of PBKDF2, where the token does not say
	authyDigits  = 7    // of Authy's own tokens
	authySeconds = 10
)

// authy is the store of Authy for Android, of a rooted phone, with the backup
// password where the app still holds its secrets encrypted; and the JSON that tools
// drew out of the desktop app or of the app's traffic while that was possible.
//
// Source: AuthyImporter of Aegis, and the files themselves.
func authy() Format {
	return Format{
		Name: "authy", Title: "Authy", Encrypted: true,
		Detect: func(s *Source) bool {
			if hasKeys(s.Object(), "authenticator_tokens") {
				return true
			}
			if s.Some("encryptedSecret", "salt") || s.Some("decryptedSecret") || s.Some("secret", "uri") || s.Some("encrypted_seed", "salt") {
				return true
			}
			_, tokens := find(s.Prefs(), authyTokens)
			_, own := find(s.Prefs(), authyOwn)
			return tokens || own
		},
		Read:  readAuthy,
		Notes: "The files in `shared_prefs` of a rooted phone, or the JSON of an export script. Authy itself exports nothing.",
	}
}

// authyToken is one token in any of these shapes.
type authyToken struct {
	Name           loose  `json:"name"`
	OriginalName   loose  `json:"originalName"`
	OriginalName2  loose  `json:"original_name"`
	OriginalIssuer loose  `json:"originalIssuer"`
	Issuer         loose  `json:"issuer"`
	AccountType    loose  `json:"accountType"`
	AccountType2   loose  `json:"account_type"`
	Secret         loose  `json:"decryptedSecret"`
	Secret2        loose  `json:"decrypted_seed"`
	Secret3        loose  `json:"secret"`
	URI            loose  `json:"uri"`
	Sealed         loose  `json:"encryptedSecret"`
	Sealed2        loose  `json:"encrypted_seed"`
	Seed           loose  `json:"secretSeed"` // hex: a token of Authy's own kind
	Salt           loose  `json:"salt"`
	Rounds         number `json:"key_derivation_iterations"`
	Digits         number `json:"digits"`
}

func readAuthy(ctx context.Context, s *Source) (Batch, error) {
	var lists [][]json.RawMessage
	switch {
	case s.List() != nil:
		lists = append(lists, s.List())
	case s.Object() != nil:
		var list []json.RawMessage
		if err := s.decode(s.Object()["authenticator_tokens"], &list); err != nil {
			return Batch{}, err
		}
		lists = append(lists, list)
	default:
		for _, name := range []string{authyTokens, authyOwn} {
			if text, found := find(s.Prefs(), name); found {
				var list []json.RawMessage
				if err := s.decodePref(text, &list); err != nil {
					return Batch{}, err
				}
				lists = append(lists, list)
			}
		}
	}
	var b Batch
	k := authyKeys{ctx: ctx, source: s, keys: map[string][]byte{}}
	n := 0
	for _, list := range lists {
		var fatal error
		each(&b, list, func(_ int, t authyToken) {
			if fatal == nil {
				fatal = b.takeAuthy(n, t, &k)
			}
			n++
		})
		if fatal != nil {
			return Batch{}, fatal
		}
	}
	// Each secret is encrypted by itself and without a check: where none comes out
	// right it was the passphrase.
	if k.tried > 0 && k.failed == k.tried {
		return Batch{}, ErrWrongPassphrase
	}
	return b, nil
}

// takeAuthy adds one token. The error is about the file as a whole.
func (b *Batch) takeAuthy(i int, t authyToken, k *authyKeys) error {
	if a, err := readURI(b, rowName(i, "", string(t.Name)), string(t.URI)); err == nil {
		b.add(rowName(i, a.Issuer, a.Name), a, nil)
		return nil
	}
	r := row{digits: t.Digits, secret: string(cmp.Or(t.Secret, t.Secret2, t.Secret3))}
	r.issuer, r.name = t.label()
	sealed := cmp.Or(t.Sealed, t.Sealed2)
	switch {
	case t.Seed != "":
		secret, err := decodeSecret(string(t.Seed), "hex")
		if err != nil {
			b.skip(rowName(i, r.issuer, r.name), err.Error())
			return nil
		}
		r.key, r.period = secret.Reveal(), num(authySeconds)
		if !r.digits.set {
			r.digits = num(authyDigits)
		}
	case r.secret == "" && sealed != "":
		text, reason, err := k.open(string(sealed), string(t.Salt), t.Rounds)
		if err != nil {
			return err
		}
		if reason != nil {
			b.skip(rowName(i, r.issuer, r.name), reason.Error())
			return nil
		}
		r.secret = text
	}
	b.take(i, r)
	return nil
}

// label finds issuer and name in what the app shows and what the code once said.
func (t authyToken) label() (issuer, name string) {
	name = account.Clean(string(t.Name))
	original := string(cmp.Or(t.OriginalName, t.OriginalName2))
	prefix, rest, isLabel := strings.Cut(original, ":")
	before, after, isPair := strings.Cut(name, " - ")
	switch {
	case cmp.Or(t.OriginalIssuer, t.Issuer) != "":
		issuer = string(cmp.Or(t.OriginalIssuer, t.Issuer))
	case isLabel:
		issuer = prefix
	case strings.Contains(name, ":"):
		return account.SplitLabel(name)
	case isPair:
		return before, after
	default:
		issuer = string(cmp.Or(t.AccountType, t.AccountType2))
		if issuer == "authenticator" || issuer == "authenticator_unknown" {
			issuer = "" // the app's word for an issuer that it does not know
		}
	}
	issuer, name = splitKnown(name, issuer)
	if name == "" && isLabel {
		name = rest
	}
	if hasPrefixFold(name, issuer+" - ") {
		name = name[len(issuer)+3:]
	}
	return issuer, name
}
