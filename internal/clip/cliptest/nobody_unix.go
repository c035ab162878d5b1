//go:build unix

package cliptest

import (
	"os/exec"
	"syscall"
)

// nobody is the user of a display that refuses to be root.
const nobody = 65534

func asNobody(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}
