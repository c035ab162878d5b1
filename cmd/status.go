package cmd

import (
	"strconv"

	"github.com/spf13/cobra"
)

type jsonStatus struct {
	Version           int    `json:"version"`
	Keyring           string `json:"keyring"`
	Accounts          int    `json:"accounts"`
	NeedsVerification int    `json:"needs_verification"`
	Trash             int    `json:"trash"`
	Generation        uint64 `json:"generation"`

	Backup jsonBackupStatus `json:"backup"`
}

func newStatus(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Say in a line each what matters",
		Long:  `Say how many accounts there are, where they live, and how the backup stands.` + exitStatus("0 all is well; 6 keyring; 9 the backup is stale"),
		Example: `  auth status
  auth status --json`,
		Args:              checked(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, state, err := c.look(cmd)
			if err != nil {
				return err
			}
			j := jsonStatus{Version: jsonVersion, Keyring: s.kind, Trash: len(state.Trash), Generation: state.Generation, Backup: s.backupStatus(state.Generation)}
			for _, a := range state.Accounts() {
				j.Accounts++
				if a.NeedsVerification() {
					j.NeedsVerification++
				}
			}
			if c.json {
				if err := c.printJSON(j); err != nil {
					return err
				}
				return j.Backup.code()
			}
			rows := [][]string{
				{"accounts", strconv.Itoa(j.Accounts)},
				{"keyring", j.Keyring},
				{"backup", j.Backup.row()},
			}
			if j.NeedsVerification > 0 {
				rows = append(rows, []string{"needs verification", strconv.Itoa(j.NeedsVerification)})
			}
			if j.Trash > 0 {
				rows = append(rows, []string{"trash", count(j.Trash, "secret") + "; auth restore --deleted"})
			}
			if err := c.printTable(rows); err != nil {
				return err
			}
			if j.Backup.Stale {
				c.say("auth: hint: %s", j.Backup.advice())
			}
			return j.Backup.code()
		},
	}
}
