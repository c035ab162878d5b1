package backup_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/vault"
)

// A history makes a backup and a vault that both start from a common vault.
type history struct {
	common, there, here func(tx *vault.Tx) error
}

// restored restores the backup of a history. It returns the outcome of each account by
// name, and the vault.
func (h history) restored(t testing.TB, o backup.Options) (map[string]backup.Outcome, *vault.State, error) {
	t.Helper()
	do := func(s *vault.State, device string, at time.Duration, f func(*vault.Tx) error) *vault.State {
		t.Helper()
		if f == nil {
			return s
		}
		if err := f(&vault.Tx{State: s, Now: noon.Add(at), Device: strings.Repeat(device, 16)}); err != nil {
			t.Fatal(err)
		}
		return s
	}
	common := do(&vault.State{ID: "feedfeedfeedfeed"}, "0", 0, h.common)
	there := do(common.Clone(), "1", time.Hour, h.there).Portable()
	here := common
	if h.common == nil {
		here = &vault.State{ID: "0123012301230123"}
	}
	here = do(here, "2", 2*time.Hour, h.here)
	outcomes := map[string]backup.Outcome{}
	steps, err := backup.Restore(&vault.Tx{State: here, Now: noon.Add(3 * time.Hour), Device: strings.Repeat("2", 16)}, there, o)
	for _, step := range steps {
		outcomes[step.Account.Label()] = step.Outcome
	}
	return outcomes, here, err
}

// one applies a change to the account with the given name.
func one(name string, f func(tx *vault.Tx, id string) error) func(*vault.Tx) error {
	return func(tx *vault.Tx) error {
		a, err := tx.Find(name, true)
		if err != nil {
			return err
		}
		return f(tx, a.ID)
	}
}

func adding(name, text string) func(*vault.Tx) error {
	return func(tx *vault.Tx) error { return adds(tx, name, secret(text)) }
}

func removing(name string) func(*vault.Tx) error {
	return one(name, func(tx *vault.Tx, id string) error { return tx.Remove(id, false) })
}

func renewing(name, text string) func(*vault.Tx) error {
	return one(name, func(tx *vault.Tx, id string) error { return tx.SetCredential(id, secret(text), 0) })
}

func all(changes ...func(*vault.Tx) error) func(*vault.Tx) error {
	return func(tx *vault.Tx) error {
		for _, change := range changes {
			if err := change(tx); err != nil {
				return err
			}
		}
		return nil
	}
}

