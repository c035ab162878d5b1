package cmd

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/term"
)

type jsonBackupStatus struct {
	Version    int    `json:"version"`
	On         bool   `json:"on"`
	Location   string `json:"location,omitempty"`
	Key        string `json:"key,omitempty"`
	Stale      bool   `json:"stale"`
	Since      string `json:"stale_since,omitempty"`
	Reason     string `json:"reason,omitempty"`
	Last       string `json:"last,omitempty"`
	File       string `json:"file,omitempty"`
	OtherKeys  int    `json:"other_keys,omitempty"`
	Generation uint64 `json:"generation,omitempty"`
}

// backupStatus says how the backup stands, without looking at the location.
func (s *session) backupStatus(generation uint64) jsonBackupStatus {
	j := jsonBackupStatus{Version: jsonVersion, On: s.marker.Location != "", Location: s.marker.Location}
	if !j.On {
		return j
	}
	b := s.readBackupState()
	if b.Location == j.Location {
		j.File, j.Generation, j.OtherKeys = b.File, b.Generation, b.OtherKeys
		if !b.Time.IsZero() {
			j.Last = b.Time.Format(time.RFC3339)
		}
	}
	switch {
	case !b.StaleSince.IsZero():
		j.Stale, j.Since, j.Reason = true, b.StaleSince.Format(time.RFC3339), b.Reason
	case j.Generation < generation:
		j.Stale, j.Reason = true, "the vault has changed since"
	case j.OtherKeys > 0:
		j.Stale, j.Reason = true, "the location holds backups under a key that this device does not have"
	}
	return j
}

// row is the backup in one line.
func (j jsonBackupStatus) row() string {
	switch {
	case !j.On:
		return "off; auth backup enable LOCATION"
	case j.Stale && j.Since != "":
		return fmt.Sprintf("STALE since %s: %s", j.Since, j.Reason)
	case j.Stale:
		return "STALE: " + j.Reason
	default:
		return fmt.Sprintf("on, to %s, last at %s", term.Escape(j.Location), j.Last)
	}
}

// advice is what to type where the backup is stale.
func (j jsonBackupStatus) advice() string {
	switch {
	case j.Reason == errRotated.Error() || j.OtherKeys > 0:
		return "auth backup enable " + term.Escape(j.Location) + ", with the passphrase of the other key"
	default:
		return "auth backup"
	}
}

// code is the exit code that the backup calls for.
func (j jsonBackupStatus) code() error {
	if j.Stale {
		return exitCode(codeStale)
	}
	return nil
}

func newBackupStatus(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Say how the backup stands",
		Long: `Say whether backup is on, where it goes and under which key, and when it was last
made. Each backup also looks for keys of other devices at the location.` + exitStatus("0 on and up to date, or off; 6 keyring; 9 stale"),
		Example:           `  auth backup status`,
		Args:              checked(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, state, err := c.look(cmd)
			if err != nil {
				return err
			}
			j := s.backupStatus(state.Generation)
			e, ok, err := s.enrolment(cmd.Context())
			if err != nil {
				return err
			}
			if ok {
				j.Key = e.Key.ID()
			}
			if c.json {
				err = c.printJSON(j)
			} else {
				rows := [][]string{{"backup", j.row()}}
				if ok {
					rows = append(rows, []string{"location", term.Escape(e.Location)}, []string{"key", e.Key.ID()})
				}
				err = c.printTable(rows)
			}
			if err != nil || !j.Stale {
				return err
			}
			c.say("auth: hint: %s", j.advice())
			return j.code()
		},
	}
}

type jsonBackups struct {
	Version int        `json:"version"`
	Backups []jsonFile `json:"backups"`
}

type jsonFile struct {
	File     string `json:"file"`
	State    string `json:"state"`
	Device   string `json:"device,omitempty"`
	Name     string `json:"device_name,omitempty"`
	Created  string `json:"created,omitempty"`
	Accounts *int   `json:"accounts,omitempty"`
	Newest   bool   `json:"newest,omitempty"`
	Bytes    int64  `json:"bytes"`
}

// enrolled opens the location that this device takes part in.
func (s *session) enrolled(ctx context.Context) (backup.Enrolment, location.Location, error) {
	if err := s.ready(ctx); err != nil {
		return backup.Enrolment{}, nil, err
	}
	e, ok, err := s.enrolment(ctx)
	if err != nil {
		return e, nil, err
	}
	if !ok {
		return e, nil, errBackupOff
	}
	loc, err := s.location(e.Location)
	return e, loc, err
}

func newBackupList(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the backups at the location",
		Long: `Read every backup at the location and say what it is: who wrote it, when, and
whether it is whole and signed.` + exitStatus("0 done; 1 the location is not there; 2 backup is off; 6 keyring"),
		Example:           `  auth backup list`,
		Args:              checked(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.open(cmd.CommandPath())
			if err != nil {
				return err
			}
			_, err = s.listBackups(cmd.Context())
			return err
		},
	}
}

func (s *session) listBackups(ctx context.Context) (backup.Inventory, error) {
	e, loc, err := s.enrolled(ctx)
	if err != nil {
		return backup.Inventory{}, err
	}
	inv, err := s.take(ctx, loc, e.Keys())
	if err != nil {
		return inv, err
	}
	newest := map[string]bool{}
	for _, files := range inv.Newest(time.Time{}, false) {
		for _, f := range files {
			newest[f.Name] = true
		}
	}
	out := jsonBackups{Version: jsonVersion, Backups: []jsonFile{}}
	var rows [][]string
	for _, f := range inv.Files {
		j := jsonFile{File: f.Name, State: string(f.State), Device: f.Device(), Newest: newest[f.Name], Bytes: f.Size}
		accounts, mark := "", string(f.State)
		if f.Content != nil {
			n := len(f.Content.State.Accounts())
			j.Accounts, j.Created, j.Name = &n, f.Content.Created.Format(time.RFC3339), f.Content.DeviceName
			accounts = strconv.Itoa(n)
		}
		if j.Newest {
			mark += ", newest"
		}
		out.Backups = append(out.Backups, j)
		rows = append(rows, []string{j.Created, term.Escape(j.Name), accounts, mark, term.Escape(f.Name)})
	}
	if s.json {
		return inv, s.printJSON(out)
	}
	return inv, s.printTable(rows)
}

func newBackupVerify(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Read every backup back and open it",
		Long: `Read every file at the location, decrypt it and check its signature; check that
the sealed keys are there and unchanged, and put back what is missing.` + exitStatus("0 all is well; 1 the location is not there; 2 backup is off; 6 keyring;\n7 a file is damaged, or not to be trusted; 9 what is missing could not be put\nback"),
		Example:           `  auth backup verify`,
		Args:              checked(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.open(cmd.CommandPath())
			if err != nil {
				return err
			}
			inv, err := s.listBackups(cmd.Context())
			if err != nil {
				return err
			}
			if err := s.mend(cmd.Context()); err != nil {
				return &staleError{err}
			}
			skipped := inv.Skipped(false)
			for _, f := range skipped {
				c.warn("%s", describe(f))
			}
			if len(skipped) > 0 {
				return exitCode(codeBackup)
			}
			c.say("%s read back, opened and found whole", count(len(inv.Files), "backup"))
			return nil
		},
	}
}
