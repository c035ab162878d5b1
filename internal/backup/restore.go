package backup

import (
	"fmt"
	"slices"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/vault"
)

// An Outcome says what restoring did, or would do, with one account.
type Outcome string

// What can happen to an account.
const (
	Restored    Outcome = "restored"
	AlreadyHere Outcome = "already here"
	Kept        Outcome = "kept"               // the one here has another secret, and stays
	Replaced    Outcome = "replaced"           // as the user asked; what was here is in the trash
	Unverified  Outcome = "needs verification" // restored by name, without its secret
	RemovedHere Outcome = "removed here"       // and only Deleted brings it back
)

// A Step is what happens to one account of a backup.
type Step struct {
	Account vault.Account // as it is in the vault afterwards; for Kept and RemovedHere as it is in the backup
	Outcome Outcome
}

// Options say what to restore.
type Options struct {
	Accounts []string // queries of the accounts to restore; none: all
	Replace  []string // queries of the accounts to take from the backup where both differ
	Deleted  bool     // bring back what is in the trash, too; with Replace also what a live account held before
	Anew     bool     // from is not the newest state: stamp what it brings anew, so that no sync undoes it
}

// Restore brings the accounts of from into tx, and overwrites nothing that o does
// not name: what is in the vault stays as it is. Accounts keep their ids, stamps and
// counters; what is brought back against a removal or a newer secret is stamped
// anew. Errors are [vault.ErrNotFound] and *[vault.AmbiguousError] for queries.
func Restore(tx *vault.Tx, from *vault.State, o Options) ([]Step, error) {
	r := restorer{Tx: tx, from: from, candidates: from.Accounts(), replaced: map[string]bool{}, brought: map[string]bool{}}
	empty := len(tx.Records) == 0
	trashed := map[string]vault.Trashed{}
	if o.Deleted {
		for _, d := range from.TrashOf() {
			trashed[d.ID] = d
			r.candidates = append(r.candidates, vault.Account{Account: d.Account(), Shown: d.Account().Label()})
		}
	}
	if o.Deleted && len(o.Replace) > 0 {
		r.offerEarlier(trashed)
	}
	wanted, err := r.choose(r.candidates, o.Accounts)
	if err != nil {
		return nil, err
	}
	replace, err := r.choose(r.differing(), o.Replace)
	if err != nil {
		return nil, err
	}
	var steps []Step
	for _, a := range r.candidates {
		if len(o.Accounts) > 0 && !wanted[a.ID] && !replace[a.ID] {
			continue
		}
		if r.earlier[a.ID] && !replace[a.ID] {
			continue // only one that is named is given up for what it was before
		}
		d, fromTrash := trashed[a.ID]
		step, err := r.one(a, replace[a.ID], o, d, fromTrash)
		if err != nil {
			return nil, err
		}
		if step.Outcome == Restored || step.Outcome == Unverified {
			r.brought[step.Account.ID] = true
		}
		steps = append(steps, step)
	}
	if len(o.Accounts) == 0 {
		tx.AdoptRest(from)
		if empty {
			tx.AdoptOrder(from)
		}
	}
	return steps, nil
}

type restorer struct {
	*vault.Tx
	from       *vault.State
	candidates []vault.Account
	replaced   map[string]bool // accounts here that hold a secret of the backup by now
	brought    map[string]bool // accounts that this restore has brought
	earlier    map[string]bool // candidates that are what a live account held before
}

// offerEarlier makes candidates of the secrets that live accounts held before their
// present ones, as far as the trash has them: the newest of each.
func (r *restorer) offerEarlier(trashed map[string]vault.Trashed) {
	r.earlier = map[string]bool{}
	for _, d := range r.Superseded() {
		here, err := r.Find("id:"+d.ID, true)
		if err != nil || r.earlier[here.ID] || trashed[here.ID].ID != "" {
			continue
		}
		r.earlier[here.ID], trashed[here.ID] = true, d
		here.Credential = d.Credential
		r.candidates = append(r.candidates, here)
	}
}

