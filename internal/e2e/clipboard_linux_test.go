package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/authcli/auth/internal/clip/cliptest"
	"github.com/authcli/auth/internal/testenv"
)

// A desk is a machine with a display, and how its clipboard is used without auth.
type desk struct {
	*device
	display *cliptest.Display
	paste   []string // prints the clipboard
	other   []string // copies its input
}

// desks are the ways to copy that a display has here. The first is the one that auth takes
// by itself.
func desks(t *testing.T, test func(*testing.T, *desk)) {
	xclip, xsel := []string{"xclip", "-selection", "clipboard", "-out"}, []string{"xsel", "--clipboard", "--output"}
	for _, c := range []struct {
		name, with   string
		wayland      bool
		paste, other []string
	}{
		{"wayland", "wl-copy", true, []string{"wl-paste", "--no-newline"}, []string{"wl-copy"}},
		{"xclip", "xclip", false, xsel, []string{"xsel", "--clipboard", "--input"}},
		{"xsel", "xsel", false, xclip, []string{"xclip", "-selection", "clipboard", "-in"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			testenv.Program(t, c.paste[0], "wl-clipboard, xclip or xsel")
			testenv.Program(t, c.with, "wl-clipboard, xclip or xsel")
			d := &desk{device: newDevice(t, nil), paste: c.paste, other: c.other}
			if c.wayland {
				d.display = cliptest.Wayland(t, "")
			} else {
				d.display = cliptest.X11(t)
			}
			d.env = append(cliptest.Without(d.env), d.display.Env...)
			d.must("", "config", "set", "copy.with", c.with)
			// Ten digits: nothing else on the machine holds them by chance.
			d.must("JBSWY3DPEHPK3PXP", "add", "GitHub:alice", "--secret-file", "-", "--digits", "10")
			test(t, d)
		})
	}
}

// copyFor copies the code with a time after which it is cleared.
func (d *desk) copyFor(keep string, args ...string) ran {
	d.t.Helper()
	d.env = append(d.env, "TEST_COPY_FOR="+keep, "TEST_NOW=2026-01-02T03:04:05Z")
	return d.run("", append([]string{"code", "github", "--copy"}, args...)...)
}

func (d *desk) held() string {
	d.t.Helper()
	text, _ := d.display.Run("", d.paste[0], d.paste[1:]...)
	return text
}

// code is what auth prints at that time.
func (d *desk) code() string {
	d.t.Helper()
	return strings.TrimSpace(d.must("", "code", "github", "--at", "2026-01-02T03:04:05Z"))
}

// The command says what it copied and prints nothing; another program gets the code, and
// after the time it is gone, and so is the process that held it.
func TestCopyAndClear(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d *desk) {
		if r := d.copyFor("1h"); r.code != 0 || d.held() != d.code() { // long enough for a busy machine to look
			t.Fatalf("%+v, and the clipboard holds %q, not %q", r, d.held(), d.code())
		}
		d.end(t)
		r := d.copyFor("1s")
		if r.code != 0 || r.stdout != "" || r.stderr != "copied the code of GitHub:alice; the clipboard is cleared in 1 second if it still holds it\n" {
			t.Fatalf("%+v", r)
		}
		eventually(t, "the clipboard is cleared", func() bool { return d.held() == "" })
		eventually(t, "the process that held it has ended", func() bool { return len(d.holders()) == 0 })
	})
}

// holders are the processes that hold the clipboard for this machine.
func (d *desk) holders() (found []string) {
	d.t.Helper()
	for pid, p := range processes(d.t) {
		if bytes.Contains(p.args, []byte("hold-clipboard")) && bytes.Contains(p.env, []byte("AUTH_HOME="+d.home+"\x00")) {
			found = append(found, pid)
		}
	}
	return found
}

