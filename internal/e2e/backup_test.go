//go:build unix

package e2e

import (
	"encoding/json"
	"fmt"
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

// What backups promise beyond single bad days.

// After every command that changes the vault there is one more backup, and none after
// those that only read, whatever they print.
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

// A code never waits for the location: an advanced counter makes the backup stale, and
// the next change catches up.
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

// Backups are new files: whatever is done afterwards, none is ever changed.
func TestBackupFilesAreImmutable(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	second := newDevice(t, nil)
	second.restore(0, loc)
	for i := range 3 {
		before := contents(t, loc)
		delete(before, "README.txt")
		d.add(fmt.Sprint("a", i))
		second.must("", "sync")
		second.must("", "edit", "first", "--note", fmt.Sprint(i))
		d.must("", "backup")
		d.must("", "backup", "key", "--add", backupKey(t).Recipient())
		kept(t, loc, before)
	}
}

// A laptop and its clone, keyring and all: whoever comes second takes a new id, says
// so, and goes on; nothing is merged but by sync, and nothing is lost.
func TestBackupClone(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	clone := newDevice(t, nil)
	testenv.CopyFolder(t, clone.home, d.home)
	d.add("on the first")
	r := clone.run(exampleSecret, "add", "on the clone", "--secret-file", "-")
	if r.code != 0 {
		t.Errorf("exit code %d", r.code)
	}
	r.says(t, "clone", "new id")
	clone.current()
	clone.has("first", "on the clone")
	r = d.run(exampleSecret, "add", "more", "--secret-file", "-")
	if strings.Contains(r.stderr, "clone") {
		t.Errorf("the first takes itself for a clone: %s", r.stderr)
	}
	devices := map[string]bool{}
	for _, name := range backups(t, loc) {
		devices[name[:16]] = true
	}
	if len(devices) != 2 {
		t.Errorf("backups of %d devices", len(devices))
	}
	empty := newDevice(t, nil)
	empty.restore(0, loc)
	labels := empty.labels()
	slices.Sort(labels)
	if want := []string{"first", "more", "on the clone", "on the first"}; !slices.Equal(labels, want) {
		t.Errorf("accounts %q, want %q", labels, want)
	}
}

// An old image of the machine comes back: it finds what it does not know, takes a new
// id, and loses nothing of what was written since.
func TestBackupOldImage(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	image := t.TempDir()
	testenv.CopyFolder(t, image, d.home)
	d.add("since")
	before := contents(t, loc)
	remove(t, d.home)
	testenv.CopyFolder(t, d.home, image)
	d.run(exampleSecret, "add", "after", "--secret-file", "-").says(t, "new id")
	kept(t, loc, before)
	d.restore(0, loc)
	d.right("since")
	d.current()
}

// A year of backups leaves the last ten, one a day and one a month; only files of this
// device go, and history can be gone back to.
func TestBackupRetention(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	other := newDevice(t, nil)
	other.restore(0, loc)
	theirs := contents(t, loc)
	write(t, filepath.Join(loc, "notes.age"), []byte("of the user"))
	day := time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)
	d.at(day.Format(time.RFC3339)).add("new year")
	for i := range 24 {
		d.at(day.Add(time.Duration(i)*time.Minute).Format(time.RFC3339)).must("", "edit", "first", "--note", fmt.Sprint(i))
	}
	if got := len(files(t, loc, newestOf(t, loc, d)+"-*.age")); got > 12 || got < 10 {
		t.Errorf("%d backups after a day of changes", got) // the last ten, and the day before
	}
	d.at("2027-01-02T12:00:00Z").add("second day")
	d.at("2027-02-02T12:00:00Z").add("second month")
	delete(theirs, "README.txt")
	for name := range theirs {
		if _, err := os.Stat(filepath.Join(loc, name)); err != nil && !strings.HasPrefix(name, newestOf(t, loc, d)) {
			t.Errorf("%s of another is gone", name)
		}
	}
	empty := newDevice(t, nil)
	empty.restore(5, loc, "--at", "2027-01-01T23:00:00Z")
	if got := empty.labels(); !slices.Contains(got, "new year") || slices.Contains(got, "second day") {
		t.Errorf("going back finds %q", got)
	}
}

