// Package clip is the clipboard and the screen, by what the platform has.
//
// [System.Copy] puts a text on the clipboard for a while. A process of its own, which is
// this program again ([Keep]), holds the text, reads it back, and takes it off when its
// time is over, also after the command has ended. That process and the programs that it
// runs get the text through pipes: it is never in an argument or in the environment.
//
// Which clipboard that is depends on where the person sits: at this machine (Wayland, X11,
// macOS, Windows), or at the other end of an SSH connection, whose terminal takes the text
// by OSC 52.
package clip

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// System is what the package may use of the machine.
type System struct {
	OS       string // as [runtime.GOOS]
	Getenv   func(string) string
	Environ  []string // environment of the programs that are run
	LookPath func(name string) (string, error)
	Now      func() time.Time
	// Terminal opens the controlling terminal for writing.
	Terminal func() (io.WriteCloser, error)
	// Bus is the address of the D-Bus session bus; empty where there is none.
	Bus string
	// State is a folder for notes of who copied last; empty where there is none.
	State string
	// Self returns this program as a process that calls [Keep] with its standard streams.
	Self func() *exec.Cmd
}

// The ways to copy, as the user names them.
const (
	WlCopy     = "wl-copy"
	Xclip      = "xclip"
	Xsel       = "xsel"
	Pbcopy     = "pbcopy"
	Windows    = "windows"
	PowerShell = "powershell"
	ClipExe    = "clip.exe"
	Tmux       = "tmux"
	OSC52      = "osc52"
)

// Ways returns the names of all ways to copy.
func Ways() []string {
	return []string{WlCopy, Xclip, Xsel, Pbcopy, Windows, PowerShell, ClipExe, Tmux, OSC52}
}

var (
	// ErrUnknown is returned for a name that is none of [Ways].
	ErrUnknown = errors.New("no such way to copy")
	// ErrNone is returned where no clipboard is in reach: no display, and no terminal
	// that could pass a text on.
	ErrNone = errors.New("no clipboard is in reach: there is no display, and no terminal that passes a text on")
	// ErrNoDisplay is returned where there is nothing to look at or to paste from.
	ErrNoDisplay = errors.New("there is no display here")
	// ErrNoTmux is returned for the way tmux outside of tmux.
	ErrNoTmux = errors.New("this is not a window of tmux")
	// ErrOtherSystem is returned for a way that another operating system has.
	ErrOtherSystem = errors.New("this system has no such clipboard")
	// ErrNotHeld is returned where the clipboard took a text and does not hold it when it
	// is read back.
	ErrNotHeld = errors.New("the clipboard does not hold what was put there")
)

// A Tool is a program, and where it comes from.
type Tool struct{ Program, Package string }

// MissingError says which programs would do what was asked. One of them is enough.
type MissingError struct {
	What  string // such as "copy on Wayland"
	Tools []Tool
}

func (e *MissingError) Error() string {
	return "no program to " + e.What + ": " + e.List()
}

// List names the programs with their packages.
func (e *MissingError) List() string {
	names := make([]string, len(e.Tools))
	for i, t := range e.Tools {
		names[i] = t.Program + " (" + t.Package + ")"
	}
	return strings.Join(names, " or ")
}

// FailedError says what a program, or the process that holds the text, could not do.
type FailedError struct {
	With   string // the program or the way
	Reason string
}

func (e *FailedError) Error() string { return e.With + ": " + e.Reason }

// tools returns the program of a way, or nothing for a way that needs none.
func tools(way string) []Tool {
	switch way {
	case WlCopy:
		return []Tool{{"wl-copy", "Debian: wl-clipboard"}}
	case Xclip:
		return []Tool{{"xclip", "Debian: xclip"}}
	case Xsel:
		return []Tool{{"xsel", "Debian: xsel"}}
	case Pbcopy:
		return []Tool{{"pbcopy", "part of macOS"}}
	case PowerShell:
		return []Tool{{"powershell.exe", "part of Windows"}}
	case ClipExe:
		return []Tool{{"clip.exe", "part of Windows"}}
	case Tmux:
		return []Tool{{"tmux", "Debian: tmux"}}
	default:
		return nil
	}
}

// session is where the person sits, as far as the environment tells.
type session struct {
	ssh, tmux, screen, wsl     bool
	display, wayland, terminal string
}

