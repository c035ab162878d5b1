//go:build unix

package e2e

import (
	"cmp"
	"flag"
	"fmt"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"golang.org/x/term"

	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/testenv"
)

var update = flag.Bool("update", false, "write the screens of testdata anew; a person has to look at them")

// A screen is a terminal that a program runs on, read through a terminal emulator.
type screen struct {
	t           *testing.T
	cmd         *exec.Cmd
	master, tty *os.File
	before      *term.State
	ended       chan struct{}
	folder      string // of the goldens, in testdata; empty for live

	mu       sync.Mutex
	emulator *vt.Emulator
	raw      strings.Builder // everything that was written
}

// watch runs a command on a screen, but for a standard input or output that it has already. The background answers the question for the background; nil answers nothing.
func watch(t *testing.T, cmd *exec.Cmd, width, height int, background color.Color) *screen {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(master, &pty.Winsize{Rows: uint16(height), Cols: uint16(width)}); err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, cmd: cmd, master: master, tty: tty, emulator: vt.NewEmulator(width, height), ended: make(chan struct{})}
	s.emulator.SetDefaultBackgroundColor(background)
	if s.before, err = term.GetState(int(tty.Fd())); err != nil {
		t.Fatal(err)
	}
	if cmd.Stdin == nil {
		cmd.Stdin = tty
	}
	if cmd.Stdout == nil {
		cmd.Stdout = tty
	}
	cmd.Stderr = tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 2}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go s.show()
	go s.answer(background != nil)
	go func() {
		_ = cmd.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-s.ended
		s.emulator.Close()
		master.Close()
		tty.Close()
	})
	return s
}

func (s *screen) show() {
	buf := make([]byte, 4096)
	for {
		n, err := s.master.Read(buf)
		s.mu.Lock()
		_, _ = s.emulator.Write(buf[:n])
		s.raw.Write(buf[:n])
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// answer sends what the emulator answers to questions of the program.
func (s *screen) answer(all bool) {
	buf := make([]byte, 256)
	for {
		n, err := s.emulator.Read(buf)
		if err != nil {
			return
		}
		if all {
			_, _ = s.master.Write(buf[:n])
		}
	}
}

func (s *screen) types(text string) {
	s.t.Helper()
	if _, err := s.master.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

// text returns the screen, without the spaces at the ends of lines.
func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return trimmed(s.emulator.String())
}

func trimmed(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
}

// resize gives the terminal another size, as a window does that is drawn larger. The system tells the program.
func (s *screen) resize(width, height int) {
	s.t.Helper()
	s.mu.Lock()
	s.emulator.Resize(width, height)
	s.mu.Unlock()
	if err := pty.Setsize(s.master, &pty.Winsize{Rows: uint16(height), Cols: uint16(width)}); err != nil {
		s.t.Fatal(err)
	}
}

// eventually waits until the screen is as ok says.
func (s *screen) eventually(what string, ok func(text string) bool) {
	s.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(s.text()); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: the screen shows\n%s", what, s.text())
		}
	}
}

func (s *screen) shows(words ...string) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("no %q", words), func(text string) bool {
		return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
	})
}

func (s *screen) lacks(word string) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("still %q", word), func(text string) bool { return !strings.Contains(text, word) })
}

// ends waits for the end of the program, and checks its exit code and that the terminal is as it was.
func (s *screen) ends(code int) {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(2 * time.Minute):
		s.t.Fatalf("it goes on:\n%s", s.text())
	}
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("exit code %d, want %d\n%s", got, code, s.text())
	}
	s.restored()
}

// restored checks that the terminal is as it was: its modes, the main screen, a visible cursor.
func (s *screen) restored() {
	s.t.Helper()
	after, err := term.GetState(int(s.tty.Fd()))
	if err != nil {
		s.t.Fatal(err)
	}
	if *after != *s.before {
		s.t.Error("the modes of the terminal are not as they were")
	}
	s.eventually("on the alternate screen, or without a cursor", func(string) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return !s.emulator.IsAltScreen() && !s.emulator.CursorHidden()
	})
}

