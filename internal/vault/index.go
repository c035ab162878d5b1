package vault

import "github.com/authcli/auth/internal/account"

// An index holds the live accounts and where to find them, so that adding ten
// thousand compares each with the few that could be in its way.
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
		if !r.gone() {
			x.add(s.view(r))
		}
	}
	number(x)
	s.index = x
	return x
}

// add puts an account at the end. It reports whether no other shares its label:
// those that do have to be numbered anew.
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
