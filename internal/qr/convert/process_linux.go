package convert

import (
	"os/exec"
	"syscall"
)

// alone gives a program a process group of its own, which ends as a whole, and has it
// ended with this process, also where that is killed.
//
// Source: setpgid(2), prctl(2) PR_SET_PDEATHSIG.
func alone(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
