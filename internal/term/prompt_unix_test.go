//go:build unix

package term_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	xterm "golang.org/x/term"

	"github.com/authcli/auth/internal/term"
)

// TestMain lets the test binary be the program that asks: a session of its own, with a pty as its controlling terminal and
// its standard streams elsewhere, as a shell pipeline has it.
func TestMain(m *testing.M) {
	if question := os.Getenv("AUTH_TERM_TEST_ASK"); question != "" {
		os.Exit(child(question))
	}
	os.Exit(m.Run())
}

// child asks the question on its terminal and prints the answer on its standard output, which is a pipe.
func child(question string) int {
	ctx := context.Background()
	// As the program does, from its beginning to its end: the question may see that its
	// terminal has gone, and end, before the kernel's SIGHUP arrives.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	p := term.System()
	var answer any
	var err error
	switch question {
	case "secret":
		answer, err = p.Secret(ctx, "Passphrase: ")
	case "secret, cancelled":
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		answer, err = p.Secret(ctx, "Passphrase: ")
	case "line":
		answer, err = p.Line(ctx, "Label \x1b[31m: ")
	case "word":
		answer, err = p.Word(ctx, "Word: ", func(line string) string {
			line = line[strings.LastIndexByte(line, ' ')+1:]
			for _, word := range []string{"academic", "acid"} {
				if len(line) >= 4 && strings.HasPrefix(word, line) {
					return word[len(line):]
				}
			}
			return ""
		})
	case "word again":
		answer, err = p.Word(ctx, "Word: ", func(line string) string {
			if line == "" {
				return "acid"
			}
			return ""
		})
	case "confirm":
		answer, err = p.Confirm(ctx, "Remove it?")
	case "choose":
		answer, err = p.Choose(ctx, "Which one?", []string{"a", "b\x1b]0;x\a", "c"})
	case "available":
		answer = p.Available()
	case "two secrets":
		var one, two string
		one, err = p.Secret(ctx, "Passphrase: ")
		if err == nil {
			two, err = p.Secret(ctx, "Again: ")
		}
		answer = one + "|" + two
	}
	switch {
	case errors.Is(err, term.ErrInterrupted) && errors.Is(err, context.Canceled):
		return 130
	case errors.Is(err, term.ErrNoTerminal):
		return 6
	case errors.Is(err, term.ErrTooLong):
		return 5
	case errors.Is(err, io.EOF):
		return 4
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Print(answer)
	return 0
}

// session is a program that asks, seen from the other side of its terminal.
type session struct {
	t      *testing.T
	cmd    *exec.Cmd
	screen *os.File // The master: what is written is typed, what is read is shown.
	slave  *os.File
	before *xterm.State
	stdout strings.Builder
	shown  strings.Builder
}

// start runs the program that asks question on a terminal of its own.
func start(t *testing.T, question string) *session {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Skipf("no pty on this machine: %v", err)
	}
	t.Cleanup(func() { master.Close(); slave.Close() })
	before, err := xterm.GetState(int(slave.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	s := &session{t: t, screen: master, slave: slave, before: before}
	s.cmd = exec.Command(os.Args[0])
	s.cmd.Env = append(os.Environ(), "AUTH_TERM_TEST_ASK="+question)
	s.cmd.Stdout, s.cmd.Stderr = &s.stdout, os.Stderr
	s.cmd.ExtraFiles = []*os.File{slave}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

// await reads the screen until it has shown text.
func (s *session) await(text string) {
	s.t.Helper()
	if err := s.screen.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		s.t.Fatal(err)
	}
	buf := make([]byte, 4096)
	for !strings.Contains(s.shown.String(), text) {
		n, err := s.screen.Read(buf)
		s.shown.Write(buf[:n])
		if err != nil {
			s.t.Fatalf("the screen shows %q and never %q: %v", s.shown.String(), text, err)
		}
	}
}

func (s *session) enter(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.screen, keys); err != nil {
		s.t.Fatal(err)
	}
}

// end waits for the program, checks its exit code and that the terminal is as it was, and returns all that was shown.
func (s *session) end(wantCode int) string {
	s.t.Helper()
	err := s.cmd.Wait()
	if code := s.cmd.ProcessState.ExitCode(); code != wantCode {
		s.t.Errorf("exit code %d (%v), want %d; the screen shows %q", code, err, wantCode, s.shown.String())
	}
	after, err := xterm.GetState(int(s.slave.Fd()))
	if err != nil {
		s.t.Fatal(err)
	}
	if *after != *s.before {
		s.t.Errorf("the terminal was left as %+v, it was %+v", after, s.before)
	}
	// What is still on its way to the screen ends with this mark.
	if _, err := io.WriteString(s.slave, "--end--"); err != nil {
		s.t.Fatal(err)
	}
	s.await("--end--")
	return s.shown.String()
}

func TestSecretIsNeverShown(t *testing.T) {
	t.Parallel()
	s := start(t, "secret")
	s.await("Passphrase: ")
	s.enter("correct horsé")
	s.enter("x\x7f") // A correction must not show anything either.
	s.enter(" battery\r")
	shown := s.end(0)
	if got := s.stdout.String(); got != "correct horsé battery" {
		t.Errorf("the secret arrived as %q", got)
	}
	if want := "Passphrase: \r\n--end--"; shown != want {
		t.Errorf("the screen showed %q, want %q", shown, want)
	}
}

func TestSecretTwice(t *testing.T) {
	t.Parallel()
	s := start(t, "two secrets")
	s.await("Passphrase: ")
	s.enter("one\rtwo\r") // Typed ahead: nothing is lost between two prompts.
	s.end(0)
	if got := s.stdout.String(); got != "one|two" {
		t.Errorf("got %q", got)
	}
}

func TestSecretLongerThanAKernelLine(t *testing.T) {
	t.Parallel()
	s := start(t, "secret")
	s.await("Passphrase: ")
	long := strings.Repeat("0123456789abcdef", 1000)
	go io.WriteString(s.screen, long+"\r")
	s.end(0)
	if got := s.stdout.String(); got != long {
		t.Errorf("of %d bytes, %d arrived", len(long), len(got))
	}
}

func TestSecretTooLongIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, "secret")
	s.await("Passphrase: ")
	go io.WriteString(s.screen, strings.Repeat("x", 65537)+"\r")
	s.end(5)
	if got := s.stdout.String(); got != "" {
		t.Errorf("%d bytes of it were given", len(got))
	}
}

func TestInterruptRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		send func(*session)
		code int
	}{
		{"Ctrl-C", func(s *session) { s.enter("half\x03") }, 130},
		{"Ctrl-backslash", func(s *session) { s.enter("\x1c") }, 130},
		{"Ctrl-D on an empty line", func(s *session) { s.enter("\x04") }, 4},
		{"SIGINT", func(s *session) { s.signal(syscall.SIGINT) }, 130},
		{"SIGTERM", func(s *session) { s.signal(syscall.SIGTERM) }, 130},
		{"SIGHUP", func(s *session) { s.signal(syscall.SIGHUP) }, 130},
	} {
		for question, prompt := range map[string]string{"secret": "Passphrase: ", "line": ": ", "word": "Word: ", "confirm": "[y/N] ", "choose": "1 to 3: "} {
			t.Run(tt.name+" at "+question, func(t *testing.T) {
				t.Parallel()
				s := start(t, question)
				s.await(prompt)
				tt.send(s)
				s.end(tt.code)
			})
		}
	}
}

func (s *session) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

func TestCancelRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	s := start(t, "secret, cancelled")
	s.await("Passphrase: ")
	s.end(130)
}

func TestHangUpEndsTheQuestion(t *testing.T) {
	t.Parallel()
	s := start(t, "secret")
	s.await("Passphrase: ")
	s.slave.Close()
	s.screen.Close()
	if err := s.cmd.Wait(); s.cmd.ProcessState.ExitCode() != 130 {
		t.Errorf("after the terminal went away: %v, want exit code 130", err)
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, keys, want, shown string }{
		{"echo", "GitHub\r", "GitHub", "GitHub\r\n"},
		{"newline ends it too", "a\n", "a", "a\r\n"},
		{"backspace", "abé\x7fc\r", "abc", "abé\b \bc\r\n"},
		{"backspace over a wide letter", "東\x7fa\r", "a", "東\b \b\b \ba\r\n"},
		{"backspace over an emoji of several", "a👩\u200d💻\x7fb\r", "ab", "a👩\u200d💻\b \b\b \bb\r\n"},
		{"backspace on nothing", "\x7fa\r", "a", "a\r\n"},
		{"Ctrl-U", "ab\x15c\r", "c", "ab\b \b\b \bc\r\n"},
		{"Ctrl-W", "one two \x17x\r", "one x", "one two \b \b\b \b\b \b\b \bx\r\n"},
		{"arrow keys say nothing", "a\x1b[D\x1bOAb\r", "ab", "ab\r\n"},
		{"marks around a paste", "\x1b[200~abc\x1b[201~\r", "abc", "abc\r\n"},
		{"Escape, then text", "a\x1bb\r", "ab", "ab\r\n"},
		{"Ctrl-D after text rings", "a\x04\r", "a", "a\a\r\n"},
		{"other controls ring", "a\x01\r", "a", "a\a\r\n"},
		{"empty", "\r", "", "\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, "line")
			s.await(`Label \x1b[31m: `) // The prompt's own escape sequence is shown, not obeyed.
			s.enter(tt.keys)
			shown := s.end(0)
			if got := s.stdout.String(); got != tt.want {
				t.Errorf("keys %q gave %q, want %q", tt.keys, got, tt.want)
			}
			if want := `Label \x1b[31m: ` + tt.shown + "--end--"; shown != want {
				t.Errorf("keys %q showed %q, want %q", tt.keys, shown, want)
			}
		})
	}
}

