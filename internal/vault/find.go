package vault

import (
	"fmt"
	"slices"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// Find returns the one live account that query names: by "id:…", then by exact
// label or alias, then issuer or name, then prefix, then substring, then by every word
// of the query somewhere in issuer, name, alias or tags, all folded as [account.Fold]
// does. The first of these steps that matches anything decides. With exact, only an id,
// a label or an alias counts. Errors are [ErrNotFound] and *[AmbiguousError].
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
	folded := account.Fold(query)
	found := firstMatches(folded, exact, len(accounts), func(i int) names { return &accounts[i] })
	if len(found) == 0 && !exact {
		found = wordMatches(folded, accounts)
	}
	switch len(found) {
	case 0:
		return Account{}, fmt.Errorf("%w: %q", ErrNotFound, query)
	case 1:
		return accounts[found[0]], nil
	}
	several := &AmbiguousError{Query: query}
	for _, i := range found {
		several.Matches = append(several.Matches, accounts[i])
	}
	return Account{}, several
}

// Search returns the accounts that query finds by any step of [State.Find], in their
// order. The error is [ErrNotFound] where there is none.
func (s *State) Search(query string) ([]Account, error) {
	return SearchIn(s.live().accounts, query)
}

// SearchIn is [State.Search] among the given accounts.
func SearchIn(accounts []Account, query string) ([]Account, error) {
	if strings.HasPrefix(strings.TrimSpace(query), "id:") {
		a, err := FindIn(accounts, query, true)
		if err != nil {
			return nil, err
		}
		return []Account{a}, nil
	}
	folded := account.Fold(query)
	if folded == "" {
		return nil, fmt.Errorf("%w: %q", ErrNotFound, query)
	}
	words := strings.Fields(folded)
	var found []Account
	for i := range accounts {
		a := &accounts[i]
		matched := a.hasWords(words)
		for step := 0; step < steps && !matched; step++ {
			matched = matches(step, a, folded)
		}
		if matched {
			found = append(found, *a)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: %q", ErrNotFound, query)
	}
	return found, nil
}

// names is what an account is found by, all but its tags. All of it is folded.
type names interface {
	foldedLabel() string
	foldedShown() string // empty if it is the label
	foldedIssuer() string
	foldedName() string
	foldedAlias() string
}

// steps is how many steps [State.Find] has between that of the id and that of the words,
// which the directory of a large vault cannot take: it has no tags.
const steps = 4

// matches reports whether a step finds an account for a folded query, which is not empty.
func matches(step int, a names, query string) bool {
	switch step {
	case 0:
		return a.foldedLabel() == query || a.foldedShown() == query || a.foldedAlias() == query
	case 1:
		return a.foldedIssuer() == query || a.foldedName() == query
	case 2:
		return strings.HasPrefix(a.foldedLabel(), query) || strings.HasPrefix(a.foldedName(), query) ||
			strings.HasPrefix(a.foldedAlias(), query)
	default:
		return strings.Contains(a.foldedLabel(), query) || strings.Contains(a.foldedAlias(), query)
	}
}

// firstMatches returns which of n accounts the first step with a match finds for a folded
// query.
func firstMatches(query string, exact bool, n int, account func(i int) names) (found []int) {
	last := steps
	switch {
	case query == "":
		return nil
	case exact:
		last = 1
	}
	for step := 0; step < last && len(found) == 0; step++ {
		for i := range n {
			if matches(step, account(i), query) {
				found = append(found, i)
			}
		}
	}
	return found
}

// wordMatches returns the places of the accounts that have every word of a folded query.
func wordMatches(query string, accounts []Account) (found []int) {
	words := strings.Fields(query)
	if len(words) == 0 {
		return nil
	}
	for i := range accounts {
		if accounts[i].hasWords(words) {
			found = append(found, i)
		}
	}
	return found
}

// hasWords reports whether each of some folded words is somewhere in issuer, name, alias or
// tags.
func (a *Account) hasWords(words []string) bool {
	texts := []string{a.foldedLabel(), a.foldedAlias()}
	for _, tag := range a.Tags {
		texts = append(texts, account.Fold(tag))
	}
	for _, word := range words {
		if !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, word) }) {
			return false
		}
	}
	return true
}

func (a *Account) foldedLabel() string {
	if a.folded == "" {
		return account.Fold(a.Label())
	}
	return a.folded
}

func (a *Account) foldedShown() string {
	if a.suffix() == "" {
		return ""
	}
	return account.Fold(a.Shown)
}

func (a *Account) foldedIssuer() string { return account.Fold(a.Issuer) }
func (a *Account) foldedName() string   { return account.Fold(a.Name) }
func (a *Account) foldedAlias() string  { return account.Fold(a.Alias) }

// suffix is what Shown has after the label, such as " (2)".
func (a *Account) suffix() string { return strings.TrimPrefix(a.Shown, a.Label()) }
