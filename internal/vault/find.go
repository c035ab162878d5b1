package vault

import (
	"fmt"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// Find returns the one live account that query names: by "id:…", then by exact
// label or alias, then issuer or name, then prefix, then substring, all folded as
// [account.Fold] does. The first of these steps that matches anything decides.
// With exact, only an id, a label or an alias counts. Errors are [ErrNotFound] and
// *[AmbiguousError].
func (s *State) Find(query string, exact bool) (Account, error) {
	if id, found := strings.CutPrefix(strings.TrimSpace(query), "id:"); found {
		query = "id:" + s.root(strings.TrimSpace(id)) // an account answers to each of its ids
	}
	return FindIn(s.live().accounts, query, exact)
}

// FindIn is [State.Find] among the given accounts.
func FindIn(accounts []Account, query string, exact bool) (Account, error) {
	if id, found := strings.CutPrefix(strings.TrimSpace(query), "id:"); found {
		for _, a := range accounts {
			if a.ID == strings.TrimSpace(id) {
				return a, nil
			}
		}
		return Account{}, fmt.Errorf("%w: %q", ErrNotFound, query)
	}
	q := account.Fold(query)
	steps := []func(a *Account) bool{
		func(a *Account) bool {
			return a.fold() == q || a.Shown != a.Label() && account.Fold(a.Shown) == q || account.Fold(a.Alias) == q
		},
		func(a *Account) bool { return account.Fold(a.Issuer) == q || account.Fold(a.Name) == q },
		func(a *Account) bool {
			return strings.HasPrefix(a.fold(), q) || strings.HasPrefix(account.Fold(a.Name), q) ||
				strings.HasPrefix(account.Fold(a.Alias), q)
		},
		func(a *Account) bool {
			return strings.Contains(a.fold(), q) || strings.Contains(account.Fold(a.Alias), q)
		},
	}
	if exact {
		steps = steps[:1]
	}
	if q == "" {
		steps = nil
	}
	for _, matches := range steps {
		var found []Account
		for i := range accounts {
			if matches(&accounts[i]) {
				found = append(found, accounts[i])
			}
		}
		switch len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			return Account{}, &AmbiguousError{Query: query, Matches: found}
		}
	}
	return Account{}, fmt.Errorf("%w: %q", ErrNotFound, query)
}

// fold returns the folded label.
func (a *Account) fold() string {
	if a.folded == "" {
		return account.Fold(a.Label())
	}
	return a.folded
}
