//go:build unix

package e2e

import (
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/testenv"
)

// The recoveries: each begins with a machine that has lost something, mostly all, and
// ends with a correct code. docs/recovery.md tells them to a person, and the script docs_recovery types them. Those that
// are of several devices, of what was removed and of what is here already are in internal/device.

// A new machine has the location and the passphrase. Codes, order, aliases and settings
// come back, and backup stays on.
func TestRecovery01NewMachine(t *testing.T) {
	t.Parallel()
	old, loc := newLocation(t)
	old.must("otpauth://hotp/Bank:me?secret="+exampleSecret+"&counter=1\n", "add", "--uri", "-")
	old.add("last")
	old.must("", "move", "last", "--first")
	old.must("", "edit", "first", "--alias", "f", "--tag", "work", "--note", "a note")
	old.must("", "config", "set", "code.min-valid", "3s")
	old.must("", "code", "Bank:me") // the counter moves on to 2
	old.must("", "edit", "last", "--tag", "home")

	empty := newDevice(t, nil)
	r := empty.restore(0, loc)
	r.says(t, "first", "last", "Bank:me", "restored", "counter", "backup is on")
	empty.has("last", "first", "Bank:me")
	empty.right("last")
	empty.right("f")
	// RFC 4226, appendix D: the value of counter 2.
	if got := empty.must("", "code", "Bank:me"); got != "359152\n" {
		t.Errorf("the code after the counter is %q", got)
	}
	if got := empty.must("", "config", "get", "code.min-valid"); !strings.Contains(got, "3s") {
		t.Errorf("the setting is %q", got)
	}
	had := len(backups(t, loc))
	empty.add("later")
	if got := len(backups(t, loc)); got != had+1 {
		t.Errorf("%d backups after a change, want %d", got, had+1)
	}
	empty.current()
}

// The passphrase is forgotten and the sealed keys are gone, but the sheet still exists,
// as text or as a picture of its QR code.
func TestRecovery02PaperKey(t *testing.T) {
	t.Parallel()
	old, loc := newLocation(t)
	sheet := filepath.Join(t.TempDir(), "sheet.txt")
	old.must("", "backup", "key", "--sheet", sheet)
	if !strings.Contains(string(read(t, sheet)), loc) {
		t.Error("the sheet does not say which location it is for")
	}
	for _, name := range sealedKeys(t, loc) {
		remove(t, filepath.Join(loc, name))
	}
	empty := newDevice(t, nil)
	empty.fails(7, []string{"recovery-", "--identity"}, "restore", loc, "--passphrase-file", writeTemp(t, passphrase))
	empty.must("", "restore", loc, "--identity", sheet)
	empty.right("first")
	empty.current()
	scanned := newDevice(t, nil)
	scanned.must("", "restore", loc, "--identity-qr", sheet+".png")
	scanned.right("first")
	// After that, one command sets a new passphrase.
	scanned.must("a passphrase of its own", "backup", "passphrase", "--passphrase-file", "-")
	third := newDevice(t, nil)
	third.must("a passphrase of its own", "restore", loc, "--passphrase-file", "-")
	third.right("first")
}

// Without auth, the command lines of README.txt in the location work, word for word, with
// stock age and jq.
func TestRecovery03StockAgeAndJq(t *testing.T) {
	t.Parallel()
	jq, new, debian := testenv.Program(t, "jq", "jq"), age13(t), testenv.Program(t, "age", "age")
	for _, c := range []struct {
		name, age string
		flags     []string
	}{{"hybrid", new, nil}, {"x25519", debian, []string{"--x25519"}}, {"x25519 by age 1.3", new, []string{"--x25519"}}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			old, loc := newLocation(t, c.flags...)
			old.add("second")
			readme := string(read(t, filepath.Join(loc, "README.txt")))
			line := regexp.MustCompile(`(?m)^    (age -d -i recovery-\S+ BACKUP)$`).FindStringSubmatch(readme)
			if line == nil {
				t.Fatalf("README.txt names no command:\n%s", readme)
			}
			// A person replaces BACKUP by the name of the newest file, and completes the
			// other name.
			typed := strings.NewReplacer("-....age", "-*.age", "BACKUP", filepath.Base(newest(t, loc))).Replace(line[1])
			out := atTerminal(t, loc, filepath.Dir(c.age), typed+" | "+jq+" -r '.accounts[].uri'", passphrase)
			uris := strings.Fields(out)
			if len(uris) != 2 {
				t.Fatalf("age and jq print %q", out)
			}
			if got := codeOf(t, uris[0]); got != exampleCode {
				t.Errorf("the code is %q", got)
			}
		})
	}
}