// TestWord types words that are completed. What is left on the screen in the end, spaces and
// all, is an empty line.
func TestWord(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, question, keys, want, screen string }{
		{"four letters", "word", "acad\r", "academic", "Word: academic"},
		{"all letters", "word", "academic\r", "academic", "Word: academic"},
		{"five letters", "word", "acade\r", "academic", "Word: academic"},
		{"three letters", "word", "aca\r", "aca", "Word: aca"},
		{"Tab", "word", "acad\t\r", "academic", "Word: academic"},
		{"space", "word", "acad acid\r", "academic acid", "Word: academic acid"},
		{"a wrong letter", "word", "acadx\r", "acadx", "Word: acadx"},
		{"a letter taken back", "word", "acad\x7f\x7fid\r", "acid", "Word: acid"},
		{"an arrow key keeps it", "word", "acad\x1b[C\r", "academic", "Word: academic"},
		{"the one before", "word again", "\r", "acid", "Word: acid"},
		{"another than the one before", "word again", "zero\r", "zero", "Word: zero"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, tt.question)
			s.await("Word: ")
			s.enter(strings.TrimSuffix(tt.keys, "\r"))
			s.enter("\r")
			shown := strings.TrimSuffix(s.end(0), "--end--")
			if got := s.stdout.String(); got != tt.want {
				t.Errorf("keys %q gave %q, want %q", tt.keys, got, tt.want)
			}
			wiped := strings.LastIndex(shown, "\r\x1b[J")
			if got, want := rendered(shown[:wiped]), [][]rune{[]rune(tt.screen)}; !reflect.DeepEqual(got, want) {
				t.Errorf("before the end the screen showed %q (%q), want %q", got, shown, tt.screen)
			}
			if got := rendered(shown); len(got) > 0 {
				t.Errorf("%q (%q) is left on the screen", got, shown)
			}
		})
	}
}

// TestWordsOverSeveralRows pastes more than a row holds.
func TestWordsOverSeveralRows(t *testing.T) {
	t.Parallel()
	s := start(t, "word")
	s.await("Word: ")
	s.enter(strings.Repeat("acad acid ", 30) + "\r")
	shown := strings.TrimSuffix(s.end(0), "--end--")
	if got, want := s.stdout.String(), strings.Repeat("academic acid ", 30); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := rendered(shown); len(got) > 0 {
		t.Errorf("%q is left on the screen", got)
	}
}

