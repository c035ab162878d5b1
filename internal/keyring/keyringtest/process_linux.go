package keyringtest

import (
	"os/exec"
	"syscall"
)

// endWithParent ends the process even where the test's is killed.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