// Only the paper is there, and the key on it is typed: into a file, by standard input or
// at the prompt, in lower case and in the groups of the sheet. A wrong letter is called
// one, with where it is; at the prompt there are three tries.
func TestRecoveryTypedKey(t *testing.T) {
	t.Parallel()
	old, loc := newLocation(t)
	sheet := filepath.Join(t.TempDir(), "sheet.txt")
	old.must("", "backup", "key", "--sheet", sheet)
	key, err := backup.ParseRecoveryKey(string(read(t, sheet)))
	if err != nil {
		t.Fatal(err)
	}
	typed := strings.ToLower(strings.Join(key.Lines(), "\n"))
	newDevice(t, nil).must("", "restore", loc, "--identity", writeTemp(t, typed))
	piped := newDevice(t, nil)
	piped.must(strings.ReplaceAll(typed, "\n", "  "), "restore", loc, "--identity", "-")
	piped.right("first")

	// One letter of the second group, and one letter less.
	lines := key.Lines()
	other := map[bool]string{true: "P", false: "Q"}[lines[1][6] == 'Q']
	wrong := strings.Replace(typed, strings.ToLower(lines[1]), strings.ToLower(lines[1][:6]+other+lines[1][7:]), 1)
	for text, word := range map[string]string{wrong: "in group 2", typed[:len(typed)-1]: "1 character is missing"} {
		empty := newDevice(t, nil)
		r := empty.fails(7, []string{"typing error", word, "hint: compare it with the sheet"}, "restore", loc, "--identity", writeTemp(t, text))
		if strings.Contains(r.stderr, "identity file") || strings.Contains(strings.ToUpper(r.stderr), lines[1][:4]) {
			t.Errorf("the error is %s", r.stderr)
		}
		empty.fails(3, nil, "code", "first")
	}

	asked := newDevice(t, nil)
	oneByOne := strings.Split(typed, "\n")
	code, said := asked.atTerminal([]string{"restore", loc, "--identity", "-"},
		"Recovery key: ", strings.ReplaceAll(wrong, "\n", ""), "in group 2, of the groups of four behind AGE-SECRET-KEY; try again\r\nRecovery key: ", oneByOne[0], "(0 of 58", oneByOne[1],
		"(20 of 58", oneByOne[2], "(40 of 58", oneByOne[3], "Passphrase for the file keyring", "")
	if code != 0 || strings.Contains(strings.ToUpper(said), lines[2]) {
		t.Errorf("at the prompt: exit code %d, %s", code, said)
	}
	asked.right("first")
	again := []string{"Recovery key: ", strings.ReplaceAll(wrong, "\n", "")}
	code, said = newDevice(t, nil).atTerminal([]string{"restore", loc, "--identity", "-"}, slices.Concat(again, again, again)...)
	if code != 7 || strings.Count(said, "in group 2") != 3 {
		t.Errorf("three wrong ones at the prompt: exit code %d, %s", code, said)
	}
}

// atTerminal runs the program on a terminal. Of each two texts of dialogue, the program
// has to show the first, and then a person types the second as a line. It returns what is
// seen.
func (d *device) atTerminal(args []string, dialogue ...string) (code int, said string) {
	d.t.Helper()
	cmd := d.command(args...)
	cmd.Env = slices.Concat(d.env, []string{"AUTH_NO_INPUT=", "TERM=xterm"})
	f, err := pty.Start(cmd)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	stop := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer stop.Stop()
	unread, buffer := 0, make([]byte, 4096)
	for {
		n, err := f.Read(buffer)
		said += string(buffer[:n])
		for len(dialogue) > 0 {
			at := strings.Index(said[unread:], dialogue[0])
			if at < 0 {
				break
			}
			unread += at + len(dialogue[0])
			if _, err := io.WriteString(f, dialogue[1]+"\n"); err != nil {
				d.t.Fatal(err)
			}
			dialogue = dialogue[2:]
		}
		if err != nil { // the program has ended
			break
		}
	}
	_ = cmd.Wait()
	if len(dialogue) > 0 {
		d.t.Errorf("auth %s never shows %q:\n%s", strings.Join(args, " "), dialogue[0], said)
	}
	return cmd.ProcessState.ExitCode(), said
}

