package transfer

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// Sizes in bytes of andOTP's encrypted backups, and the iterations that are written.
const (
	andOTPSalt       = 12
	andOTPNonce      = 12
	andOTPTag        = 16
	andOTPHead       = 4 + andOTPSalt + andOTPNonce
	andOTPIterations = 150_000   // the app draws from 140,000 to 160,000
	andOTPRounds     = 1_000_000 // more is another file's first four bytes
	andOTPMax        = 16 << 20
)

// andOTP is the backup of andOTP, which GNOME Authenticator writes too: a JSON array.
//
// Source: the wiki of andOTP, "Backup format".
func andOTP() Format {
	return Format{
		Name: "andotp", Title: "andOTP, GNOME Authenticator", Extension: ".json",
		Detect: func(s *Source) bool { return s.Some("secret", "label") },
		Read:   func(_ context.Context, s *Source) (Batch, error) { return readAndOTP(s) }, Write: writeAndOTP, Encrypted: true,
		Holds: Holds{
			Types:     []account.Type{account.TOTP, account.HOTP, account.Steam, account.MOTP},
			MinDigits: 1, MaxDigits: 10, MaxCounter: 1<<63 - 1, Tags: AnyTags, Plain: true, Sealed: true,
			Refuse: noPIN,
		},
		Notes: "Backups → Plain-text or Password-protected, of both encryptions. Backups for OpenPGP keys are decrypted with gpg first.",
	}
}

// andOTPSealed is the encrypted backup. It has no mark of any kind, so it is the last
// that a file of noise can be.
func andOTPSealed() Format {
	return Format{
		Name: "andotp-encrypted", Title: "andOTP, encrypted backup", Encrypted: true,
		Detect: func(s *Source) bool {
			return len(s.Data) > andOTPNonce+andOTPTag && len(s.Data) <= andOTPMax && looksRandom(s.Data)
		},
		Read:  readAndOTPSealed,
		Notes: "Recognised by trial: nothing in the file says what it is.",
	}
}

// looksRandom reports whether data could be ciphertext: no text, and its first bytes
// are spread as noise is.
func looksRandom(data []byte) bool {
	head := data[:min(len(data), 256)]
	if decodeText(head) != "" {
		return false
	}
	var seen [256]bool
	distinct := 0
	for _, b := range head {
		if !seen[b] {
			seen[b] = true
			distinct++
		}
	}
	// 256 random bytes have 162 distinct values on average, 64 have 57, 32 have 30.
	return distinct*2 >= len(head) || distinct >= 120
}

type andOTPEntry struct {
	Secret    loose   `json:"secret"`
	Issuer    *loose  `json:"issuer"`
	Label     loose   `json:"label"`
	Digits    number  `json:"digits"`
	Type      loose   `json:"type"`
	Algorithm loose   `json:"algorithm"`
	Period    number  `json:"period"`
	Counter   number  `json:"counter"`
	PIN       loose   `json:"pin"`
	Tags      []loose `json:"tags"`
	Thumbnail loose   `json:"thumbnail"`
}

func readAndOTP(s *Source) (Batch, error) {
	var b Batch
	if s.List() == nil {
		return b, ErrDamaged
	}
	each(&b, s.List(), func(i int, e andOTPEntry) {
		r := row{
			kind: string(e.Type), secret: string(e.Secret), algorithm: string(e.Algorithm), pin: string(e.PIN),
			digits: e.Digits, period: e.Period, counter: e.Counter,
		}
		r.issuer, r.name = andOTPLabel(e.Issuer, string(e.Label))
		for _, tag := range e.Tags {
			r.tags = append(r.tags, string(tag))
		}
		if kind, _ := parseType(r.kind); kind == account.MOTP {
			// The text of a Mobile-OTP secret lies in base32 here.
			if secret, err := account.ParseBase32(r.secret); err == nil {
				r.key = secret.Reveal()
			}
		}
		b.take(i, r)
	})
	return b, nil
}

