package transfer

import (
	"strings"

	"github.com/authcli/auth/internal/account"
)

// readLogin reads the one-time-password field of a password manager's item: a URI or a
// bare secret. Title and user of the item stand in where a URI names no issuer or name.
// A bare secret and steam:// say nothing of whose they are.
func readLogin(b *Batch, row, title, user, text string) (account.Account, error) {
	text, title, user = strings.TrimSpace(text), account.Clean(title), account.Clean(user)
	if !strings.Contains(text, "://") {
		a := account.Account{Issuer: title, Name: user, Credential: account.Default(account.TOTP)}
		var err error
		a.Secret, err = account.ParseBase32(text)
		return a, err
	}
	a, err := readURI(b, row, text)
	if err != nil {
		return a, err
	}
	if a.Issuer == "" || hasPrefixFold(text, "steam://") && title != "" {
		a.Issuer = title
	}
	if a.Name == "" {
		a.Name = user
	}
	return a, nil
}
