// Package schedule describes a program that the system runs again and again: as a timer of systemd, an agent of launchd
// or a task of Windows. It makes texts and says which commands make the system heed them. It writes and runs nothing.
package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Job is a program that the system runs at intervals, as the user who asked for it.
type Job struct {
	Name    string // made of letters, digits and hyphens; a job of the same name is replaced
	About   string // one line for people
	Program string // absolute path
	Args    []string
	Env     []string // "NAME=value", in the order in which they are written
	Every   time.Duration
}

// A File is a file that describes a job.
type File struct {
	Path string
	Data []byte
}

// A Command is a program of the system with its arguments.
type Command struct {
	Args []string
	// MayFail is set where a failure says only that there is nothing to be done.
	MayFail bool
}

// A Plan is how a job gets into the system and out of it again.
type Plan struct {
	Scheduler string    // its name for people
	Look      string    // a command that shows the job to people
	Files     []File    // written before Start
	Start     []Command // make the system heed the files; again and again, with the same result
	Stop      []Command // end the job
	Forget    []Command // after the files have been removed
}

// The shortest and the longest interval. The longest is what a task of Windows can have.
const (
	Shortest = 5 * time.Minute
	Longest  = 31 * 24 * time.Hour
)

// Limit is how long one run may take.
const Limit = 15 * time.Minute

var (
	// ErrInterval is returned for an interval that is too short, too long, or not of whole seconds.
	ErrInterval = fmt.Errorf("the interval must be whole seconds, from %s to %s", Words(Shortest), Words(Longest))
	// ErrText is returned for a path or a value that the format cannot hold.
	ErrText = errors.New("cannot be written into a description of a job")
)

// check returns ErrInterval or ErrText.
func (j Job) check() error {
	if j.Every < Shortest || j.Every > Longest || j.Every%time.Second != 0 {
		return ErrInterval
	}
	for _, text := range append(append([]string{j.Name, j.About, j.Program}, j.Args...), j.Env...) {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return fmt.Errorf("%q %w", text, ErrText)
		}
	}
	return nil
}

// Words returns an interval as a person would type it: 90m, 1h, 24h, 1h30m.
func Words(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
