//go:build unix

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/testenv"
)

// These tests check promises of backups beyond single failures.

// Every command that changes the vault adds one backup. Commands that only read add none.
func TestBackupAfterEveryChange(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	had := len(backups(t, loc))
	pass, file := writeTemp(t, passphrase), filepath.Join(t.TempDir(), "portable.age")
	d.must("", "backup", "--to", file, "--passphrase-file", pass)
	for _, c := range []struct {
		stdin string
		more  int
		args  []string
	}{
		{exampleSecret, 1, []string{"add", "second", "--secret-file", "-"}},
		{"otpauth://totp/a?secret=" + exampleSecret + "\notpauth://hotp/counted?secret=" + exampleSecret + "&counter=1", 1, []string{"add", "--uri", "-"}},
		{"", 1, []string{"edit", "a", "--alias", "b"}},
		{"", 1, []string{"move", "a", "--first"}},
		{"", 1, []string{"remove", "second", "--yes"}},
		{"", 1, []string{"restore", "--deleted", "--account", "second"}},
		{"", 1, []string{"config", "set", "code.min-valid", "1s"}},
		{"", 0, []string{"config", "get", "code.min-valid"}},
		{"", 0, []string{"code", "a"}},
		{"", 0, []string{"code", "--all"}},
		{"", 0, []string{"list"}},
		{"", 0, []string{"show", "a", "--reveal"}},
		{"", 0, []string{"status"}},
		{"", 0, []string{"backup", "status"}},
		{"", 0, []string{"backup", "list"}},
		{"", 0, []string{"backup", "verify"}},
		{"", 0, []string{"doctor"}},
		{"", 0, []string{"sync"}},
		{passphrase, 0, []string{"restore", file, "--passphrase-file", "-", "--dry-run"}},
	} {
		before := contents(t, loc)
		d.must(c.stdin, c.args...)
		had += c.more
		if got := len(backups(t, loc)); got != min(had, 12) && got != had {
			t.Errorf("after %q there are %d backups, want %d", c.args, got, had)
			had = got
		}
		if c.more == 0 {
			kept(t, loc, before)
		}
	}
	d.current()
}

// A code never waits for the location. An advanced counter makes the backup stale, and
// the next change backs it up.
func TestBackupCounterIsStale(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	d.must("otpauth://hotp/counted?secret="+exampleSecret+"&counter=0", "add", "--uri", "-")
	before := contents(t, loc)
	if got := d.must("", "code", "counted"); got != "755224\n" { // RFC 4226, appendix D
		t.Errorf("the code is %q", got)
	}
	kept(t, loc, before)
	if len(contents(t, loc)) != len(before) {
		t.Error("a code touched the location")
	}
	d.stale("changed since")
	d.add("second")
	d.current()
	empty := newDevice(t, nil)
	empty.restore(0, loc)
	if got := empty.must("", "code", "counted"); got != "287082\n" {
		t.Errorf("the code after the restore is %q", got)
	}
}

// Twenty processes add at the same time while backup is on. The result is twenty
// accounts, and a backup with all of them.
func TestBackupConcurrentAdds(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if r := d.run(exampleSecret, "add", fmt.Sprintf("at once %02d", i), "--secret-file", "-"); r.code != 0 {
				t.Errorf("add: exit code %d: %s", r.code, r.stderr)
			}
		})
	}
	all.Wait()
	if got := len(d.labels()); got != 21 {
		t.Errorf("%d accounts", got)
	}
	d.current()
	d.must("", "backup", "verify")
	empty := newDevice(t, nil)
	empty.restore(0, loc)
	if got := len(empty.labels()); got != 21 {
		t.Errorf("%d accounts in the backup", got)
	}
}

// A backup is killed at any moment. Every file with the name of a backup opens, and no
// earlier file is gone.
func TestBackupKilled(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	key := d.recoveryKey()
	kills := testenv.Times(t, "`auth backup` or `auth edit` is killed", 20, 500)
	chance, killed := testenv.Rand(t), 0
	for i := range kills {
		before := newest(t, loc)
		cmd := d.command("backup")
		if i%2 == 0 {
			cmd = d.command("edit", "first", "--note", fmt.Sprint(i))
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(chance.IntN(90)) * time.Millisecond)
		_ = cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
		if _, err := os.Stat(before); err != nil {
			t.Fatalf("after kill %d: %v", i, err)
		}
		for _, name := range append(backups(t, loc), sealedKeys(t, loc)...) {
			data := read(t, filepath.Join(loc, name))
			if strings.HasPrefix(name, "recovery-") {
				continue
			}
			opened, err := backup.Unseal(data, key.Identity())
			if err != nil || !key.Signed(opened) {
				t.Fatalf("after kill %d %s does not open: %v", i, name, err)
			}
		}
	}
	t.Logf("%d of %d were killed before their end", killed, kills)
	d.must("", "backup", "verify")
	d.must("", "backup")
	d.current()
	empty := newDevice(t, nil)
	empty.restore(0, loc)
	empty.right("first")
}

