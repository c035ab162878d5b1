package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/hint"
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
	return c.group(spec{
		use:   "vault",
		short: "Move, repair or renew the vault",
		long: `Move the vault to another keyring, set the file keyring's passphrase, repair a damaged
vault, or start a new one if the old one is lost.`,
		exit: "0 done; 2 usage; 5 both keyrings hold a vault; 6 keyring; 7 wrong passphrase",
		example: `  auth vault use file
  auth vault repair`,
	}, newVaultUse(c), newVaultPassphrase(c), newVaultRepair(c), newVaultNew(c))
}

func newVaultUse(c *cli) *cobra.Command {
	cmd := c.command(spec{
		use:   "use {system | file}",
		short: "Move the vault to another keyring",
		long: `Move the vault to the system keyring or to the file keyring. auth copies the vault,
reads it back, and only then removes it from the old keyring. It also finishes a move
that was interrupted. If both keyrings have a vault and the two differ, nothing is
changed.`,
		exit: "0 done; 2 usage; 5 both keyrings hold a vault; 6 keyring; 7 wrong passphrase",
		example: `  auth vault use file
  auth vault use system`,
		args:     cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		complete: fixed(device.SystemKeyring, device.FileKeyring),
		run: func(ctx context.Context, s *session, args []string) error {
			if c.keyringFlag != "" {
				return usagef("vault use names the keyring itself: leave out --keyring")
			}
			return s.useKeyring(ctx, args[0])
		},
	})
	cmd.ValidArgs = []string{device.SystemKeyring, device.FileKeyring}
	return cmd
}

func (s *session) useKeyring(ctx context.Context, kind string) error {
	moved, err := s.device.UseKeyring(ctx, kind)
	if differ, ok := errors.AsType[*vault.DiffersError](err); ok {
		other := device.SystemKeyring
		if kind == device.SystemKeyring {
			other = device.FileKeyring
		}
		s.listIn(other, differ.Here)
		s.listIn(kind, differ.There)
		return hint.With(err, fmt.Sprintf("auth --keyring %s list, auth --keyring %s backup --to FILE: keep one, restore the other into it", kind, kind))
	}
	s.sayReport(moved.Report)
	switch {
	case err != nil:
		return err
	case moved.New:
		return s.sayVault("will be kept", kind, nil)
	default:
		return s.sayVault("is", kind, moved.Accounts)
	}
}

// listIn prints the accounts of a keyring.
func (s *session) listIn(kind string, accounts []vault.Account) {
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
	var o newVaultPassphraseOptions
	cmd := c.command(spec{
		use:   "passphrase",
		short: "Change the passphrase of the file keyring",
		long: `Set, change or remove the passphrase of the file keyring. auth asks for the old one,
or reads it from --vault-passphrase-file. If the file keyring is unlocked, it is locked
afterwards.`,
		exit: "0 done; 2 usage; 6 there is no file keyring; 7 wrong passphrase",
		example: `  auth vault passphrase
  auth vault passphrase --new-passphrase-file new.txt
  auth vault passphrase --none`,
		run: func(ctx context.Context, s *session, _ []string) error {
			s.answers.vault, s.answers.weak = &o, o.weak
			protected, err := s.device.SetVaultPassphrase(ctx, o.weak)
			if errors.Is(err, device.ErrWeak) {
				return hint.With(err, longerOrWeak)
			}
			if err != nil {
				return err
			}
			result := "passphrase set"
			if !protected {
				result = "passphrase taken away"
			}
			if s.json {
				return s.printJSON(jsonVault{Version: jsonVersion, Result: result, Keyring: device.FileKeyring})
			}
			s.say("%s", result)
			return nil
		},
	})
	cmd.Flags().StringVar(&o.file, "new-passphrase-file", "", "read the new passphrase from `FILE` or -")
	cmd.Flags().BoolVar(&o.none, "none", false, "take the passphrase away")
	cmd.Flags().BoolVar(&o.weak, "weak", false, "accept a weak passphrase")
	cmd.MarkFlagsMutuallyExclusive("new-passphrase-file", "none")
	return cmd
}

func newVaultRepair(c *cli) *cobra.Command {
	return c.command(spec{
		use:   "repair",
		short: "Repair a damaged vault",
		long: `Go back to the newest intact generation of the vault that the keyring still has. The
keyring always keeps the generation before the last change.`,
		exit:    "0 done, or nothing to repair; 6 nothing whole is left, or keyring",
		example: `  auth vault repair`,
		run: func(ctx context.Context, s *session, _ []string) error {
			repaired, err := s.device.Repair(ctx)
			j := jsonVault{Version: jsonVersion, Result: "repaired", Keyring: s.device.KeyringKind()}
			switch {
			case errors.Is(err, vault.ErrWhole):
				j.Result = "whole"
				s.say("the vault is whole: there is nothing to repair")
			case err != nil:
				return err
			default:
				j.Generation, j.Accounts = repaired.Generation, &repaired.Accounts
				s.say("the vault is generation %d again, from %s: %s", repaired.Generation, repaired.Where, count(repaired.Accounts, "account"))
				s.say("changes made after it are lost here: auth restore FILE brings back what a backup has of them")
			}
			if s.json {
				return s.printJSON(j)
			}
			return nil
		},
	})
}

func newVaultNew(c *cli) *cobra.Command {
	var yes, forgotten bool
	cmd := c.command(spec{
		use:   "new",
		short: "Start a new vault if the old one is lost",
		long: `Start an empty vault if the old one is lost or damaged for good. A vault that can
still be read is left alone. auth restore does not need this command first.`,
		exit:    "0 done; 2 nobody to ask, and no --yes; 5 the vault is there; 6 keyring",
		example: `  auth vault new --yes`,
		run: func(ctx context.Context, s *session, _ []string) error {
			s.answers.yes = yes
			r, err := s.device.StartAnew(ctx, forgotten)
			s.sayReport(r)
			if err != nil {
				return err
			}
			kind := s.device.KeyringKind()
			if s.json {
				return s.printJSON(jsonVault{Version: jsonVersion, Result: "new", Keyring: kind})
			}
			s.say("the vault is new and empty, in the %s keyring", kind)
			return nil
		},
	})
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&forgotten, "forgotten", false, "set the file keyring aside unread: its passphrase is forgotten")
	return cmd
}
