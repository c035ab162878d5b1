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
	Backup            string `json:"backup"` // "off" until a location is enabled
}

func newStatus(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Say in a line each what matters",
		Long:  `Say how many accounts there are, where they live, and how the backup stands.` + exitStatus("0 done; 6 keyring"),
		Example: `  auth status
  auth status --json`,
		Args:              checked(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.open(cmd.CommandPath())
			if err != nil {
				return err
			}
			state, err := s.read(cmd.Context())
			if err != nil {
				return err
			}
			j := jsonStatus{Version: jsonVersion, Keyring: s.kind, Trash: len(state.Trash), Generation: s.marker.Generation, Backup: "off"}
			for _, a := range state.Accounts() {
				j.Accounts++
				if a.NeedsVerification() {
					j.NeedsVerification++
				}
			}
			if c.json {
				return c.printJSON(j)
			}
			rows := [][]string{
				{"accounts", strconv.Itoa(j.Accounts)},
				{"keyring", j.Keyring},
				{"backup", "off; auth backup --to FILE writes one now"},
			}
			if j.NeedsVerification > 0 {
				rows = append(rows, []string{"needs verification", strconv.Itoa(j.NeedsVerification)})
			}
			if j.Trash > 0 {
				rows = append(rows, []string{"trash", count(j.Trash, "secret") + "; auth restore --deleted"})
			}
			return c.printTable(rows)
		},
	}
}