// The accounts of the vault stay unless the user names them. Removed accounts stay
// removed unless the user asks for them.
func TestRestoreRules(t *testing.T) {
	t.Parallel()
	bound := func(tx *vault.Tx) error {
		_, err := tx.Add(account.Account{Name: "x", Credential: secret("of this device"), DeviceBound: true})
		return err
	}
	replace := backup.Options{Replace: []string{"x"}}
	deleted := backup.Options{Deleted: true}
	for _, c := range []struct {
		what    string
		h       history
		o       backup.Options
		outcome backup.Outcome // of the account x; empty where it is not spoken of
		secret  string         // that x has here afterwards; empty where it is not here
		trash   int            // how many secrets the trash has afterwards
	}{
		{"absent here", history{there: adding("x", "theirs")}, backup.Options{}, backup.Restored, "theirs", 0},
		{"equal", history{there: adding("x", "same"), here: adding("x", "same")}, backup.Options{}, backup.AlreadyHere, "same", 0},
		{"equal, by another name", history{common: adding("x", "same"), here: one("x", func(tx *vault.Tx, id string) error { return tx.SetLabel(id, "", "y") })}, backup.Options{}, "", "", 0},
		{"another secret here", history{there: adding("x", "theirs"), here: adding("x", "ours")}, backup.Options{}, backup.Kept, "ours", 0},
		{"another secret here, named", history{there: adding("x", "theirs"), here: adding("x", "ours")}, replace, backup.Replaced, "theirs", 1},
		{"a newer secret here", history{common: adding("x", "old"), here: renewing("x", "ours")}, backup.Options{}, backup.AlreadyHere, "ours", 1},
		{"a newer secret there", history{common: adding("x", "old"), there: renewing("x", "theirs")}, backup.Options{}, backup.Kept, "old", 0},
		{"a newer secret there, named", history{common: adding("x", "old"), there: renewing("x", "theirs")}, replace, backup.Replaced, "theirs", 1},
		{"an earlier secret there, named", history{common: adding("x", "old"), here: renewing("x", "ours")}, replace, backup.Replaced, "old", 1},
		{"an earlier state, not named", history{common: adding("x", "old"), here: renewing("x", "ours")}, backup.Options{Restamp: true}, backup.Kept, "ours", 1},
		{"renewed and removed here, and another of its name", history{common: adding("x", "old"), here: all(renewing("x", "newer"), removing("x"), adding("x", "other"))}, backup.Options{}, backup.Kept, "other", 2},
		{"removed here", history{common: adding("x", "same"), here: removing("x")}, backup.Options{}, backup.RemovedHere, "", 1},
		{"removed here, asked for", history{common: adding("x", "same"), here: removing("x")}, deleted, backup.Restored, "same", 0},
		{"removed there", history{common: adding("x", "same"), there: removing("x"), here: adding("y", "other")}, backup.Options{}, "", "same", 0},
		{"removed there, from nothing", history{there: all(adding("x", "theirs"), removing("x"))}, backup.Options{}, "", "", 1},
		{"removed there, from nothing, asked for", history{there: all(adding("x", "theirs"), removing("x"))}, deleted, backup.Restored, "theirs", 0},
		{"bound there", history{there: bound}, backup.Options{}, backup.Unverified, "", 0},
		{"bound there, here with a secret", history{there: bound, here: bound}, backup.Options{}, backup.AlreadyHere, "of this device", 0},
		{"bound there, another here, named", history{there: bound, here: adding("x", "ours")}, replace, backup.Kept, "ours", 0},
		{"named, and equal", history{there: adding("x", "same"), here: adding("y", "other")}, backup.Options{Accounts: []string{"x"}}, backup.Restored, "same", 0},
		{"not named", history{there: all(adding("x", "theirs"), adding("y", "other"))}, backup.Options{Accounts: []string{"y"}}, "", "", 0},
		{"back to what it was", history{common: adding("x", "old"), here: renewing("x", "ours")}, backup.Options{Replace: []string{"x"}, Restamp: true}, backup.Replaced, "old", 1},
	} {
		outcomes, here, err := c.h.restored(t, c.o)
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if outcomes["x"] != c.outcome {
			t.Errorf("%s: it is %q, want %q", c.what, outcomes["x"], c.outcome)
		}
		got := ""
		if a, err := here.Find("x", true); err == nil {
			got = string(a.Secret.Reveal())
		}
		if got != c.secret || len(here.Trash) != c.trash {
			t.Errorf("%s: the secret is %q, want %q; %d in the trash, want %d", c.what, got, c.secret, len(here.Trash), c.trash)
		}
	}
}

// An account that comes back against a removal or a newer secret gets a new stamp, so
// that the next merge does not undo the restore. An account that was simply absent keeps
// its stamps.
func TestRestoreStamps(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		h history
		o backup.Options
	}{
		"deleted":  {history{common: adding("x", "same"), here: removing("x")}, backup.Options{Deleted: true}},
		"replaced": {history{common: adding("x", "same"), here: renewing("x", "ours")}, backup.Options{Replace: []string{"x"}, Restamp: true}},
		"anew":     {history{there: adding("x", "same")}, backup.Options{Restamp: true}},
	} {
		var removed *vault.State // what another device has, from just before the restore
		h := c.h
		h.here = all(func(tx *vault.Tx) error {
			if c.h.here == nil {
				return nil
			}
			return c.h.here(tx)
		}, func(tx *vault.Tx) error { removed = tx.State.Clone(); return nil })
		_, here, err := h.restored(t, c.o)
		if err != nil {
			t.Fatal(err)
		}
		merged, _ := vault.Merge(here, removed)
		if a, err := merged.Find("x", true); err != nil || string(a.Secret.Reveal()) != "same" {
			t.Errorf("%s: after a merge it is %v, %v", what, a.Label(), err)
		}
	}
}

