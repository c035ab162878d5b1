package vault

import (
	"context"

	"github.com/authcli/auth/internal/keyring"
)

// A Found is an account that [Vault.Lookup] has found, and what else there is to know for
// a code of it.
type Found struct {
	Account    Account
	Settings   map[string]Register[string] // of the state
	Generation uint64                      // of the state; 0 for a new vault
}

// Lookup is [Vault.Read] and [State.Find], without reading every record of a large vault.
// Where the vault can be read and the account is not found, the rest is there.
func (v *Vault) Lookup(ctx context.Context, query string, exact bool) (Found, error) {
	var found *Account
	s, err := v.read(ctx, func(snap keyring.Snapshot) (*State, error) {
		if s, a, ok := lookUp(snap, query, exact); ok {
			found = &a
			return s, nil
		}
		return decodeSnapshot(snap)
	})
	if err != nil {
		return Found{}, err
	}
	f := Found{Settings: s.Settings, Generation: s.Generation}
	if found != nil {
		f.Account = *found
		return f, nil
	}
	f.Account, err = s.Find(query, exact)
	return f, err
}

// A Name is what a live account is called.
type Name struct {
	Shown string // as [Account.Shown]; folded if it has a tab or a line break
	Alias string // likewise
}

// Names returns the names of all live accounts, without reading every record of a large
// vault. Their order says nothing. Errors are those of [Vault.Read].
func (v *Vault) Names(ctx context.Context) ([]Name, error) {
	var names []Name
	listed := false
	s, err := v.read(ctx, func(snap keyring.Snapshot) (s *State, err error) {
		if s, names, listed = listNames(snap); listed {
			return s, nil
		}
		return decodeSnapshot(snap)
	})
	if err != nil || listed {
		return names, err
	}
	for _, a := range s.Accounts() {
		names = append(names, Name{a.Shown, a.Alias})
	}
	return names, nil
}