// liveNow is the instant of the codes in these tests: 8 seconds before a code ends, as RFC 6238 counts.
const liveNow = "2026-11-28T12:00:22Z"

// newLive returns a device with accounts of every kind.
func newLive(t *testing.T) *device { return newLiveIn(t, newDevice(t, nil)) }

func newLiveIn(t *testing.T, d *device) *device {
	t.Helper()
	for _, uri := range []string{
		"otpauth://totp/GitHub:alice@example.com?secret=JBSWY3DPEHPK3PXP&issuer=GitHub",
		"otpauth://totp/GitLab:alice?secret=JBSWY3DPEHPK3PXQ&issuer=GitLab",
		"otpauth://totp/Dropbox:bob@example.com?secret=JBSWY3DPEHPK3PXR&issuer=Dropbox&digits=8",
		"otpauth://totp/%E6%97%A5%E6%9C%AC%E9%8A%80%E8%A1%8C:%E8%8A%B1%E5%AD%90?secret=JBSWY3DPEHPK3PXS",
		"otpauth://totp/Corporate%20Single%20Sign-On:somebody.with.a.long.name@department.example.com?secret=JBSWY3DPEHPK3PXT&period=60",
		"otpauth://hotp/Bank:carol?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Bank&counter=0",
	} {
		d.must(uri+"\n", "add", "--uri", "-")
	}
	return d.with("AUTH_NO_INPUT=0", "TERM=xterm-256color", "COLORTERM=", "TEST_NOW="+liveNow)
}

// The screens of testdata/live were read before they were committed, and their codes compared with oathtool's.
func TestLiveScreens(t *testing.T) {
	t.Parallel()
	d := newLive(t)
	black, white := color.Gray{Y: 0}, color.Gray{Y: 255}
	for _, width := range []int{40, 80, 200} {
		for _, look := range []struct {
			name       string
			background color.Color
			env        string
		}{
			{"none", nil, "NO_COLOR=1"},
			{"dark", black, "NO_COLOR="},
			{"light", white, "NO_COLOR="},
		} {
			t.Run(fmt.Sprintf("%d-%s", width, look.name), func(t *testing.T) {
				t.Parallel()
				other := *d
				other.t = t
				s := watch(t, other.with(look.env).command(), width, 14, look.background)
				s.shows("auth  6 accounts", "Bank")
				s.golden(fmt.Sprintf("%d-%s", width, look.name), look.name != "none")
				s.types("q")
				s.ends(0)
			})
		}
	}
}

// goldens is the folder of the screens.
func (s *screen) goldens() string { return cmp.Or(s.folder, "live") }

// golden waits until the screen is the one in testdata: it is drawn piece by piece.
func (s *screen) golden(name string, colours bool) {
	s.t.Helper()
	s.heldBy(filepath.Join("testdata", s.goldens(), name+".txt"), func() string {
		if colours {
			return trimmed(s.emulator.Render())
		}
		return trimmed(s.emulator.String())
	})
}

// heldBy waits until the screen looks as a file says. -update writes the file.
func (s *screen) heldBy(path string, look func() string) {
	s.t.Helper()
	now := func() string {
		s.mu.Lock()
		defer s.mu.Unlock()
		return look()
	}
	if *update {
		time.Sleep(2 * time.Second)
		if err := os.WriteFile(path, []byte(now()), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(2 * time.Minute); now() != string(want); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: the screen shows\n%s\nwant\n%s", path, now(), want)
		}
	}
}

// However the view is left, the terminal is as it was, and the exit code says how.
func TestLiveRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	d := newLive(t)
	for name, way := range map[string]struct {
		leave func(s *screen)
		code  int
	}{
		"q":       {func(s *screen) { s.types("q") }, 0},
		"Esc":     {func(s *screen) { s.types("\x1b") }, 0},
		"Ctrl-C":  {func(s *screen) { s.types("\x03") }, 130},
		"SIGTERM": {func(s *screen) { _ = s.cmd.Process.Signal(syscall.SIGTERM) }, 130},
		"SIGHUP":  {func(s *screen) { _ = s.cmd.Process.Signal(syscall.SIGHUP) }, 130},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := watch(t, d.command(), 80, 14, color.Black)
			s.shows("GitHub", "8s")
			way.leave(s)
			s.ends(way.code)
			s.lacks("GitHub")
		})
	}
}

