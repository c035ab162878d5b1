package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/authcli/auth/internal/account"
)

var errNotAnAccount = errors.New("not an otpauth, otpauth-migration, steam or motp URI")

// otpauth is the list that most programs agree on: one URI a line. Blank lines and
// those that begin with # are passed over; a line may be a JSON string.
func otpauth() Format {
	return Format{
		Name: "otpauth", Title: "otpauth URIs, one a line", Extension: ".txt",
		Detect: func(s *Source) bool {
			if s.Object() != nil {
				return false // its texts may be lines
			}
			if uris := uriArray(s); len(uris) > 0 {
				return isURI(uris[0])
			}
			for line := range lines(s.Text()) {
				if isURI(line) {
					return true
				}
			}
			return false
		},
		Read: func(_ context.Context, s *Source) (Batch, error) { return readLines(s) },
		Write: func(accounts []account.Account, _ WriteOptions) (Output, error) {
			var b strings.Builder
			for _, a := range accounts {
				b.WriteString(a.URI() + "\n")
			}
			return Output{Data: []byte(b.String())}, nil
		},
		Holds: Holds{
			Types:     []account.Type{account.TOTP, account.HOTP, account.Steam, account.MOTP, account.Yandex},
			MinDigits: account.MinDigits, MaxDigits: account.MaxDigits, Plain: true, Refuse: steamLike,
		},
		Notes: "What Aegis, Stratum, FreeOTP+, WinAuth and the Authenticator extension export as text, and the texts of QR codes.",
	}
}

// lines iterates over the trimmed lines of text that say something.
func lines(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for line := range strings.SplitSeq(text, "\n") {
			line = strings.TrimSpace(line)
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if strings.HasPrefix(line, `"`) {
				var s string
				if json.Unmarshal([]byte(strings.TrimSuffix(line, ",")), &s) == nil {
					line = strings.TrimSpace(s)
				}
			}
			if !yield(line) {
				return
			}
		}
	}
}

func isURI(text string) bool {
	for _, scheme := range []string{"otpauth://", "apple-otpauth://", migrationScheme, "steam://", "motp://"} {
		if hasPrefixFold(text, scheme) {
			return true
		}
	}
	return false
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// uriArray returns the texts of a JSON array of nothing else.
func uriArray(s *Source) []string {
	list := s.List()
	uris := make([]string, len(list))
	for i, raw := range list {
		if json.Unmarshal(raw, &uris[i]) != nil {
			return nil
		}
	}
	return uris
}

func readLines(s *Source) (Batch, error) {
	var b Batch
	for i, uri := range uriArray(s) {
		if b.full() {
			break
		}
		readText(&b, fmt.Sprintf("row %d", i+1), uri)
	}
	if len(b.Accounts)+len(b.Skipped) > 0 {
		return b, nil
	}
	i := 0
	for line := range lines(s.Text()) {
		if b.full() {
			break
		}
		i++
		readText(&b, fmt.Sprintf("row %d", i), line)
	}
	return b, nil
}

// readText adds what one URI says. row is its name as long as it has no label.
func readText(b *Batch, row, text string) {
	text = strings.TrimSpace(text)
	if hasPrefixFold(text, migrationScheme) {
		readMigration(b, row, text)
		return
	}
	a, err := readURI(b, row, text)
	if errors.Is(err, account.ErrNotURI) {
		err = errNotAnAccount
	}
	if label := a.Label(); err == nil && label != "" {
		row = label
	}
	b.add(row, a, err)
}

// readURI reads one URI and warns of what is odd in it.
func readURI(b *Batch, row, uri string) (account.Account, error) {
	a, warnings, err := account.InspectURI(winAuth(uri))
	if err != nil {
		return account.Account{}, err
	}
	if err := applyEnte(&a, uri); err != nil {
		return account.Account{}, err
	}
	if label := a.Label(); label != "" {
		row = label
	}
	for _, w := range warnings {
		b.warn("%s: %s", row, w)
	}
	// Microsoft's work accounts have the organisation there, and Microsoft as issuer.
	if prefix := otherPrefix(uri, a); prefix != "" && a.Note == "" {
		a.Note = "Label: " + prefix
	}
	if a.Type == account.HOTP && param(uri, "counter") == "" {
		b.warn("%s: the counter is missing and starts at 0", row)
	}
	return a, nil
}

// otherPrefix returns the part of a label before its colon where it is another than the
// issuer that the parameter names.
func otherPrefix(uri string, a account.Account) string {
	if param(uri, "issuer") == "" {
		return ""
	}
	_, rest, _ := strings.Cut(uri, "://")
	path, _, _ := strings.Cut(rest, "?")
	_, label, _ := strings.Cut(path, "/")
	if decoded, err := url.PathUnescape(label); err == nil {
		label = decoded
	}
	prefix, _, found := strings.Cut(account.Clean(label), ":")
	if prefix = account.Clean(prefix); !found || hasPrefixFold(account.Clean(label), a.Issuer+":") || strings.EqualFold(prefix, a.Issuer) {
		return ""
	}
	return prefix
}

// splitKnown finds the name in a label whose issuer is known by other means.
func splitKnown(label, issuer string) (string, string) {
	label, issuer = account.Clean(label), account.Clean(issuer)
	if issuer == "" {
		return account.SplitLabel(label)
	}
	if hasPrefixFold(label, issuer+":") {
		return issuer, account.Clean(label[len(issuer)+1:])
	}
	return issuer, label
}

// param returns the first parameter of a URI with a name, in any case, decoded. It is
// for what [account.ParseURI] has no use for.
func param(uri, name string) string {
	_, query, _ := strings.Cut(uri, "?")
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if strings.EqualFold(key, name) {
			if decoded, err := url.QueryUnescape(value); err == nil {
				return decoded
			}
			return value
		}
	}
	return ""
}
