//go:build unix

package clip_test

import (
	"errors"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/authcli/auth/internal/clip"
	"github.com/authcli/auth/internal/testenv"
)

// The process that held a text is gone when it has ended, and no zombie of this one, which may
// go on for hours and copy many times.
func TestHolderIsNoZombie(t *testing.T) {
	t.Parallel()
	sh := testenv.Program(t, "sh", "dash")
	s, _ := fake(t, "linux", nil, nil)
	var holder *exec.Cmd
	s.Self = func() *exec.Cmd {
		holder = exec.Command(sh, "-c", "cat >/dev/null; echo '{}'")
		return holder
	}
	if _, err := s.Copy(t.Context(), clip.Xclip, "123456", time.Minute); err != nil {
		t.Fatal(err)
	}
	pid := holder.Process.Pid
	for range 3000 { // a zombie can be sent signals, too
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("the process %d is still there", pid)
}
