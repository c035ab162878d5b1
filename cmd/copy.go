package cmd

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/clip"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/otp"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

const (
	// copyFor is how long a code stays on the clipboard.
	copyFor = 45 * time.Second
	// settingCopyWith is the setting of the way to copy.
	settingCopyWith = "copy.with"
	// holdCommand is the process that holds the clipboard. Users do not call it.
	holdCommand = "hold-clipboard"
)

// newHold returns the command of the process that holds the clipboard after another
// command has ended.
func newHold(c *cli) *cobra.Command {
	cmd := c.command(spec{
		use:     holdCommand,
		short:   "Hold the clipboard for another command",
		long:    `Hold the clipboard for another command, and clear it. auth starts this by itself.`,
		exit:    "0 done; 1 error",
		example: `  auth code github --copy`,
		alone: func(ctx context.Context, _ []string) error {
			out, ok := c.Out.(io.WriteCloser)
			if !ok {
				return usagef("auth starts this command by itself")
			}
			return clip.Keep(ctx, c.clip(), c.In, out)
		},
	})
	cmd.Hidden = true
	return cmd
}

// clip returns what the clipboard and the screen may use of the machine.
func (c *cli) clip() clip.System {
	s := clip.System{
		OS: runtime.GOOS, Getenv: c.Getenv, Environ: c.Environ(), LookPath: c.LookPath, Now: c.Now, Terminal: c.Terminal,
		Bus: device.SessionBus(c.Getenv("DBUS_SESSION_BUS_ADDRESS")), Self: func() *exec.Cmd { return c.Self(holdCommand) },
	}
	if places, err := c.places(); err == nil {
		s.State = places.state
	}
	return s
}

// clipboard returns the way to copy in this session: the one of the setting, or the one
// that fits.
func (s *session) clipboard(ctx context.Context) (way string, err error) {
	own, err := s.device.Settings()
	if err != nil {
		return "", err
	}
	with := own[settingCopyWith]
	way, err = s.clip().Choose(ctx, with)
	if err != nil && with != "" {
		err = hint.With(fmt.Errorf("%s is %s: %w", settingCopyWith, term.Escape(with), err), "auth config set "+settingCopyWith+` "" lets auth choose`)
	}
	return way, err
}

// copyText puts a text on the clipboard that [session.clipboard] names.
func (s *session) copyText(ctx context.Context, way, text string) (clip.Copied, error) {
	keep := s.CopyFor
	if keep == 0 {
		keep = copyFor
	}
	return s.clip().Copy(ctx, way, text, keep)
}

// Copy puts a text on the clipboard for a while. notice says what was done with it.
func (s *session) Copy(ctx context.Context, text string) (notice string, err error) {
	way, err := s.clipboard(ctx)
	if err != nil {
		return "", err
	}
	done, err := s.copyText(ctx, way, text)
	if err != nil {
		return "", err
	}
	return copiedWords("the code", done), nil
}

// copiedWords says what became of a text.
func copiedWords(what string, done clip.Copied) string {
	switch {
	case done.Way == clip.OSC52:
		return "sent " + what + " to the clipboard of the terminal (OSC 52); auth cannot see whether it arrived, and does not clear it"
	case done.Way == clip.ClipExe:
		return "copied " + what + " to Windows with clip.exe; auth cannot see whether it arrived, and does not clear it; Windows may keep it in its history"
	case done.Way == clip.Tmux && done.Terminal:
		return "copied " + what + " to tmux, which forgets it in " + seconds(done.For) +
			", and sent it to the clipboard of the terminal; auth cannot see whether it arrived there, and does not clear it"
	case done.Way == clip.Tmux:
		return "copied " + what + " to tmux alone, which forgets it in " + seconds(done.For) +
			"; tmux passes it on to the terminal after: tmux set -s set-clipboard external"
	default:
		return "copied " + what + "; the clipboard is cleared in " + seconds(done.For) + " if it still holds it"
	}
}

func seconds(d time.Duration) string {
	text := strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " second"
	if d != time.Second {
		text += "s"
	}
	return text
}

// copyCode copies the code of an account, and says so. Nothing of it is printed.
func (s *session) copyCode(ctx context.Context, way string, a vault.Account, code otp.Code, at time.Time) error {
	done, err := s.copyText(ctx, way, code.Text)
	if err != nil {
		return err
	}
	s.say("%s", copiedWords("the code of "+label(a), done))
	if !s.json {
		return nil
	}
	j := withCode(a, code, at)
	j.Code = ""
	return s.printJSON(jsonCopy{jsonVersion, []jsonAccount{j}, toJSONCopied(done)})
}

type jsonCopy struct {
	Version  int           `json:"version"`
	Accounts []jsonAccount `json:"accounts"`
	Copied   jsonCopied    `json:"copied"`
}

type jsonCopied struct {
	Way string `json:"way"`
	// Seen says that the clipboard was read back.
	Seen bool `json:"seen"`
	// ClearedAfter is in seconds; 0 where it is not cleared.
	ClearedAfter float64 `json:"cleared_after"`
	// Terminal says that the code was sent to the terminal, which keeps it.
	Terminal bool `json:"terminal"`
}

func toJSONCopied(done clip.Copied) jsonCopied {
	return jsonCopied{done.Way, done.Seen, done.For.Seconds(), done.Terminal || done.Way == clip.OSC52}
}

// checkCopyWith checks a value of the setting of the way to copy.
func checkCopyWith(value string) error {
	if slices.Contains(clip.Ways(), value) {
		return nil
	}
	return usagef("%q is not one of %s", term.Escape(value), strings.Join(clip.Ways(), ", "))
}
