//go:build unix

package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"

	"github.com/authcli/auth/internal/testenv"
)

// age13 returns stock age 1.3 or later, which reads the default recovery keys: the one
// that AUTH_TEST_AGE names, or one in PATH.
func age13(t testing.TB) string {
	t.Helper()
	if path := age13Path(); path != "" {
		return path
	}
	testenv.Missing(t, "age1.3", "needs age 1.3 or later: go install filippo.io/age/cmd/...@latest, in PATH or as AUTH_TEST_AGE")
	return ""
}

// atTerminal runs a shell command on a terminal and answers every question for a
// passphrase. It returns the standard output.
func atTerminal(t *testing.T, dir, path, line, passphrase string) string {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	var out bytes.Buffer
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+path+string(os.PathListSeparator)+os.Getenv("PATH"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, &out, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	var seen bytes.Buffer
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		buf := make([]byte, 4096)
		for answered := 0; ; {
			n, err := master.Read(buf)
			seen.Write(buf[:n])
			if err != nil {
				return
			}
			if asked := strings.Count(seen.String(), "passphrase"); asked > answered {
				answered = asked
				_, _ = master.WriteString(passphrase + "\r")
			}
		}
	}()
	err = cmd.Wait()
	<-heard
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, seen.String())
	}
	return out.String()
}
