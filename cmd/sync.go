package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

// errManyRemovals is the error of a merge that would remove much, unconfirmed.
var errManyRemovals = errors.New("not merged")

type syncOptions struct{ yes bool }

type jsonSync struct {
	Version int      `json:"version"`
	Devices []string `json:"devices"`
	Changes []string `json:"changes"`
	Skipped []string `json:"skipped"`
	File    string   `json:"file,omitempty"`
}

func newSync(c *cli) *cobra.Command {
	var o syncOptions
	cmd := &cobra.Command{
		Use:   "sync",
		Short: "Bring what other devices wrote, and back up",
		Long: `Merge what your other devices have written to the location into this vault, and
back the result up. Of two changes to the same thing the later one wins; what it
replaces is in the trash. A merge that would remove more than five accounts, or a
fifth of them, asks first.` + exitStatus("0 done; 1 the location is not there; 2 backup is off, or nobody to ask and no\n--yes; 5 a file was skipped; 6 keyring; 9 the backup could not be made"),
		Example: `  auth sync
  auth sync --yes`,
		Args:              checked(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.open(cmd.CommandPath())
			if err != nil {
				return err
			}
			return s.sync(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask, however much would be removed")
	return cmd
}

func (s *session) sync(ctx context.Context, o syncOptions) error {
	e, loc, err := s.enrolled(ctx)
	if err != nil {
		return err
	}
	j, err := s.mergeLocation(ctx, e, loc, o)
	if err != nil {
		return err
	}
	done, err := s.backUp(ctx, catchUp)
	if err != nil {
		return &staleError{err}
	}
	j.File = done.File
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
		return exitCode(codePartly)
	}
	return nil
}

// mergeLocation merges the newest backups of all other devices into the vault.
func (s *session) mergeLocation(ctx context.Context, e backup.Enrolment, loc location.Location, o syncOptions) (jsonSync, error) {
	inv, err := s.takeBy(ctx, backup.TakeNewest, loc, e.Keys())
	if err != nil {
		return jsonSync{}, err
	}
	if err := s.learn(ctx, loc, inv); err != nil {
		return jsonSync{}, err
	}
	j, err := s.mergeFiles(ctx, inv.Newest(time.Time{}, false), o)
	for _, f := range inv.Skipped(false) {
		s.warn("skipped %s", describe(f))
		j.Skipped = append(j.Skipped, f.Name)
	}
	return j, err
}

// mergeFiles merges backups into the vault, in one write.
func (s *session) mergeFiles(ctx context.Context, newest map[string][]backup.File, o syncOptions) (jsonSync, error) {
	j := jsonSync{Version: jsonVersion, Devices: []string{}, Changes: []string{}, Skipped: []string{}}
	self, err := s.vault.Device(ctx)
	if err != nil {
		return j, err
	}
	for _, id := range sortedDevices(newest) {
		if id != self {
			name := newest[id][0].Content.DeviceName
			if name == "" {
				name = id
			}
			j.Devices = append(j.Devices, name)
		}
	}
	theirs := backup.Merge(newest)
	if theirs.ID == "" {
		return j, nil // nothing is there to be merged
	}
	state, err := s.read(ctx)
	if err != nil {
		return j, err
	}
	_, report := vault.Merge(state, theirs)
	if n := len(report.Removed); n > 0 && !o.yes && (n > 5 || n*5 > len(state.Accounts())) {
		s.say("the merge would remove %s of %d", count(n, "account"), len(state.Accounts()))
		if err := s.confirm(ctx, "Merge?"); err != nil {
			return j, fmt.Errorf("%w: %w", errManyRemovals, err)
		}
	}
	s.quiet = true // one backup follows, not one now
	defer func() { s.quiet = false }()
	err = s.update(ctx, false, func(tx *vault.Tx) error {
		report = tx.Merge(theirs)
		return nil
	})
	if err != nil {
		return j, err
	}
	for _, line := range report.Lines() {
		j.Changes = append(j.Changes, term.Escape(line))
	}
	for _, label := range report.Ahead(s.Now()) {
		s.warn("%s is stamped more than a day ahead of this clock; one of the two clocks is wrong", term.Escape(label))
	}
	return j, nil
}
