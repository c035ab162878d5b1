package cmd

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/vault"
)

func newMove(c *cli) *cobra.Command {
	var before, after string
	var first, last bool
	cmd := c.command(spec{
		use:   "move [QUERY...]",
		short: "Change the order of the accounts",
		long: `Move an account before or after another, or to one end of the list. The order is
part of the backup. Without a QUERY, a terminal shows the accounts to choose from.`,
		exit: "0 done; 2 usage; 3 no such account; 4 several match; 6 keyring",
		example: `  auth move github --first
  auth move bank --before github`,
		args:     cobra.ArbitraryArgs,
		complete: c.completeLabels,
		run: func(ctx context.Context, s *session, args []string) error {
			if !first && !last && before == "" && after == "" {
				return hint.With(usagef("no place is named"), "auth move QUERY --first")
			}
			return s.changeOne(ctx, args, "moved", func(tx *vault.Tx, a vault.Account) error {
				return moveTo(tx, a, before, after, first)
			})
		},
	})
	flags := cmd.Flags()
	flags.StringVar(&before, "before", "", "move it before `QUERY`")
	flags.StringVar(&after, "after", "", "move it after `QUERY`")
	flags.BoolVar(&first, "first", false, "move it to the top")
	flags.BoolVar(&last, "last", false, "move it to the end")
	cmd.MarkFlagsMutuallyExclusive("before", "after", "first", "last")
	must(cmd.RegisterFlagCompletionFunc("before", c.completeFlagLabels))
	must(cmd.RegisterFlagCompletionFunc("after", c.completeFlagLabels))
	return cmd
}

// moveTo moves a before or after another account, or to the first place. Without any of
// the three, it moves a to the end.
func moveTo(tx *vault.Tx, a vault.Account, before, after string, first bool) error {
	var ids []string
	for _, other := range tx.Accounts() {
		if other.ID != a.ID {
			ids = append(ids, other.ID)
		}
	}
	at := len(ids)
	switch query := before + after; {
	case first:
		at = 0
	case query != "":
		target, err := tx.Find(query, true)
		if err != nil {
			return err
		}
		if target.ID == a.ID {
			return usagef("an account cannot be moved next to itself")
		}
		at = slices.Index(ids, target.ID)
		if after != "" {
			at++
		}
	}
	tx.Move(slices.Insert(ids, at, a.ID))
	return nil
}

// completeFlagLabels completes the label of a flag after the argument.
func (c *cli) completeFlagLabels(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	return c.completeLabels(cmd, nil, toComplete)
}
