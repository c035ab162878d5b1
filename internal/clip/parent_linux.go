package clip

import (
	"os/exec"
	"syscall"
)

// endWithParent ends a process with this one, also where that is killed.
//
// Source: prctl(2) PR_SET_PDEATHSIG.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