// newestOf returns the id of a device, by the name of its newest backup.
func newestOf(t *testing.T, loc string, d *device) string {
	t.Helper()
	_, b := d.status()
	if _, err := os.Stat(filepath.Join(loc, b.File)); err != nil {
		t.Fatal(err)
	}
	return b.File[:16]
}

// The key is rotated for a lost laptop: the laptop keeps its vault, writes nothing under
// the old key, and says what to type; others go on with the new passphrase.
func TestBackupRotate(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	laptop, tablet := newDevice(t, nil), newDevice(t, nil)
	laptop.restore(0, loc)
	tablet.restore(0, loc)
	tablet.add("on the tablet")
	oldKey := d.recoveryKey()
	const next = "another horse battery staple"
	d.must(next, "backup", "key", "--rotate", "--passphrase-file", "-")
	d.current()
	for _, name := range sealedKeys(t, loc) {
		if strings.Contains(name, oldKey.ID()) {
			t.Errorf("%s is still there", name)
		}
	}
	before := contents(t, loc)
	laptop.add("on the laptop")
	laptop.stale("recovery key was changed")
	laptop.fails(9, []string{"recovery key was changed"}, "backup")
	laptop.has("first", "on the laptop")
	if len(contents(t, loc)) != len(before) {
		t.Errorf("the old laptop wrote %q", files(t, loc, "*"))
	}
	if r := laptop.run("", "status"); !strings.Contains(r.stderr, "auth backup enable "+loc) {
		t.Errorf("status does not say what to type: %s", r.stderr)
	}

	// Somebody with the laptop writes under the old key, signature and all.
	content, err := backup.Decode(payload(t, oldKey, filepath.Join(loc, backupUnder(t, loc, oldKey))))
	if err != nil {
		t.Fatal(err)
	}
	content.State, content.Device, content.Created = evilState(t, content.State), "feedfeedfeedfeed", time.Now()
	signed, err := oldKey.Encode(content)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(loc, "feedfeedfeedfeed-20990101T000000Z-9-0123456789abcdef.age"), forge(t, oldKey, signed))

	empty := newDevice(t, nil)
	r := empty.run(next, "restore", loc, "--passphrase-file", "-")
	if r.code != 5 {
		t.Errorf("restore: exit code %d: %s", r.code, r.stderr)
	}
	r.says(t, "feedfeedfeedfeed", "rotated away")
	empty.right("on the tablet") // history under the old key, which the new one's backups list
	if strings.Contains(strings.Join(empty.labels(), " "), "evil") {
		t.Error("what was forged under the old key was merged")
	}
	empty.fails(7, []string{"wrong passphrase"}, "restore", loc, "--passphrase-file", writeTemp(t, passphrase))

	tablet.must(next, "backup", "enable", loc, "--passphrase-file", "-")
	tablet.current()
	tablet.add("tablet again")
	tablet.current()
	for _, name := range sealedKeys(t, loc) {
		if strings.Contains(name, oldKey.ID()) {
			t.Errorf("the tablet put %s back", name)
		}
	}
	second := newDevice(t, nil)
	second.run(next, "restore", loc, "--passphrase-file", "-")
	second.right("tablet again")
}

// backupUnder returns a backup that a key opens.
func backupUnder(t *testing.T, loc string, key backup.RecoveryKey) string {
	t.Helper()
	for _, name := range backups(t, loc) {
		if _, err := backup.Unseal(read(t, filepath.Join(loc, name)), key.Identity()); err == nil {
			return name
		}
	}
	t.Fatal("no backup is under that key")
	return ""
}

// A device that is gone for good: what it had is brought in, and its backups go.
func TestBackupForget(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	lost := newDevice(t, nil).with("TEST_HOSTNAME=old laptop")
	lost.restore(0, loc)
	lost.add("only on the lost one")
	d.fails(2, []string{"--yes"}, "backup", "forget", "old laptop")
	d.fails(3, []string{"no such device", "auth backup list"}, "backup", "forget", "nobody", "--yes")
	id := newestOf(t, loc, lost)
	d.run("", "backup", "forget", "old laptop", "--yes").says(t, "--rotate")
	d.right("only on the lost one")
	for _, name := range backups(t, loc) {
		if strings.HasPrefix(name, id) {
			t.Errorf("%s is still there", name)
		}
	}
	d.current()
	empty := newDevice(t, nil)
	empty.restore(0, loc)
	empty.right("only on the lost one")
}

