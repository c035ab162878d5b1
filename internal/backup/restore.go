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
	Kept        Outcome = "kept"               // the vault's account has another secret, and stays
	Replaced    Outcome = "replaced"           // the user asked for it; the vault's secret is in the trash now
	Unverified  Outcome = "needs verification" // restored by name, without its secret
	RemovedHere Outcome = "removed here"       // stays removed unless Options.Deleted is set
	Earlier     Outcome = "earlier secret"     // in the trash, of an account that has another one now; stays there
)

// A Step is what happens to one account of a backup.
type Step struct {
	Account vault.Account // as in the vault after the restore; for Kept and RemovedHere, as in the backup
	Outcome Outcome
}

// Options say what to restore.
type Options struct {
	Accounts []string // queries of the accounts to restore; empty for all
	Replace  []string // queries of the accounts whose secret in the vault is to be replaced
	Deleted  bool     // also restore from the trash; with Replace, also earlier secrets of live accounts
	// Restamp gives every restored account a new stamp. It is for a from that is not the
	// newest state: without it, the next sync would undo the restore.
	Restamp bool
}

// Restore brings the accounts of from into tx. It overwrites only what o.Replace names;
// everything else in the vault stays as it is. Restored accounts keep their ids, stamps
// and counters. An account that comes back against a removal or a newer secret gets a new
// stamp. Queries can return [vault.ErrNotFound] and *[vault.AmbiguousError].
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
			continue // an earlier secret comes back only if the user named the account
		}
		d, fromTrash := trashed[a.ID]
		step, err := r.restore(a, o, restoring{replace: replace[a.ID], fromTrash: fromTrash, trashed: d})
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
	replaced   map[string]bool // ids of accounts whose secret this restore has replaced
	brought    map[string]bool // ids of accounts that this restore has added
	earlier    map[string]bool // ids of candidates that are an earlier secret of a live account
}

// offerEarlier adds the earlier secrets of live accounts to the candidates. It takes them
// from the trash, the newest one for each account.
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

// differing returns the candidates that the vault does not already have in the same form.
// A location includes this device's own backup, which has the account that is to be
// replaced.
func (r *restorer) differing() []vault.Account {
	return slices.DeleteFunc(slices.Clone(r.candidates), func(a vault.Account) bool {
		same, found := r.Same(a.Account)
		return found && same.ID == a.ID
	})
}

// choose returns the ids of the candidates that the queries name.
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

// restoring says how one candidate is to be restored.
type restoring struct {
	replace   bool          // the user asked to replace the vault's secret
	fromTrash bool          // the candidate is in the trash, as trashed
	trashed   vault.Trashed // zero unless fromTrash is set
}

// restore restores one candidate.
func (r *restorer) restore(a vault.Account, o Options, how restoring) (Step, error) {
	// What this restore has brought is another account of the backup, though it be equal.
	if same, found := r.Same(a.Account); found && (same.ID == a.ID || !r.brought[same.ID]) {
		return Step{same, AlreadyHere}, nil
	}
	if here, found := r.counterpart(a); found {
		if here.Credential.Equal(a.Credential) { // renamed since the backup
			return Step{here, AlreadyHere}, nil
		}
		if here.ID == a.ID && r.replaced[a.ID] { // this device's own backup still has the old secret
			return Step{here, AlreadyHere}, nil
		}
		if !how.replace && !o.Restamp && here.ID == a.ID && r.Supersedes(r.from, a.ID) {
			return Step{here, AlreadyHere}, nil // the backup has an earlier secret of the same account
		}
		if !how.replace || a.NeedsVerification() {
			return Step{a, Kept}, nil
		}
		r.replaced[here.ID] = true
		if how.fromTrash {
			back, err := r.Undelete(how.trashed)
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
	if how.fromTrash && !r.Has(a.ID) && r.from.Has(a.ID) {
		r.Adopt(r.from, a.ID) // brings its names and counter, and leaves it removed
	}
	if how.fromTrash || r.Has(a.ID) {
		d := how.trashed
		if !how.fromTrash {
			d = vault.Trashed{ID: a.ID, Label: vault.Label{Issuer: a.Issuer, Name: a.Name}, Credential: a.Credential, DeviceBound: a.DeviceBound}
		}
		back, err := r.Undelete(d)
		return Step{back, Restored}, err
	}
	adopted := r.Adopt(r.from, a.ID)
	if o.Restamp {
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

// counterpart returns the account of the vault that a would collide with: the one with
// its id, or else the one with its label. Accounts that this restore has added do not
// count, so two accounts with the same label in a backup are both restored.
func (r *restorer) counterpart(a vault.Account) (vault.Account, bool) {
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

// Conflicts reports whether an account was not restored because the vault's version of it
// stays.
func Conflicts(steps []Step) bool {
	for _, s := range steps {
		if s.Outcome == Kept || s.Outcome == RemovedHere {
			return true
		}
	}
	return false
}

// Counters returns the restored accounts that use a counter. Another device may have
// advanced it since the backup.
func Counters(steps []Step) []vault.Account {
	var list []vault.Account
	for _, s := range steps {
		if s.Account.Type == account.HOTP && (s.Outcome == Restored || s.Outcome == Replaced) {
			list = append(list, s.Account)
		}
	}
	return list
}
