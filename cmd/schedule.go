package cmd

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/authcli/auth/internal/atomicfile"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/schedule"
	"github.com/authcli/auth/internal/term"
)

// errNoScheduler is returned where nothing of the system runs programs at intervals for a user.
var errNoScheduler = errors.New("this system has neither systemd, launchd nor the Task Scheduler")

// inCrontab is what to do on such a system.
const inCrontab = "auth sync --scheduled in your crontab does the same"

// commandWait is how long a command of the scheduler may take.
const commandWait = 30 * time.Second

type jsonSchedule struct {
	Version   int      `json:"version"`
	On        bool     `json:"on"`
	Every     string   `json:"every,omitempty"`
	Scheduler string   `json:"scheduler,omitempty"`
	Program   string   `json:"program,omitempty"`
	Files     []string `json:"files,omitempty"`
}

// jsonSyncStatus is how this device syncs by itself.
type jsonSyncStatus struct {
	On      bool   `json:"on"`
	Every   string `json:"every,omitempty"`
	Program string `json:"program,omitempty"`
	Last    string `json:"last,omitempty"`   // that went well
	Tried   string `json:"tried,omitempty"`  // whether it went well or not
	Failed  string `json:"failed,omitempty"` // why
	Since   string `json:"since,omitempty"`  // of that
	Gone    string `json:"gone,omitempty"`   // a file that a sync needs
	Overdue bool   `json:"overdue,omitempty"`
}

