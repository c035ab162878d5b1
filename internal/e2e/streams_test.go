//go:build unix

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/term"

	"github.com/authcli/auth/internal/testenv"
)

// If a reader goes away, auth reports an error: a counter may have been advanced for a
// code that nobody saw.
func TestClosedStdout(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	d.add("a")
	for _, args := range [][]string{{"code", "a"}, {"list"}, {"list", "--json"}, {"show", "a"}, {"status"}} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		var errs bytes.Buffer
		cmd := d.command(args...)
		cmd.Stdout, cmd.Stderr = w, &errs
		err = cmd.Run()
		w.Close()
		if err == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(errs.String(), "standard output was closed") {
			t.Errorf("auth %s: exit code %d: %s", strings.Join(args, " "), cmd.ProcessState.ExitCode(), errs.String())
		}
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full on this system")
	}
	defer full.Close()
	cmd := d.command("code", "a")
	cmd.Stdout = full
	if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("onto a full device: exit code %d", cmd.ProcessState.ExitCode())
	}
}

// On a full disk, the change and the backup fail with a message, old files stay, and no
// partial file is left. The disk is a real file system of limited size.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", disk).CombinedOutput(); err != nil {
		testenv.Missing(t, "mount", fmt.Sprintf("needs the right to mount a file system: %v: %s", err, out))
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, 0) })
	d := newDevice(t, nil)
	d.env = append(d.env, "AUTH_HOME="+filepath.Join(disk, "home"))
	d.add("keep")
	full := filepath.Join(disk, "filler")
	f, err := os.Create(full)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 1024))
	}
	f.Close()
	d.fails(1, []string{"no space left"}, "add", "x", "--secret-file", writeTemp(t, exampleSecret))
	d.fails(1, []string{"no space left"}, "remove", "keep", "--yes")
	d.fails(1, []string{"no space left", "v.age"}, "backup", "--to", filepath.Join(disk, "v.age"), "--passphrase-file", writeTemp(t, passphrase))
	if files, _ := filepath.Glob(filepath.Join(disk, "*v.age*")); len(files) > 0 {
		t.Errorf("left behind: %q", files)
	}
	if hidden, _ := filepath.Glob(filepath.Join(disk, ".*")); len(hidden) > 0 {
		t.Errorf("left behind: %q", hidden)
	}
	if got := d.must("", "code", "keep", "--at", "59"); got != exampleCode {
		t.Errorf("on the full disk the code is %q", got)
	}
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	d.add("x")
	if got := d.labels(); len(got) != 2 {
		t.Errorf("accounts %q", got)
	}
}

// A person is a terminal with somebody who types.
type person struct {
	t    *testing.T
	tty  *os.File
	seen bytes.Buffer
}

// sit starts a command on its own terminal.
func sit(t *testing.T, cmd *exec.Cmd) *person {
	t.Helper()
	tty, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return &person{t: t, tty: tty}
}

// Whoever has typed a passphrase sees at once that a key is being derived from it, where the
// vault is opened and where a backup is. The line is gone before anything else is printed,
// and nothing of it is shown off a terminal.
func TestDerivingIsShown(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	d.env = append(d.env, "TEST_WORK_FACTOR=18", "AUTH_VAULT_PASSPHRASE_FILE=")
	file := writeTemp(t, passphrase)
	loc := filepath.Join(t.TempDir(), "cloud")
	d.must(exampleSecret, "add", "first", "--secret-file", "-", "--vault-passphrase-file", file)
	d.must("", "backup", "enable", loc, "--passphrase-file", file, "--vault-passphrase-file", file)
	if out := d.run("", "code", "first", "--vault-passphrase-file", file); out.code != 0 || strings.Contains(out.stderr, "deriving") {
		t.Errorf("off a terminal: %+v", out)
	}
	interactive(d)
	for _, c := range []struct {
		prompt, end string
		args        []string
	}{
		{"Passphrase of the file keyring", "\n", []string{"code", "first"}},
		{"Recovery passphrase", "comes back", []string{"backup", "drill", "--vault-passphrase-file", file}},
	} {
		cmd := d.command(c.args...)
		p := sit(t, cmd)
		p.awaits(c.prompt)
		p.seen.Reset() // what comes after the prompt counts
		p.types(passphrase + "\r")
		p.awaits("deriving the key [")
		all := p.rest()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%q: %v\n%s", c.args, err, all)
		}
		if end := strings.LastIndex(all, "deriving the key ["); !strings.Contains(all[end:], "\r\x1b[K") || !strings.Contains(all[end:], c.end) {
			t.Errorf("%q: the line is not cleared before the answer:\n%q", c.args, all)
		}
	}
}

