package transfer

import (
	"context"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/transfer/sqlite"
)

// googleDB is the database of Google Authenticator for Android, of a rooted phone or
// an old backup. The app knows 6 digits, 30 seconds and SHA-1 there.
//
// Source: the tables themselves, and GoogleAuthImporter of Aegis.
func googleDB() Format {
	return Format{
		Name: "google-db", Title: "Google Authenticator (database of the app)",
		Detect: func(s *Source) bool {
			return s.hasTable("accounts", "email", "secret", "counter", "type") && !s.hasTable("accounts", "category")
		},
		Read:  func(_ context.Context, s *Source) (Batch, error) { return readGoogleDB(s) },
		Notes: "The file `databases/databases` of the app, from a rooted phone, with its -wal. Newer versions of the app keep the secrets in the phone's keystore: use the transfer QR codes.",
	}
}

func readGoogleDB(s *Source) (Batch, error) {
	rows, err := s.rows("accounts")
	if err != nil {
		return Batch{}, err
	}
	var b Batch
	for i, r := range rows {
		b.takeGoogle(i, r)
	}
	return b, nil
}

// takeGoogle adds a row of the table accounts of Google Authenticator, which
// Authenticator Plus has too.
func (b *Batch) takeGoogle(i int, r sqlite.Row, tags ...string) {
	out := row{kind: "unknown", secret: r.Text("secret"), tags: tags}
	out.issuer, out.name = googleLabel(r)
	if n := column(r, "isencrypted"); n.set && n.value != 0 {
		b.skip(rowName(i, out.issuer, out.name), "the app keeps the secret in the phone's keystore")
		return
	}
	switch kind := column(r, "type"); {
	case kind.bad:
	case !kind.set, kind.value == 0:
		out.kind = string(account.TOTP)
	case kind.value == 1:
		out.kind, out.counter = string(account.HOTP), column(r, "counter")
	}
	b.take(i, out)
}

// googleLabel finds issuer and name: the column email is "issuer:name" or the name,
// and original_name is what email was before the user edited it.
func googleLabel(r sqlite.Row) (issuer, name string) {
	issuer, name = splitKnown(r.Text("email"), r.Text("issuer"))
	if issuer == "" {
		issuer, _ = splitKnown(r.Text("original_name"), "")
	}
	return issuer, name
}
