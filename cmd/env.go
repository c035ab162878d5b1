package cmd

import (
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/authcli/auth/internal/term"
)

// Env is everything outside the program that a command may touch. This file is
// the only one that reads the standard streams, the environment and the clock.
type Env struct {
	In       io.Reader
	Out, Err io.Writer
	Prompt   term.Prompter
	Getenv   func(string) string
	Environ  func() []string // for programs that auth runs
	LookPath func(name string) (string, error)
	Exit     func(code int) // of a command that hangs after it was interrupted
	Hostname func() string  // what this machine is called in backups
	Now      func() time.Time
	// WorkFactor is the logarithm of the scrypt cost of new passphrases; 0 is age's
	// own (18). Tests lower it: the shipped program has no such switch.
	WorkFactor int
	// Patience is how long a location may take; 0 are the shipped program's own times.
	Patience time.Duration
}

// System returns the Env of this process.
func System() *Env {
	return &Env{
		In:       os.Stdin,
		Out:      os.Stdout,
		Err:      os.Stderr,
		Prompt:   term.System(),
		Getenv:   os.Getenv,
		Environ:  os.Environ,
		LookPath: exec.LookPath,
		Exit:     os.Exit,
		Hostname: func() string {
			name, _ := os.Hostname() // a name for people; none will do
			return name
		},
		Now: time.Now,
	}
}