// A passphrase that is mistyped at a terminal is asked for again, and the third wrong one
// ends the command.
func TestThreeTriesAtATerminal(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	d.add("first")
	file := writeTemp(t, passphrase)
	loc := filepath.Join(t.TempDir(), "cloud")
	d.must("", "backup", "enable", loc, "--passphrase-file", file)
	d.must("", "vault", "passphrase", "--new-passphrase-file", file)
	interactive(d)
	for _, c := range []struct {
		prompt string
		args   []string
	}{
		{"Passphrase of the file keyring: ", []string{"code", "first"}},
		{"Recovery passphrase: ", []string{"backup", "drill", "--vault-passphrase-file", file}},
	} {
		for _, right := range []bool{false, true} {
			cmd := d.command(c.args...)
			p := sit(t, cmd)
			for try := range 3 {
				if try > 0 {
					p.awaits("wrong passphrase; try again")
				}
				p.awaits(c.prompt)
				p.seen.Reset()
				if right && try == 2 {
					p.types(passphrase + "\r")
				} else {
					p.types("not that one\r")
				}
			}
			said := p.rest()
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); right != (code == 0) || !right && (code != 7 || !strings.Contains(said, "wrong passphrase")) {
				t.Errorf("%q, right at last %v: exit code %d: %s", c.args, right, code, said)
			}
		}
	}
}

// Where the label is taken by another secret, a person is offered to replace it.
func TestAddOffersToReplace(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	d.add("first")
	before := d.must("", "code", "first", "--at", "59")
	interactive(d)
	secret := writeTemp(t, "JBSWY3DPEHPK3PXP")
	for _, c := range []struct {
		answer, trash string
		code          int
	}{{"n", "", 5}, {"y", "first", 0}} {
		cmd := d.command("add", "first", "--secret-file", secret)
		p := sit(t, cmd)
		p.awaits("The old one goes to the trash. [y/N] ")
		p.types(c.answer + "\r")
		said := p.rest()
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != c.code {
			t.Errorf("answer %s: exit code %d: %s", c.answer, code, said)
		}
		if after := d.must("", "code", "first", "--at", "59"); (after == before) != (c.answer == "n") {
			t.Errorf("answer %s: the code is %s, and was %s", c.answer, after, before)
		}
		if trash := d.must("", "list", "--trash"); !strings.Contains(trash, c.trash) || c.trash == "" && strings.Contains(trash, "first") {
			t.Errorf("answer %s: the trash has %q", c.answer, trash)
		}
	}
}

// awaits reads the output until it contains text.
func (p *person) awaits(text string) {
	p.t.Helper()
	buf := make([]byte, 4096)
	for !strings.Contains(p.seen.String(), text) {
		n, err := p.tty.Read(buf)
		p.seen.Write(buf[:n])
		if err != nil {
			p.t.Fatalf("%v before %q appeared:\n%s", err, text, p.seen.String())
		}
	}
}

func (p *person) types(text string) {
	p.t.Helper()
	if _, err := p.tty.WriteString(text); err != nil {
		p.t.Fatal(err)
	}
}

// rest reads the output until the program ends.
func (p *person) rest() string {
	buf := make([]byte, 4096)
	for {
		n, err := p.tty.Read(buf)
		p.seen.Write(buf[:n])
		if err != nil {
			return p.seen.String()
		}
	}
}

func interactive(d *device) { d.env = append(d.env, "AUTH_NO_INPUT=0", "TERM=xterm") }

// auth asks for a secret without echo on the terminal, even if standard output is
// redirected.
func TestSecretIsNotEchoed(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	interactive(d)
	cmd := d.command("add", "typed:me")
	p := sit(t, cmd)
	p.awaits("Secret of typed:me")
	p.types(strings.ToLower(exampleSecret) + "\r")
	p.awaits("Passphrase for the file keyring")
	p.types("open sesame 39 thieves\r")
	p.awaits("The same again")
	p.types("open sesame 39 thieves\r")
	all := p.rest()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, all)
	}
	for _, secret := range []string{exampleSecret, strings.ToLower(exampleSecret), "sesame"} {
		if strings.Contains(all, secret) {
			t.Errorf("%q appeared on the terminal:\n%s", secret, all)
		}
	}
	code := d.command("code", "typed", "--at", "59")
	p = sit(t, code)
	p.awaits("Passphrase of the file keyring")
	p.types("open sesame 39 thieves\r")
	if all := p.rest(); !strings.Contains(all, strings.TrimSpace(exampleCode)) || strings.Contains(all, "sesame") {
		t.Errorf("the terminal shows\n%s", all)
	}
}