// end ends the processes that hold the clipboard, as a logout does, and waits for them.
func (d *desk) end(t *testing.T) {
	t.Helper()
	for _, pid := range d.holders() {
		n, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(n, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) { // it may end by itself
			t.Fatal(err)
		}
	}
	eventually(t, "the process that held the clipboard has ended", func() bool { return len(d.holders()) == 0 })
}

type process struct{ args, env []byte }

func processes(t testing.TB) map[string]process {
	t.Helper()
	found := map[string]process{}
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		args, _ := os.ReadFile(filepath.Join(folder, "cmdline")) // one that has ended has none
		env, _ := os.ReadFile(filepath.Join(folder, "environ"))
		found[filepath.Base(folder)] = process{args, env}
	}
	return found
}

// While the clipboard holds the code, no process shows it: not in its arguments, and not
// in its environment.
func TestCopiedCodeIsInNoProcessList(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d *desk) {
		if r := d.copyFor("1h"); r.code != 0 {
			t.Fatalf("%+v", r)
		}
		defer d.end(t)
		code, seen := d.code(), false
		for pid, p := range processes(t) {
			if bytes.Contains(p.args, []byte(code)) || bytes.Contains(p.env, []byte(code)) {
				t.Errorf("process %s shows the code: %s", pid, p.args)
			}
			seen = seen || bytes.Contains(p.args, []byte("hold-clipboard"))
		}
		if !seen {
			t.Error("the process that holds the clipboard was not among them")
		}
	})
}

// What somebody has copied since is theirs.
func TestCopyLeavesWhatWasCopiedSince(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d *desk) {
		if r := d.copyFor("1s"); r.code != 0 {
			t.Fatalf("%+v", r)
		}
		if _, ok := d.display.Run("theirs", d.other[0], d.other[1:]...); !ok {
			t.Fatal("the other program cannot copy")
		}
		eventually(t, "the process that held it has ended", func() bool { return len(d.holders()) == 0 })
		if got := d.held(); got != "theirs" {
			t.Errorf("the clipboard holds %q", got)
		}
	})
}

// The same code that is copied again is held by the second process alone: the first one, whose time
// is over sooner, leaves it.
func TestCopyTwice(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d *desk) {
		for range 2 {
			if r := d.copyFor("1h"); r.code != 0 {
				t.Fatalf("%+v", r)
			}
		}
		eventually(t, "the process that held it first has ended", func() bool { return len(d.holders()) == 1 })
		if got := d.held(); got != d.code() {
			t.Errorf("the clipboard holds %q, not %q", got, d.code())
		}
		d.end(t)
		if got := d.held(); got != "" {
			t.Errorf("the clipboard holds %q", got)
		}
	})
}

// A process that is asked to end, as at a logout, clears the clipboard first.
func TestClipboardIsClearedAtLogout(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d *desk) {
		if r := d.copyFor("1h"); r.code != 0 || d.held() == "" {
			t.Fatalf("%+v", r)
		}
		d.end(t)
		if got := d.held(); got != "" {
			t.Errorf("the clipboard holds %q", got)
		}
	})
}

// JSON says how it was copied, and does not have the code either.
func TestCopyJSON(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d *desk) {
		r := d.copyFor("1s", "--json")
		var got struct {
			Version  int
			Accounts []struct{ Label, Code string }
			Copied   struct {
				Way            string
				Seen, Terminal bool
				ClearedAfter   float64 `json:"cleared_after"`
			}
		}
		if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || r.code != 0 {
			t.Fatalf("%v: %+v", err, r)
		}
		if got.Version != 1 || len(got.Accounts) != 1 || got.Accounts[0].Label != "GitHub:alice" || strings.Contains(r.stdout, d.code()) {
			t.Error(r.stdout)
		}
		if !got.Copied.Seen || got.Copied.ClearedAfter != 1 || got.Copied.Terminal || !strings.HasPrefix(d.must("", "config", "get", "copy.with"), got.Copied.Way) {
			t.Error(r.stdout)
		}
		eventually(t, "the process that held it has ended", func() bool { return len(d.holders()) == 0 })
	})
}
