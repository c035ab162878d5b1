package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/vault"
)

type jsonVault struct {
	Version    int    `json:"version"`
	Result     string `json:"result"`
	Keyring    string `json:"keyring"`
	Generation uint64 `json:"generation,omitempty"`
	Accounts   *int   `json:"accounts,omitempty"`
}

func newVault(c *cli) *cobra.Command {
	group := &cobra.Command{
		Use:   "vault",
		Short: "Move, repair or renew the vault",
		Long: `Say where the vault lives, set the file keyring's passphrase, repair a damaged
vault, or start a new one where the old one is lost.` + exitStatus("0 done; 2 usage; 5 both keyrings hold a vault; 6 keyring; 7 wrong passphrase"),
		Example: `  auth vault use file
  auth vault repair`,
		Args:              c.noCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	group.AddCommand(newVaultUse(c), newVaultPassphrase(c), newVaultRepair(c), newVaultNew(c))
	return group
}

func newVaultUse(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "use {system | file}",
		Short: "Move the vault to another keyring",
		Long: `Move the vault to the system's keyring or to the file keyring: it is copied, read
back, and only then removed where it was. A move that was cut short is finished.
Where both keyrings hold a vault and the two differ, nothing is changed.` + exitStatus("0 done; 2 usage; 5 both keyrings hold a vault; 6 keyring; 7 wrong passphrase"),
		Example: `  auth vault use file
  auth vault use system`,
		Args:              checked(cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs)),
		ValidArgs:         []string{systemKeyring, fileKeyring},
		ValidArgsFunction: fixed(systemKeyring, fileKeyring),
		RunE: func(cmd *cobra.Command, args []string) error {
			if c.keyringFlag != "" {
				return usagef("vault use names the keyring itself: leave out --keyring")
			}
			return c.useKeyring(cmd.Context(), cmd.CommandPath(), args[0])
		},
	}
}

func (c *cli) useKeyring(ctx context.Context, command, kind string) error {
	s, err := c.open(command)
	if err != nil {
		return err
	}
	// The environment names where the vault is to be from now on; where it is now,
	// only the marker knows.
	from := systemKeyring
	if kind == systemKeyring {
		from = fileKeyring
	}
	if !s.marked {
		if err := changeConfig(s.places.config, "keyring", kind); err != nil {
			return err
		}
		return s.sayVault("will be kept", kind, nil)
	}
	to := *s
	to.keyringFlag = ""
	if err := s.use(from); err != nil {
		return err
	}
	if err := to.use(kind); err != nil {
		return err
	}
	if err := errors.Join(s.ready(ctx), to.ready(ctx)); err != nil {
		return err
	}
	to.marked = false // the marker speaks of the other keyring
	if err := to.create(ctx, false); err != nil {
		return err
	}
	if err := s.vault.Move(ctx, to.vault); err != nil {
		if differ, ok := errors.AsType[*vault.DiffersError](err); ok {
			s.listBoth(from, differ.Here)
			s.listBoth(kind, differ.There)
			return hint.With(err, fmt.Sprintf("auth --keyring %s list, auth --keyring %s backup --to FILE: keep one, restore the other into it", kind, kind))
		}
		return err
	}
	if err := changeConfig(s.places.config, "keyring", kind); err != nil {
		return err
	}
	state, err := to.vault.Read(ctx)
	if err != nil {
		return err
	}
	n := len(state.Accounts())
	return s.sayVault("is", kind, &n)
}

func (s *session) listBoth(kind string, accounts []vault.Account) {
	for _, a := range accounts {
		s.say("%s keyring: %s", kind, label(a))
	}
}

func (s *session) sayVault(verb, kind string, accounts *int) error {
	if s.json {
		return s.printJSON(jsonVault{Version: jsonVersion, Result: verb, Keyring: kind, Accounts: accounts})
	}
	if accounts == nil {
		s.say("the vault %s in the %s keyring", verb, kind)
	} else {
		s.say("the vault %s in the %s keyring (%s)", verb, kind, count(*accounts, "account"))
	}
	return nil
}

