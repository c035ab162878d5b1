//go:build unix

package e2e

import (
	"bytes"
	"fmt"
	"image/color"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
)

// newFind returns a device with labels of every width and direction, and accounts of every standing.
func newFind(t *testing.T) *device {
	t.Helper()
	d := newDevice(t, nil).with("TEST_NOW=" + liveNow)
	for _, uri := range []string{
		"otpauth://totp/GitHub:alice@example.com?secret=JBSWY3DPEHPK3PXP&issuer=GitHub",
		"otpauth://totp/GitLab:alice?secret=JBSWY3DPEHPK3PXQ&issuer=GitLab",
		"otpauth://totp/%E6%97%A5%E6%9C%AC%E9%8A%80%E8%A1%8C:%E8%8A%B1%E5%AD%90?secret=JBSWY3DPEHPK3PXS",
		"otpauth://totp/%F0%9F%94%91%20Keys:%F0%9F%91%A9%E2%80%8D%F0%9F%92%BB%20work?secret=JBSWY3DPEHPK3PXU",
		"otpauth://totp/%D7%91%D7%A0%D7%A7:%D7%90%D7%9C%D7%99%D7%A1?secret=JBSWY3DPEHPK3PXV",
		"otpauth://totp/Corporate%20Single%20Sign-On:somebody.with.a.long.name@department.example.com?secret=JBSWY3DPEHPK3PXT&period=60",
		"otpauth://hotp/Bank:carol?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Bank&counter=0",
	} {
		d.must(uri+"\n", "add", "--uri", "-")
	}
	d.must("", "edit", "github:alice@example.com", "--alias", "gh", "--tag", "work", "--tag", "My team")
	d.must("", "edit", "GitLab:alice", "--tag", "work")
	return d.with("AUTH_NO_INPUT=0", "TERM=xterm-256color", "COLORTERM=", "NO_COLOR=1", "CLICOLOR=", "CLICOLOR_FORCE=", "TEST_HOSTNAME=desk", "TEST_NOW="+liveNow)
}

// looks are the terminals that screens are kept for.
var looks = []struct {
	name       string
	background color.Color
	env        string
}{
	{"none", nil, "NO_COLOR=1"},
	{"dark", color.Gray{Y: 0}, "NO_COLOR="},
}

// The screens of testdata/find were read before they were committed, and their codes compared with oathtool's.
func TestFindScreens(t *testing.T) {
	t.Parallel()
	d := newFind(t)
	for _, width := range []int{40, 80, 200} {
		for _, look := range looks {
			for name, args := range map[string][]string{
				"list":  {"list"},
				"codes": {"list", "--codes"},
				"facts": {"status"},
				"pick":  {"code"},
			} {
				screen := fmt.Sprintf("%s-%d-%s", name, width, look.name)
				t.Run(screen, func(t *testing.T) {
					t.Parallel()
					other := *d
					other.t = t
					s := watch(t, other.with(look.env).command(args...), width, 14, look.background)
					s.folder = "find"
					if args[0] == "code" {
						s.shows("Which account?", "7 accounts", "Bank")
					} else {
						s.ends(0)
					}
					s.golden(screen, look.name != "none")
				})
			}
		}
	}
}

// piped runs a command on a screen with its standard output in a pipe.
func piped(t *testing.T, d *device, args ...string) (s *screen, stdout *bytes.Buffer) {
	t.Helper()
	stdout = new(bytes.Buffer)
	cmd := d.command(args...)
	cmd.Stdout = stdout
	return watch(t, cmd, 80, 14, nil), stdout
}

// Without a QUERY, auth code shows the accounts on the terminal and filters them as one types, though the code goes into a
// pipe, which gets nothing else.
func TestPickIntoAPipe(t *testing.T) {
	t.Parallel()
	d := newFind(t)
	want := d.must("", "code", "gh")
	s, stdout := piped(t, d, "code")
	s.shows("Which account?", "GitHub", "日本銀行", "7 accounts")
	s.types("alice")
	s.shows("alice▏ 2 of 7", "> GitLab", "GitHub") // a whole name is the better match
	s.lacks("日本銀行")
	s.types(" hub")
	s.shows("1 of 7", "> GitHub")
	s.types("\r")
	s.ends(0)
	if stdout.String() != want {
		t.Errorf("the pipe got %q, want %q", stdout, want)
	}
	if text := s.text(); strings.TrimSpace(text) != "" {
		t.Errorf("left on the terminal:\n%s", text)
	}
}