// t leaves, and prints the code of the selected account on the screen that was there before.
func TestLivePrints(t *testing.T) {
	t.Parallel()
	d := newLive(t)
	want := strings.TrimSpace(d.must("", "code", "gitlab"))
	s := watch(t, d.command(), 80, 14, nil)
	s.shows("GitLab", "8s")
	s.types("/gitl\tt")
	s.ends(0)
	s.shows(want)
	if text := s.text(); strings.TrimSpace(text) != want {
		t.Errorf("below is\n%s\nwant %s alone", text, want)
	}
}

// Ctrl-Z gives the terminal back to the shell, and fg brings the view back.
func TestLiveSuspends(t *testing.T) {
	t.Parallel()
	bash := testenv.Program(t, "bash", "bash")
	d := newLive(t).with("PS1=prompt$ ", "HISTFILE=")
	cmd := &exec.Cmd{Path: bash, Args: []string{"bash", "--norc", "--noprofile", "-i"}, Env: d.env}
	s := watch(t, cmd, 80, 14, color.Black)
	s.shows("prompt$")
	s.types("auth\r")
	s.shows("GitHub", "8s")
	s.types("\x1a")
	s.shows("prompt$", "Stopped")
	s.lacks("GitHub")
	s.types("echo still $((40+2))\r")
	s.shows("still 42")
	s.types("fg\r")
	s.shows("GitHub", "8s")
	s.types("q")
	s.lacks("GitHub")
	s.types("exit\r")
	s.ends(0)
}

// A counter is advanced by Enter alone, and stored before its code is shown. The codes are those of RFC 4226, appendix D.
func TestLiveCounter(t *testing.T) {
	t.Parallel()
	d := newLive(t)
	s := watch(t, d.command(), 80, 14, nil)
	s.shows("Bank", "by counter")
	s.types("G")
	s.shows("Enter advances the counter")
	s.types("tnkj")
	s.shows("> Bank", "by counter")
	s.types("\r")
	s.shows("755 224")
	if got := d.must("", "code", "bank"); got != "287082\n" {
		t.Errorf("after one Enter the next code is %q", got)
	}
	s.types("\r")
	s.shows("359 152")
	s.types("q")
	s.ends(0)
	if got := d.must("", "code", "bank"); got != "969429\n" {
		t.Errorf("after two Enters and one lookup the next code is %q", got)
	}
}

// Typing after / filters, the best match first; Esc shows all again, and once more leaves.
func TestLiveFilters(t *testing.T) {
	t.Parallel()
	s := watch(t, newLive(t).command(), 80, 14, nil)
	s.shows("Dropbox", "8s")
	s.types("/ALICE hub")
	s.shows("1 of 6", "> GitHub")
	s.lacks("GitLab")
	s.types("\x15zzz")
	s.shows("no account matches")
	s.types("\x1b")
	s.shows("auth  6 accounts", "Dropbox")
	s.types("\x1b")
	s.ends(0)
}

// What another process changes is on the screen without a key.
func TestLiveSeesOtherProcesses(t *testing.T) {
	t.Parallel()
	d := newLive(t)
	s := watch(t, d.command(), 80, 14, nil)
	s.shows("auth  6 accounts")
	d.must("", "edit", "gitlab:alice", "--name", "renamed")
	s.shows("renamed")
	d.must("", "remove", "dropbox:bob@example.com", "--yes")
	s.shows("auth  5 accounts")
	s.lacks("Dropbox")
	s.types("q")
	s.ends(0)
}

