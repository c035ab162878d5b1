package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/testenv"
)

// Without any keyring, the error says so and names the file keyring.
func TestNoKeyring(t *testing.T) {
	t.Parallel()
	bus := keyringtest.SecretService(t, keyringtest.ServiceOptions{BusOnly: true})
	d := newDevice(t, bus)
	d.fails(6, []string{"keyring", "AUTH_KEYRING=file"}, "list")
	none := newDevice(t, nil)
	none.env = append(none.env, "AUTH_KEYRING=system", "DBUS_SESSION_BUS_ADDRESS=unix:path="+filepath.Join(t.TempDir(), "none"))
	none.fails(6, []string{"keyring", "AUTH_KEYRING=file"}, "code", "x")
	if r := none.fails(6, nil, "doctor"); !strings.Contains(r.stdout, "keyring is not available") {
		t.Errorf("doctor says\n%s", r.stdout)
	}
}

// With a locked keyring and nobody to unlock it, auth exits with 6 at once, and nothing
// is lost.
func TestLockedKeyring(t *testing.T) {
	t.Parallel()
	service := keyringtest.SecretService(t, keyringtest.ServiceOptions{})
	d := newDevice(t, service)
	d.add("keep")
	service.Lock()
	d.fails(6, []string{"locked", "hint:"}, "code", "keep")
	d.fails(6, []string{"locked"}, "remove", "keep", "--yes")
	service.Kill()
	service.Start() // which unlocks it, as a log-in does
	if got := d.must("", "code", "keep", "--at", "59"); got != exampleCode {
		t.Errorf("after unlocking the code is %q", got)
	}
}

// If the keyring daemon hangs, auth exits with 6 within five seconds without a terminal
// and display.
func TestStoppedKeyring(t *testing.T) {
	t.Parallel()
	service := keyringtest.SecretService(t, keyringtest.ServiceOptions{})
	d := newDevice(t, service)
	d.add("keep")
	d.env = append(d.env, "AUTH_KEYRING_TIMEOUT=") // it is the default that is promised
	service.Stop()
	d.promptly(8*time.Second, func() ran { return d.fails(6, []string{"did not answer", "hint:"}, "code", "keep") })
	// Completion offers nothing, and takes a second by itself.
	if r := d.promptly(4*time.Second, func() ran { return d.run("", "__complete", "code", "ke") }); r.code != 0 || strings.Contains(r.stdout, "keep") {
		t.Errorf("completion: %+v", r)
	}
	d.env = append(d.env, "AUTH_KEYRING_TIMEOUT=1s")
	d.fails(6, nil, "edit", "keep", "--note", "x")
	service.Continue()
	if got := d.must("", "code", "keep", "--at", "59"); got != exampleCode {
		t.Errorf("after going on the code is %q", got)
	}
	d.add("another")
	if got := d.labels(); !slices.Equal(got, []string{"keep", "another"}) {
		t.Errorf("accounts %q", got)
	}
}

// promptly runs a command that answers within a time: its deadline is part of the promise and
// is measured. The extra time is for a busy machine, which may be too slow for that once or
// twice. A wrong deadline is too long each time.
func (d *device) promptly(within time.Duration, run func() ran) (r ran) {
	d.t.Helper()
	var took time.Duration
	for range 3 {
		start := time.Now()
		r = run()
		if took = time.Since(start); took <= within {
			return r
		}
	}
	d.t.Errorf("the answer took %s in the third try, and at most %s is promised: %s", took, within, r.stderr)
	return r
}

