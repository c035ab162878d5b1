package keyringtest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/authcli/auth/internal/testenv"
)

// shortTempDir is not testing's: the name of a test would make paths of
// sockets longer than the 108 bytes that they may have.
func shortTempDir(t testing.TB) string {
	dir, err := os.MkdirTemp("", "auth-")
	if err == nil && len(dir) > 60 {
		err = errors.Join(os.Remove(dir), errors.New("the path of the temporary folder is too long for sockets"))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// start starts a process that ends with the test, whatever the test's end. A test
// that fails shows what the process said.
func (s *Service) start(cmd *exec.Cmd) {
	s.t.Helper()
	var said bytes.Buffer
	cmd.Stderr = &said
	cmd.WaitDelay = time.Second // what it has started may hold the pipe
	cmd.Env = append(os.Environ(), s.Env...)
	endWithParent(cmd)
	err := cmd.Start()
	if errors.Is(err, syscall.EPERM) {
		// Its file capabilities are more than a container has; a copy has
		// none.
		err = s.startCopy(cmd)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		end(cmd)
		if s.t.Failed() {
			s.t.Logf("%s: %v\n%s", filepath.Base(cmd.Path), cmd.ProcessState, said.Bytes())
		}
	})
}

func (s *Service) startCopy(cmd *exec.Cmd) error {
	from, err := os.Open(cmd.Path)
	if err != nil {
		return err
	}
	defer from.Close()
	data, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, filepath.Base(cmd.Path))
	testenv.Executable(s.t, path, string(data))
	again := exec.Command(path, cmd.Args[1:]...)
	again.Env, again.Stdin, again.Stdout, again.Stderr, again.WaitDelay = cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay
	endWithParent(again)
	*cmd = *again
	return cmd.Start()
}

// end kills a process, which may be stopped or gone, and waits for it.
func end(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}
