//go:build unix

package clip

import (
	"os/exec"
	"syscall"
)

// detach gives a process a session of its own: it has no terminal whose end would end it.
//
// Source: setsid(2).
func detach(cmd *exec.Cmd) {
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
}
