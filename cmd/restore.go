package cmd

import (
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
}

type jsonRestore struct {
	Version  int           `json:"version"`
	DryRun   bool          `json:"dry_run"`
	Created  string        `json:"created,omitempty"` // of the backup
	Accounts []jsonAccount `json:"accounts"`
}

func newRestore(c *cli) *cobra.Command {
	var o restoreOptions
	cmd := &cobra.Command{
		Use:   "restore [FILE]",
		Short: "Bring accounts back from a backup or the trash",
		Long: `Bring accounts back from a backup FILE, or with --deleted and no FILE from the
trash of this vault. Everything comes in one step or not at all.

What is in the vault is never overwritten: an account that is here already stays,
and one of the same label with another secret is kept and named. --replace takes
such an account from the backup; what it replaces goes to the trash.` + exitStatus("0 done; 1 not readable; 2 usage; 3 the backup has no such account; 4 several\n"+
			"match; 5 some were kept, the rest is restored; 6 keyring; 7 wrong passphrase\nor key, or a damaged or foreign file"),
		Example: `  auth restore vault.age
  auth restore vault.age --dry-run
  auth restore vault.age --identity key.txt --account github
  auth restore --deleted --account github:alice`,
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
	cmd.MarkFlagsMutuallyExclusive("passphrase-file", "identity")
	return cmd
}

func (c *cli) restore(cmd *cobra.Command, path string, o restoreOptions) error {
	ctx := cmd.Context()
	if err := onlyOnce(append([]string{path, o.passphraseFile, c.vaultPassphraseFile}, o.identities...)...); err != nil {
		return err
	}
	if path == "" && !o.Deleted {
		return hint.With(usagef("no backup is named"), "auth restore FILE, or auth restore --deleted for the trash of this vault")
	}
	s, err := c.open(cmd.CommandPath())
	if err != nil {
		return err
	}
	var content backup.Content
	if path != "" {
		if content, err = s.openBackup(ctx, path, o); err != nil {
			return err
		}
	}
	var steps []backup.Step
	apply := func(tx *vault.Tx) error {
		from := content.State
		if from == nil {
			from = &vault.State{Trash: tx.State.Clone().Trash, Clock: tx.Clock}
		}
		steps, err = backup.Restore(tx, from, o.Options)
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
	} else if err := s.update(ctx, path != "", apply); err != nil {
		return err
	}
	return s.sayRestored(content, steps, o)
}

// startsAnew reports whether a restore begins an empty vault because the old one is gone.
func (s *session) startsAnew(err error) bool {
	var damaged *keyring.DamagedError
	return errors.Is(err, vault.ErrLost) || errors.As(err, &damaged)
}

// openBackup reads and decrypts a backup file.
func (s *session) openBackup(ctx context.Context, path string, o restoreOptions) (backup.Content, error) {
	data, err := s.readFile(ctx, path, backup.MaxBytes)
	if err != nil {
		return backup.Content{}, err
	}
	name := term.Escape(path)
	under, err := backup.UnderPassphrase(data)
	if err != nil {
		return backup.Content{}, fmt.Errorf("%s: %w", name, err)
	}
	var ids []backup.Identity
	switch {
	case under && len(o.identities) > 0:
		return backup.Content{}, hint.With(usagef("%s is under a passphrase, not for a key", name), "leave out --identity")
	case under:
		passphrase, err := s.passphraseFrom(ctx, o.passphraseFile, "Passphrase of the backup: ", "--passphrase-file")
		if err != nil {
			return backup.Content{}, err
		}
		id, err := backup.PassphraseIdentity(passphrase)
		if err != nil {
			return backup.Content{}, err
		}
		ids = append(ids, id)
	case len(o.identities) == 0:
		return backup.Content{}, hint.With(fmt.Errorf("%s: %w", name, backup.ErrNeedsKey), "auth restore FILE --identity KEYFILE")
	}
	for _, file := range o.identities {
		key, err := s.readFile(ctx, file, maxText)
		if err != nil {
			return backup.Content{}, err
		}
		more, err := backup.ParseIdentities(key)
		if err != nil {
			return backup.Content{}, usageError{fmt.Errorf("%s: %w", term.Escape(file), err)}
		}
		ids = append(ids, more...)
	}
	content, err := backup.Open(data, ids...)
	if err != nil {
		return content, fmt.Errorf("%s: %w", name, err)
	}
	return content, nil
}

func (s *session) sayRestored(content backup.Content, steps []backup.Step, o restoreOptions) error {
	counts := map[backup.Outcome]int{}
	list := []jsonAccount{}
	var rows [][]string
	for _, step := range steps {
		counts[step.Outcome]++
		list = append(list, result(step.Account, string(step.Outcome)))
		rows = append(rows, []string{label(step.Account), string(step.Outcome)})
	}
	if s.json {
		j := jsonRestore{Version: jsonVersion, DryRun: o.dryRun, Accounts: list}
		if !content.Created.IsZero() {
			j.Created = content.Created.UTC().Format(time.RFC3339)
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
		s.say("%s removed here, and stay so; --deleted brings them back", wereKept(n))
	}
	if backup.Conflicts(steps) {
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