// An account that was absent here and has been removed elsewhere since the backup comes
// back for good where an earlier state is restored, and only there.
func TestRestoreAgainstARemoval(t *testing.T) {
	t.Parallel()
	for _, restamp := range []bool{true, false} {
		there := change(t, new(vault.State), adding("x", "same"))
		gone := there.Clone()
		if err := removing("x")(&vault.Tx{State: gone, Now: noon.Add(time.Hour), Device: strings.Repeat("1", 16)}); err != nil {
			t.Fatal(err)
		}
		here := &vault.Tx{State: &vault.State{ID: vault.NewID()}, Now: noon.Add(2 * time.Hour), Device: strings.Repeat("2", 16)}
		steps, err := backup.Restore(here, there, backup.Options{Restamp: restamp})
		if err != nil || len(steps) != 1 || steps[0].Outcome != backup.Restored || steps[0].Account.Name != "x" {
			t.Fatalf("%+v, %v", steps, err)
		}
		merged, _ := vault.Merge(here.State, gone)
		if _, err := merged.Find("x", true); (err == nil) != restamp {
			t.Errorf("restored with a new stamp %v: after a merge it is %v", restamp, err)
		}
	}
}

// An account can go back to its previous secret, the newest one in the trash. The user
// has to name the account, and the two secrets swap places.
func TestRestoreEarlier(t *testing.T) {
	t.Parallel()
	trash := func(here func(*vault.Tx) error, o backup.Options) (map[string]backup.Outcome, *vault.State, error) {
		state := &vault.State{ID: "feedfeedfeedfeed"}
		tx := &vault.Tx{State: state, Now: noon, Device: strings.Repeat("0", 16)}
		if err := here(tx); err != nil {
			t.Fatal(err)
		}
		tx.Now = noon.Add(time.Hour)
		outcomes := map[string]backup.Outcome{}
		steps, err := backup.Restore(tx, &vault.State{Trash: tx.TrashOf(), Clock: tx.Clock}, o)
		for _, step := range steps {
			outcomes[step.Account.Label()] = step.Outcome
		}
		return outcomes, state, err
	}
	twice := all(adding("x", "first"), renewing("x", "second"), renewing("x", "third"), adding("y", "other"), renewing("y", "another"))
	outcomes, state, err := trash(twice, backup.Options{Deleted: true, Replace: []string{"x"}, Accounts: []string{"x"}})
	if err != nil || outcomes["x"] != backup.Replaced || len(outcomes) != 1 {
		t.Errorf("%v, %v", outcomes, err)
	}
	x, _ := state.Find("x", true)
	y, _ := state.Find("y", true)
	if string(x.Secret.Reveal()) != "second" || string(y.Secret.Reveal()) != "another" || len(state.Trash) != 3 {
		t.Errorf("%q, %q, and %d in the trash", x.Secret.Reveal(), y.Secret.Reveal(), len(state.Trash))
	}
	if outcomes, _, err = trash(twice, backup.Options{Deleted: true, Replace: []string{"x"}}); err != nil || len(outcomes) != 1 || outcomes["x"] != backup.Replaced {
		t.Errorf("beside one that was not named: %v, %v", outcomes, err)
	}
	if outcomes, state, err = trash(twice, backup.Options{Deleted: true}); err != nil || len(outcomes) != 0 || len(state.Trash) != 3 {
		t.Errorf("unnamed: %v, %v", outcomes, err)
	}
	if _, _, err = trash(twice, backup.Options{Deleted: true, Replace: []string{"z"}}); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("one that is not there: %v", err)
	}
}

