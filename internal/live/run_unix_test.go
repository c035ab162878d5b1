//go:build unix

package live

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// TestMain is the program that TestRunRestoresTheTerminal runs: it shows a view whose act panics.
func TestMain(m *testing.M) {
	if os.Getenv("LIVE_CRASH") == "" {
		os.Exit(m.Run())
	}
	v := newVault(3)
	o := v.options()
	o.In, o.Out, o.Environ = os.Stdin, os.Stdout, os.Environ()
	o.Remove = func(context.Context, string) (string, error) { panic("crashed in an act") }
	if _, err := Run(context.Background(), o); !errors.Is(err, ErrCrashed) {
		os.Exit(1)
	}
	os.Exit(42)
}

// After a panic the terminal is as it was before.
func TestRunRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer tty.Close()
	before, err := term.GetState(int(tty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "LIVE_CRASH=1", "TERM=xterm")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var seen bytes.Buffer
	buf := make([]byte, 4096)
	restored := func() bool { // the cursor is shown after the screen is given back
		_, after, found := strings.Cut(seen.String(), "\x1b[?1049l")
		return found && strings.Contains(after, "\x1b[?25h")
	}
	for typed := false; !typed || !restored(); {
		if err := master.SetReadDeadline(time.Now().Add(time.Minute)); err != nil && !errors.Is(err, os.ErrNoDeadline) {
			t.Fatal(err)
		}
		n, err := master.Read(buf)
		seen.Write(buf[:n])
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatalf("%v\n%q", err, seen.String())
		}
		if !typed && strings.Contains(seen.String(), "Issuer 1") {
			typed = true
			if _, err := master.WriteString("d"); err != nil {
				t.Fatal(err)
			}
		}
	}
	go func() { _, _ = io.Copy(io.Discard, master) }()
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 42 {
		t.Errorf("exit code %d, want 42", code)
	}
	after, err := term.GetState(int(tty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if *before != *after {
		t.Error("the modes of the terminal are not as they were")
	}
	if text := seen.String(); strings.LastIndex(text, "\x1b[?25h") < strings.LastIndex(text, "\x1b[?25l") {
		t.Error("the cursor is hidden")
	}
}
