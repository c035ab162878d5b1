package cmd

import (
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/term"
)

// Env is everything outside the program that a command may use. Only this file reads the
// standard streams, the environment and the clock.
type Env struct {
	In       io.Reader
	Out, Err io.Writer
	Prompt   term.Prompter
	Getenv   func(string) string
	Environ  func() []string // environment of programs that auth runs
	LookPath func(name string) (string, error)
	Terminal func() (io.WriteCloser, error) // opens the controlling terminal for writing
	// Self returns this program as another process.
	Self     func(args ...string) *exec.Cmd
	Exit     func(code int) // ends a command that hangs after an interrupt
	Hostname func() string  // name of this machine in backups
	Now      func() time.Time
	// WorkFactor is the base-2 logarithm of the scrypt cost of new passphrases; 0 for
	// age's default (18). Tests lower it. Users cannot.
	WorkFactor int
	// Patience is how long a location may take, or a plugin of age that nobody watches; 0 for
	// the defaults.
	Patience time.Duration
	// CopyFor is how long a copied code stays on the clipboard; 0 for the default (45 s).
	CopyFor time.Duration
	// CompletionWait is how long the completion of a label may take; 0 for the default (1 s).
	CompletionWait time.Duration
	// Keeper keeps the opened key of the file keyring; nil keeps nothing.
	Keeper device.Keeper
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
		Terminal: term.OpenTerminal,
		Self:     self,
		Exit:     os.Exit,
		Keeper:   device.KernelKeeper(),
		Hostname: func() string {
			name, _ := os.Hostname() // the name is only for people, so an empty one will do
			return name
		},
		Now: time.Now,
	}
}

// self returns this program as another process. A path that is not known is one that does
// not start.
func self(args ...string) *exec.Cmd {
	path, err := os.Executable()
	return &exec.Cmd{Path: path, Args: append([]string{"auth"}, args...), Err: err}
}
