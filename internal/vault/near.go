package vault

import (
	"cmp"
	"slices"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// Near returns up to n accounts whose label, issuer, name or alias is like query, with a
// typing error or two, or has its words, the nearest first. They are what somebody may have
// meant who found nothing; no command takes one by itself.
func (s *State) Near(query string, n int) []Account {
	if strings.HasPrefix(strings.TrimSpace(query), "id:") {
		return nil
	}
	words := strings.Fields(account.Fold(query))
	type near struct {
		Account
		mistakes int
	}
	var found []near
	accounts := s.live().accounts
	for i := range accounts {
		if mistakes, ok := accounts[i].mistakes(words); ok {
			found = append(found, near{accounts[i], mistakes})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int { return cmp.Compare(a.mistakes, b.mistakes) })
	var list []Account
	for _, a := range found[:min(n, len(found))] {
		list = append(list, a.Account)
	}
	return list
}

// mistakes returns how many typing errors are between a query and the account: its words
// together are near one of the names, or each is in a name or near a part of one. ok is
// false where they are too many.
func (a *Account) mistakes(words []string) (mistakes int, ok bool) {
	if len(words) == 0 {
		return 0, false
	}
	names := []string{a.foldedLabel(), a.foldedIssuer(), a.foldedName(), a.foldedAlias()}
	if mistakes, ok = nearest(strings.Join(words, " "), names); ok {
		return mistakes, true
	}
	parts := slices.Clone(names)
	for _, name := range names {
		parts = append(parts, strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune(" :.@-_/", r) })...)
	}
	for _, word := range words {
		if slices.ContainsFunc(names, func(name string) bool { return strings.Contains(name, word) }) {
			continue
		}
		more, near := nearest(word, parts)
		if !near {
			return 0, false
		}
		mistakes += more
	}
	return mistakes, true
}

// nearest returns the distance of text from the nearest of some names. ok is false where
// even that one is something else: a typing error is one letter in three or four, and two
// in longer words.
func nearest(text string, names []string) (least int, ok bool) {
	typed := []rune(text)
	allowed := 2
	switch {
	case len(typed) < 3:
		return 0, false
	case len(typed) < 6:
		allowed = 1
	}
	least = allowed + 1
	for _, name := range names {
		letters := []rune(name)
		if d := len(letters) - len(typed); d > allowed || -d > allowed {
			continue
		}
		least = min(least, distance(typed, letters))
	}
	return least, least <= allowed
}

// distance is that of Damerau and Levenshtein, where no part is changed twice: how many
// letters are put in, left out, exchanged for another one or for their neighbour.
func distance(a, b []rune) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range b {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			row[j+1] = min(row[j]+1, last[j+1]+1, last[j]+change)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
