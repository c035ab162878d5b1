package cmd

import (
	"cmp"
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/hint"
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
	var o syncOptions
	cmd := c.command(spec{
		use:   "sync",
		short: "Merge the changes of other devices, and back up",
		long: `Merge the backups of your other devices into this vault, and back up the result. If
two devices changed the same thing, the later change wins, and a replaced secret goes
to the trash. If a merge would remove or replace more than five accounts, or a fifth
of them, auth asks first. If another device has changed the recovery key, nothing is
merged until this one has joined it: auth backup enable LOCATION.

With --install, the system does it at intervals: a timer of systemd, an agent of
launchd or a task of Windows, while you are logged in. Such a sync never asks, and
merges nothing that auth sync would ask about. auth status shows how it goes, and so
does the live view where it fails. Elsewhere, let cron run auth sync --scheduled.`,
		exit: "0 done; 1 the location is not there; 2 backup is off, or nobody to ask and no\n--yes; 5 a file was skipped; 6 keyring; 9 the backup could not be made",
		example: `  auth sync
  auth sync --every 1h --install
  auth sync --uninstall`,
		run: func(ctx context.Context, s *session, _ []string) error {
			switch {
			case o.install:
				return s.installEvery(ctx, o.every)
			case o.uninstall:
				return s.uninstall(ctx)
			case o.every != "":
				return hint.With(usagef("--every goes with --install"), "auth sync --every 1h --install")
			}
			s.answers.yes = o.yes
			return s.noteSync(ctx, o.scheduled, s.sync(ctx))
		},
	})
	cmd.PreRun = func(*cobra.Command, []string) {
		c.Env = c.set(o.variables)
		c.noInput = c.noInput || o.scheduled
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.yes, "yes", false, "do not ask, however much would be removed")
	flags.BoolVar(&o.install, "install", false, "let the system sync at intervals")
	flags.BoolVar(&o.uninstall, "uninstall", false, "end that")
	flags.StringVar(&o.every, "every", "", "the `INTERVAL` of --install, such as 30m or 24h (default 1h)")
	flags.BoolVar(&o.scheduled, "scheduled", false, "as --install calls it: never ask, and let auth status show how it went")
	flags.StringArrayVar(&o.variables, "set", nil, "a variable of the environment, as `NAME=VALUE`")
	must(flags.MarkHidden("set"))
	cmd.MarkFlagsMutuallyExclusive("install", "uninstall", "scheduled", "yes")
	return cmd
}

type syncOptions struct {
	yes, install, uninstall, scheduled bool
	every                              string
	variables                          []string // of a task of Windows
}

func (s *session) installEvery(ctx context.Context, text string) error {
	every, err := device.ParseDuration(cmp.Or(text, "1h"))
	if err != nil {
		return usagef("%q is not an interval such as 1h", term.Escape(text))
	}
	return s.install(ctx, every)
}

func (s *session) sync(ctx context.Context) error {
	synced, err := s.device.Sync(ctx)
	s.sayReport(synced.Report)
	for _, f := range synced.Skipped {
		s.warn("skipped %s", fileWords(f))
	}
	if err != nil {
		return s.rotatedAdvice(err)
	}
	return s.saySynced(synced)
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
