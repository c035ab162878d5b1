package cmd

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/vault"
)

type jsonStatus struct {
	Version           int    `json:"version"`
	Folder            string `json:"folder"` // of the vault's marker and lock
	Keyring           string `json:"keyring"`
	Accounts          int    `json:"accounts"`
	NeedsVerification int    `json:"needs_verification"`
	Exposed           int    `json:"exposed,omitempty"` // accounts whose secret a lost device held
	Trash             int    `json:"trash"`
	Generation        uint64 `json:"generation"`
	UnlockedUntil     string `json:"unlocked_until,omitempty"` // of the file keyring

	Backup jsonBackupStatus `json:"backup"`
	Sync   *jsonSyncStatus  `json:"sync,omitempty"` // set where it runs by itself
}

func newStatus(c *cli) *cobra.Command {
	return c.command(spec{
		use:   "status",
		short: "Show the state of the vault and its backup",
		long: `Show how many accounts there are, which keyring has them, and the state of the backup and of
the sync that runs by itself.`,
		exit: "0 all is well; 6 keyring; 9 the backup is stale, or the sync that runs by itself fails",
		example: `  auth status
  auth status --json`,
		run: func(ctx context.Context, s *session, _ []string) error {
			status, err := s.device.Status(ctx)
			if err != nil {
				return err
			}
			j := jsonStatus{
				Version: jsonVersion, Folder: s.places.state, Keyring: status.Keyring, Trash: len(status.State.TrashOf()) + len(status.State.Superseded()),
				Generation: status.State.Generation, UnlockedUntil: timestamp(status.Unlocked), Backup: backupStatusJSON(status.Backup),
				Sync: syncJSON(status.Sync),
			}
			n := tallyOf(status.State)
			j.Accounts, j.NeedsVerification, j.Exposed = n.accounts, n.unverified, n.exposed
			if s.json {
				return cmp.Or(s.printJSON(j), s.staleExit(status.Backup), syncExit(status.Sync))
			}
			rows := [][]string{{"accounts", strconv.Itoa(j.Accounts)}}
			if words := s.emptyWords(status.State); words != "" {
				rows = append(rows, []string{"vault", words})
			}
			rows = append(rows, [][]string{
				{"keyring", j.Keyring + unlockedWords(status.Unlocked)},
				{"backup", s.backupRow(status.Backup)},
			}...)
			if status.Backup.On {
				rows = append(rows, []string{"drill", s.drillRow(s.Out, status.Backup.Drill)})
			}
			if row := s.syncRow(status.Sync); row != "" {
				rows = append(rows, []string{"sync", row})
			}
			rows = append(rows, s.deviceRows(status.Backup.Devices)...)
			rows = append(rows, sheetRows(status.Backup)...)
			if j.NeedsVerification > 0 {
				rows = append(rows, []string{"needs verification", strconv.Itoa(j.NeedsVerification)})
			}
			if j.Exposed > 0 {
				rows = append(rows, []string{"exposed", strconv.Itoa(j.Exposed) + "; auth list names them, auth add --replace gives each a new secret"})
			}
			if j.Trash > 0 {
				rows = append(rows, []string{"trash", count(j.Trash, "secret") + "; auth list --trash"})
			}
			return cmp.Or(s.printStates(rows), s.staleExit(status.Backup), syncExit(status.Sync))
		},
	})
}

// A tally counts the accounts of a vault: all, those without their secret, and those whose
// secret a lost device held.
type tally struct{ accounts, unverified, exposed int }

func tallyOf(state *vault.State) (n tally) {
	for _, a := range state.Accounts() {
		n.accounts++
		if a.NeedsVerification() {
			n.unverified++
		}
		if _, exposed := state.Exposed(a); exposed {
			n.exposed++
		}
	}
	return n
}

// unlockedWords says until when the file keyring is unlocked; empty if it is not.
func unlockedWords(until time.Time) string {
	if until.IsZero() {
		return ""
	}
	return ", unlocked until " + timestamp(until) + "; auth lock locks it"
}