// With the daemon stopped, every command exits with 6 and a message within five seconds
// if there is neither a terminal nor a display.
func TestStoppedKeyringEveryCommand(t *testing.T) {
	t.Parallel()
	service := keyringtest.SecretService(t, keyringtest.ServiceOptions{})
	d := newDevice(t, service)
	d.add("keep")
	location := filepath.Join(t.TempDir(), "cloud")
	d.must(passphrase, "backup", "enable", location, "--passphrase-file", "-")
	d.env = append(d.env, "AUTH_KEYRING_TIMEOUT=") // it is the default that is promised
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	service.Stop()
	defer service.Continue()
	var all sync.WaitGroup
	turns := make(chan struct{}, 8) // so many run at once: it is not their number that is tested
	for _, line := range []string{
		"code keep", "code --all", "list", "show keep", "edit keep --note x", "move keep --first", "remove keep --yes", "verify keep --secret-file -",
		"check keep 123456", "add new --secret-file -", "import -", "export --format otpauth --plaintext --to -", "status", "doctor", "sync --yes",
		"backup", "backup status", "backup list", "backup verify", "backup passphrase --passphrase-file -", "backup key", "backup key --rotate --passphrase-file -",
		"backup forget other --yes", "backup disable", "backup enable " + location + " --passphrase-file -", "backup --to - --passphrase-file -",
		"restore " + location + " --passphrase-file -", "restore --deleted", "vault use file", "vault repair", "vault new --yes", "config list", "config set code.min-valid 1s",
		"list --trash", "list --codes", "backup drill --passphrase-file -", "backup lost other --yes --passphrase-file -", "add keep --replace --secret-file -",
		"backup key --sheet " + filepath.Join(t.TempDir(), "sheet.txt"), "backup key --shares 2/3 --to " + t.TempDir(), "backup key --add " + identity.Recipient().String(),
	} {
		// Each command has its own profile with the same content, so that none waits for
		// another's lock.
		home := filepath.Join(t.TempDir(), "home")
		testenv.CopyFolder(t, home, d.home)
		stdin := "GEZDGNBVGY3TQOJQ"
		switch {
		case strings.Contains(line, "--passphrase-file"):
			stdin = passphrase
		case strings.HasPrefix(line, "import"):
			stdin = "otpauth://totp/new?secret=" + stdin
		}
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			r := d.promptly(15*time.Second, func() ran { return d.with("AUTH_HOME="+home).run(stdin, strings.Fields(line)...) })
			if r.code != 6 {
				t.Errorf("auth %s: exit code %d\n%s", line, r.code, r.stderr)
			}
		})
	}
	all.Wait()
}

// A marker without its vault means that the vault is lost, not new. Only doctor, restore
// and vault new continue, above the old generation.
func TestMarkerWithoutVault(t *testing.T) {
	t.Parallel()
	d := newDevice(t, keyringtest.SecretService(t, keyringtest.ServiceOptions{}))
	d.add("lost")
	d.add("lost2")
	file := filepath.Join(t.TempDir(), "v.age")
	d.must(passphrase, "backup", "--to", file, "--passphrase-file", "-")

	other := keyringtest.SecretService(t, keyringtest.ServiceOptions{}) // the keyring was reset
	d.env = append(d.env, other.Env...)
	words := []string{"not in the keyring where it was last seen", "auth restore FILE", "auth vault new"}
	d.fails(6, words, "list")
	d.fails(6, words, "code", "lost")
	d.fails(6, words, "add", "x", "--secret-file", writeTemp(t, exampleSecret))
	d.fails(6, []string{"auth restore FILE"}, "vault", "repair")
	if r := d.fails(6, nil, "doctor"); !strings.Contains(r.stdout, "auth restore FILE") {
		t.Errorf("doctor does not name restore:\n%s", r.stdout)
	}
	d.fails(2, []string{"--yes"}, "vault", "new")
	out := d.must(passphrase, "restore", file, "--passphrase-file", "-")
	if !strings.Contains(out, "restored") {
		t.Errorf("restore says %q", out)
	}
	if got := d.must("", "code", "lost", "--at", "59"); got != exampleCode {
		t.Errorf("the restored code is %q", got)
	}

	third := keyringtest.SecretService(t, keyringtest.ServiceOptions{})
	d.env = append(d.env, third.Env...)
	d.must("", "vault", "new", "--yes")
	if got := d.labels(); len(got) != 0 {
		t.Errorf("a new vault holds %q", got)
	}
	d.fails(5, []string{"it can be read"}, "vault", "new", "--yes")
}

// The vault moves between keyrings, and a conflict between the two is named.
func TestVaultUse(t *testing.T) {
	t.Parallel()
	d := newDevice(t, keyringtest.SecretService(t, keyringtest.ServiceOptions{}))
	d.env = append(d.env, "AUTH_KEYRING=")
	d.add("moving")
	d.fails(6, []string{"is in the system keyring, not in the file keyring", "auth vault use file"}, "--keyring", "file", "list")
	d.must("", "vault", "use", "file")
	if got := d.must("", "code", "moving", "--at", "59"); got != exampleCode {
		t.Errorf("in the file keyring the code is %q", got)
	}
	d.fails(6, []string{"auth vault use system"}, "--keyring", "system", "list")
	d.must("", "vault", "use", "file") // again is no change
	d.must(passphrase, "vault", "passphrase", "--new-passphrase-file", "-")
	d.fails(2, []string{"--vault-passphrase-file"}, "list")
	d.fails(7, []string{"wrong passphrase"}, "list", "--vault-passphrase-file", writeTemp(t, "nonsense"))
	pass := writeTemp(t, passphrase+"\n")
	d.env = append(d.env, "AUTH_VAULT_PASSPHRASE_FILE="+pass)
	d.must("", "vault", "use", "system")
	d.env = append(d.env, "AUTH_VAULT_PASSPHRASE_FILE=")
	if got := d.must("", "code", "moving", "--at", "59"); got != exampleCode {
		t.Errorf("back in the system keyring the code is %q", got)
	}
}
