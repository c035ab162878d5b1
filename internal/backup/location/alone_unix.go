//go:build unix

package location

import (
	"os/exec"
	"syscall"
)

// alone runs a program in a session of its own: without a terminal that it, or
// an ssh that it starts, could ask at and wait; and in a group that is killed whole.
func alone(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
