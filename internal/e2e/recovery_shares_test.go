//go:build unix

package e2e

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/authcli/auth/internal/testenv"
)

// Shares only: the passphrase is forgotten, the sealed keys are gone, and there is no
// sheet. Any three of five people bring their shares, as files or as printed words.
func TestRecovery13SharesOnly(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"hybrid": nil, "x25519": {"--x25519"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old, loc := newLocation(t, flags...)
			dir := filepath.Join(t.TempDir(), "shares")
			old.must("", "backup", "key", "--shares", "3/5", "--to", dir)
			old.add("second") // sheets do not age with the backups
			for _, name := range sealedKeys(t, loc) {
				remove(t, filepath.Join(loc, name))
			}
			sheets := files(t, dir, "share-*.txt")
			if len(sheets) != 5 {
				t.Fatalf("the sheets are %q", sheets)
			}
			for i := range sheets {
				sheets[i] = filepath.Join(dir, sheets[i])
			}
			r := testenv.Rand(t)
			r.Shuffle(len(sheets), func(i, j int) { sheets[i], sheets[j] = sheets[j], sheets[i] })

			two := newDevice(t, nil)
			two.fails(2, []string{"2 of the 3 shares"}, append([]string{"restore", loc, "--shares"}, sheets[:2]...)...)
			two.has()

			empty := newDevice(t, nil)
			empty.must("", append([]string{"restore", loc, "--shares"}, sheets[:3]...)...)
			empty.has("first", "second")
			empty.right("first")
			empty.current()
			// After that, one command sets a new passphrase.
			empty.must("a passphrase of its own", "backup", "passphrase", "--passphrase-file", "-")
			third := newDevice(t, nil)
			third.must("a passphrase of its own", "restore", loc, "--passphrase-file", "-")
			third.right("second")

			typed := newDevice(t, nil)
			typed.typeShares(t, loc, sheets[2:])
			typed.has("first", "second")
			typed.right("second")
			typed.current()
		})
	}
}

// printed returns the words of a printed share, in the order of their numbers.
func printed(t *testing.T, path string) []string {
	t.Helper()
	words := make([]string, 35)
	for line := range strings.Lines(string(read(t, path))) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, m := range regexp.MustCompile(`(\d+) ([a-z]+)`).FindAllStringSubmatch(line, -1) {
			n, err := strconv.Atoi(m[1])
			if err != nil || n < 1 || n > len(words) {
				t.Fatalf("the sheet has a word %s", m[1])
			}
			words[n-1] = m[2]
		}
	}
	return words
}

// typeShares restores at a terminal, where a person types the first four letters of each
// word that is asked for.
func (d *device) typeShares(t *testing.T, loc string, sheets []string) {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		testenv.Missing(t, "pty", "needs pseudo-terminals")
	}
	defer master.Close()
	var out bytes.Buffer
	cmd := d.with("AUTH_NO_INPUT=").command("restore", loc, "--shares")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, &out, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	person := &terminal{t: t, master: master, cmd: cmd}
	for i, sheet := range sheets {
		for n, word := range printed(t, sheet) {
			person.await("Share " + strconv.Itoa(i+1))
			person.await("word " + strings.Repeat(" ", 2-len(strconv.Itoa(n+1))) + strconv.Itoa(n+1) + " of 35: ")
			person.types(word[:4] + "\r")
		}
	}
	person.await("file keyring (empty for none): ")
	person.types("\r")
	_, _ = io.Copy(&person.seen, master) // up to its end
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, person.seen.String())
	}
	if !strings.Contains(out.String(), "restored") {
		t.Errorf("it prints %q", out.String())
	}
}

// A terminal is one that a program runs on, seen by the person before it.
type terminal struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	seen   bytes.Buffer
	read   int // how much of seen was awaited
}

// await waits until the terminal shows a text that it had not shown before.
func (p *terminal) await(text string) {
	p.t.Helper()
	if err := p.master.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		p.t.Fatal(err)
	}
	buf := make([]byte, 4096)
	for {
		if at := bytes.Index(p.seen.Bytes()[p.read:], []byte(text)); at >= 0 {
			p.read += at + len(text)
			return
		}
		n, err := p.master.Read(buf)
		p.seen.Write(buf[:n])
		if err != nil {
			_ = p.cmd.Process.Kill()
			p.t.Fatalf("the terminal never shows %q: %v\n%s", text, err, p.seen.String())
		}
	}
}

func (p *terminal) types(keys string) {
	p.t.Helper()
	if _, err := p.master.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}
