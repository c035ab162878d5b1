package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

type restoreOptions struct {
	backup.Options
	dryRun         bool
	passphraseFile string
	identities     []string
	identityQR     string
	at             string
	acceptUnsigned bool
}

type jsonRestore struct {
	Version  int           `json:"version"`
	DryRun   bool          `json:"dry_run"`
	Created  string        `json:"created,omitempty"` // of the backup file
	Devices  []jsonDevice  `json:"devices,omitempty"` // of a location
	Skipped  []string      `json:"skipped,omitempty"`
	Accounts []jsonAccount `json:"accounts"`
}

// A jsonDevice is a device whose newest backup was read.
type jsonDevice struct {
	Device  string `json:"device"`
	Name    string `json:"device_name"`
	Created string `json:"created"`
}

func newRestore(c *cli) *cobra.Command {
	var o restoreOptions
	cmd := &cobra.Command{
		Use:   "restore [LOCATION | FILE]",
		Short: "Bring accounts back from backups or the trash",
		Long: `Bring accounts back from a location, from a backup FILE, or with --deleted and
neither from the trash of this vault. Everything comes in one step or not at all.
A location is read as the merge of the newest backup of every device in it, and
backup to it stays on afterwards.

What is in the vault is never overwritten: an account that is here already stays,
and one of the same label with another secret is kept and named. --replace takes
such an account from the backup; what it replaces goes to the trash. With
--deleted, --replace takes an account back to the secret that it had before.` + exitStatus("0 done; 1 not readable; 2 usage; 3 the backup has no such account; 4 several\n"+
			"match; 5 some were kept or a file was skipped, the rest is restored; 6 keyring;\n7 wrong passphrase or key, or a damaged or foreign file"),
		Example: `  auth restore ~/Dropbox/auth
  auth restore vault.age --dry-run
  auth restore vault.age --identity key.txt --account github
  auth restore ~/Dropbox/auth --at 2026-01-31 --deleted --account github
  auth restore --deleted --account github:alice
  auth restore --deleted --replace github:alice`,
		Args: checked(cobra.MaximumNArgs(1)),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			path := ""
			if len(args) == 1 {
				path = args[0]
			}
			return c.restore(cmd, path, o)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.dryRun, "dry-run", false, "only show what would happen")
	flags.StringArrayVar(&o.Accounts, "account", nil, "restore only the account that `QUERY` names; may be repeated")
	flags.StringArrayVar(&o.Replace, "replace", nil, "take the account that `QUERY` names from the backup; may be repeated")
	flags.BoolVar(&o.Deleted, "deleted", false, "bring back what is in the trash, too")
	flags.StringVar(&o.passphraseFile, "passphrase-file", "", "read the backup's passphrase from `FILE` or -")
	flags.StringArrayVar(&o.identities, "identity", nil, "decrypt with the identity in `FILE` or -; may be repeated")
	flags.StringVar(&o.identityQR, "identity-qr", "", "decrypt with the recovery key in the QR code of an `IMAGE`")
	flags.StringVar(&o.at, "at", "", "go back to what the backups were `WHEN`: 2026-01-31, 2026-01-02T03:04:05Z")
	flags.BoolVar(&o.acceptUnsigned, "accept-unsigned", false, "accept files of a location that nobody proves to have written")
	cmd.MarkFlagsMutuallyExclusive("passphrase-file", "identity", "identity-qr")
	return cmd
}

func (c *cli) restore(cmd *cobra.Command, path string, o restoreOptions) error {
	ctx := cmd.Context()
	if err := onlyOnce(append([]string{path, o.passphraseFile, c.vaultPassphraseFile, o.identityQR}, o.identities...)...); err != nil {
		return err
	}
	s, err := c.open(cmd.CommandPath())
	if err != nil {
		return err
	}
	if path == "" && !o.Deleted {
		if path = s.marker.Location; path == "" {
			return hint.With(usagef("no backup is named"), "auth restore LOCATION or FILE, or auth restore --deleted for the trash of this vault")
		}
	}
	from, err := s.openSource(ctx, path, o)
	if err != nil {
		return err
	}
	o.Anew = o.at != ""
	if from.state == nil && len(o.Accounts) == 0 {
		o.Accounts = o.Replace // an exchange with the trash is no call for the rest of it
	}
	var steps []backup.Step
	apply := func(tx *vault.Tx) error {
		state := from.state
		if state == nil {
			state = &vault.State{Trash: tx.TrashOf(), Clock: tx.Clock}
		}
		steps, err = backup.Restore(tx, state, o.Options)
		if errors.Is(err, vault.ErrNotFound) && o.Deleted {
			return hint.With(err, "older backups may hold it: auth backup list, and auth restore --deleted --at WHEN")
		}
		return err
	}
	if o.dryRun {
		state, err := s.read(ctx)
		switch {
		case err == nil:
		case s.startsAnew(err):
			state = new(vault.State)
		default:
			return err
		}
		if err := apply(&vault.Tx{State: state.Clone(), Now: s.Now(), Device: "dry-run"}); err != nil {
			return err
		}
	} else {
		s.quiet = from.location != nil // its backup follows the enrolment
		if err := s.update(ctx, path != "", apply); err != nil {
			return err
		}
	}
	result := s.sayRestored(from, steps, o)
	if from.location != nil && !o.dryRun {
		if err := s.stayOn(ctx, from); err != nil {
			return err
		}
	}
	return result
}

