package cmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/vault"
)

func newRemove(c *cli) *cobra.Command {
	var yes, now bool
	cmd := c.command(spec{
		use:   "remove [QUERY...]",
		short: "Remove an account",
		long: `Remove an account. It stays in the trash with its secret for 30 days, and auth
restore --deleted brings it back. With --now it is erased at once, and on your other
devices with their next sync. Older backup files still have it.

Removing an account does not turn anything off at its issuer. Without a QUERY, a
terminal shows the accounts to choose from.`,
		exit: "0 done; 2 nobody to ask, and no --yes; 3 no such account; 4 several match;\n6 keyring; 130 not confirmed",
		example: `  auth remove github:alice
  auth remove github:alice --yes`,
		args:     cobra.ArbitraryArgs,
		complete: c.completeLabels,
		run: func(ctx context.Context, s *session, args []string) error {
			state, err := s.device.Read(ctx)
			if err != nil {
				return err
			}
			a, err := s.findToChange(ctx, state, args)
			if err != nil {
				return err
			}
			if !yes {
				sure, err := s.confirm(ctx, "Remove "+label(a)+"?")
				if err != nil {
					return err
				}
				if !sure {
					return device.ErrNotConfirmed
				}
			}
			err = s.changeAccount(ctx, a, "removed", func(tx *vault.Tx, a vault.Account) error {
				return tx.Remove(a.ID, now)
			})
			if err != nil {
				return err
			}
			if now {
				c.say("older backup files still hold its secret")
			} else {
				c.say("it is in the trash for 30 days: auth restore --deleted --account %s", idWord(a))
			}
			return nil
		},
	})
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&now, "now", false, "erase the secret at once, not after 30 days in the trash")
	return cmd
}
