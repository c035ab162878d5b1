package transfer

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/transfer/sqlite"
)

// Types of accounts of Microsoft Authenticator.
const (
	microsoftOther    = 0 // of anyone: base32, 6 digits
	microsoftPersonal = 1 // of Microsoft: base64, 8 digits
	microsoftWork     = 2 // of an organisation, for the most part without a code
)

// microsoft is the database of Microsoft Authenticator for Android, of a rooted phone.
// The backups of the app in iCloud and Google's cloud cannot be read outside of it.
//
// Source: the tables themselves, and MicrosoftAuthImporter of Aegis.
func microsoft() Format {
	return Format{
		Name: "microsoft", Title: "Microsoft Authenticator (database of the app)",
		Detect: func(s *Source) bool {
			return s.hasTable("accounts", "oath_secret_key", "account_type")
		},
		Read:  func(_ context.Context, s *Source) (Batch, error) { return readMicrosoft(s) },
		Notes: "The file `databases/PhoneFactor` of the app, from a rooted phone; give `PhoneFactor-wal` in the same call. Work and school accounts have no secret to move: set them up anew at https://mysignins.microsoft.com/security-info.",
	}
}

func readMicrosoft(s *Source) (Batch, error) {
	rows, err := s.rows("accounts")
	if err != nil {
		return Batch{}, err
	}
	var b Batch
	for i, r := range rows {
		b.takeMicrosoft(i, r)
	}
	return b, nil
}

func (b *Batch) takeMicrosoft(i int, r sqlite.Row) {
	out := row{issuer: r.Text("name"), name: r.Text("username")}
	label := rowName(i, out.issuer, out.name)
	text := strings.TrimSpace(r.Text("oath_secret_key"))
	kind := column(r, "account_type")
	switch {
	case text == "" && r.Text("encrypted_oath_secret_key") != "":
		b.skip(label, "the app keeps the secret in the phone's keystore")
		return
	case text == "" && kind.value == microsoftWork:
		b.skip(label, "a work or school account: Microsoft gives its secret to the app alone, set it up anew at https://mysignins.microsoft.com/security-info")
		return
	case kind.bad || kind.value < microsoftOther || kind.value > microsoftWork:
		b.skip(label, account.ErrType.Error())
		return
	case kind.value == microsoftOther:
		out.secret = text
		b.take(i, out)
		return
	}
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		b.skip(label, errEncoding.Error())
		return
	}
	out.key = key
	if kind.value == microsoftPersonal {
		out.digits = num(8)
	} else {
		b.warn("%s: a work or school account; check its code, Microsoft may expect others", label)
	}
	b.take(i, out)
}
