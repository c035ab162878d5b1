package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/device"
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

	Devices []jsonDevice `json:"devices,omitempty"`

	Drill       string `json:"drill,omitempty"` // when the last one was
	DrillFailed string `json:"drill_failed,omitempty"`
	DrillDue    bool   `json:"drill_due,omitempty"`
	VoidSheet   string `json:"void_sheet,omitempty"` // when the sheet was made that is void now
}

func backupStatusJSON(b device.BackupStatus) jsonBackupStatus {
	return jsonBackupStatus{
		Drill: timestamp(b.Drill.Time), DrillFailed: oneLine(b.Drill.Failed), DrillDue: b.Drill.Due, VoidSheet: timestamp(b.VoidSheet),
		Version: jsonVersion, On: b.On, Location: b.Location, Stale: b.Stale, Since: timestamp(b.Since), Reason: staleWords(b),
		Last: timestamp(b.Last), File: b.File, OtherKeys: b.OtherKeys, Generation: b.Generation,
		Devices: devicesJSON(b.Devices),
	}
}

// timestamp returns a time for JSON; empty if it is zero.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// staleWords says why the backup is stale; empty if it is not.
func staleWords(b device.BackupStatus) string {
	switch b.Reason {
	case 0:
		return ""
	case device.Changed:
		return "the vault has changed since"
	case device.LastGone:
		return "the last backup is missing or altered at the location"
	case device.OtherKeysLie:
		return "the location has backups for a key that this device does not have"
	default:
		return oneLine(b.Text)
	}
}

// stale begins the description of a backup that is stale.
const stale = "STALE"

// lastWords says when the last backup was.
func (c *cli) lastWords(b device.BackupStatus) string {
	if b.Last.IsZero() { // backup was turned on while the vault was empty
		return "no backup yet: the first account makes it"
	}
	return "last " + c.at(b.Last)
}

// backupRow describes the backup in one line, for standard output.
func (c *cli) backupRow(b device.BackupStatus) string {
	last := c.lastWords(b)
	switch {
	case !b.On:
		return "off; auth backup enable LOCATION"
	case b.Stale && !b.Since.IsZero():
		return fmt.Sprintf("%s since %s: %s", stale, c.when(c.Out, b.Since), staleWords(b))
	case b.Stale:
		return stale + ": " + staleWords(b)
	case b.Unseen != nil:
		return fmt.Sprintf("on, %s; the location cannot be checked now: %s", last, message(b.Unseen, nil))
	default:
		return fmt.Sprintf("on, to %s, %s", term.Escape(b.Location), last)
	}
}

// sheetRows says that the last sheet is void, if it is.
func sheetRows(b device.BackupStatus) [][]string {
	if b.VoidSheet.IsZero() {
		return nil
	}
	return [][]string{{"sheet", "that of " + b.VoidSheet.Format(time.DateOnly) + " is void; auth backup key --sheet FILE"}}
}

// staleExit prints what to do about a stale backup, and returns the exit code.
func (c *cli) staleExit(b device.BackupStatus) error {
	if !b.Stale {
		return nil
	}
	if !c.json {
		advice := "auth backup"
		if b.Reason == device.KeyRotated || b.OtherKeys > 0 {
			advice = otherKeyAdvice(b.Location)
		}
		c.say("auth: hint: %s", advice)
		if b.Reason == device.KeyRotated {
			c.say("auth: hint: %s", notOursAdvice)
		}
	}
	return exitCode(codeStale)
}

func newBackupStatus(c *cli) *cobra.Command {
	return c.command(spec{
		use:   "status",
		short: "Show the state of the backup",
		long: `Show whether backup is on, its location and its key, and when the last backup was
made. Each backup also looks for keys of other devices at the location.`,
		exit:    "0 on and up to date, or off; 6 keyring; 9 stale",
		example: `  auth backup status`,
		run: func(ctx context.Context, s *session, _ []string) error {
			status, err := s.device.Status(ctx)
			if err != nil {
				return err
			}
			key, err := s.device.Key(ctx)
			if err != nil && !errors.Is(err, device.ErrBackupOff) {
				return err
			}
			if s.json {
				j := backupStatusJSON(status.Backup)
				j.Key = key.ID
				err = s.printJSON(j)
			} else {
				rows := [][]string{{"backup", s.backupRow(status.Backup)}}
				if key.ID != "" {
					rows = append(rows, []string{"location", term.Escape(key.Location)}, []string{"key", key.ID})
				}
				rows = append(rows, s.deviceRows(status.Backup.Devices)...)
				err = s.printStates(append(rows, sheetRows(status.Backup)...))
			}
			return cmp.Or(err, s.staleExit(status.Backup))
		},
	})
}

