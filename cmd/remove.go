package cmd

import (
	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/vault"
)

func newRemove(c *cli) *cobra.Command {
	var yes, now bool
	cmd := &cobra.Command{
		Use:   "remove QUERY",
		Short: "Remove an account",
		Long: `Remove an account. It stays in the trash, secret included, for 30 days, and
auth restore --deleted brings it back. With --now it is erased at once, here and
with the next sync on your other devices; older backup files still hold it.

Removing an account here turns nothing off at its issuer.` + exitStatus("0 done; 2 nobody to ask, and no --yes; 3 no such account; 4 several match;\n6 keyring; 130 not confirmed"),
		Example: `  auth remove github:alice
  auth remove github:alice --yes`,
		Args:              checked(cobra.ExactArgs(1)),
		ValidArgsFunction: c.completeLabels,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := c.open(cmd.CommandPath())
			if err != nil {
				return err
			}
			state, err := s.read(cmd.Context())
			if err != nil {
				return err
			}
			a, err := s.findToChange(cmd.Context(), state, args[0])
			if err != nil {
				return err
			}
			if !yes {
				if err := c.confirm(cmd.Context(), "Remove "+label(a)+"?"); err != nil {
					return err
				}
			}
			err = s.change(cmd.Context(), a, "removed", func(tx *vault.Tx, a vault.Account) error {
				return tx.Remove(a.ID, now)
			})
			if err != nil {
				return err
			}
			if now {
				c.say("older backup files still hold its secret")
			} else {
				c.say("it is in the trash for 30 days: auth restore --deleted --account id:%s", a.ID)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&now, "now", false, "erase the secret at once, not after 30 days in the trash")
	return cmd
}
