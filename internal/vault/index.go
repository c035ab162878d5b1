package vault

import "github.com/authcli/auth/internal/account"

// An index finds live accounts by id, label and alias, so that adding ten thousand
// compares each one with few others.
type index struct {
	accounts []Account
	byID     map[string]int
	byLabel  map[string][]int // by folded label
	byAlias  map[string]int   // by folded alias
}

// live returns the index of the live accounts.
func (s *State) live() *index {
	if s.index != nil {
		return s.index
	}
	n := len(s.Records)
	x := &index{accounts: make([]Account, 0, n), byID: make(map[string]int, n), byLabel: make(map[string][]int, n), byAlias: map[string]int{}}
	for _, r := range s.joined() {
		if !r.removed() {
			x.add(s.toAccount(r))
		}
	}
	numberLabels(x)
	s.index = x
	return x
}

// add appends an account. It reports whether its label is its own: accounts that share
// one have to be numbered again.
func (x *index) add(a Account) bool {
	at, label := len(x.accounts), account.Fold(a.Label())
	x.accounts = append(x.accounts, a)
	x.byID[a.ID] = at
	x.byLabel[label] = append(x.byLabel[label], at)
	if a.Alias != "" {
		x.byAlias[account.Fold(a.Alias)] = at
	}
	return len(x.byLabel[label]) == 1
}

// labelled returns the accounts of a folded label.
func (x *index) labelled(label string) []Account {
	var list []Account
	for _, at := range x.byLabel[label] {
		list = append(list, x.accounts[at])
	}
	return list
}