// session reads the environment. In tmux the variables of a window may be those of a login
// that is long over. tmux keeps those of the client that was attached last.
//
// Source: tmux(1), update-environment and show-environment.
func (s System) session(ctx context.Context) session {
	now := session{
		ssh:      s.Getenv("SSH_CONNECTION") != "" || s.Getenv("SSH_TTY") != "",
		tmux:     s.Getenv("TMUX") != "",
		screen:   s.Getenv("STY") != "",
		wsl:      s.OS == "linux" && (s.Getenv("WSL_DISTRO_NAME") != "" || s.Getenv("WSL_INTEROP") != ""),
		display:  s.Getenv("DISPLAY"),
		wayland:  s.Getenv("WAYLAND_DISPLAY"),
		terminal: s.Getenv("TERM"),
	}
	if !now.tmux {
		return now
	}
	out, err := s.run(ctx, program{name: "tmux", args: []string{"show-environment"}})
	if err != nil {
		return now
	}
	for line := range strings.Lines(string(out)) {
		// A variable that the client does not have is printed as "-NAME".
		name, value, set := strings.Cut(strings.TrimRight(line, "\n"), "=")
		switch strings.TrimPrefix(name, "-") {
		case "SSH_CONNECTION":
			now.ssh = set
		case "DISPLAY":
			now.display = value
		}
	}
	return now
}

// candidates returns the ways that fit a session, best first. If none of them can be used,
// the programs of all are what is missing, and what says for what.
func (n session) candidates(system string) (ways []string, what string) {
	switch {
	case n.ssh:
		// A display without the name of a machine is one of the machine that was logged
		// in to, and nobody sits there.
		if n.display != "" && !strings.HasPrefix(n.display, ":") && !strings.HasPrefix(n.display, "/") && !strings.HasPrefix(n.display, "unix:") {
			ways = []string{Xclip, Xsel}
		}
		if n.tmux {
			return append(ways, Tmux), "copy"
		}
		return append(ways, OSC52), "copy"
	case system == "windows":
		return []string{Windows}, "copy on Windows"
	case system == "darwin":
		return []string{Pbcopy}, "copy on macOS"
	case n.wsl:
		return []string{PowerShell, ClipExe}, "copy to Windows"
	case n.wayland != "":
		// Programs for X11 run here as well, but what they copy reaches others only while
		// one of their windows is in front.
		return []string{WlCopy}, "copy on Wayland"
	case n.display != "":
		return []string{Xclip, Xsel}, "copy on X11"
	case n.tmux:
		return []string{Tmux}, "copy"
	default:
		return []string{OSC52}, "copy"
	}
}

// Choose returns the way to copy: with, or for "" the one that fits this session. The
// errors are [*MissingError], [ErrNone], [ErrUnknown], [ErrNoTmux] and [ErrOtherSystem].
func (s System) Choose(ctx context.Context, with string) (way string, err error) {
	now := s.session(ctx)
	if with != "" {
		if !slices.Contains(Ways(), with) {
			return "", ErrUnknown
		}
		return with, s.usable(with, now)
	}
	ways, what := now.candidates(s.OS)
	missing := &MissingError{What: what}
	for _, way := range ways {
		err = s.usable(way, now)
		if err == nil {
			return way, nil
		}
		missing.Tools = append(missing.Tools, tools(way)...)
	}
	if errors.Is(err, ErrNone) {
		return "", err
	}
	return "", missing
}

// usable reports why a way cannot be used in a session.
func (s System) usable(way string, now session) error {
	switch {
	case way == Windows && s.OS != "windows":
		return ErrOtherSystem
	case way == Tmux && !now.tmux:
		return ErrNoTmux
	case way == OSC52:
		return s.passesOn(now)
	}
	for _, t := range tools(way) {
		if _, err := s.LookPath(t.Program); err != nil {
			return &MissingError{What: "copy with " + way, Tools: tools(way)}
		}
	}
	return nil
}

// passesOn reports why no terminal can pass a text on.
func (s System) passesOn(now session) error {
	if now.terminal == "" || now.terminal == "dumb" || now.terminal == "linux" {
		return ErrNone
	}
	terminal, err := s.Terminal()
	if err != nil {
		return ErrNone
	}
	return terminal.Close()
}
