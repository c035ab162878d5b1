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

// device is one machine of the demo: a folder for its AUTH_HOME.
type device struct {
	dir  string // The folder that commands run in.
	home string // The AUTH_HOME, below dir.
	out  io.Writer
}

// auth runs the program as a process of its own, writes the command and what it printed to the transcript, and returns
// its standard output.
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

// setUp makes the vault of the device, which is nothing that a user has to do: it keeps
// the words about a file keyring without a passphrase out of the transcript.
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

// environ is ours without any setting of the program that the user may have, and with those of the device.
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
