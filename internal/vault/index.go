package vault

import "github.com/authcli/auth/internal/account"

// An index finds live accounts by id, label and alias, so that adding ten thousand
// compares each one with few others.
type index struct {
	accounts []Account
	ids      map[string]int   // places by id, once needed
	first    map[string]int   // the first place of a folded label
	more     map[string][]int // the other places of a folded label
	byAlias  map[string]int   // by folded alias
}

// live returns the index of the live accounts.
func (s *State) live() *index {
	if s.index == nil {
		s.index = s.newIndex()
	}
	return s.index
}

func (s *State) newIndex() *index {
	n := len(s.Records)
	x := &index{accounts: make([]Account, 0, n), first: make(map[string]int, n), more: map[string][]int{}, byAlias: map[string]int{}}
	for _, r := range s.joined() {
		if !r.removed() {
			x.add(s.toAccount(r))
		}
	}
	numberLabels(x)
	return x
}

// add appends an account. It reports whether its label is its own: accounts that share
// one have to be numbered again.
func (x *index) add(a Account) bool {
	at := len(x.accounts)
	a.folded = account.Fold(a.Label())
	x.accounts = append(x.accounts, a)
	if x.ids != nil {
		x.ids[a.ID] = at
	}
	if a.Alias != "" {
		x.byAlias[account.Fold(a.Alias)] = at
	}
	if _, shared := x.first[a.folded]; shared {
		x.more[a.folded] = append(x.more[a.folded], at)
		return false
	}
	x.first[a.folded] = at
	return true
}

// place returns the place of the account with an id.
func (x *index) place(id string) (at int, found bool) {
	if x.ids == nil {
		x.ids = make(map[string]int, len(x.accounts))
		for i := range x.accounts {
			x.ids[x.accounts[i].ID] = i
		}
	}
	at, found = x.ids[id]
	return at, found
}

// places returns the places of the accounts of a folded label.
func (x *index) places(label string) []int {
	at, found := x.first[label]
	if !found {
		return nil
	}
	return append([]int{at}, x.more[label]...)
}

// labelled returns the accounts of a folded label.
func (x *index) labelled(label string) []Account {
	var list []Account
	for _, at := range x.places(label) {
		list = append(list, x.accounts[at])
	}
	return list
}