// Off a terminal, auth prints its help and leaves the keyring alone; a terminal that cannot draw gets the list.
func TestLiveNeedsATerminal(t *testing.T) {
	t.Parallel()
	d := newLive(t)
	for _, args := range [][]string{nil, {"--no-input"}} {
		r := d.with("AUTH_KEYRING_TIMEOUT=1ms").run("", args...)
		if r.code != 0 || !strings.Contains(r.stdout, "Usage:") {
			t.Errorf("auth %q: exit code %d: %s%s", args, r.code, r.stdout, r.stderr)
		}
	}
	s := watch(t, d.with("TERM=dumb").command(), 80, 14, nil)
	s.ends(0)
	s.shows("GitHub:alice@example.com", "Bank:carol")
	if strings.Contains(s.raw.String(), "\x1b") {
		t.Errorf("escape sequences on a dumb terminal: %q", s.raw.String())
	}
}

// What is added, changed, moved and removed in the view is what other commands see, and a removal is undone with its
// secret.
func TestLiveChanges(t *testing.T) {
	t.Parallel()
	d := newLive(t)
	labels := d.labels()
	s := watch(t, d.command(), 80, 14, nil)
	s.shows("GitLab", "8s")

	s.types("a")
	s.shows("Add an account")
	s.types("gezdgnbvgy3tqojq gezdgnbvgy3tqojq\rNew\rme@example.com\r")
	s.shows("auth  7 accounts", "added New:me@example.com; its code is ")
	if strings.Contains(strings.ToLower(s.raw.String()), "gezdgnbv") {
		t.Error("the secret was shown")
	}
	s.types("a\x1b[200~otpauth://totp/Whole:uri?secret=GEZDGNBVGY3TQOJQ\x1b[201~\r")
	s.shows("auth  8 accounts", "added Whole:uri")

	s.types("/whole\te")
	s.shows("Change Whole:uri")
	s.types("\x15Part\r\r\x15wh\rMy work, home\r")
	s.shows("changed Part:uri")
	s.types("\x1b")
	s.shows("auth  8 accounts")
	s.types("/part\te") // a tag with a space stays one
	s.shows("Change Part:uri")
	s.types("\r\r\r, more\r")
	s.shows("changed Part:uri")
	s.types("\x1b")
	s.shows("auth  8 accounts")
	d.has(append(slices.Clone(labels), "New:me@example.com", "Part:uri")...)
	if got := d.must("", "show", "Part:uri", "--json"); !strings.Contains(got, `"tags":["My work","home","more"]`) {
		t.Errorf("tagged: %s", got)
	}
	if got := d.must("", "code", "wh", "--at", "59"); len(got) != 7 {
		t.Errorf("the code of the alias is %q", got)
	}

	s.types("gJJK")
	s.eventually("not moved", func(string) bool { return slices.Index(d.labels(), labels[0]) == 1 })
	s.types("mjj\r")
	s.eventually("not moved", func(string) bool { return d.labels()[3] == labels[0] })

	before := d.must("", "show", "--reveal", "gitlab:alice")
	s.types("/gitlab\td")
	s.shows("removed; u undoes it: GitLab:alice")
	if slices.Contains(d.labels(), "GitLab:alice") {
		t.Error("it is still there")
	}
	s.types("u")
	s.shows("GitLab:alice is back", "1 of 8")
	if after := d.must("", "show", "--reveal", "gitlab:alice"); after != before {
		t.Errorf("it is back as %q, was %q", after, before)
	}
	s.types("q")
	s.ends(0)
}

// A name that is taken is refused, and the form keeps what was typed.
func TestLiveRefuses(t *testing.T) {
	t.Parallel()
	d := newLive(t)
	s := watch(t, d.command(), 80, 14, nil)
	s.shows("GitLab", "8s")
	s.types("je\x15github\r\x15alice@example.com\r\r\r")
	s.shows("Change GitLab:alice", "exists", "github")
	s.types("\x1b")
	s.shows("nothing was changed", "GitLab")
	s.types("a\rNoSecret\rme\r")
	s.shows("the secret is empty")
	s.types("\x1b")
	s.shows("auth  6 accounts")
	s.types("q")
	s.ends(0)
	if got := len(d.labels()); got != 6 {
		t.Errorf("%d accounts", got)
	}
}

