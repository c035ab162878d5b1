package transfer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// Docs returns docs/formats.md: the list of formats as Markdown tables, and what each
// that is written cannot express.
func Docs() string {
	var b strings.Builder
	b.WriteString(`# Formats

Generated from the list in ` + "`internal/transfer/formats.go`; do not edit" + `.

## Import

` + "`auth import FILE…`" + ` recognises a file by its content, never by its name, and tries the formats in the order of this
table. ` + "`--from NAME`" + ` insists on one. Zip archives are opened, encrypted ones too, and what is in them is recognised in
turn. Images are read for QR codes.

A call takes 512 MiB of memory and a minute of key derivation at most, whatever its files ask for; 100,000 accounts, and 64 MiB
inside an archive. A file whose key costs more is read after a question, or with ` + "`--allow-cost`" + `.

| name | what | passphrase | where it comes from |
|---|---|---|---|
`)
	for _, f := range Formats() {
		if f.Read != nil {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Name, f.Title, yes(f.Encrypted), f.Notes)
		}
	}
	b.WriteString(`
### Odd URIs

One rule holds. What decides a code (type, secret, algorithm, digits, period, counter, PIN, encoder) is refused where it is unknown,
out of range, half percent-encoded, or there twice with two values: a wrong code is worse than none. What only names the account
is read with a warning: a label that is half encoded, two issuers, an issuer in the label that is another than the parameter's,
which counts. A secret of less than five bytes is read with a warning too, in every format. An account with neither issuer nor name
is called ` + "`unnamed`" + `. Empty parameters say nothing; parameters that mean nothing to ` + "`auth`" + ` are passed over. A URI is at most
64 KiB long.

Steam accounts are told by ` + "`otpauth://steam/`, `steam://`, `&steam`, `encoder=steam`, `algorithm=steam`" + `, and by the issuer Steam
without digits or with five. Their codes have five letters, SHA-1 and 30 seconds, whatever the URI says. ` + "`apple-otpauth://`" + ` is an
otpauth URI.

## Export

` + "`auth export --format NAME`" + ` writes under a passphrase where the format knows one, and in plain text only with
` + "`--plaintext`" + `. Accounts that a format cannot express are left out and named, as are those bound to this device and those
without a secret. Aliases are kept by no format.

| name | encrypted | accounts | algorithms | digits | periods | tags | note |
|---|---|---|---|---|---|---|---|
`)
	for _, f := range Formats() {
		if f.Write != nil {
			h := f.Holds
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s | %s |\n", f.Name, yes(h.Sealed), types(h), algorithms(h), digits(h), periods(h), tags(h), yes(h.Note))
		}
	}
	return b.String()
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func types(h Holds) string {
	var out []string
	for _, t := range h.Types {
		out = append(out, string(t))
	}
	return strings.Join(out, ", ")
}

func algorithms(h Holds) string {
	if h.Algorithms == nil {
		return "all"
	}
	var out []string
	for _, a := range []account.Algorithm{account.SHA1, account.SHA256, account.SHA512} {
		if slices.Contains(h.Algorithms, a) {
			out = append(out, string(a))
		}
	}
	return strings.Join(out, ", ")
}

func digits(h Holds) string {
	if h.Digits != nil {
		return join(h.Digits)
	}
	return fmt.Sprintf("%d to %d", max(h.MinDigits, account.MinDigits), h.MaxDigits)
}

func periods(h Holds) string {
	switch {
	case h.Periods != nil:
		return join(h.Periods) + " s"
	case h.MaxPeriod != 0:
		return fmt.Sprintf("up to %d s", h.MaxPeriod)
	}
	return "all"
}

func tags(h Holds) string {
	switch h.Tags {
	case 0:
		return ""
	case 1:
		return "one"
	}
	return "all"
}

func join(numbers []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(numbers), " ", ", "), "[]")
}
