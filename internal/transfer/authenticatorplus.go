package transfer

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/authcli/auth/internal/transfer/sqlite"
)

// plusBlizzard is the type of Battle.net accounts: the secret in hex, 8 digits.
const plusBlizzard = 2

// authenticatorPlus is the database of Authenticator Plus, encrypted with SQLCipher 3
// under the master password, or plain. Its exports are zip archives with a list of
// URIs, which are recognised as such.
//
// Source: the tables themselves, and AuthenticatorPlusConverter of Stratum.
func authenticatorPlus() Format {
	return Format{
		Name: "authenticator-plus", Title: "Authenticator Plus (database of the app)", Encrypted: true,
		Detect: func(s *Source) bool {
			return s.hasTable("accounts", "email", "secret", "category") || sqlite.MaybeCipher(s.Data) && looksRandom(s.Data)
		},
		Read:  readAuthenticatorPlus,
		Notes: "The file `authplus.db`. The app's exports, zip archives under a password, are read too.",
	}
}

func readAuthenticatorPlus(ctx context.Context, s *Source) (Batch, error) {
	if !sqlite.Is(s.Data) {
		if err := s.affordPBKDF2(ctx, sha1.New, sqlite.CipherRounds, 32); err != nil {
			return Batch{}, err
		}
		passphrase, err := s.Passphrase(ctx)
		if err != nil {
			return Batch{}, err
		}
		plain, err := sqlite.Decrypt(s.Data, []byte(passphrase))
		if errors.Is(err, sqlite.ErrPassphrase) && s.shared().insist == "" {
			// One andOTP backup in 1,024 is as long as a database could be.
			return readAndOTPSealed(ctx, s)
		}
		if err != nil {
			return Batch{}, databaseError(err)
		}
		s = s.inner(s.Name, plain)
	}
	rows, err := s.rows("accounts")
	if err != nil {
		return Batch{}, err
	}
	var b Batch
	for i, r := range rows {
		b.takePlus(i, r)
	}
	return b, nil
}

func (b *Batch) takePlus(i int, r sqlite.Row) {
	tag := r.Text("category")
	if kind := column(r, "type"); kind.set && kind.value == plusBlizzard {
		out := row{digits: num(8), tags: []string{tag}}
		out.issuer, out.name = googleLabel(r)
		key, err := hex.DecodeString(strings.TrimSpace(r.Text("secret")))
		if err != nil {
			b.skip(rowName(i, out.issuer, out.name), errEncoding.Error())
			return
		}
		out.key = key
		b.take(i, out)
	} else {
		b.takeGoogle(i, r, tag)
	}
}
