package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/manual"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

// settingSetup says that this device has been offered its setup.
const settingSetup = "setup.offered"

// backupFolder is what auth calls its folder in a cloud's.
const backupFolder = "auth"

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

// moveIn brings accounts in: from backups of another device, from another app, or the
// first one by hand.
func (s *session) moveIn(ctx context.Context) error {
	type choice struct {
		words string
		do    func(context.Context) error
	}
	var choices []choice
	for _, dir := range s.device.CloudBackups(ctx) {
		choices = append(choices, choice{"backups of auth in " + dir, func(ctx context.Context) error {
			return s.restore(ctx, restoreOptions{RestoreOptions: device.RestoreOptions{From: dir}})
		}})
	}
	for _, guide := range manual.Guides() {
		choices = append(choices, choice{guide.Short, func(ctx context.Context) error { return s.moveFrom(ctx, guide) }})
	}
	choices = append(choices,
		choice{"another app, or a file or QR code that is on this machine", func(ctx context.Context) error {
			s.say("auth help formats lists the formats that can be read")
			return s.askFiles(ctx)
		}},
		choice{"a backup of auth, which another device made", s.askBackup},
		choice{"none yet: add the first one now", func(ctx context.Context) error { return s.add(ctx, addOptions{kind: "totp"}, newAdd(s.cli).Flags()) }},
		choice{"later", func(context.Context) error { return nil }},
	)
	options := make([]string, len(choices))
	for i, c := range choices {
		options[i] = c.words
	}
	n, err := s.Prompt.Choose(ctx, "Where are your accounts now?", options)
	if err != nil {
		return err
	}
	return choices[n].do(ctx)
}

// moveFrom shows how an app gives its accounts, and reads them.
func (s *session) moveFrom(ctx context.Context, guide manual.Topic) error {
	s.say("%s", strings.TrimRight(guide.BeforeImport().Text(cmp.Or(pageColumns(s.Err), pageWidth)), "\n"))
	s.say("")
	s.say("The whole guide: auth help %s %s", movingTopic, guide.Name)
	return s.askFiles(ctx)
}

// askFiles asks for files and imports them, until the answer is empty.
func (s *session) askFiles(ctx context.Context) error {
	prompt := "Path of the file or image (empty: go on without): "
	for {
		text, err := s.askPath(ctx, prompt)
		if err != nil || text == "" {
			return err
		}
		err = s.importFiles(ctx, s.typedPaths(text), importOptions{})
		switch {
		case err == nil || as[exitCode](err):
			prompt = "Another file or image (empty: go on): "
		case codeOf(err) == codeInterrupted:
			return err
		default:
			s.sayFault(err)
		}
	}
}

// askPath asks for a path, without spaces around it; empty where there is none. A secret is
// not taken for one, since an error would repeat it.
func (s *session) askPath(ctx context.Context, prompt string) (string, error) {
	for {
		text, err := s.Prompt.Line(ctx, prompt)
		if text = strings.TrimSpace(text); err != nil || !secretAmong(strings.Fields(text)) {
			return text, err
		}
		s.say("auth: this looks like a secret, and a path is asked for here")
	}
}

// typedPaths returns the paths in a line: one, or several files between spaces.
func (c *cli) typedPaths(text string) []string {
	one := c.typedPath(text)
	if isFile(one) {
		return []string{one}
	}
	var several []string
	for word := range strings.FieldsSeq(text) {
		path := c.typedPath(word)
		if !isFile(path) {
			return []string{one}
		}
		several = append(several, path)
	}
	return several
}

// askBackup asks for a location or a backup file, and restores it.
func (s *session) askBackup(ctx context.Context) error {
	text, err := s.askPath(ctx, "Folder, file or rclone:REMOTE:PATH of the backups (empty: go on without): ")
	if err != nil || text == "" {
		return err
	}
	return s.restore(ctx, restoreOptions{RestoreOptions: device.RestoreOptions{From: s.typedPath(text)}})
}

// chooseLocation asks where backups go, and turns backup on.
func (s *session) chooseLocation(ctx context.Context) error {
	s.say("Backups are encrypted files in a folder that leaves this machine: that of")
	s.say("a cloud, or a USB stick.")
	var options, locations []string
	for _, dir := range s.device.CloudBackups(ctx) {
		options, locations = append(options, dir+" (has backups of auth)"), append(locations, dir)
	}
	for _, f := range s.device.CloudFolders(ctx) {
		dir := filepath.Join(f.Path, backupFolder)
		if !slices.Contains(locations, dir) {
			options, locations = append(options, f.Service+": "+dir), append(locations, dir)
		}
	}
	for _, remote := range s.device.Remotes(ctx) {
		name := "rclone:" + remote + ":" + backupFolder
		options, locations = append(options, name), append(locations, name)
	}
	options = append(options, "another folder", "later")
	n, err := s.Prompt.Choose(ctx, "Where to?", options)
	if err != nil {
		return err
	}
	var where string
	switch {
	case n < len(locations):
		where = locations[n]
	case n == len(locations):
		text, err := s.askPath(ctx, "Folder, or rclone:REMOTE:PATH (empty: later): ")
		if err != nil || text == "" {
			return err
		}
		where = s.typedPath(text)
	default:
		return nil
	}
	return s.enable(ctx, where, enableOptions{})
}

// offerSheet writes the recovery key as a page.
func (s *session) offerSheet(ctx context.Context) error {
	yes, err := s.Prompt.Confirm(ctx, "Write a page that opens the backups too, to print and to lock away?")
	if err != nil || !yes {
		return err
	}
	path := filepath.Join(s.home(), "auth-recovery.pdf")
	text, err := s.Prompt.Line(ctx, fmt.Sprintf("File (empty: %s): ", path))
	if err != nil {
		return err
	}
	if text = strings.TrimSpace(text); text != "" {
		path = s.typedPath(text)
	}
	return s.writeSheet(ctx, path, false)
}

// offerDrill practises a restore.
func (s *session) offerDrill(ctx context.Context) error {
	yes, err := s.Prompt.Confirm(ctx, "Practise a restore, with the passphrase that you wrote down?")
	if err != nil || !yes {
		return err
	}
	s.answers.file = ""
	drill, err := s.device.Drill(ctx, device.KeySource{})
	s.sayReport(drill.Report)
	if err != nil {
		return err
	}
	return s.sayDrill(drill)
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
