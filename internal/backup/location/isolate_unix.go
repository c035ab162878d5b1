//go:build unix

package location

import (
	"os/exec"
	"syscall"
)

// isolate runs a program in a new session. It has no terminal, so neither it nor an ssh
// that it starts can prompt and wait. Its whole process group is killed with it.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
