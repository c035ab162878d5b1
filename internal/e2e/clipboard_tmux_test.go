//go:build unix

package e2e

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/clip/cliptest"
	"github.com/authcli/auth/internal/testenv"
)

// In tmux without a display the code goes to tmux's buffers, and leaves them again. What
// the terminal around it has taken is not claimed.
func TestCopyInTmux(t *testing.T) {
	t.Parallel()
	tmux := testenv.Program(t, "tmux", "tmux")
	socket := filepath.Join(cliptest.TempDir(t), "tmux")
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(tmux, append([]string{"-S", socket, "-f", os.DevNull}, args...)...)
		cmd.Env = append(cliptest.Without(os.Environ()), "TERM=xterm-256color")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("tmux %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("new-session", "-d", "-s", "test", "sleep 600")
	t.Cleanup(func() { run("kill-server") })
	run("set-buffer", "theirs")

	d := newDevice(t, nil)
	d.env = append(cliptest.Without(d.env), "TERM=tmux-256color", "TEST_NOW=2026-01-02T03:04:05Z",
		"TMUX="+run("display-message", "-p", "#{socket_path},#{pid},0"))
	d.must("JBSWY3DPEHPK3PXP", "add", "GitHub:alice", "--secret-file", "-", "--digits", "10")
	code := strings.TrimSpace(d.must("", "code", "github"))
	if r := d.with("TEST_COPY_FOR=1h").run("", "code", "github", "--copy"); r.code != 0 { // long enough for a busy machine to look
		t.Fatalf("%+v", r)
	}
	if got := run("show-buffer"); got != code {
		t.Errorf("tmux holds %q, not %q", got, code)
	}
	run("delete-buffer")
	d.env = append(d.env, "TEST_COPY_FOR=1s")
	r := d.run("", "code", "github", "--copy")
	want := "copied the code of GitHub:alice to tmux, which forgets it in 1 second, and sent it to the clipboard of the terminal; auth cannot see whether it arrived there, and does not clear it\n"
	if r.code != 0 || r.stdout != "" || r.stderr != want {
		t.Fatalf("%+v", r)
	}
	eventually(t, "tmux forgets the code", func() bool { return !strings.Contains(run("list-buffers"), code) })
	if got := run("show-buffer"); got != "theirs" {
		t.Errorf("tmux holds %q", got)
	}

	run("set-option", "-s", "set-clipboard", "off")
	r = d.run("", "code", "github", "--copy")
	if r.code != 0 || !strings.Contains(r.stderr, "to tmux alone") || !strings.Contains(r.stderr, "tmux set -s set-clipboard external") {
		t.Errorf("a tmux that keeps it to itself: %+v", r)
	}
}

// On a terminal without a display or a program to copy with, and over SSH, the code goes to the clipboard of the terminal, by
// the command and by Enter in the view. Nothing tells whether it arrived, and the message says that.
func TestCopyByTheTerminal(t *testing.T) {
	t.Parallel()
	const message = " to the clipboard of the terminal (OSC 52); auth cannot see whether it arrived, and does not clear it"
	sessions := []string{"SSH_CONNECTION=192.0.2.1 50000 192.0.2.2 22"}
	if runtime.GOOS != "darwin" { // it has a clipboard wherever nobody is far away
		sessions = append(sessions, "SSH_CONNECTION=")
	}
	for _, session := range sessions {
		t.Run(session, func(t *testing.T) {
			t.Parallel()
			d := newDevice(t, nil)
			d.env = append(cliptest.Without(d.env), "PATH="+t.TempDir(), "TERM=xterm-256color", "TEST_NOW="+liveNow, session)
			d.must("JBSWY3DPEHPK3PXP", "add", "GitHub:alice", "--secret-file", "-", "--digits", "10")
			code := strings.TrimSpace(d.must("", "code", "github"))
			sent := "\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte(code)) + "\a"

			s := watch(t, d.command("code", "github", "--copy"), 200, 14, nil)
			s.ends(0)
			s.shows("sent the code of GitHub:alice" + message)
			if raw := s.raw.String(); strings.Count(raw, sent) != 1 || strings.Contains(raw, code) {
				t.Errorf("written was %q, not %q once", raw, sent)
			}

			s = watch(t, d.with("AUTH_NO_INPUT=0").command(), 200, 14, nil)
			s.shows("GitHub", "8s")
			s.types("\r")
			s.shows("sent the code" + message)
			s.types("q")
			s.ends(0)
			if raw := s.raw.String(); strings.Count(raw, sent) != 1 {
				t.Errorf("written was %q, not %q once", raw, sent)
			}
		})
	}
}

// eventually waits for something that takes its time.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within two minutes: %s", what)
		}
	}
}

// Nothing to copy with: an error that says what to install, or that nothing is in reach,
// and an HOTP counter that stays where it was.
func TestNothingToCopyWith(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	d.env = append(cliptest.Without(d.env), "TERM=dumb")
	d.must("JBSWY3DPEHPK3PXP", "add", "Bank:alice", "--secret-file", "-", "--type", "hotp")
	before := d.must("", "code", "bank", "--next")
	d.fails(1, []string{"no clipboard is in reach", "auth code QUERY prints the code"}, "code", "bank", "--copy")
	d.env = append(d.env, "PATH="+t.TempDir(), "WAYLAND_DISPLAY=wayland-0")
	d.fails(1, []string{"no program to copy on Wayland: wl-copy (Debian: wl-clipboard)", "hint: install it"}, "code", "bank", "--copy")
	if after := d.must("", "code", "bank", "--next"); after != before {
		t.Error("the counter was advanced for a code that nobody got")
	}
	d.fails(2, []string{`"pigeon" is not one of wl-copy, xclip`}, "config", "set", "copy.with", "pigeon")
	d.must("", "config", "set", "copy.with", "xsel")
	d.fails(1, []string{"copy.with is xsel", "xsel (Debian: xsel)"}, "code", "bank", "--copy")
	d.fails(2, []string{"--copy copies one code"}, "code", "--all", "--copy")
}