// What a URI says of itself is no command for the terminal.
func TestLiveEscapes(t *testing.T) {
	t.Parallel()
	d := newLive(t)
	s := watch(t, d.command(), 200, 14, nil)
	s.shows("GitLab", "8s")
	s.types("a\x1b[200~otpauth://hotp/Evil%1b%5b31mX:%e2%80%aeme?secret=GEZDGNBVGY3TQOJR\x1b[201~\r")
	s.shows("auth  7 accounts", "the counter is missing")
	if raw := s.raw.String(); strings.Contains(raw, "\x1b[31mX") || strings.Contains(raw, "\u202e") {
		t.Error("the label reached the terminal as it is")
	}
	s.types("q")
	s.ends(0)
}

// The QR code on the screen is that of the selected account. A terminal that is too small for it says so.
func TestLiveQRCode(t *testing.T) {
	t.Parallel()
	d := newLive(t)
	s := watch(t, d.command(), 80, 14, nil)
	s.shows("GitLab", "8s")
	s.types("s")
	s.shows("the terminal is too small for the QR code")
	s.types("q")
	s.ends(0)
	s = watch(t, d.command(), 100, 50, nil)
	s.shows("GitLab", "8s")
	s.types("js")
	s.shows("any key goes back")
	want := strings.ReplaceAll(d.must("", "show", "--draw", "gitlab"), "\x1b[0m", "")
	want = trimmed(strings.ReplaceAll(want, "\x1b[38;5;16;48;5;231m", ""))
	if got := s.text(); !strings.HasPrefix(got, strings.TrimRight(want, "\n")) {
		t.Errorf("the screen shows\n%s\nwant\n%s", got, want)
	}
	s.types("x")
	s.shows("auth  6 accounts")
	s.types("q")
	s.ends(0)
}

// With live.hide, only the code of the selected account is on the terminal, ever.
func TestLiveHides(t *testing.T) {
	t.Parallel()
	d := newLive(t)
	d.must("", "config", "set", "live.hide", "true")
	hidden := strings.TrimSpace(d.must("", "code", "gitlab"))
	shown := strings.TrimSpace(d.must("", "code", "github"))
	s := watch(t, d.command(), 80, 14, nil)
	s.shows("GitLab", "8s", "••••••", shown[:3]+" "+shown[3:])
	s.types("q")
	s.ends(0)
	if strings.Contains(s.raw.String(), hidden[:3]+" "+hidden[3:]) || strings.Contains(s.raw.String(), hidden) {
		t.Error("a hidden code was written to the terminal")
	}
}

// For a screen reader, auth is a conversation of lines: nothing is drawn, and the terminal edits what is typed.
func TestLiveAccessible(t *testing.T) {
	t.Parallel()
	d := newLive(t)
	for name, leave := range map[string]struct {
		keys string
		code int
	}{"q": {"q\r", 0}, "Ctrl-D": {"\x04", 0}, "Ctrl-C": {"\x03", 130}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := watch(t, d.with("AUTH_ACCESSIBLE=1").command(), 80, 24, nil)
			s.shows("6 accounts. Type a part of a name for its code, or help.")
			s.types("git\r")
			s.shows("1. GitHub, alice@example.com", "2. GitLab, alice", "A number chooses one.")
			s.types("2\r")
			s.shows("GitLab, alice: 840 314. Valid for 8 seconds.")
			s.types(leave.keys)
			s.ends(leave.code)
			if raw := s.raw.String(); strings.Contains(raw, "\x1b") || strings.Contains(strings.ReplaceAll(raw, "\r\n", ""), "\r") {
				t.Errorf("it draws: %q", raw)
			}
		})
	}
	s := watch(t, d.with("TERM=dumb").command("--accessible"), 80, 24, nil)
	s.shows("6 accounts.")
	s.types("carol\r")
	s.shows("Bank, carol goes by a counter. advance gives its next code.")
	s.types("advance\r")
	s.shows("Bank, carol: 755 224. The counter is advanced.")
	s.types("q\r")
	s.ends(0)
	if got := d.must("", "code", "bank"); got != "287082\n" {
		t.Errorf("the next code is %q", got)
	}
}