// differing returns the candidates that are not here as they are: this device's own
// backup, which has the account that is to be replaced, is a part of its location.
func (r *restorer) differing() []vault.Account {
	return slices.DeleteFunc(slices.Clone(r.candidates), func(a vault.Account) bool {
		same, found := r.Same(a.Account)
		return found && same.ID == a.ID
	})
}

// choose returns the ids of those among candidates that the queries name.
func (r *restorer) choose(candidates []vault.Account, queries []string) (map[string]bool, error) {
	ids := map[string]bool{}
	for _, query := range queries {
		a, err := vault.FindIn(candidates, query, false)
		if err != nil {
			return nil, fmt.Errorf("in the backup: %w", err)
		}
		ids[a.ID] = true
	}
	return ids, nil
}

func (r *restorer) one(a vault.Account, replace bool, o Options, d vault.Trashed, fromTrash bool) (Step, error) {
	if same, found := r.Same(a.Account); found {
		return Step{same, AlreadyHere}, nil
	}
	if here, found := r.other(a); found {
		if here.Credential.Equal(a.Credential) { // of another name by now
			return Step{here, AlreadyHere}, nil
		}
		if here.ID == a.ID && r.replaced[a.ID] { // this device's own backup still has what was replaced
			return Step{here, AlreadyHere}, nil
		}
		if !replace && !o.Anew && here.ID == a.ID && r.Supersedes(r.from, a.ID) {
			return Step{here, AlreadyHere}, nil // what the backup has is what it was here before
		}
		if !replace || a.NeedsVerification() {
			return Step{a, Kept}, nil
		}
		r.replaced[here.ID] = true
		if fromTrash {
			back, err := r.Undelete(d)
			return Step{back, Replaced}, err
		}
		if err := r.SetCredential(here.ID, a.Credential, a.Counter); err != nil {
			return Step{}, err
		}
		return r.step(here.ID, Replaced)
	}
	if r.Has(a.ID) && !o.Deleted {
		return Step{a, RemovedHere}, nil
	}
	if fromTrash && !r.Has(a.ID) && r.from.Has(a.ID) {
		r.Adopt(r.from, a.ID) // removed still, with its names and counter
	}
	if fromTrash || r.Has(a.ID) {
		if !fromTrash {
			d = vault.Trashed{ID: a.ID, Label: vault.Label{Issuer: a.Issuer, Name: a.Name}, Credential: a.Credential, DeviceBound: a.DeviceBound}
		}
		back, err := r.Undelete(d)
		return Step{back, Restored}, err
	}
	adopted := r.Adopt(r.from, a.ID)
	if o.Anew {
		var err error
		if adopted, err = r.Restamp(adopted.ID); err != nil {
			return Step{}, err
		}
	}
	if a.NeedsVerification() {
		return Step{adopted, Unverified}, nil
	}
	return Step{adopted, Restored}, nil
}

// other returns the account here that stands against a: the one of its id, or the one of
// its label. What this restore has brought itself stands against nothing: two accounts
// of one label come back beside each other.
func (r *restorer) other(a vault.Account) (vault.Account, bool) {
	if here, err := r.Find("id:"+a.ID, true); err == nil {
		return here, true
	}
	for _, here := range r.Labelled(a.Account) {
		if !r.brought[here.ID] {
			return here, true
		}
	}
	return vault.Account{}, false
}

func (r *restorer) step(id string, outcome Outcome) (Step, error) {
	a, err := r.Find("id:"+id, true)
	return Step{a, outcome}, err
}

// Conflicts reports whether any account was not brought in as the backup has it.
func Conflicts(steps []Step) bool {
	for _, s := range steps {
		if s.Outcome == Kept || s.Outcome == RemovedHere {
			return true
		}
	}
	return false
}

// Counters returns the accounts that were restored and go by a counter, which may
// have moved on elsewhere since the backup.
func Counters(steps []Step) []vault.Account {
	var list []vault.Account
	for _, s := range steps {
		if s.Account.Type == account.HOTP && (s.Outcome == Restored || s.Outcome == Replaced) {
			list = append(list, s.Account)
		}
	}
	return list
}
