package clip_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/clip"
	"github.com/authcli/auth/internal/clip/cliptest"
	"github.com/authcli/auth/internal/testenv"
)

// A window of tmux that was opened on X11 is looked at from a console later, where DISPLAY is
// not set. The real tmux says so, and xclip, which would reach a display that is gone, is not
// taken.
func TestTmuxKnowsThatTheDisplayIsGone(t *testing.T) {
	t.Parallel()
	tmux := testenv.Program(t, "tmux", "tmux")
	socket := filepath.Join(cliptest.TempDir(t), "tmux")
	env := append(cliptest.Without(os.Environ()), "TERM=xterm-256color")
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(tmux, append([]string{"-S", socket, "-f", os.DevNull}, args...)...)
		cmd.Env = slices.Concat(env, []string{"DISPLAY=:7"})
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("tmux %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("new-session", "-d", "-s", "test", "sleep 600")
	t.Cleanup(func() { run("kill-server") })
	window := map[string]string{"TERM": "tmux", "DISPLAY": ":7", "TMUX": run("display-message", "-p", "#{socket_path},#{pid},0")}
	s, _ := fake(t, "linux", window, map[string]string{"xclip": "exit 1", "tmux": `exec ` + tmux + ` "$@"`})
	s.Environ = slices.Concat(env, []string{"TMUX=" + window["TMUX"]})
	if way, err := s.Choose(t.Context(), ""); err != nil || way != clip.Xclip {
		t.Errorf("at the display: %q, %v", way, err)
	}
	run("set-environment", "-r", "DISPLAY") // what attaching a client without the variable does
	if way, err := s.Choose(t.Context(), ""); err != nil || way != clip.Tmux {
		t.Errorf("at a console: %q, %v", way, err)
	}
}
