package cmd

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

// settingSetup says that this device has been offered its setup.
const settingSetup = "setup.offered"

type jsonSetup struct {
	Version int             `json:"version"`
	Steps   []jsonSetupStep `json:"steps"`
}

type jsonSetupStep struct {
	Step    string `json:"step"`
	Done    bool   `json:"done"`
	State   string `json:"state"`
	Command string `json:"command,omitempty"` // does the step where it is missing
}

func newSetup(c *cli) *cobra.Command {
	return c.command(spec{
		use:   "setup",
		short: "Set auth up, step by step",
		long: `Go through what a new device needs: a keyring for the vault, the accounts of another
app, a location for the backups, the recovery key on paper, and a restore for practice.
Each step can be left out: answer with Enter or n, or choose "later". A step that is
done is not asked about, so auth setup can be run again and goes on with what is
missing.

Without a terminal, and with --json, auth setup asks nothing. It lists the steps, and
the command for each one that is missing.`,
		exit: "0 done, or left out; 6 no keyring for the vault; 130 interrupted",
		example: `  auth setup
  auth setup --json`,
		run: func(ctx context.Context, s *session, _ []string) error {
			if s.json || !s.choosing() {
				return s.listSetup(ctx)
			}
			return s.setup(ctx)
		},
	})
}

// A setupStep is one step of the setup.
type setupStep struct {
	name    string
	done    bool
	state   string // in words; escaped
	waits   string // what has to be done before it, if that is missing
	command string
	ask     func(context.Context) error
}

// The names of the steps.
const (
	stepKeyring  = "keyring"
	stepAccounts = "accounts"
	stepBackup   = "backup"
	stepSheet    = "sheet"
	stepDrill    = "drill"
)

// steps returns the steps as they stand now.
func (s *session) steps(ctx context.Context) ([]setupStep, error) {
	now, err := s.device.Status(ctx)
	if err != nil {
		return nil, err
	}
	accounts, b := len(now.State.Accounts()), now.Backup
	words := func(done bool, yes, no string) string {
		if done {
			return yes
		}
		return no
	}
	has := map[string]bool{
		stepAccounts: accounts > 0,
		stepBackup:   b.On,
		stepSheet:    b.On && !b.Sheet.IsZero(),
		stepDrill:    b.On && !b.Drill.Due,
	}
	later := ""
	switch {
	case !b.On:
		later = "needs a backup"
	case accounts == 0:
		later = "needs an account"
	}
	place := "an encrypted file in " + term.Escape(s.places.data)
	if now.Keyring == device.SystemKeyring {
		place = "the system keyring"
	}
	void := "not printed"
	if !b.VoidSheet.IsZero() {
		void = "void: it has an older key"
	}
	return []setupStep{
		{name: stepKeyring, done: true, state: place},
		{
			name: stepAccounts, done: has[stepAccounts], state: words(has[stepAccounts], count(accounts, "account"), "none"),
			command: "auth import FILE, auth add, or auth restore LOCATION", ask: s.moveIn,
		},
		{
			name: stepBackup, done: has[stepBackup], state: words(has[stepBackup], "to "+term.Escape(b.Location), "off"),
			command: "auth backup enable LOCATION", ask: s.chooseLocation,
		},
		{
			name: stepSheet, done: has[stepSheet], state: words(has[stepSheet], "made", void), waits: words(b.On, "", later),
			command: "auth backup key --sheet FILE", ask: s.offerSheet,
		},
		{
			name: stepDrill, done: has[stepDrill], state: words(has[stepDrill], "practised", words(b.Drill.Time.IsZero(), "not practised", "due")), waits: later,
			command: "auth backup drill", ask: s.offerDrill,
		},
	}, nil
}

// listSetup prints the steps, and the command for each that is missing.
func (s *session) listSetup(ctx context.Context) error {
	steps, err := s.steps(ctx)
	if err != nil {
		return err
	}
	out := jsonSetup{Version: jsonVersion}
	var rows [][]string
	for _, step := range steps {
		j := jsonSetupStep{Step: step.name, Done: step.done, State: step.state}
		if !step.done {
			j.Command = step.command
		}
		out.Steps = append(out.Steps, j)
		rows = append(rows, []string{j.Step, j.State, j.Command})
	}
	if s.json {
		return s.printJSON(out)
	}
	return s.printTable(rows)
}

// setup asks for what is missing, step by step. A step that fails says why, and the others
// go on.
func (s *session) setup(ctx context.Context) error {
	s.say("Every step can be left out: a question with Enter, a list with its last line.")
	s.say("Ctrl-C ends it, and auth setup goes on another time.")
	steps, err := s.steps(ctx) // which asks for a keyring where the system has none
	if err != nil {
		return err
	}
	for i := range steps {
		step := steps[i]
		s.say("")
		s.say("%d of %d  %s: %s", i+1, len(steps), step.name, step.state)
		switch {
		case step.done:
			continue
		case step.waits != "":
			s.say("          left out, since it %s", step.waits)
			continue
		}
		err := step.ask(ctx)
		switch {
		case err == nil || as[exitCode](err):
		case errors.Is(err, io.EOF), errors.Is(err, device.ErrNotConfirmed):
			s.say("")
		case codeOf(err) == codeInterrupted:
			return err
		default:
			s.sayFault(err)
		}
		if steps, err = s.steps(ctx); err != nil { // what is done changes what is next
			return err
		}
	}
	s.sayLeft(steps)
	return nil
}

// sayLeft ends the setup with what is missing.
func (s *session) sayLeft(steps []setupStep) {
	s.say("")
	left := 0
	for _, step := range steps {
		if !step.done {
			left++
			s.say("left: %s (%s)", step.name, step.command)
		}
	}
	if left > 0 {
		s.say("auth setup goes on with that; auth shows the accounts and their codes")
		return
	}
	s.say("all is set up; auth shows the accounts and their codes, auth status how they are")
}

// offerSetup offers the setup, once, where there is no vault. It reports whether that was
// accepted.
func (s *session) offerSetup(ctx context.Context) (accepted bool, err error) {
	if _, marked, err := vault.ReadMarker(s.places.state); marked || err != nil {
		return false, nil //nolint:nilerr // reading the vault says what is wrong
	}
	own, err := s.device.Settings()
	if err != nil || own[settingSetup] != "" {
		return false, err
	}
	s.answers.noFile = true // whose question belongs to the setup
	state, err := s.device.Read(ctx)
	s.answers.noFile = false
	if err == nil && state.Generation > 0 || err != nil && !errors.Is(err, device.ErrKeyringUnavailable) {
		return false, nil // reading the vault says what is wrong
	}
	accepted, err = s.Prompt.Confirm(ctx, "Welcome to auth. There are no accounts yet. Set it up now, step by step?")
	if err != nil {
		return false, err
	}
	if err := s.device.SetSetting(settingSetup, "true"); err != nil {
		return false, err
	}
	if !accepted {
		s.say("auth setup does that another time")
		return false, nil
	}
	return true, s.setup(ctx)
}