// The pages quote what Debian 12's age says of a default location.
func TestRecoveryOldAge(t *testing.T) {
	t.Parallel()
	const says = "unknown identity type"
	for _, page := range []string{"docs/recovery.md", "docs/ja/recovery.md"} {
		if !strings.Contains(string(read(t, filepath.Join(root, filepath.FromSlash(page)))), "`"+says+"`") {
			t.Errorf("%s does not have %q", page, says)
		}
	}
	age := testenv.Program(t, "age", "age")
	version, err := exec.Command(age, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^v?1\.[0-2]\.`).Match(version) {
		testenv.Missing(t, "age1.2", "needs an age older than 1.3")
	}
	d, loc := newLocation(t)
	sheet := filepath.Join(t.TempDir(), "sheet.txt")
	d.must("", "backup", "key", "--sheet", sheet)
	out, err := exec.Command(age, "-d", "-i", sheet, filepath.Join(loc, backups(t, loc)[0])).CombinedOutput()
	if err == nil || !strings.Contains(string(out), says) {
		t.Errorf("age %s: %v, %s", version, err, out)
	}
}

// codeOf computes the code of a URI at 59 seconds. It uses oathtool if installed, and
// otherwise a machine that has never seen a backup.
func codeOf(t *testing.T, uri string) string {
	t.Helper()
	if secret := regexp.MustCompile(`[?&]secret=([A-Z2-7]+)`).FindStringSubmatch(uri); secret == nil || secret[1] != exampleSecret {
		t.Fatalf("the URI is %q", uri)
	}
	d := newDevice(t, nil)
	d.must(uri, "add", "--uri", "-")
	return d.must("", "code", "--all", "--at", "59")[len("first\t"):]
}

// The keyring is wiped, but the marker and the location exist. The vault counts as lost,
// not as new, and restore knows where to look.
func TestRecovery04KeyringWiped(t *testing.T) {
	t.Parallel()
	lost := func(t *testing.T, d *device, loc string) {
		t.Helper()
		for _, args := range [][]string{{"code", "first"}, {"sync"}, {"backup"}, {"list"}} { // one sentence, and one command
			if said := d.fails(6, []string{"not in the keyring", "hint: auth restore brings it back from " + loc}, args...).stderr; strings.Count(said, "\n") != 2 {
				t.Errorf("auth %q says %s", args, said)
			}
		}
		before := contents(t, loc)
		d.must(passphrase, "restore", "--passphrase-file", "-")
		d.right("first")
		d.has("first", "second")
		d.current()
		kept(t, loc, before)
	}
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		d, loc := newLocation(t)
		d.add("second")
		for _, name := range files(t, d.home, "keyring*") {
			remove(t, filepath.Join(d.home, name))
		}
		lost(t, d, loc)
	})
	t.Run("system", func(t *testing.T) {
		t.Parallel()
		loc := filepath.Join(t.TempDir(), "cloud")
		d := newDevice(t, keyringtest.SecretService(t, keyringtest.ServiceOptions{}))
		d.add("first")
		d.enable(loc)
		d.add("second")
		d.env = append(d.env, keyringtest.SecretService(t, keyringtest.ServiceOptions{}).Env...)
		lost(t, d, loc)
	})
}

// Device-bound accounts come back by name. Each device has its own secret, and neither
// restore nor sync replaces one by the other.
func TestRecovery07DeviceBound(t *testing.T) {
	t.Parallel()
	const other = "KRSXG5BAKRSXG5BC"
	old, loc := newLocation(t)
	old.must(other, "add", "work:me", "--device-bound", "--secret-file", "-")
	empty := newDevice(t, nil)
	empty.restore(0, loc).says(t, "work:me", "needs verification", "auth verify")
	empty.right("first")
	empty.fails(8, []string{"needs verification", "auth verify work:me"}, "code", "work:me")
	empty.must("otpauth://totp/work:me?secret="+exampleSecret, "verify", "work:me", "--uri", "-")
	empty.right("work:me")
	empty.fails(5, []string{"has its secret"}, "verify", "work:me", "--uri", writeTemp(t, "otpauth://totp/x?secret="+other))
	for range 2 {
		old.must("", "sync")
		empty.must("", "sync")
	}
	empty.right("work:me")
	if got := old.must("", "show", "work:me", "--reveal"); !strings.Contains(got, other) {
		t.Errorf("the old device's secret is now %s", got)
	}
	empty.restore(0, loc)
	empty.right("work:me")
	for _, dir := range []string{loc, filepath.Join(old.home, "sealed")} {
		for _, name := range files(t, dir, "*") {
			if data := string(read(t, filepath.Join(dir, name))); strings.Contains(data, other) {
				t.Errorf("%s holds the device-bound secret", name)
			}
		}
	}
}

// The newest backup is damaged. The one before it is used, and a message says so.
func TestRecovery09NewestDamaged(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	d.add("second")
	d.add("third")
	last := newest(t, loc)
	data := read(t, last)
	data[len(data)/2] ^= 1
	write(t, last, data)
	empty := newDevice(t, nil)
	r := empty.restore(5, loc)
	r.says(t, filepath.Base(last), "damaged", "first", "second")
	empty.has("first", "second")
	empty.right("second")

	// The device that wrote it notices, says so and writes a new one.
	d.fails(7, []string{filepath.Base(last), "damaged", "a new one was written"}, "backup", "verify")
	if got := fmt.Sprintf("%x", read(t, last)); got != fmt.Sprintf("%x", data) {
		t.Error("the damaged file was changed")
	}
	again := newDevice(t, nil)
	again.run(passphrase, "restore", loc, "--passphrase-file", "-")
	again.right("third")
}