// Ctrl-C at a prompt restores the terminal and exits with 130. Nothing is written.
func TestInterruptedPrompt(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	interactive(d)
	cmd := d.command("add", "x")
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer tty.Close()
	before, err := term.GetState(int(tty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &person{t: t, tty: master}
	p.awaits("Secret of x")
	p.types("half a secr\x03")
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}
	after, err := term.GetState(int(tty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if *before != *after {
		t.Error("the terminal is not as it was before the prompt")
	}
	if _, err := os.Stat(filepath.Join(d.home, "vault.json")); err == nil {
		t.Error("an interrupted addition made a vault")
	}
}

// On a terminal, several matches are a question, and removing asks for confirmation.
func TestPickerAndConfirmation(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	d.add("one:a")
	d.add("one:b")
	interactive(d)
	d = d.with("TERM=dumb") // where nothing is drawn, a number is asked for; TestPick draws
	cmd := d.command("code", "one", "--at", "59")
	p := sit(t, cmd)
	p.awaits("Which account?")
	p.types("2\r")
	if all := p.rest(); !strings.Contains(all, strings.TrimSpace(exampleCode)) {
		t.Errorf("the terminal shows\n%s", all)
	}
	cmd = d.command("remove", "one:a")
	p = sit(t, cmd)
	p.awaits("Remove one:a?")
	p.types("n\r")
	all := p.rest()
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 130 {
		t.Errorf("declined: %v", err)
	}
	// Who answers no has not interrupted anything.
	if !strings.Contains(all, "not confirmed; nothing was changed") || strings.Contains(all, "interrupted") {
		t.Errorf("declined:\n%s", all)
	}
	cmd = d.command("remove", "one:a")
	p = sit(t, cmd)
	p.awaits("Remove one:a?")
	p.types("y\r")
	p.rest()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if got := d.labels(); len(got) != 1 || got[0] != "one:b" {
		t.Errorf("accounts %q", got)
	}
}

// Of several devices of one name, a person at a terminal chooses the one that is meant, and
// is asked about that one before anything happens.
func TestPickDevice(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	d.env = append(d.env, "TEST_HOSTNAME=vm")
	d.add("a")
	location := filepath.Join(t.TempDir(), "cloud")
	d.must(passphrase, "backup", "enable", location, "--passphrase-file", "-")
	for range 2 {
		other := d.with("AUTH_HOME=" + filepath.Join(t.TempDir(), "home"))
		other.must(passphrase, "restore", location, "--passphrase-file", "-")
	}
	before := d.must("", "backup", "list")
	interactive(d)
	p := sit(t, d.command("backup", "forget", "vm"))
	p.awaits("Which device?")
	p.awaits("Number, 1 to 2: ")
	p.types("2\r")
	p.awaits("Merge the accounts of vm (")
	p.types("n\r")
	if all := p.rest(); !strings.Contains(all, "not confirmed") || strings.Contains(all, "this device") {
		t.Errorf("the terminal shows\n%s", all)
	}
	if after := d.must("", "backup", "list"); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

// A FIFO is refused at once, as an image, an import, a secret or a backup.
func TestFIFO(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	d.add("keep")
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skip(err)
	}
	for _, args := range [][]string{
		{"scan", fifo},
		{"add", "--qr", fifo},
		{"import", fifo},
		{"add", "x", "--secret-file", fifo},
		{"restore", fifo},
		{"add", "--uri", fifo},
	} {
		d.fails(1, []string{"is not a file"}, args...)
	}
}

// auth waits for standard input until the user gives up.
func TestInterruptedRead(t *testing.T) {
	t.Parallel()
	if signal.Ignored(os.Interrupt) {
		t.Skip("interrupts are ignored here, so auth ignores them too")
	}
	cmd := exec.Command("auth", "scan", "-") // testscript has put auth into PATH.
	cmd.Env = newDevice(t, nil).env
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// More than a pipe holds: what is written was read, so the program is at its standard
	// input and not still starting.
	if _, err := stdin.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d", code)
	}
}

// While a slow key is derived, a terminal shows progress, and none of it stays on the
// line. Without a terminal nothing is shown.
func TestImportShowsProgress(t *testing.T) {
	testenv.NeedLong(t)
	t.Parallel()
	// Seconds of PBKDF2 for a passphrase that turns out to be wrong.
	export := writeTemp(t, `{"encrypted":true,"passwordProtected":true,"salt":"c2FsdHNhbHRzYWx0c2FsdA==","kdfType":0,"kdfIterations":9000000,
		"encKeyValidation_DO_NOT_EDIT":"2.AAAAAAAAAAAAAAAAAAAAAA==|AAAAAAAAAAAAAAAAAAAAAA==|AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"data":"2.AAAAAAAAAAAAAAAAAAAAAA==|AAAAAAAAAAAAAAAAAAAAAA==|AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`)
	d := newDevice(t, nil)
	out := d.fails(7, []string{"passphrase"}, "import", export, "--passphrase-file", writeTemp(t, "guess"))
	if strings.Contains(out.stderr, "reading [") {
		t.Errorf("off a terminal: %s", out.stderr)
	}
	interactive(d)
	cmd := d.command("import", export)
	p := sit(t, cmd)
	p.awaits("Passphrase of the export")
	p.types("guess\r")
	p.awaits("reading [")
	all := p.rest()
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 7 {
		t.Errorf("exit code %d\n%s", code, all)
	}
	if end := strings.LastIndex(all, "reading ["); !strings.Contains(all[end:], "\x1b[K") || !strings.Contains(all[end:], "auth: error:") {
		t.Errorf("the line of the bar is not cleared before the error:\n%q", all)
	}
}