// A backup contains only what is promised. The test checks every field, and that nothing
// of this machine is in any of them.
func TestBackupHoldsNothingElse(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	d = d.with("TEST_HOSTNAME=my laptop")
	d.must("", "edit", "first", "--alias", "f", "--tag", "work", "--note", "n")
	d.must("", "config", "set", "code.min-valid", "2s")
	d.must("", "config", "set", "keyring-timeout", "50s")
	d.must("KRSXG5BAKRSXG5BC", "add", "bound", "--device-bound", "--secret-file", "-")
	d.must("otpauth://hotp/h?secret="+exampleSecret+"&counter=3", "add", "--uri", "-")
	d.add("gone")
	d.must("", "remove", "gone", "--yes")
	text := string(payload(t, d.recoveryKey(), newest(t, loc)))
	user, _ := os.LookupEnv("USER")
	for _, mine := range []string{d.home, loc, filepath.Dir(d.home), t.TempDir(), "/tmp", "50s", "KRSXG5BAKRSXG5BC", "KRSXG5BA", "file keyring", user} {
		if mine != "" && mine != "root" && strings.Contains(text, mine) {
			t.Errorf("the backup holds %q", mine)
		}
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	// An account has its names, what its codes are computed from, and when each of them
	// was changed.
	record := []string{
		"id", "created", "issuer", "name", "alias", "note", "tags", "type", "algorithm", "digits", "period", "secret", "hash", "by_name",
		"device_bound", "removed", "stamps",
	}
	known := map[string][]string{
		"":          {"mac", "format", "version", "device", "device_name", "generation", "created", "accounts", "name_only", "vault", "removed", "order", "ordered", "supersedes", "sealed", "pad"},
		"accounts":  {"label", "uri", "record"},
		"name_only": {"label", "record"},
		"record":    record,
		"removed":   record,
		"vault":     {"version", "vault", "clock", "accounts", "ordered", "order_at", "settings", "trash", "counters"},
		"sealed":    {"name", "hash"},
		"trash":     {"id", "issuer", "name", "type", "algorithm", "digits", "period", "secret", "at"},
	}
	var look func(where string, value any)
	look = func(where string, value any) {
		switch value := value.(type) {
		case []any:
			for _, item := range value {
				look(where, item)
			}
		case map[string]any:
			for name, item := range value {
				if fields, checked := known[where]; checked && !slices.Contains(fields, name) {
					t.Errorf("a field %q in %q", name, where)
				}
				look(name, item)
			}
		}
	}
	look("", object)
	if object["device_name"] != "my laptop" {
		t.Errorf("the device's name is %q", object["device_name"])
	}
	if len(text) != 4096 && len(text)%64 != 0 {
		t.Errorf("the payload has %d bytes: it is not padded", len(text))
	}
	for _, name := range files(t, loc, "*") {
		if strings.Contains(string(read(t, filepath.Join(loc, name))), "my laptop") {
			t.Errorf("%s says in the clear whose it is", name)
		}
	}
}

// A further key opens everything without the passphrase, with auth and with the command
// lines of README.txt. The test uses an SSH key and an age key.
func TestBackupFurtherKeys(t *testing.T) {
	t.Parallel()
	age := age13(t)
	keygen, ssh := filepath.Join(filepath.Dir(age), "age-keygen"), testenv.Program(t, "ssh-keygen", "openssh-client")
	d, loc := newLocation(t)
	dir := t.TempDir()
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return strings.TrimSpace(string(out))
	}
	run(keygen, "-o", "age.key")
	run(ssh, "-q", "-t", "ed25519", "-N", "", "-f", "ssh.key")
	d.must("", "backup", "key", "--add", run(keygen, "-y", "age.key"), "--add", string(read(t, filepath.Join(dir, "ssh.key.pub"))))
	if got := len(sealedKeys(t, loc)); got != 3 {
		t.Errorf("%d sealed keys", got)
	}
	d.add("second")
	readme := string(read(t, filepath.Join(loc, "README.txt")))
	_, line, _ := strings.Cut(readme, "    age -d -i KEY ")
	line, _, found := strings.Cut(line, "\n")
	if !found || !strings.Contains(line, "| age -d -i - BACKUP") {
		t.Fatalf("README.txt names no command for a further key:\n%s", readme)
	}
	for _, key := range []string{"age.key", "ssh.key"} {
		path := filepath.Join(dir, key)
		empty := newDevice(t, nil)
		keyID := strings.Split(sealedKeys(t, loc)[0], "-")[1]
		empty.must("", "restore", loc, "--identity", path, "--key-id", keyID)
		empty.right("second")
		opened := 0
		for _, name := range sealedKeys(t, loc) {
			cmd := exec.Command("sh", "-c", strings.NewReplacer("recovery-"+strings.Split(name, "-")[1]+"-....age", name, "BACKUP", filepath.Base(newest(t, loc))).Replace("age -d -i "+path+" "+line))
			cmd.Dir = loc
			cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(age)+":"+os.Getenv("PATH"))
			if out, err := cmd.Output(); err == nil && strings.Contains(string(out), exampleSecret) {
				opened++
			}
		}
		if opened != 1 {
			t.Errorf("with %s, %d of the sealed keys lead to the accounts", key, opened)
		}
	}
	// A new passphrase does not affect the further keys.
	d.must("another horse battery staple", "backup", "passphrase", "--passphrase-file", "-")
	empty := newDevice(t, nil)
	empty.must("", "restore", loc, "--identity", filepath.Join(dir, "age.key"), "--key-id", strings.Split(sealedKeys(t, loc)[0], "-")[1])
	empty.right("second")
}

