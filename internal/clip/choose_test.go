package clip_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/clip"
	"github.com/authcli/auth/internal/testenv"
)

// A terminal keeps what is written to it.
type terminal struct{ strings.Builder }

func (*terminal) Close() error { return nil }

// fake is a machine with some programs: names with the text of a shell script.
func fake(t *testing.T, system string, env, programs map[string]string) (clip.System, *terminal) {
	t.Helper()
	shell := testenv.Program(t, "sh", "dash")
	dir := t.TempDir()
	for name, script := range programs {
		testenv.Executable(t, filepath.Join(dir, name), "#!"+shell+"\n"+script+"\n")
	}
	screen := &terminal{}
	return clip.System{
		OS: system, Getenv: func(name string) string { return env[name] }, Environ: os.Environ(), Now: time.Now,
		LookPath: func(name string) (string, error) {
			path := filepath.Join(dir, name)
			if _, err := os.Stat(path); err != nil {
				return "", exec.ErrNotFound
			}
			return path, nil
		},
		Terminal: func() (io.WriteCloser, error) {
			if env["TERM"] == "" {
				return nil, errors.New("no terminal")
			}
			return screen, nil
		},
	}, screen
}

// Where the person sits decides what is copied with.
func TestChoose(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, system, env, programs, with string
		want                              string // the way, or a part of the error
	}{
		{"Wayland", "linux", "WAYLAND_DISPLAY=wayland-0 DISPLAY=:0 TERM=xterm", "wl-copy xclip xsel", "", clip.WlCopy},
		{"Wayland in tmux", "linux", "WAYLAND_DISPLAY=wayland-0 TMUX=x TERM=xterm", "wl-copy tmux", "", clip.WlCopy},
		{"Wayland without its program", "linux", "WAYLAND_DISPLAY=wayland-0 DISPLAY=:0 TERM=xterm", "xclip xsel", "", "copy on Wayland: wl-copy (Debian: wl-clipboard)"},
		{"X11", "linux", "DISPLAY=:0 TERM=xterm", "xclip xsel", "", clip.Xclip},
		{"X11 with xsel alone", "linux", "DISPLAY=:0", "xsel", "", clip.Xsel},
		{"X11 without a program", "freebsd", "DISPLAY=:0 TERM=xterm", "", "", "copy on X11: xclip (Debian: xclip) or xsel (Debian: xsel)"},
		{"macOS", "darwin", "TERM=xterm", "pbcopy", "", clip.Pbcopy},
		{"Windows", "windows", "", "", "", clip.Windows},
		{"WSL", "linux", "WSL_DISTRO_NAME=Debian WAYLAND_DISPLAY=wayland-0 DISPLAY=:0", "wl-copy xclip powershell.exe", "", clip.PowerShell},
		{"WSL without PowerShell", "linux", "WSL_INTEROP=/run/x", "wl-copy clip.exe", "", clip.ClipExe},
		{"WSL without either", "linux", "WSL_INTEROP=/run/x TERM=xterm", "wl-copy", "", "copy to Windows: powershell.exe (part of Windows) or clip.exe (part of Windows)"},
		{"tmux without a display", "linux", "TMUX=x TERM=tmux-256color", "tmux", "", clip.Tmux},
		{"SSH", "linux", "SSH_CONNECTION=1 TERM=xterm", "wl-copy xclip", "", clip.OSC52},
		{"SSH to a machine with a display of its own", "linux", "SSH_TTY=/dev/pts/1 WAYLAND_DISPLAY=wayland-0 DISPLAY=:0 TERM=xterm", "wl-copy xclip", "", clip.OSC52},
		{"SSH with X11 forwarding", "linux", "SSH_CONNECTION=1 DISPLAY=localhost:10.0 TERM=xterm", "xclip", "", clip.Xclip},
		{"SSH with X11 forwarding and no program", "linux", "SSH_CONNECTION=1 DISPLAY=localhost:10.0 TERM=xterm", "", "", clip.OSC52},
		{"SSH to a Mac", "darwin", "SSH_CONNECTION=1 TERM=xterm", "pbcopy", "", clip.OSC52},
		{"SSH and tmux", "linux", "SSH_CONNECTION=1 TMUX=x TERM=tmux", "tmux wl-copy", "", clip.Tmux},
		{"a terminal without a display", "linux", "TERM=xterm", "", "", clip.OSC52},
		{"the console", "linux", "TERM=linux", "", "", "no clipboard is in reach"},
		{"a dumb terminal", "linux", "TERM=dumb", "", "", "no clipboard is in reach"},
		{"no terminal", "linux", "", "", "", "no clipboard is in reach"},
		{"insisted", "linux", "DISPLAY=:0 TERM=xterm", "xclip xsel", clip.Xsel, clip.Xsel},
		{"insisted on the terminal", "linux", "DISPLAY=:0 TERM=xterm", "xclip", clip.OSC52, clip.OSC52},
		{"insisted and missing", "linux", "DISPLAY=:0 TERM=xterm", "xclip", clip.Xsel, "copy with xsel: xsel (Debian: xsel)"},
		{"insisted on Windows elsewhere", "linux", "DISPLAY=:0", "xclip", clip.Windows, clip.ErrOtherSystem.Error()},
		{"insisted on tmux outside of it", "linux", "DISPLAY=:0", "xclip tmux", clip.Tmux, clip.ErrNoTmux.Error()},
		{"unknown", "linux", "DISPLAY=:0", "xclip", "pigeon", clip.ErrUnknown.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env, programs := map[string]string{}, map[string]string{}
			for pair := range strings.FieldsSeq(c.env) {
				name, value, _ := strings.Cut(pair, "=")
				env[name] = value
			}
			for name := range strings.FieldsSeq(c.programs) {
				programs[name] = "exit 1"
			}
			s, _ := fake(t, c.system, env, programs)
			way, err := s.Choose(t.Context(), c.with)
			if slices.Contains(clip.Ways(), c.want) {
				if err != nil || way != c.want {
					t.Errorf("%q, %v; want %s", way, err, c.want)
				}
			} else if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q, %v; want an error with %q", way, err, c.want)
			}
		})
	}
}