// stayOn enrols this device in the location that it was restored from, so that
// backup stays on. One that takes part in another keeps that.
func (s *session) stayOn(ctx context.Context, from source) error {
	e, ok, err := s.enrolment(ctx)
	if err != nil {
		return err
	}
	if ok && e.On && e.Location != from.location.String() {
		s.say("backup goes on to %s", term.Escape(e.Location))
		s.backUpAfterChange(ctx)
		return nil
	}
	release, err := s.lockBackup(ctx, from.location)
	if err != nil {
		return err
	}
	defer release()
	switch {
	case !ok || e.Location != from.location.String():
		e = backup.Enrolment{Key: from.key}
	case e.Key.ID() != from.key.ID(): // it was rotated, or the location has two
		e = backup.Enrolment{Key: from.key, OldKeys: e.Keys(), Sealed: e.Sealed}
	}
	e.Location, e.On = from.location.String(), true
	if err := s.learnSealed(ctx, from.location, &e, from.inv); err != nil {
		return err
	}
	if err := s.setEnrolment(ctx, e); err != nil {
		return err
	}
	s.backUpAfterChange(ctx)
	s.say("backup is on, to %s", term.Escape(e.Location))
	return nil
}

// startsAnew reports whether a restore begins an empty vault because the old one is gone.
func (s *session) startsAnew(err error) bool {
	var damaged *keyring.DamagedError
	return errors.Is(err, vault.ErrLost) || errors.As(err, &damaged)
}

func (s *session) sayRestored(from source, steps []backup.Step, o restoreOptions) error {
	counts := map[backup.Outcome]int{}
	list := []jsonAccount{}
	var rows [][]string
	for _, step := range steps {
		counts[step.Outcome]++
		list = append(list, result(step.Account, string(step.Outcome)))
		rows = append(rows, []string{label(step.Account), string(step.Outcome)})
	}
	if s.json {
		j := jsonRestore{Version: jsonVersion, DryRun: o.dryRun, Accounts: list, Devices: from.devices, Skipped: from.skipped}
		if !from.created.IsZero() {
			j.Created = from.created.UTC().Format(time.RFC3339)
		}
		if err := s.printJSON(j); err != nil {
			return err
		}
	} else if err := s.printTable(rows); err != nil {
		return err
	}
	if len(steps) == 0 {
		s.say("nothing to restore")
	}
	for _, d := range from.devices {
		s.say("from %s, backup of %s", term.Escape(cmp.Or(d.Name, d.Device)), d.Created)
	}
	for _, line := range from.skipped {
		s.warn("skipped %s", line)
	}
	for _, a := range backup.Counters(steps) {
		s.say("%s goes by a counter, now %d: where its issuer refuses the code, auth edit %s --counter moves it on", label(a), a.Counter, quoteLabel(a))
	}
	if n := counts[backup.Unverified]; n > 0 {
		s.say("%s came back by name only: auth verify completes them", count(n, "account"))
	}
	if n := counts[backup.Kept]; n > 0 {
		s.say("%s here with another secret: kept; auth restore --replace QUERY takes one from the backup", wereKept(n))
	}
	if n := counts[backup.RemovedHere]; n > 0 {
		s.say("%s removed here, and not brought back without --deleted", wereKept(n))
	}
	if backup.Conflicts(steps) || len(from.skipped) > 0 {
		return exitCode(codePartly)
	}
	return nil
}

func wereKept(n int) string {
	if n == 1 {
		return "1 account is"
	}
	return fmt.Sprintf("%d accounts are", n)
}
