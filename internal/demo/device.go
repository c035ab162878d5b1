package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	auth := exec.Command(filepath.Join(d.dir, program()), args...)
	auth.Dir = d.dir
	auth.Env = d.environ()
	var stdout, stderr bytes.Buffer
	auth.Stdout, auth.Stderr = &stdout, &stderr
	err := auth.Run()

	line := fmt.Sprintf("%s$ auth %s\n", d.home, strings.Join(args, " "))
	if _, werr := io.WriteString(d.out, line+stable(stderr.String())+stdout.String()); werr != nil {
		return "", werr
	}
	if err != nil {
		return "", fmt.Errorf("auth %s: %w", strings.Join(args, " "), err)
	}
	return stdout.String(), nil
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

// What depends on the moment in the words of the program: the current code, which add offers to compare, and the seconds
// that it is valid.
var (
	current = regexp.MustCompile(`\b\d{6}\b`)
	seconds = regexp.MustCompile(`\b\d{1,2}( more)? seconds?\b`)
)

// stable returns the words of the program as the transcript shows them, the same at every run and on every system.
func stable(words string) string {
	words = strings.ReplaceAll(words, "\r\n", "\n")
	words = current.ReplaceAllString(words, "······")
	return seconds.ReplaceAllString(words, "··$1 seconds")
}