type jsonBackups struct {
	Version int          `json:"version"`
	Backups []jsonFile   `json:"backups"`
	Devices []jsonDevice `json:"devices,omitempty"`
}

type jsonFile struct {
	File     string `json:"file"`
	State    string `json:"state"`
	Device   string `json:"device,omitempty"`
	Name     string `json:"device_name,omitempty"`
	Created  string `json:"created,omitempty"`
	Accounts *int   `json:"accounts,omitempty"`
	This     bool   `json:"this_device,omitempty"`
	Newest   bool   `json:"newest,omitempty"`
	Bytes    int64  `json:"bytes"`
}

func newBackupList(c *cli) *cobra.Command {
	return c.command(spec{
		use:   "list",
		short: "List the backups at the location",
		long: `Read every backup at the location. Show when it was written, by which device (its
name and its id), how many accounts it has, and whether it is whole and signed.

auth config set device.name NAME gives this device another name than its machine has.`,
		exit:    "0 done; 1 the location is not there; 2 backup is off; 6 keyring; 9 the last backup\nof this device is missing or altered there",
		example: `  auth backup list`,
		run: func(ctx context.Context, s *session, _ []string) error {
			backups, err := s.device.Backups(ctx)
			if err != nil {
				return err
			}
			if err := s.printBackups(backups); err != nil {
				return err
			}
			s.sayReport(backups.Report)
			if backups.Gone == "" {
				return nil
			}
			s.warn("the last backup of this device, %s, is missing or altered at the location", term.Escape(backups.Gone))
			s.say("auth: hint: auth backup")
			return exitCode(codeStale)
		},
	})
}

func (s *session) printBackups(backups device.Backups) error {
	out := jsonBackups{Version: jsonVersion, Backups: []jsonFile{}, Devices: devicesJSON(backups.Devices)}
	this := ""
	for _, d := range backups.Devices {
		if d.This {
			this = d.ID
		}
	}
	var rows [][]string
	for _, f := range backups.Files {
		j := jsonFile{File: f.Name, State: string(f.State), Device: f.Device(), Newest: backups.Newest[f.Name], Bytes: f.Size}
		j.This = this != "" && j.Device == this
		accounts, mark, written := "", string(f.State), ""
		if f.Content != nil {
			n := len(f.Content.State.Accounts())
			j.Accounts, j.Created, j.Name = &n, timestamp(f.Content.Created), f.Content.DeviceName
			accounts, written = strconv.Itoa(n), s.when(s.Out, f.Content.Created)
		}
		if j.Newest {
			mark += ", newest"
		}
		if j.This {
			mark += ", this device"
		}
		out.Backups = append(out.Backups, j)
		rows = append(rows, []string{written, term.Escape(j.Name), term.Escape(j.Device), accounts, mark, term.Escape(f.Name)})
	}
	if s.json {
		return s.printJSON(out)
	}
	return s.printColumns([]term.Column{
		{Name: "WRITTEN", Fit: term.Wrap},
		{Name: "DEVICE", Fit: term.Cut},
		{Name: "ID", Fit: term.Cut},
		{Name: "ACCOUNTS"},
		{Name: "STATE", Fit: term.Wrap, Look: stateLook},
		{Name: "FILE", Fit: term.Cut},
	}, rows)
}

func newBackupVerify(c *cli) *cobra.Command {
	return c.command(spec{
		use:   "verify",
		short: "Read and check every backup",
		long: `Read every file at the location, decrypt it and check its signature. Check that the
encrypted recovery keys are there and unchanged, and put back missing ones.`,
		exit:    "0 all is well; 1 the location is not there; 2 backup is off; 6 keyring;\n7 a file is damaged, or not to be trusted; 9 what is missing could not be put\nback",
		example: `  auth backup verify`,
		run: func(ctx context.Context, s *session, _ []string) error {
			backups, err := s.device.Verify(ctx)
			if err != nil && !as[*device.StaleError](err) {
				return err
			}
			if err := s.printBackups(backups); err != nil {
				return err
			}
			s.sayReport(backups.Report)
			if err != nil {
				return err
			}
			skipped := backups.Skipped()
			for _, f := range skipped {
				s.warn("%s", fileWords(f))
			}
			if len(skipped) > 0 {
				return exitCode(codeBackup)
			}
			s.say("%s read back, opened and found whole", count(len(backups.Files), "backup"))
			return nil
		},
	})
}

// fileWords says why a file of a location was skipped.
func fileWords(f backup.File) string {
	why := string(f.State)
	if f.Err != nil {
		why = message(f.Err, nil)
	}
	return fmt.Sprintf("%s: %s", term.Escape(f.Name), why)
}