// A system keyring that locks while the view is open is a line on the screen; what can still be shown is. Nothing asks for
// its password without an act of the user, and once it is unlocked the rows have codes again.
func TestLiveLockedKeyring(t *testing.T) {
	t.Parallel()
	service := keyringtest.SecretService(t, keyringtest.ServiceOptions{})
	d := newLiveIn(t, newDevice(t, service))
	s := watch(t, d.command(), 80, 8, nil)
	s.shows("GitHub", "8s")
	service.Lock()
	s.shows("keyring is locked", "8s") // without a key, and while every code is valid
	s.types("G")
	s.shows("Corporate")
	if text := s.text(); strings.Contains(text, "38s") {
		t.Errorf("a code from a locked keyring:\n%s", text)
	}
	service.Kill()
	service.Start()
	s.shows("38s")
	s.lacks("locked")
	s.types("q")
	s.ends(0)
}

// What the user should know of this device is a line above the rows, also where it becomes so while the view is open.
func TestLiveNotices(t *testing.T) {
	t.Parallel()
	d := newLiveIn(t, newDevice(t, nil))
	loc := filepath.Join(t.TempDir(), "cloud")
	d.enable(loc)
	s := watch(t, d.command(), 80, 14, nil)
	s.shows("last drill: never")
	if text := s.text(); strings.Contains(text, "stale") {
		t.Errorf("it is not:\n%s", text)
	}
	if err := os.RemoveAll(loc); err != nil {
		t.Fatal(err)
	}
	s.types("J")
	s.shows("! the backup is stale", "GitHub")
	s.types("q")
	s.ends(0)
	d.stale()
}

// The view says which device has written what is not here, until it has been merged, and when a restore was practised.
func TestLiveNews(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	view := d.with("AUTH_NO_INPUT=0", "TERM=xterm-256color", "TEST_NOW="+liveNow)
	s := watch(t, view.command(), 80, 14, nil)
	s.shows("auth  1 account  last backup 2", "! last drill: never")
	s.types("q")
	s.ends(0)

	view.must(passphrase, "backup", "drill", "--passphrase-file", "-")
	other := newDevice(t, nil)
	other.env = append(other.env, "TEST_HOSTNAME=laptop")
	other.restore(0, loc)
	for _, news := range []struct{ label, who string }{{"second", "another device ("}, {"third", "laptop ("}} { // its name is inside
		other.add(news.label)
		s = watch(t, view.command(), 100, 14, nil)
		s.shows("last backup 2", ", last drill 2026-11-28", "! "+news.who, ") has a newer backup than was merged here: auth sync")
		d.must("", "sync")
		s.shows(news.label)
		s.lacks("newer backup")
		s.types("q")
		s.ends(0)
	}
}

// A code that ends before code.min-valid is over is not given: with 8 seconds left the view waits, and leaves at once where
// the user does not want to.
func TestLiveMinValid(t *testing.T) {
	t.Parallel()
	d := newLive(t)
	d.must("", "config", "set", "code.min-valid", "10s")
	s := watch(t, d.command(), 80, 14, nil)
	s.shows("GitHub", "8s")
	s.types("t")
	s.shows("waiting for the next code: this one ends in 8s")
	s.types("j")
	s.lacks("waiting")
	d.must("", "config", "set", "code.min-valid", "5s")
	s.eventually("not read anew", func(string) bool { // until then it waits, and the next key calls that off
		s.types("t")
		select {
		case <-s.ended:
			return true
		case <-time.After(200 * time.Millisecond):
			return false
		}
	})
	s.ends(0)
}
