package clip

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// detach starts a process without a console, whose end would end it.
//
// Source: Microsoft, Process Creation Flags.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP}
}