// andOTPLabel reads the labels of all ages: issuer apart, "Issuer:name" beside the
// issuer, or, in the oldest, "Issuer - name".
func andOTPLabel(issuer *loose, label string) (string, string) {
	switch {
	case issuer == nil && strings.Contains(label, " - "):
		before, after, _ := strings.Cut(label, " - ")
		return before, after
	case issuer == nil:
		return account.SplitLabel(label)
	case *issuer == "":
		return "", label
	}
	return splitKnown(label, string(*issuer))
}

func readAndOTPSealed(ctx context.Context, s *Source) (Batch, error) {
	phrase, err := s.Passphrase(ctx)
	if err != nil {
		return Batch{}, err
	}
	plain, err := openAndOTP(ctx, s, phrase)
	if errors.Is(err, ErrWrongPassphrase) {
		err = fmt.Errorf("%w, or no file that is known", err)
	}
	if err != nil {
		return Batch{}, err
	}
	b, err := readAndOTP(s.inner(s.Name, plain))
	b.Formats = []string{"andotp"}
	return b, err
}

func openAndOTP(ctx context.Context, s *Source, phrase string) ([]byte, error) {
	data := s.Data
	if len(data) < andOTPNonce+andOTPTag {
		return nil, ErrDamaged
	}
	if iterations := binary.BigEndian.Uint32(data); len(data) > andOTPHead+andOTPTag && iterations > 0 && iterations <= andOTPRounds {
		if err := s.affordPBKDF2(ctx, sha1.New, int64(iterations), 32); err != nil {
			return nil, err
		}
		plain, err := openAndOTPNew(data, phrase, int(iterations))
		if err == nil {
			return plain, nil
		}
	}
	key := sha256.Sum256([]byte(phrase))
	return openGCM(key[:], data[:andOTPNonce], data[andOTPNonce:], nil)
}

func openAndOTPNew(data []byte, phrase string, iterations int) ([]byte, error) {
	key, err := pbkdf2.Key(sha1.New, phrase, data[4:4+andOTPSalt], iterations, 32)
	if err != nil {
		return nil, ErrDamaged
	}
	return openGCM(key, data[4+andOTPSalt:andOTPHead], data[andOTPHead:], nil)
}

func writeAndOTP(accounts []account.Account, o WriteOptions) (Output, error) {
	entries := []any{}
	for _, a := range accounts {
		e := map[string]any{
			"secret": a.Secret.Base32(), "issuer": a.Issuer, "label": a.Name, "digits": a.Digits, "type": strings.ToUpper(string(a.Type)),
			"algorithm": string(a.Algorithm), "thumbnail": "Default", "last_used": 0, "used_frequency": 0, "tags": append([]string{}, a.Tags...),
		}
		switch a.Type {
		case account.HOTP:
			e["counter"] = a.Counter
		case account.MOTP:
			e["algorithm"] = "SHA1"
		default:
			e["period"] = a.Period
		}
		entries = append(entries, e)
	}
	out, err := writeJSON(entries)
	if err != nil || o.Passphrase == "" {
		return out, err
	}
	head := make([]byte, andOTPHead)
	binary.BigEndian.PutUint32(head, andOTPIterations)
	if _, err := io.ReadFull(o.Rand, head[4:]); err != nil {
		return Output{}, err
	}
	key, err := pbkdf2.Key(sha1.New, o.Passphrase, head[4:4+andOTPSalt], andOTPIterations, 32)
	if err != nil {
		return Output{}, err
	}
	sealed, err := sealGCM(key, head[4+andOTPSalt:], out.Data, nil)
	return Output{Data: append(head, sealed...)}, err
}

// noPIN refuses Mobile-OTP accounts with a PIN, for formats that ask for it each time.
func noPIN(a account.Account) string {
	if a.Type == account.MOTP && !a.PIN.Empty() {
		return "the format does not keep the PIN of Mobile-OTP accounts"
	}
	return ""
}