// rendered returns the rows that a terminal of 80 columns shows in the end, without spaces
// behind them and without empty rows below. It knows what [term.Prompter] sends.
func rendered(shown string) (rows [][]rune) {
	row, column := 0, 0
	for text := shown; text != ""; {
		var up int
		if n, _ := fmt.Sscanf(text, "\x1b[%dA", &up); n == 1 {
			row -= up
			text = text[strings.IndexByte(text, 'A')+1:]
			continue
		}
		if rest, found := strings.CutPrefix(text, "\x1b[J"); found {
			if row < len(rows) {
				rows = rows[:row+1]
				rows[row] = rows[row][:min(column, len(rows[row]))]
			}
			text = rest
			continue
		}
		switch c := rune(text[0]); c {
		case '\b':
			column = max(column-1, 0)
		case '\r':
			column = 0
		default:
			if column == 80 {
				row, column = row+1, 0
			}
			for len(rows) <= row {
				rows = append(rows, nil)
			}
			for len(rows[row]) <= column {
				rows[row] = append(rows[row], ' ')
			}
			rows[row][column] = c
			column++
		}
		text = text[1:]
	}
	for i := range rows {
		rows[i] = []rune(strings.TrimRight(string(rows[i]), " "))
	}
	for len(rows) > 0 && len(rows[len(rows)-1]) == 0 {
		rows = rows[:len(rows)-1]
	}
	return rows
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string]string{
		"y\r": "true", "YES\r": "true", "\r": "false", "n\r": "false", "No\r": "false", "maybe\ry\r": "true",
	} {
		s := start(t, "confirm")
		s.await("Remove it? [y/N] ")
		s.enter(keys)
		s.end(0)
		if got := s.stdout.String(); got != want {
			t.Errorf("%q confirms with %s, want %s", keys, got, want)
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	s := start(t, "choose")
	s.await("Number, 1 to 3: ")
	s.enter("0\r4\rx\r\r2\r")
	shown := s.end(0)
	if got := s.stdout.String(); got != "1" {
		t.Errorf("2 chooses index %s, want 1", got)
	}
	if list := "Which one?\r\n  1) a\r\n  2) b\\x1b]0;x\\x07\r\n  3) c\r\n"; !strings.HasPrefix(shown, list) {
		t.Errorf("the screen showed %q, want the list %q", shown, list)
	}
}

func TestAvailable(t *testing.T) {
	t.Parallel()
	s := start(t, "available")
	s.end(0)
	if got := s.stdout.String(); got != "true" {
		t.Errorf("with a controlling terminal: available %s", got)
	}
}

func TestWithoutATerminal(t *testing.T) {
	t.Parallel()
	run := func(question string) (string, int) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "AUTH_TERM_TEST_ASK="+question)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // A session without a terminal.
		out, _ := cmd.Output()
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, _ := run("available"); out != "false" {
		t.Errorf("without a controlling terminal: available %q", out)
	}
	for _, question := range []string{"secret", "line", "word", "confirm", "choose"} {
		if _, code := run(question); code != 6 {
			t.Errorf("%s without a terminal: exit code %d, want that of ErrNoTerminal", question, code)
		}
	}
}

func TestIsTerminal(t *testing.T) {
	t.Parallel()
	master, slave, err := pty.Open()
	if err != nil {
		t.Skipf("no pty on this machine: %v", err)
	}
	defer master.Close()
	defer slave.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	var none *os.File
	for _, tt := range []struct {
		name string
		v    any
		want bool
	}{
		{"pty", slave, true},
		{"pipe", w, false},
		{"buffer", &strings.Builder{}, false},
		{"nil", nil, false},
		{"nil file", none, false},
	} {
		if got := term.IsTerminal(tt.v); got != tt.want {
			t.Errorf("IsTerminal(%s) = %v, want %v", tt.name, got, tt.want)
		}
	}
}