// A generated passphrase is shown even if the first backup fails.
func TestBackupMadePassphrase(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	d.add("first")
	loc := filepath.Join(t.TempDir(), "cloud")
	r := d.run("", "backup", "enable", loc)
	_, made, found := strings.Cut(r.stderr, "recovery passphrase: ")
	made, _, _ = strings.Cut(made, "\n")
	if r.code != 0 || !found || len(strings.Split(made, "-")) != 10 {
		t.Fatalf("exit code %d: %s", r.code, r.stderr)
	}
	empty := newDevice(t, nil)
	asCopied := strings.ToUpper(strings.ReplaceAll(made, "-", " ")) // from paper: case and hyphens do not matter
	empty.must(asCopied, "restore", loc, "--passphrase-file", "-")
	empty.right("first")
	d.fails(2, []string{"weak", "--weak"}, "backup", "passphrase", "--passphrase-file", writeTemp(t, "secret"))
	d.must("", "remove", "first", "--yes")
	other := filepath.Join(t.TempDir(), "other")
	r = d.run("", "backup", "enable", other) // of a vault that is empty: allowed, nothing is replaced
	if !strings.Contains(r.stderr, "recovery passphrase: ") {
		t.Errorf("exit code %d: %s", r.code, r.stderr)
	}
}

// A made passphrase is shown before anything is encrypted with it, with --json too. Nobody reads standard error here: there
// is no location then that only an unseen passphrase opens, and what was there keeps its own.
func TestBackupMadePassphraseIsShownFirst(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	d.add("first")
	if r := d.run("", "backup", "enable", filepath.Join(t.TempDir(), "read"), "--json"); r.code != 0 || !strings.HasPrefix(r.stderr, "recovery passphrase: ") {
		t.Fatalf("exit code %d, and the first that is said is %q", r.code, r.stderr)
	}
	unheard := func(d *device, args ...string) {
		t.Helper()
		unread, stderr, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := d.command(args...)
		cmd.Stderr = stderr
		if err := errors.Join(unread.Close(), cmd.Start(), stderr.Close()); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Errorf("auth %s counts as done", strings.Join(args, " "))
		}
	}
	other, loc := newDevice(t, nil), filepath.Join(t.TempDir(), "cloud")
	other.add("first")
	unheard(other, "backup", "enable", loc, "--json")
	if found := files(t, loc, "*"); len(found) > 0 {
		t.Errorf("the location holds %q", found)
	}
	if state := other.must("", "backup", "status"); !strings.Contains(state, "off") {
		t.Errorf("the backup is %s", state)
	}
	other.enable(loc)
	before := contents(t, loc)
	unheard(other, "backup", "passphrase", "--json")
	unheard(other, "backup", "key", "--rotate", "--yes", "--json")
	if !maps.Equal(contents(t, loc), before) {
		t.Error("the location has changed")
	}
}