// carried are the variables that a sync needs as they are now. None of them holds a secret: a description of a job can
// be read by other programs.
func carried() []string {
	names := []string{"AUTH_KEYRING", "AUTH_KEYRING_TIMEOUT", "RCLONE_CONFIG"}
	if runtime.GOOS != "windows" { // whose tasks have those of the user
		names = append(names, "HOME", "PATH", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
	}
	return names
}

// install makes the system sync at intervals.
func (s *session) install(ctx context.Context, every time.Duration) error {
	if s.device.Location() == "" {
		return device.ErrBackupOff
	}
	if s.vaultPassphraseFile == "-" {
		return hint.With(usagef("a sync that nobody watches cannot read a passphrase from standard input"), "--vault-passphrase-file FILE")
	}
	job, err := s.syncJob(every)
	if err != nil {
		return err
	}
	plan, err := s.syncPlan(job)
	if err != nil {
		return err
	}
	var paths []string
	for _, f := range plan.Files {
		paths = append(paths, f.Path)
		if err := os.MkdirAll(filepath.Dir(f.Path), 0o700); err != nil {
			return err
		}
		if err := atomicfile.Write(f.Path, f.Data, atomicfile.Options{}); err != nil {
			return err
		}
	}
	for _, command := range plan.Start {
		if err := s.order(ctx, command); err != nil {
			return errors.Join(hint.With(err, inCrontab), s.takeOut(ctx, plan)) // rather nothing than a half
		}
	}
	if err := s.device.SetSchedule(ctx, device.Schedule{Every: every, Program: job.Program, Files: paths}); err != nil {
		return err
	}
	if s.json {
		return s.printJSON(jsonSchedule{jsonVersion, true, schedule.Words(every), plan.Scheduler, job.Program, paths})
	}
	s.say("%s runs auth sync every %s; auth status shows how it goes (%s)", plan.Scheduler, schedule.Words(every), plan.Look)
	return nil
}

// uninstall ends that. It also removes what another version, or a failed attempt, has left.
func (s *session) uninstall(ctx context.Context) error {
	job, err := s.syncJob(time.Hour) // its name is all that counts
	if err != nil {
		return err
	}
	plan, err := s.syncPlan(job)
	if err != nil && !errors.Is(err, errNoScheduler) {
		return err
	}
	was := s.device.ScheduleStatus().On
	for _, f := range plan.Files {
		if _, err := os.Lstat(f.Path); err == nil {
			was = true
		}
	}
	if err := s.takeOut(ctx, plan); err != nil {
		return err
	}
	switch {
	case s.json:
		return s.printJSON(jsonSchedule{Version: jsonVersion})
	case !was:
		s.say("nothing syncs by itself")
	default:
		s.say("auth sync does not run by itself any more")
	}
	return nil
}

// takeOut takes a job out of the system, and forgets it.
func (s *session) takeOut(ctx context.Context, plan schedule.Plan) error {
	for _, command := range plan.Stop {
		if err := s.order(ctx, command); err != nil {
			return err
		}
	}
	for _, f := range plan.Files {
		if err := os.Remove(f.Path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	for _, command := range plan.Forget {
		if err := s.order(ctx, command); err != nil {
			return err
		}
	}
	return s.device.SetSchedule(ctx, device.Schedule{})
}

// syncJob returns the job that syncs this profile.
func (s *session) syncJob(every time.Duration) (schedule.Job, error) {
	program, err := s.program()
	if err != nil {
		return schedule.Job{}, err
	}
	var env []string
	for _, name := range carried() {
		if value := s.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	if s.Getenv("AUTH_HOME") != "" {
		env = append(env, "AUTH_HOME="+s.places.state)
	}
	args := []string{"sync", "--scheduled"}
	if s.keyringFlag != "" {
		args = append(args, "--keyring", s.keyringFlag)
	}
	if file := cmp.Or(s.vaultPassphraseFile, s.Getenv("AUTH_VAULT_PASSPHRASE_FILE")); file != "" {
		if file, err = filepath.Abs(file); err != nil {
			return schedule.Job{}, err
		}
		args = append(args, "--vault-passphrase-file", file)
	}
	slices.Sort(env)
	return schedule.Job{
		Name: s.places.service + "-sync", About: "auth: merge the changes of other devices, and back up",
		Program: program, Args: args, Env: env, Every: every,
	}, nil
}

// syncPlan returns how a job gets into this system.
func (s *session) syncPlan(job schedule.Job) (schedule.Plan, error) {
	var plan schedule.Plan
	var err error
	switch runtime.GOOS {
	case "darwin":
		plan, err = schedule.Launchd(job, filepath.Join(s.home(), "Library", "LaunchAgents"), os.Getuid())
	case "windows":
		for _, variable := range job.Env {
			job.Args = append(job.Args, "--set", variable)
		}
		job.Env = nil
		plan, err = schedule.Task(job, s.places.state)
	default:
		if _, err := s.LookPath("systemctl"); err != nil {
			return schedule.Plan{}, errNoScheduler
		}
		plan, err = schedule.Systemd(job, filepath.Join(s.xdg("XDG_CONFIG_HOME", s.home(), ".config"), "systemd", "user"))
	}
	if errors.Is(err, schedule.ErrInterval) {
		err = usageError{err}
	}
	return plan, err
}

// program returns the path of this program: the one in PATH where that leads here, since package managers replace what it
// leads to.
func (c *cli) program() (string, error) {
	self := c.Self()
	if self.Err != nil {
		return "", self.Err
	}
	if path, err := c.LookPath("auth"); err == nil && filepath.IsAbs(path) {
		one, err1 := os.Stat(path)
		other, err2 := os.Stat(self.Path)
		if err1 == nil && err2 == nil && os.SameFile(one, other) {
			return path, nil
		}
	}
	return self.Path, nil
}

// order runs a command of the scheduler.
func (c *cli) order(ctx context.Context, command schedule.Command) error {
	ctx, cancel := context.WithTimeout(ctx, commandWait)
	defer cancel()
	path, err := c.LookPath(command.Args[0])
	if err == nil {
		run := exec.CommandContext(ctx, path, command.Args[1:]...)
		run.Env = c.Environ()
		var said []byte
		if said, err = run.CombinedOutput(); err != nil {
			line, _, _ := strings.Cut(strings.TrimSpace(string(bytes.ToValidUTF8(said, nil))), "\n")
			err = fmt.Errorf("%s: %s", strings.Join(command.Args, " "), cmp.Or(line, err.Error()))
		}
	}
	if command.MayFail {
		return nil
	}
	return err
}

// noteSync remembers how a sync went, and returns its error.
func (s *session) noteSync(ctx context.Context, scheduled bool, err error) error {
	failed := ""
	switch {
	case err == nil:
	case codeOf(err) == codePartly:
		failed = "files of other devices were skipped; auth sync names them"
	case s.answers.merge != "":
		failed = s.answers.merge + "; auth sync asks about it"
	default:
		failed = errorWords(err)
	}
	if note := s.device.NoteSync(context.WithoutCancel(ctx), failed, !scheduled); note != nil {
		s.warn("auth status will not know of this sync: %s", message(note, nil))
	}
	return err
}

// How the words begin for a device that does not sync by itself as it should.
const (
	syncFailed  = "FAILED"
	syncStopped = "STOPPED"
)

// syncRow describes in one line how this device syncs by itself; empty where it does not.
func (c *cli) syncRow(s device.ScheduleStatus) string {
	last := ""
	if !s.Last.IsZero() {
		last = ", last done " + c.at(s.Last)
	}
	state, why := c.syncTrouble(s)
	switch {
	case why != "":
		return state + last + ": " + why
	case s.On:
		return "every " + schedule.Words(s.Every) + cmp.Or(last, ", not yet")
	default:
		return strings.TrimPrefix(last, ", ")
	}
}

// syncTrouble says that this device does not sync by itself as it should, and why; both are empty where it does.
func (c *cli) syncTrouble(s device.ScheduleStatus) (state, why string) {
	again := fmt.Sprintf("auth sync --every %s --install", schedule.Words(s.Every))
	switch {
	case s.Gone != "":
		return syncStopped, term.Escape(s.Gone) + " is not there any more; " + again
	case s.Failed != "":
		return syncFailed + " since " + c.when(c.Out, s.Since), term.Escape(s.Failed)
	case s.Overdue:
		return syncStopped, "nothing has run it for days; " + again
	default:
		return "", ""
	}
}

func syncJSON(s device.ScheduleStatus) *jsonSyncStatus {
	if !s.On && s.Tried.IsZero() {
		return nil
	}
	j := &jsonSyncStatus{
		On: s.On, Program: s.Program, Last: timestamp(s.Last), Tried: timestamp(s.Tried),
		Failed: term.Escape(s.Failed), Since: timestamp(s.Since), Gone: s.Gone, Overdue: s.Overdue,
	}
	if s.On {
		j.Every = schedule.Words(s.Every)
	}
	return j
}

// syncExit returns the exit code of a device that does not sync by itself as it should.
func syncExit(s device.ScheduleStatus) error {
	if s.Wrong() {
		return exitCode(codeStale)
	}
	return nil
}

// set returns an environment with some variables changed: those that a task of Windows cannot have.
func (env *Env) set(variables []string) *Env {
	changed := *env
	changed.Getenv = func(name string) string {
		for _, v := range variables {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value
			}
		}
		return env.Getenv(name)
	}
	changed.Environ = func() []string { return append(env.Environ(), variables...) }
	return &changed
}