func newVaultPassphrase(c *cli) *cobra.Command {
	var newFile string
	var none bool
	cmd := &cobra.Command{
		Use:   "passphrase",
		Short: "Change the passphrase of the file keyring",
		Long: `Change, set or take away the passphrase of the file keyring's key. The old one is
asked for, or read from --vault-passphrase-file.` + exitStatus("0 done; 2 usage; 6 there is no file keyring; 7 wrong passphrase"),
		Example: `  auth vault passphrase
  auth vault passphrase --new-passphrase-file new.txt
  auth vault passphrase --none`,
		Args:              checked(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := onlyOnce(newFile, c.vaultPassphraseFile); err != nil {
				return err
			}
			return c.changeVaultPassphrase(cmd.Context(), cmd.CommandPath(), newFile, none)
		},
	}
	cmd.Flags().StringVar(&newFile, "new-passphrase-file", "", "read the new passphrase from `FILE` or -")
	cmd.Flags().BoolVar(&none, "none", false, "take the passphrase away")
	cmd.MarkFlagsMutuallyExclusive("new-passphrase-file", "none")
	return cmd
}

func (c *cli) changeVaultPassphrase(ctx context.Context, command, newFile string, none bool) error {
	s, err := c.open(command)
	if err != nil {
		return err
	}
	if s.kind != fileKeyring || !s.file.Exists() {
		return hint.With(fmt.Errorf("%w: the file keyring is not in use", keyring.ErrUnavailable), "auth vault use file")
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	passphrase := ""
	switch {
	case none:
	case newFile != "":
		passphrase, err = s.passphraseFrom(ctx, newFile, "", "")
	case s.asking():
		passphrase, err = s.askNew(ctx, "New passphrase (empty for none): ")
	default:
		err = missing("the new passphrase", "--new-passphrase-file FILE, or --none")
	}
	if err != nil {
		return err
	}
	release, err := s.vault.Lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := s.file.SetPassphrase(ctx, passphrase); err != nil {
		return err
	}
	result := "passphrase set"
	if passphrase == "" {
		result = "passphrase taken away"
	}
	if c.json {
		return c.printJSON(jsonVault{Version: jsonVersion, Result: result, Keyring: fileKeyring})
	}
	c.say("%s", result)
	return nil
}

func newVaultRepair(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "repair",
		Short: "Go back to the last whole generation",
		Long: `Make the newest whole generation that the keyring still holds the vault again.
The generation before the last change is kept for this.` + exitStatus("0 done, or nothing to repair; 6 nothing whole is left, or keyring"),
		Example:           `  auth vault repair`,
		Args:              checked(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.open(cmd.CommandPath())
			if err != nil {
				return err
			}
			if err := s.ready(cmd.Context()); err != nil {
				return err
			}
			repaired, err := s.vault.Repair(cmd.Context())
			j := jsonVault{Version: jsonVersion, Result: "repaired", Keyring: s.kind}
			switch {
			case errors.Is(err, vault.ErrWhole):
				j.Result = "whole"
				c.say("the vault is whole: there is nothing to repair")
			case err != nil:
				return s.explain(err)
			default:
				j.Generation, j.Accounts = repaired.Generation, &repaired.Accounts
				c.say("the vault is generation %d again, from %s: %s", repaired.Generation, repaired.Where, count(repaired.Accounts, "account"))
				c.say("changes made after it are lost here: auth restore FILE brings back what a backup has of them")
			}
			if c.json {
				return c.printJSON(j)
			}
			return nil
		},
	}
}

func newVaultNew(c *cli) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Start a new vault where the old one is lost",
		Long: `Start an empty vault where the old one is lost or damaged for good. A vault that
can still be read is left alone. auth restore FILE starts anew by itself.` + exitStatus("0 done; 2 nobody to ask, and no --yes; 5 the vault is there; 6 keyring"),
		Example:           `  auth vault new --yes`,
		Args:              checked(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.open(cmd.CommandPath())
			if err != nil {
				return err
			}
			state, err := s.read(cmd.Context())
			switch {
			case err == nil && state.ID != "":
				return hint.With(fmt.Errorf("%w: it can be read", errExists), "auth list; auth remove removes accounts")
			case err != nil && !s.startsAnew(err):
				return err
			}
			if !yes {
				if err := c.confirm(cmd.Context(), "Give the old vault up and start an empty one?"); err != nil {
					return err
				}
			}
			if err := s.update(cmd.Context(), true, func(*vault.Tx) error { return nil }); err != nil {
				return err
			}
			if c.json {
				return c.printJSON(jsonVault{Version: jsonVersion, Result: "new", Keyring: s.kind})
			}
			c.say("the vault is new and empty, in the %s keyring", s.kind)
			return nil
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}
