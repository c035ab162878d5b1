package cmd

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/term"
)

func newList(c *cli) *cobra.Command {
	var tags []string
	cmd := c.command(spec{
		use:   "list",
		short: "List the accounts",
		long: `List the labels of all accounts in their order, one a line. On a terminal,
aliases, tags and what needs attention stand beside them.`,
		exit: "0 done; 6 keyring",
		example: `  auth list
  auth list --tag work
  auth list --json`,
		run: func(ctx context.Context, s *session, _ []string) error {
			state, err := s.device.Read(ctx)
			if err != nil {
				return err
			}
			list := []jsonAccount{}
			var labels strings.Builder
			var rows [][]string
			for _, a := range state.Accounts() {
				if !hasTags(a.Tags, tags) {
					continue
				}
				list = append(list, toJSON(a))
				labels.WriteString(label(a) + "\n")
				mark := ""
				if a.NeedsVerification() {
					mark = "needs verification"
				}
				rows = append(rows, []string{label(a), term.Escape(a.Alias), term.Escape(strings.Join(a.Tags, " ")), mark})
			}
			switch {
			case c.json:
				return c.printJSON(jsonAccounts(list...))
			case term.IsTerminal(c.Out):
				return c.printTable(rows)
			default:
				return c.print(labels.String())
			}
		},
	})
	cmd.Flags().StringSliceVar(&tags, "tag", nil, "only accounts with this `TAG`; several: with all of them")
	return cmd
}

func hasTags(have, want []string) bool {
	for _, tag := range want {
		if !slices.Contains(have, tag) {
			return false
		}
	}
	return true
}