// Where several accounts match, the terminal shows those, and arrows choose.
func TestPickOfSeveral(t *testing.T) {
	t.Parallel()
	d := newFind(t)
	want := d.must("", "code", "GitLab:alice")
	s, stdout := piped(t, d, "code", "git", "alice")
	s.shows("2 accounts", "> GitHub", "GitLab")
	s.types("\x1b[B")
	s.shows("> GitLab")
	s.types("\x1b[A\x1b[A\x0e\r")
	s.ends(0)
	if stdout.String() != want {
		t.Errorf("the pipe got %q, want %q", stdout, want)
	}
	if text := s.raw.String(); strings.Contains(text, "Bank") {
		t.Error("another account was shown")
	}
}

// However the picker is left, the terminal is as it was and nothing is printed.
func TestPickLeft(t *testing.T) {
	t.Parallel()
	d := newFind(t)
	for name, leave := range map[string]func(s *screen){
		"Esc":     func(s *screen) { s.types("\x1b") },
		"Ctrl-C":  func(s *screen) { s.types("git\x03") },
		"SIGTERM": func(s *screen) { _ = s.cmd.Process.Signal(syscall.SIGTERM) },
		"Esc twice": func(s *screen) {
			s.types("hub")
			s.shows("1 of 7")
			s.types("\x1b")
			s.shows("7 accounts")
			s.types("\x1b")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, stdout := piped(t, d, "code")
			s.shows("Which account?", "Bank")
			leave(s)
			s.ends(130)
			s.lacks("Bank")
			if stdout.Len() > 0 {
				t.Errorf("printed %q", stdout)
			}
		})
	}
}

// Each command that needs an account opens the picker: what is chosen is what it works on.
func TestPickForEveryCommand(t *testing.T) {
	t.Parallel()
	d := newFind(t)
	pick := func(code int, says string, args ...string) {
		t.Helper()
		s := watch(t, d.command(args...), 80, 14, nil)
		s.shows("Which account?")
		s.types("gitlab")
		s.shows("1 of 7", "> GitLab")
		s.types("\r")
		if args[0] == "remove" {
			s.shows("Remove GitLab:alice?")
			s.types("y\r")
		}
		s.ends(code)
		s.shows(says)
	}
	pick(0, "label      GitLab:alice", "show")
	pick(0, "changed GitLab:alice", "edit", "--alias", "gl")
	pick(0, "moved GitLab:alice", "move", "--first")
	pick(10, "wrong", "check", "000000")
	pick(0, "removed GitLab:alice", "remove")
	if labels := strings.Join(d.labels(), " "); strings.Contains(labels, "GitLab") || !strings.Contains(labels, "GitHub") {
		t.Errorf("left are %s", labels)
	}
	s := watch(t, d.command("verify"), 80, 14, nil)
	s.ends(3)
	s.shows("no such account that needs verification")
}

// An empty vault has nothing to pick of, and says how to begin.
func TestPickOfNothing(t *testing.T) {
	t.Parallel()
	s := watch(t, newDevice(t, nil).with("AUTH_NO_INPUT=0", "TERM=xterm").command("code"), 200, 14, nil)
	s.ends(3)
	s.shows("there is none to choose", "auth add adds one")
}

// Where nothing may be drawn, the question is lines: a part of a name, or a number.
func TestPickInLines(t *testing.T) {
	t.Parallel()
	d := newFind(t)
	for i := range 4 {
		d.add(fmt.Sprintf("Many:%d", i))
	}
	want := strings.TrimSpace(d.must("", "code", "GitLab:alice"))
	for _, env := range []string{"AUTH_ACCESSIBLE=1", "TERM=dumb"} {
		s := watch(t, d.with(env).command("code"), 80, 24, nil)
		s.shows("Which account? 11 accounts; type a part of its name:")
		s.types("nobody\r")
		s.shows("no account matches")
		s.types("git\r")
		s.shows("1) GitHub:alice@example.com", "2) GitLab:alice", "Number, 1 to 2:")
		s.types("2\r")
		s.ends(0)
		s.shows(want)
		if strings.Contains(s.raw.String(), "\x1b[") {
			t.Errorf("%s: it draws: %q", env, s.raw.String())
		}
	}
}

