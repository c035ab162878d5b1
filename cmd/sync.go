package cmd

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/term"
)

type jsonSync struct {
	Version int      `json:"version"`
	Devices []string `json:"devices"`
	Changes []string `json:"changes"`
	Skipped []string `json:"skipped"`
	File    string   `json:"file,omitempty"`
}

func newSync(c *cli) *cobra.Command {
	var yes bool
	cmd := c.command(spec{
		use:   "sync",
		short: "Merge the changes of other devices, and back up",
		long: `Merge the backups of your other devices into this vault, and back up the result. If
two devices changed the same thing, the later change wins, and a replaced secret goes
to the trash. If a merge would remove or replace more than five accounts, or a fifth
of them, auth asks first. If another device has changed the recovery key, nothing is
merged until this one has joined it: auth backup enable LOCATION.`,
		exit: "0 done; 1 the location is not there; 2 backup is off, or nobody to ask and no\n--yes; 5 a file was skipped; 6 keyring; 9 the backup could not be made",
		example: `  auth sync
  auth sync --yes`,
		run: func(ctx context.Context, s *session, _ []string) error {
			s.answers.yes = yes
			synced, err := s.device.Sync(ctx)
			s.sayReport(synced.Report)
			for _, f := range synced.Skipped {
				s.warn("skipped %s", fileWords(f))
			}
			if err != nil {
				return s.rotatedAdvice(err)
			}
			return s.saySynced(synced)
		},
	})
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask, however much would be removed")
	return cmd
}

func (s *session) saySynced(synced device.Synced) error {
	j := jsonSync{Version: jsonVersion, Devices: append([]string{}, synced.Devices...), Changes: []string{}, Skipped: []string{}, File: synced.File}
	for _, line := range synced.Changes.Lines() {
		j.Changes = append(j.Changes, term.Escape(line))
	}
	for _, f := range synced.Skipped {
		j.Skipped = append(j.Skipped, f.Name)
	}
	if s.json {
		if err := s.printJSON(j); err != nil {
			return err
		}
	} else {
		for _, line := range j.Changes {
			s.say("%s", line)
		}
		s.say("in step with %s", count(len(j.Devices), "other device"))
	}
	if len(j.Skipped) > 0 {
		if slices.ContainsFunc(synced.Skipped, func(f backup.File) bool { return f.State == backup.OtherKey }) {
			s.say("auth: hint: %s", otherKeyAdvice(s.device.Location()))
		}
		return exitCode(codePartly)
	}
	return nil
}
