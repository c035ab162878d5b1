package e2e

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/authcli/auth/internal/clip/cliptest"
	"github.com/authcli/auth/internal/testenv"
)

// In the view, accounts are added from an image file, also one that was dropped on the terminal, from the clipboard and
// from the screen, and other commands have them. What is not there is said, and nothing is printed beside the view.
func TestLiveAddsFrom(t *testing.T) {
	t.Parallel()
	testenv.Program(t, "xclip", "xclip")
	testenv.Program(t, "maim", "maim")
	display := cliptest.X11(t)
	d := newDevice(t, nil)
	d.env = append(cliptest.Without(d.env), display.Env...)
	d = d.with("AUTH_NO_INPUT=0", "TERM=xterm-256color", "TEST_NOW="+liveNow)
	uri := func(name string) string { return strings.ReplaceAll(lookURI, "alice", name) }
	dir := t.TempDir()
	path := filepath.Join(dir, "it's a shot.png")
	if err := os.WriteFile(path, picture(t, uri("alice")), 0o600); err != nil {
		t.Fatal(err)
	}
	s := watch(t, d.command(), 200, 20, nil)
	s.shows("Set it up now, step by step? [y/N]")
	s.types("n\r")
	s.shows("auth  0 accounts")

	s.types("a" + strings.NewReplacer(" ", `\ `, "'", `\'`).Replace(path) + "\r")
	s.shows("auth  1 account", "added GitHub:alice; its code is ")

	s.types("a\x16")
	s.shows("the clipboard holds neither an image nor a text", "Add an account")
	for name, kind := range map[string]string{"bob": "image/png", "carol": "UTF8_STRING"} {
		content := uri(name) + "\n"
		if kind == "image/png" {
			content = string(picture(t, uri(name)))
		}
		if _, ok := display.Run(content, "xclip", "-selection", "clipboard", "-in", "-target", kind); !ok {
			t.Fatal("xclip cannot copy")
		}
		s.types("\x16")
		s.shows("added GitHub:" + name)
		s.types("a")
		s.shows("Add an account")
	}
	if _, ok := display.Run("jbsw y3dp ehpk 3pxp", "xclip", "-selection", "clipboard", "-in"); !ok {
		t.Fatal("xclip cannot copy")
	}
	s.types("\x16")
	s.shows("a secret alone was copied: type its issuer or its name first")
	s.types("\tSite\tme\x16")
	s.shows("added Site:me")

	s.types("a\x13")
	s.shows("no QR code was found on the screen")
	shown, err := png.Decode(bytes.NewReader(picture(t, uri("dave"))))
	if err != nil {
		t.Fatal(err)
	}
	display.Show(shown)
	s.types("\x13")
	s.shows("added GitHub:dave", "auth  5 accounts")

	s.types("a./nowhere.png\r")
	s.shows("there is no file of that name")
	s.types("\x1b")
	s.shows("auth  5 accounts")
	s.types("q")
	s.ends(0)
	if raw := s.raw.String(); strings.Contains(raw, "JBSWY3DPEHPK3PXP") || strings.Contains(strings.ToLower(raw), "jbsw y3dp") {
		t.Error("a secret was shown")
	}
	if got := len(d.with("AUTH_NO_INPUT=1").labels()); got != 5 {
		t.Errorf("%d accounts", got)
	}
	codes := strings.Fields(d.must("", "code", "--all", "--at", "59"))
	for i := 1; i < len(codes); i += 2 {
		if codes[i] != codes[1] {
			t.Errorf("the accounts are %q", codes)
		}
	}
}

// A view that is ended while a picture of the screen is being taken leaves nothing of it behind.
func TestLiveRemovesThePicture(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(s *screen){
		"SIGTERM": func(s *screen) { _ = s.cmd.Process.Signal(syscall.SIGTERM) },
		"Ctrl-C":  func(s *screen) { s.types("\x03") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDevice(t, nil)
			dir, run, seen := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "seen")
			script := "#!/bin/sh\nfor file; do :; done\nprintf picture >\"$file\"\n: >" + seen + "\nexec sleep 600\n"
			testenv.Executable(t, filepath.Join(dir, "spectacle"), script)
			d.env = append(cliptest.Without(d.env), "PATH="+dir+":/bin:/usr/bin", "XDG_RUNTIME_DIR="+run, "WAYLAND_DISPLAY=wayland-0", "AUTH_NO_INPUT=0", "TERM=xterm")
			s := watch(t, d.command(), 80, 14, nil)
			s.shows("Set it up now, step by step? [y/N]")
			s.types("n\r")
			s.shows("auth  0 accounts")
			s.types("a\x13")
			eventually(t, "a picture is being taken", func() bool {
				_, err := os.Stat(seen)
				return err == nil
			})
			end(s)
			s.ends(130)
			if left, err := os.ReadDir(run); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// Enter puts the selected code on the clipboard, where another program finds it, and says for how long; then it is gone,
// also while the view is open.
func TestLiveCopies(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d *desk) {
		d.must("KRSXG5BAKRSXG5BC", "add", "GitLab:alice", "--secret-file", "-", "--digits", "10")
		d.env = append(d.env, "AUTH_NO_INPUT=0", "TERM=xterm-256color", "TEST_NOW=2026-01-02T03:04:05Z")
		for _, c := range []struct{ keep, words string }{
			{"", "cleared in 45 seconds"},
			{"TEST_COPY_FOR=1h", "cleared in 3600 seconds"}, // long enough for a busy machine to look
			{"TEST_COPY_FOR=1s", "cleared in 1 second "},
		} {
			s := watch(t, d.with(c.keep).command(), 80, 14, nil)
			s.shows("> GitHub", "GitLab", "25s")
			s.types("\r")
			s.shows("copied the code; the clipboard is " + c.words)
			switch c.keep {
			case "TEST_COPY_FOR=1h":
				if got := d.held(); got != d.code() {
					t.Errorf("the clipboard holds %q, not %q", got, d.code())
				}
			case "TEST_COPY_FOR=1s":
				eventually(t, "the clipboard is cleared", func() bool { return d.held() == "" })
			}
			s.types("q")
			s.ends(0)
			d.end(t)
		}
	})
}
