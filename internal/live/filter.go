package live

import (
	"cmp"
	"slices"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// A folded account is what a filter is compared with.
type folded struct {
	label, issuer, name, alias string
	all                        string // these and the tags
}

func fold(a Account) folded {
	f := folded{account.Fold(a.Label), account.Fold(a.Issuer), account.Fold(a.Name), account.Fold(a.Alias), ""}
	f.all = strings.Join([]string{f.label, f.alias, account.Fold(strings.Join(a.Tags, " "))}, " ")
	return f
}

// The tiers of a match, best first: those by which a QUERY is found, with the issuer before the name. noMatch is none.
const (
	tierWhole = iota
	tierIssuer
	tierName
	tierIssuerPrefix
	tierPrefix
	tierIssuerPart
	tierPart
	tierWords
	noMatch
)

// tier returns how well an account matches a folded query that is not empty.
func (f folded) tier(query string) int {
	switch {
	case f.label == query, f.alias == query:
		return tierWhole
	case f.issuer == query:
		return tierIssuer
	case f.name == query:
		return tierName
	case strings.HasPrefix(f.issuer, query):
		return tierIssuerPrefix
	case strings.HasPrefix(f.label, query), strings.HasPrefix(f.name, query), strings.HasPrefix(f.alias, query):
		return tierPrefix
	case strings.Contains(f.issuer, query):
		return tierIssuerPart
	case strings.Contains(f.label, query), strings.Contains(f.alias, query):
		return tierPart
	}
	for word := range strings.FieldsSeq(query) {
		if !strings.Contains(f.all, word) {
			return noMatch
		}
	}
	return tierWords
}

// filter returns the places of the accounts that match a query, the best first, and otherwise in their order. A command
// takes only the best tier; here all are shown, because a row that disappears while its name is being typed would be
// missed.
func filter(accounts []folded, query string) []int {
	query = account.Fold(query)
	places := make([]int, 0, len(accounts))
	tiers := make([]int, len(accounts))
	for i, f := range accounts {
		if query != "" {
			tiers[i] = f.tier(query)
		}
		if tiers[i] != noMatch {
			places = append(places, i)
		}
	}
	slices.SortStableFunc(places, func(i, j int) int { return cmp.Compare(tiers[i], tiers[j]) })
	return places
}