// Without a terminal to choose on, a command without a QUERY is an error that says so. A pipe as standard input is none.
func TestNobodyPicks(t *testing.T) {
	t.Parallel()
	d := newFind(t)
	for _, args := range [][]string{
		{"code"}, {"code", "--copy"}, {"show"}, {"edit", "--note", "x"}, {"move", "--first"}, {"remove", "--yes"}, {"check", "123456"},
	} {
		d.fails(2, []string{"no account is named, and there is no terminal to choose one on", "auth " + args[0] + " QUERY"}, args...)
	}
	cmd := d.command("code")
	cmd.Stdin = strings.NewReader("")
	s := watch(t, cmd, 80, 14, nil)
	s.ends(2)
	s.shows("no account is named")
	s = watch(t, d.command("code", "--no-input"), 80, 14, nil)
	s.ends(2)
	s.shows("no account is named")
}

var sequence = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// Colours are on a terminal, unless somebody said otherwise; where several did, the flag counts before NO_COLOR, and
// NO_COLOR before the others (no-color.org, bixense.com/clicolors). JSON never has any.
func TestColours(t *testing.T) {
	t.Parallel()
	d := newFind(t)
	for _, tt := range []struct {
		env, flag      string
		terminal, pipe bool
	}{
		{"", "", true, false},
		{"NO_COLOR=1", "", false, false},
		{"NO_COLOR=yes", "", false, false},
		{"CLICOLOR=0", "", false, false},
		{"CLICOLOR=1", "", true, false},
		{"CLICOLOR_FORCE=1", "", true, true},
		{"CLICOLOR_FORCE=0", "", true, false},
		{"NO_COLOR=1 CLICOLOR_FORCE=1", "", false, false},
		{"TERM=dumb", "", false, false},
		{"", "--color=never", false, false},
		{"", "--color=always", true, true},
		{"", "--color=auto", true, false},
		{"NO_COLOR=1", "--color=always", true, true},
		{"CLICOLOR_FORCE=1", "--color=never", false, false},
	} {
		t.Run(tt.env+tt.flag, func(t *testing.T) {
			t.Parallel()
			d := d.with(append([]string{"NO_COLOR="}, strings.Fields(tt.env)...)...)
			args := []string{"status"}
			if tt.flag != "" {
				args = append(args, tt.flag)
			}
			s := watch(t, d.command(args...), 80, 14, nil)
			s.ends(0)
			s.shows("accounts", "backup")
			s.coloured("on a terminal", sequence, tt.terminal)
			plain := sequence.ReplaceAllString(d.must("", args...), "")
			if got := d.must("", args...); (got != plain) != tt.pipe {
				t.Errorf("in a pipe: coloured %t, want %t: %q", got != plain, tt.pipe, got)
			}
			if got := d.must("", append(args, "--json")...); sequence.MatchString(got) {
				t.Errorf("coloured JSON: %q", got)
			}
		})
	}
	d.fails(2, []string{"--color is auto, always or never"}, "status", "--color", "sometimes")
}

// What is drawn obeys the same: NO_COLOR with any value, and --color.
func TestDrawnColours(t *testing.T) {
	t.Parallel()
	d := newFind(t)
	coloured := regexp.MustCompile(`\x1b\[([0-9;]*;)?(3[0-7]|9[0-7]|38;[0-9;]+)m`)
	for _, tt := range []struct {
		env, flag string
		want      bool
	}{
		{"NO_COLOR=", "--color=auto", true},
		{"NO_COLOR=yes", "--color=auto", false},
		{"NO_COLOR=", "--color=never", false},
		{"NO_COLOR=1", "--color=always", true},
		{"CLICOLOR=0", "--color=auto", false},
	} {
		for _, args := range [][]string{{tt.flag}, {"code", tt.flag}} {
			s := watch(t, d.with("NO_COLOR=", tt.env).command(args...), 80, 14, color.Black)
			s.shows("Bank")
			if len(args) == 1 {
				s.types("/")
			}
			s.types("carol") // the terminal has answered by then which background it has
			s.shows("1 of 7", "> Bank")
			s.coloured(fmt.Sprintf("%s auth %v", tt.env, args), coloured, tt.want)
		}
	}
}

// coloured checks whether what the program has written to its terminal has such a sequence. One
// that is wanted may be on its way.
func (s *screen) coloured(what string, sequence *regexp.Regexp, want bool) {
	s.t.Helper()
	written := func(string) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return sequence.MatchString(s.raw.String())
	}
	if want {
		s.eventually(what+": no colours", written)
	} else if written("") {
		s.t.Errorf("%s: colours", what)
	}
}

