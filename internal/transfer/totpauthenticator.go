package transfer

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
)

const (
	// totpAppPref is the preference in which the app keeps its accounts.
	totpAppPref = "STATIC_TOTP_CODES_LIST"
	// totpAppPassphrase encrypts the backups of those who set no passphrase.
	totpAppPassphrase = "TotpAuthenticator"
	// totpAppMax is the size of a file that is still looked at.
	totpAppMax = 16 << 20
)

// totpAuthenticator is the app TOTP Authenticator of BinaryBoot: its backup, which is
// base64 of AES without a mark, and its preferences on a rooted phone.
//
// Source: TotpAuthenticatorImporter of Aegis, and the files themselves.
func totpAuthenticator() Format {
	return Format{
		Name: "totp-authenticator", Title: "TOTP Authenticator (BinaryBoot)", Encrypted: true,
		Detect: func(s *Source) bool {
			_, found := find(s.Prefs(), totpAppPref)
			return found || isSealedText(s)
		},
		Read:  readTOTPAuthenticator,
		Notes: "Settings → Backup. Recognised by trial: nothing in the file says what it is.",
	}
}

// isSealedText reports whether s is base64 of whole blocks and nothing else.
func isSealedText(s *Source) bool {
	// Most files are told by their first bytes.
	head := s.Data[:min(len(s.Data), 64)]
	if len(s.Data) > totpAppMax || bytes.ContainsAny(head, "{}[]<>:,\"'@&%#") {
		return false
	}
	data, err := sealedText(s)
	return err == nil && len(data) >= 2*aes.BlockSize && len(data)%aes.BlockSize == 0 && looksRandom(data)
}

func sealedText(s *Source) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s.Text()), ""))
}

// totpAppEntry is one account: numbers are texts, and maybe empty.
type totpAppEntry struct {
	Name   loose  `json:"name"`
	Issuer loose  `json:"issuer"`
	Key    loose  `json:"key"`
	Base   number `json:"base"` // of Key: 16, 32 or 64
	Digits number `json:"digits"`
	Period number `json:"period"`
}

func readTOTPAuthenticator(ctx context.Context, s *Source) (Batch, error) {
	var b Batch
	var entries []json.RawMessage
	if text, found := find(s.Prefs(), totpAppPref); found {
		if err := s.decodePref(text, &entries); err != nil {
			return Batch{}, err
		}
	} else {
		data, err := sealedText(s)
		if err != nil {
			return Batch{}, ErrDamaged
		}
		if entries, err = openTOTPAuthenticator(ctx, s, data); err != nil {
			return Batch{}, err
		}
	}
	each(&b, entries, b.takeTOTPAuthenticator)
	return b, nil
}

func (b *Batch) takeTOTPAuthenticator(i int, e totpAppEntry) {
	r := row{name: string(e.Name), digits: e.Digits, period: e.Period}
	if e.Issuer != "Unknown" {
		r.issuer = string(e.Issuer)
	}
	var err error
	switch e.Base.value {
	case 16:
		r.key, err = hex.DecodeString(string(e.Key))
	case 64:
		r.key, err = base64.StdEncoding.DecodeString(string(e.Key))
	default:
		r.secret = string(e.Key)
	}
	if err != nil {
		b.skip(rowName(i, r.issuer, r.name), errEncoding.Error())
		return
	}
	b.take(i, r)
}

// openTOTPAuthenticator tries the app's own passphrase first, so that nobody is asked
// for one that they never set.
func openTOTPAuthenticator(ctx context.Context, s *Source, data []byte) ([]json.RawMessage, error) {
	entries, err := s.openTOTPApp(data, totpAppPassphrase)
	if !errors.Is(err, ErrWrongPassphrase) {
		return entries, err
	}
	passphrase, err := s.Passphrase(ctx)
	if err != nil {
		return nil, err
	}
	return s.openTOTPApp(data, passphrase)
}

// openTOTPApp opens AES-256-CBC with an IV of zeros. The plain text is an
// object whose first key is the list, as a text. Nothing but this shape tells a wrong
// passphrase.
func (s *Source) openTOTPApp(data []byte, passphrase string) ([]json.RawMessage, error) {
	key := sha256.Sum256([]byte(passphrase))
	plain, err := openCBC(key[:], make([]byte, aes.BlockSize), data)
	if err != nil {
		return nil, err
	}
	if !s.take(2 * len(plain)) {
		return nil, s.call.over
	}
	outer, err := members(plain, 100)
	if err != nil {
		return nil, ErrWrongPassphrase
	}
	for _, m := range outer {
		var entries []json.RawMessage
		if err := s.decodePref(m.Name, &entries); !errors.Is(err, ErrDamaged) {
			return entries, err
		}
	}
	return nil, ErrDamaged
}
