package transfer

import (
	"context"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// passKeys are the keys of gopass under which a URI or a bare secret stands.
var passKeys = []string{"totp", "hotp", "otpauth", "otp"}

// pass is one decrypted entry of pass or gopass: the password, then lines of which one
// is a URI (pass-otp), or a key with a URI or a secret (gopass).
func pass() Format {
	return Format{
		Name: "pass", Title: "pass-otp, gopass (a decrypted entry)",
		Detect: func(s *Source) bool {
			if s.Object() != nil {
				return false // its texts may be lines
			}
			first, found := true, 0
			for line := range lines(s.Text()) {
				if first && isURI(line) {
					return false // a list, not an entry
				}
				first = false
				if passLine(line) != "" {
					found++
				}
			}
			return found == 1
		},
		Read:  readPass,
		Notes: "The output of `pass show ENTRY`, piped into `auth import -`, or the decrypted file. Where the URI names nobody, the path of the entry does.",
	}
}

// passLine returns the URI or secret in a line of an entry, or nothing.
func passLine(line string) string {
	if isURI(line) {
		return line
	}
	key, value, found := strings.Cut(line, ":")
	if !found {
		return ""
	}
	for _, k := range passKeys {
		if strings.EqualFold(strings.TrimSpace(key), k) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func readPass(_ context.Context, s *Source) (Batch, error) {
	issuer, name := entryPath(s.Name)
	var b Batch
	for line := range lines(s.Text()) {
		text := passLine(line)
		if text == "" {
			continue
		}
		a, err := readLogin(&b, "the entry", "", "", text)
		if key, _, _ := strings.Cut(line, ":"); err == nil && !isURI(text) && strings.EqualFold(key, "hotp") {
			secret := a.Secret
			a.Credential = account.Default(account.HOTP)
			a.Secret = secret
			b.warn("%s: the counter is missing and starts at 0", name)
		}
		if err == nil && a.Label() == "" {
			a.Issuer, a.Name = issuer, name
		}
		b.add("the entry", a, err)
		return b, nil
	}
	return b, nil
}

// entryPath reads the path of an entry as issuer and name: "github.com/alice.gpg". Only
// below a password store do folders say something; elsewhere the name of the file does.
func entryPath(p string) (issuer, name string) {
	if p == "-" || p == "" {
		return "", "pass entry"
	}
	parts := strings.Split(strings.ReplaceAll(p, `\`, "/"), "/")
	name = parts[len(parts)-1]
	for _, ending := range []string{".gpg", ".age", ".txt"} {
		name = strings.TrimSuffix(name, ending)
	}
	for i, part := range parts[:len(parts)-1] {
		if strings.HasSuffix(part, "password-store") && i < len(parts)-2 {
			issuer = parts[len(parts)-2]
		}
	}
	return issuer, name
}
