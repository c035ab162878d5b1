package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// device is one machine of the demo: a folder with its own AUTH_HOME.
type device struct {
	dir  string // The working folder of commands.
	home string // The AUTH_HOME, below dir.
	out  io.Writer
}

// auth runs the program in a process of its own. It writes the command and its output to
// the transcript, and returns the standard output.
func (d device) auth(args ...string) (string, error) {
	auth := d.command(args...)
	var stdout, stderr bytes.Buffer
	auth.Stdout, auth.Stderr = &stdout, &stderr
	err := auth.Run()

	line := fmt.Sprintf("%s$ auth %s\n", d.home, strings.Join(args, " "))
	if _, werr := io.WriteString(d.out, line+stderr.String()+stdout.String()); werr != nil {
		return "", werr
	}
	if err != nil {
		return "", fmt.Errorf("auth %s: %w", strings.Join(args, " "), err)
	}
	return stdout.String(), nil
}

// setUp creates the vault of the device. Users do not need this step. It keeps the
// warning about a file keyring without a passphrase out of the transcript.
func (d device) setUp() error {
	if out, err := d.command("vault", "new", "--yes").CombinedOutput(); err != nil {
		return fmt.Errorf("auth vault new: %w\n%s", err, out)
	}
	return nil
}

func (d device) command(args ...string) *exec.Cmd {
	auth := exec.Command(filepath.Join(d.dir, program()), args...)
	auth.Dir, auth.Env = d.dir, d.environ()
	return auth
}

// environ returns our environment without the user's settings of the program, and with
// those of the device.
func (d device) environ() []string {
	var env []string
	for _, setting := range os.Environ() {
		if !strings.HasPrefix(strings.ToUpper(setting), "AUTH_") {
			env = append(env, setting)
		}
	}
	return append(env,
		"AUTH_HOME="+filepath.Join(d.dir, d.home),
		"AUTH_KEYRING=file",
		"AUTH_NO_INPUT=1",
	)
}
