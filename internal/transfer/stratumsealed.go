package transfer

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha1"

	"golang.org/x/crypto/argon2"

	"github.com/authcli/auth/internal/transfer/sqlite"
)

// Layout of Stratum's encrypted backups: the mark, a salt, a nonce, the ciphertext.
const (
	stratumStrong      = "AUTHENTICATORPRO"
	stratumStrongSalt  = 16
	stratumStrongNonce = 12
	stratumLegacy      = "AuthenticatorPro"
	stratumLegacySalt  = 20
	stratumLegacyIV    = 16
	stratumRounds      = 64_000 // of PBKDF2, legacy
	// Argon2id, strong.
	stratumPasses  = 3
	stratumMemory  = 64 << 10 // KiB
	stratumThreads = 4
)

// stratumSealed is the encrypted backup of Stratum, in both ages of its encryption,
// and the database of the app where that is not encrypted.
//
// Source: doc/BACKUP_FORMAT.md of github.com/stratumauth/app.
func stratumSealed() Format {
	return Format{
		Name: "stratum-encrypted", Title: "Stratum, encrypted backup or database", Encrypted: true,
		Detect: func(s *Source) bool {
			return s.Has(stratumStrong) || s.Has(stratumLegacy) || s.hasTable("authenticator", "secret", "digits", "algorithm")
		},
		Read:  readStratumSealed,
		Notes: "Settings → Backup → Encrypted, of all versions; `authenticator.db3` of a rooted phone where it is not encrypted.",
	}
}

func readStratumSealed(ctx context.Context, s *Source) (Batch, error) {
	if sqlite.Is(s.Data) {
		return readStratumDB(s)
	}
	if !s.Has(stratumStrong) && !s.Has(stratumLegacy) {
		return Batch{}, ErrDamaged
	}
	var open func(data []byte, passphrase string) ([]byte, error)
	var err error
	if s.Has(stratumStrong) {
		open, err = openStratumStrong, s.affordArgon2(ctx, stratumPasses, stratumMemory, stratumThreads)
	} else {
		open, err = openStratumLegacy, s.affordPBKDF2(ctx, sha1.New, stratumRounds, 32)
	}
	if err != nil {
		return Batch{}, err
	}
	passphrase, err := s.Passphrase(ctx)
	if err != nil {
		return Batch{}, err
	}
	plain, err := open(s.Data[len(stratumStrong):], passphrase)
	if err != nil {
		return Batch{}, err
	}
	b, err := readStratum(s.inner(s.Name, plain))
	if err != nil && s.Has(stratumLegacy) {
		return Batch{}, ErrWrongPassphrase // CBC: one wrong passphrase in 256 comes this far
	}
	b.Formats = []string{"stratum"}
	return b, err
}

// openStratumStrong opens salt, nonce and AES-256-GCM; the key is Argon2id with three
// passes over 64 MiB in four lanes.
func openStratumStrong(data []byte, passphrase string) ([]byte, error) {
	if len(data) < stratumStrongSalt+stratumStrongNonce {
		return nil, ErrDamaged
	}
	salt, data := data[:stratumStrongSalt], data[stratumStrongSalt:]
	key := argon2.IDKey([]byte(passphrase), salt, stratumPasses, stratumMemory, stratumThreads, 32)
	return openGCM(key, data[:stratumStrongNonce], data[stratumStrongNonce:], nil)
}

// openStratumLegacy opens salt, IV and AES-256-CBC.
func openStratumLegacy(data []byte, passphrase string) ([]byte, error) {
	if len(data) < stratumLegacySalt+stratumLegacyIV {
		return nil, ErrDamaged
	}
	salt, data := data[:stratumLegacySalt], data[stratumLegacySalt:]
	key, err := pbkdf2.Key(sha1.New, passphrase, salt, stratumRounds, 32)
	if err != nil {
		return nil, err
	}
	return openCBC(key, data[:stratumLegacyIV], data[stratumLegacyIV:])
}

// readStratumDB reads the tables of the app, which are named as the members of its
// backups are.
func readStratumDB(s *Source) (Batch, error) {
	rows, err := s.rows("authenticator")
	if err != nil {
		return Batch{}, err
	}
	// A damaged table of categories costs the tags and no account.
	categories, _ := s.rows("category")
	members, _ := s.rows("authenticatorcategory")
	names, tags := map[string]string{}, map[string][]string{}
	for _, r := range categories {
		names[r.Text("id")] = r.Text("name")
	}
	for _, r := range members {
		secret := r.Text("authenticatorsecret")
		tags[secret] = append(tags[secret], names[r.Text("categoryid")])
	}
	b := Batch{Formats: []string{"stratum"}}
	for i, r := range rows {
		e := stratumEntry{
			Type: column(r, "type"), Issuer: loose(r.Text("issuer")), Username: loose(r.Text("username")),
			Secret: loose(r.Text("secret")), Pin: loose(r.Text("pin")), Algorithm: column(r, "algorithm"),
			Digits: column(r, "digits"), Period: column(r, "period"), Counter: column(r, "counter"),
		}
		b.take(i, e.row(tags[r.Text("secret")]))
	}
	return b, nil
}