// Times are in words on a terminal, and RFC 3339 in a pipe and in JSON.
func TestTimes(t *testing.T) {
	t.Parallel()
	d := newFind(t)
	d.enable(t.TempDir())
	later := d.with("TEST_NOW=2026-11-28T12:04:30Z")
	d.must("", "remove", "Bank:carol", "--yes")
	for words, args := range map[string][]string{
		"on, to .*, last 4 minutes ago":      {"status"},
		"4 minutes ago +.*newest":            {"backup", "list"},
		"last 4 minutes ago":                 {"doctor"},
		"removed +4 minutes ago +in 29 days": {"list", "--trash"},
		"added +4 minutes ago":               {"show", "gh"},
	} {
		s := watch(t, later.command(args...), 200, 20, nil)
		s.eventually(fmt.Sprintf("auth %v lacks %q", args, words), regexp.MustCompile(words).MatchString)
		stamp := regexp.MustCompile(`2026-11-28T\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)`)
		if got := later.run("", args...).stdout; !stamp.MatchString(got) || strings.Contains(got, "ago") {
			t.Errorf("auth %v in a pipe:\n%s", args, got)
		}
		if got := later.run("", append(args, "--json")...).stdout; !stamp.MatchString(got) && args[0] != "doctor" || strings.Contains(got, "ago") {
			t.Errorf("auth %v in JSON:\n%s", args, got)
		}
	}
}

// A table has a heading on a terminal and none in a pipe.
func TestHeadings(t *testing.T) {
	t.Parallel()
	d := newFind(t)
	d.enable(t.TempDir())
	d.must("", "remove", "Bank:carol", "--yes")
	for heading, args := range map[string][]string{
		"LABEL":   {"list", "--codes"},
		"GOES":    {"list", "--trash"},
		"WRITTEN": {"backup", "list"},
		"ABOUT":   {"config", "list"},
		"RESULT":  {"restore", "--deleted", "--dry-run"},
		"DETAIL":  {"doctor"},
	} {
		s := watch(t, d.command(args...), 200, 20, nil)
		<-s.ended
		s.shows(heading)
		if got := d.run("", args...).stdout; strings.Contains(got, heading) || got == "" {
			t.Errorf("auth %v in a pipe:\n%s", args, got)
		}
	}
}

// A terminal that does not say how wide it is counts as one of 80 columns.
func TestWidthUnknown(t *testing.T) {
	t.Parallel()
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer tty.Close()
	if err := pty.Setsize(master, &pty.Winsize{}); err != nil {
		t.Fatal(err)
	}
	cmd := newFind(t).command("list")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<16)
	n, _ := master.Read(buf)
	if err := cmd.Wait(); err != nil || !strings.Contains(string(buf[:n]), "LABEL") {
		t.Errorf("%v: %q", err, buf[:n])
	}
}

// On a terminal auth list marks each account whose secret a lost device held, until it has another one, and auth status
// counts them.
func TestListMarksExposed(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	d.must("JBSWY3DPEHPK3PXP", "add", "replaced", "--secret-file", "-")
	laptop := newDevice(t, nil).with("TEST_HOSTNAME=old-laptop")
	laptop.restore(0, loc)
	d.must("KRSXG5BAKRSXG5BC", "add", "only here", "--secret-file", "-")
	d.must("another horse, another staple\n", "backup", "lost", "old-laptop", "--yes", "--passphrase-file", "-")
	d.must("JBSWY3DPEHPK3PXQ", "add", "replaced", "--secret-file", "-", "--replace")
	onTerminal := func(args ...string) *screen {
		s := watch(t, d.with("AUTH_NO_INPUT=0", "TERM=xterm", "NO_COLOR=1").command(args...), 80, 14, nil)
		s.ends(0)
		return s
	}
	for _, args := range [][]string{{"list"}, {"list", "--codes"}} {
		s := onTerminal(args...)
		s.shows("first", "replaced", "only here")
		for label, marked := range map[string]bool{"first": true, "replaced": false, "only here": false} {
			line := regexp.MustCompile(`(?m)^` + label + ` .*|^` + label + `$`).FindString(s.text())
			if line == "" || strings.Contains(line, "exposed") != marked {
				t.Errorf("auth %v marks %s wrongly:\n%s", args, label, s.text())
			}
		}
	}
	onTerminal("status").shows("exposed", "1; auth list names them")
}