// A query that matches no account, or several, restores nothing.
func TestRestoreQueries(t *testing.T) {
	t.Parallel()
	h := history{there: all(adding("mail at home", "one"), adding("mail at work", "two"))}
	for _, c := range []struct {
		o    backup.Options
		want error
	}{
		{backup.Options{Accounts: []string{"nobody"}}, vault.ErrNotFound},
		{backup.Options{Replace: []string{"nobody"}}, vault.ErrNotFound},
		{backup.Options{Accounts: []string{"mail"}}, nil},
	} {
		outcomes, here, err := h.restored(t, c.o)
		ambiguous, ok := errors.AsType[*vault.AmbiguousError](err)
		if c.want != nil && !errors.Is(err, c.want) || c.want == nil && (!ok || len(ambiguous.Matches) != 2) {
			t.Errorf("%+v: %v", c.o, err)
		}
		if len(outcomes) > 0 || len(here.Accounts()) > 0 {
			t.Errorf("%+v: %v", c.o, outcomes)
		}
	}
}

// An empty vault takes the order and the portable settings of the backup. A vault that
// has its own keeps them.
func TestRestoreOrderAndSettings(t *testing.T) {
	t.Parallel()
	set := func(value string) func(*vault.Tx) error {
		return func(tx *vault.Tx) error { tx.Set("code.min-valid", value); return nil }
	}
	there := all(adding("a", "one"), adding("b", "two"), set("3s"), one("b", func(tx *vault.Tx, id string) error { tx.Move([]string{id}); return nil }))
	_, here, err := history{there: there}.restored(t, backup.Options{})
	if err != nil || names(here) != "b, a" || here.Settings["code.min-valid"].Value != "3s" {
		t.Errorf("%s, %v, %v", names(here), here.Settings, err)
	}
	_, here, err = history{there: there, here: all(adding("c", "three"), set("5s"))}.restored(t, backup.Options{})
	if err != nil || len(here.Accounts()) != 3 || here.Settings["code.min-valid"].Value != "5s" {
		t.Errorf("%s, %v, %v", names(here), here.Settings, err)
	}
	_, here, err = history{there: there}.restored(t, backup.Options{Accounts: []string{"a"}})
	if err != nil || names(here) != "a" || len(here.Settings) != 0 {
		t.Errorf("one alone: %s, %v, %v", names(here), here.Settings, err)
	}
}

// Which steps count as conflicts, and which accounts have a counter that may have
// advanced elsewhere.
func TestSteps(t *testing.T) {
	t.Parallel()
	counted := vault.Account{Account: account.Account{Name: "h", Credential: account.Default(account.HOTP)}}
	for outcome, want := range map[backup.Outcome]struct{ conflict, counter bool }{
		backup.Restored: {false, true}, backup.Replaced: {false, true}, backup.AlreadyHere: {false, false},
		backup.Kept: {true, false}, backup.RemovedHere: {true, false}, backup.Unverified: {false, false},
	} {
		steps := []backup.Step{{Account: counted, Outcome: outcome}, {Account: vault.Account{Account: account.Account{Credential: secret("x")}}, Outcome: backup.Restored}}
		if got := backup.Conflicts(steps); got != want.conflict {
			t.Errorf("%s is a conflict: %t", outcome, got)
		}
		if got := len(backup.Counters(steps)) == 1; got != want.counter {
			t.Errorf("%s goes by a counter: %t", outcome, got)
		}
	}
}

// Two accounts that are equal by now are two accounts still, each with its alias: one was
// removed and added anew, and came back on another device. Both are restored.
func TestEqualAccountsComeBackBoth(t *testing.T) {
	t.Parallel()
	there := func(tx *vault.Tx) error {
		for _, alias := range []string{"one", "two"} {
			a, err := tx.AddBeside(account.Account{Name: "a", Credential: secret("one")})
			if err != nil {
				return err
			}
			if err := tx.SetAlias(a.ID, alias); err != nil {
				return err
			}
		}
		return nil
	}
	_, here, err := history{there: there}.restored(t, backup.Options{})
	if err != nil || len(here.Accounts()) != 2 || here.Accounts()[0].Alias == here.Accounts()[1].Alias {
		t.Errorf("restored %+v, %v", here.Accounts(), err)
	}
}