// A window of tmux that was opened at the machine is looked at over SSH later, and the
// other way round. tmux knows who looks.
func TestTmuxKnowsWhoLooks(t *testing.T) {
	t.Parallel()
	here := map[string]string{"TMUX": "x", "WAYLAND_DISPLAY": "wayland-0", "TERM": "tmux"}
	s, _ := fake(t, "linux", here, map[string]string{"wl-copy": "exit 1", "tmux": "echo SSH_CONNECTION=10.0.0.1 22"})
	if way, err := s.Choose(t.Context(), ""); err != nil || way != clip.Tmux {
		t.Errorf("looked at over SSH: %q, %v", way, err)
	}
	there := map[string]string{"TMUX": "x", "WAYLAND_DISPLAY": "wayland-0", "TERM": "tmux", "SSH_CONNECTION": "10.0.0.1 22", "SSH_TTY": "/dev/pts/1"}
	s, _ = fake(t, "linux", there, map[string]string{"wl-copy": "exit 1", "tmux": "echo -SSH_CONNECTION"})
	if way, err := s.Choose(t.Context(), ""); err != nil || way != clip.WlCopy {
		t.Errorf("looked at here: %q, %v", way, err)
	}
}

// What a terminal gets, by the public descriptions of xterm, tmux and screen: "123456" is
// MTIzNDU2 in base64.
func TestTerminalGetsTheText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, env, want string }{
		{"xterm", "", "\x1b]52;c;MTIzNDU2\a"},
		{"tmux", "TMUX", "\x1bPtmux;\x1b\x1b]52;c;MTIzNDU2\a\x1b\\"},
		{"screen", "STY", "\x1bP\x1b]52;c;MTIzNDU2\a\x1b\\"},
	} {
		s, screen := fake(t, "linux", map[string]string{"TERM": "xterm", c.env: "x"}, nil)
		done, err := s.Copy(context.Background(), clip.OSC52, "123456", time.Minute)
		if err != nil || screen.String() != c.want {
			t.Errorf("%s: %q, %v", c.name, screen.String(), err)
		}
		if done.Seen || done.For != 0 {
			t.Errorf("%s: it claims more than it can know: %+v", c.name, done)
		}
	}
}
