//go:build unix

package testenv

import (
	"os/exec"
	"syscall"
)

// Apart gives a command a session of its own. An interactive shell would take the terminal
// from the tests, or be stopped for want of it.
func Apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