// Two devices enabled the same folder before it had synced: two keys. It is told, and
// enabling it again brings both together.
func TestBackupTwoKeys(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	second, there := newDevice(t, nil), filepath.Join(t.TempDir(), "cloud")
	second.add("on the second")
	second.must("another horse battery staple", "backup", "enable", there, "--passphrase-file", "-")
	carry(t, there, loc)
	d.add("more")
	if code, b := d.status(); code != 9 || b.OtherKeys != 1 {
		t.Errorf("status: %d %+v", code, b)
	}
	if r := d.run("", "status"); !strings.Contains(r.stderr, "auth backup enable") {
		t.Errorf("status does not say what to type: %s", r.stderr)
	}
	if r := d.run("", "sync"); r.code != 5 {
		t.Errorf("sync: exit code %d: %s", r.code, r.stderr)
	}
	newDevice(t, nil).restore(5, loc)
	d.fails(7, []string{"wrong passphrase"}, "backup", "enable", loc, "--passphrase-file", writeTemp(t, "battery horse staple correct"))
	before := contents(t, loc)
	delete(before, "README.txt")
	d.must("another horse battery staple", "backup", "enable", loc, "--passphrase-file", "-")
	d.must("", "sync")
	d.current()
	kept(t, loc, before)
	d.right("on the second")
	carry(t, loc, there)
	second.must("", "sync")
	second.right("more")
	second.add("both")
	second.current()
	carry(t, there, loc)
	d.must("", "sync")
	d.right("both")
	d.current()
	empty := newDevice(t, nil)
	if r := empty.run("another horse battery staple", "restore", loc, "--passphrase-file", "-"); r.code != 0 {
		t.Errorf("restore: exit code %d: %s", r.code, r.stderr)
	}
	empty.right("first")
	empty.right("both")
}

// Where backups go and to which key is this device's own: whatever somebody puts into
// the folder, the next backup is for our key.
func TestBackupRecipientIsOurs(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	key := d.recoveryKey()
	_, theirs := newLocation(t)
	carry(t, theirs, loc)
	d.add("second")
	_, b := d.status()
	payload(t, key, filepath.Join(loc, b.File))
	if before := contents(t, theirs); len(before) != 3 {
		t.Errorf("the other folder holds %q", files(t, theirs, "*"))
	}
}

// Twenty processes that add at once, with backup on: twenty accounts, and a backup of all.
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

// Killed at any moment of a backup: every file that is named as one opens, and nothing
// that was there is gone.
func TestBackupKilled(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	key := d.recoveryKey()
	kills := 20
	if testenv.Long() {
		kills = 500
	}
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

// Nothing but what is promised is in a backup: every field of it is looked at, and
// nothing of this machine is in any.
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
	// An account: its names, what its codes are computed from, and when each was changed.
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

// A further key opens everything without the passphrase, by auth and by the command
// lines of README.txt: an SSH key and one of age.
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
		empty.must("", "restore", loc, "--identity", path)
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
	// A new passphrase leaves the further keys as they are.
	d.must("another horse battery staple", "backup", "passphrase", "--passphrase-file", "-")
	empty := newDevice(t, nil)
	empty.must("", "restore", loc, "--identity", filepath.Join(dir, "age.key"))
	empty.right("second")
}

// A passphrase that auth makes is shown whatever happens to the first backup.
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

// Turned off, nothing is written and nothing deleted; turned on again, it goes on.
func TestBackupDisable(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	before := contents(t, loc)
	d.must("", "backup", "disable")
	d.add("while it was off")
	kept(t, loc, before)
	if len(contents(t, loc)) != len(before) {
		t.Error("something was written while backup was off")
	}
	if code, b := d.status(); code != 0 || b.On {
		t.Errorf("status: %d %+v", code, b)
	}
	d.fails(2, []string{"backup is off", "auth backup enable"}, "backup")
	d.must("", "backup", "enable", loc)
	d.current()
	empty := newDevice(t, nil)
	empty.restore(0, loc)
	empty.right("while it was off")
}
