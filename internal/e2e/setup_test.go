//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/keyring/keyringtest"
)

// newcomer returns a device whose home has a cloud's folder and a picture of a QR code, and
// nothing of auth.
func newcomer(t *testing.T, env ...string) (d *device, home string) {
	t.Helper()
	home = t.TempDir()
	if err := os.Mkdir(filepath.Join(home, "Dropbox"), 0o700); err != nil {
		t.Fatal(err)
	}
	picture := read(t, filepath.Join(root, "docs", "example.png"))
	if err := os.WriteFile(filepath.Join(home, "my shot.png"), picture, 0o600); err != nil {
		t.Fatal(err)
	}
	d = newDevice(t, nil).with("XDG_RUNTIME_DIR="+home, "DBUS_SESSION_BUS_ADDRESS=").with(env...)
	return d.with("HOME="+home, "AUTH_HOME=", "AUTH_NO_INPUT=", "TERM=xterm", "XDG_CONFIG_HOME=", "XDG_STATE_HOME=", "XDG_DATA_HOME="), home
}

var madePassphrase = regexp.MustCompile(`recovery passphrase: ([a-z-]+)\n`)

// TestSetup goes through the whole setup on a machine without a keyring, as the first auth
// on a terminal offers it: file keyring, another app's export, a cloud's folder, the sheet,
// and the drill with the passphrase that was shown. Nothing is asked twice.
func TestSetup(t *testing.T) {
	t.Parallel()
	d, home := newcomer(t, "AUTH_KEYRING=")
	s := watch(t, d.command(), 120, 100, nil)
	s.shows("Set it up now, step by step? [y/N]")
	s.types("y\r")
	s.shows("no D-Bus session bus", "in an encrypted file on this machine instead? [y/N]")
	s.types("y\r")
	s.shows("1 of 5  keyring: an encrypted file in", "Where are your accounts now?", "4) Aegis", "14) later")
	s.types("4\r")
	s.shows("Settings → Import & Export → Export", "auth help moving aegis", "Path of the file or image (empty: go on without):")
	s.types(filepath.Join(home, "nothing.json") + "\r")
	s.shows("there is no file or folder " + filepath.Join(home, "nothing.json"))
	s.types("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ\r")
	s.shows("this looks like a secret, and a path is asked for here")
	s.types(`~/my\ shot.png` + "\r")
	s.shows("Passphrase for the file keyring (empty for none):")
	s.types("\r")
	s.shows("imported 1 account", "Another file or image (empty: go on):")
	s.types("\r")
	folder := filepath.Join(home, "Dropbox", "auth")
	s.shows("3 of 5  backup: off", "1) Dropbox: "+folder)
	s.types("1\r")
	s.shows("Recovery passphrase (empty to generate one):")
	s.types("\r")
	s.shows("4 of 5  sheet: not printed", "to lock away? [y/N]")
	made := madePassphrase.FindStringSubmatch(s.text())
	if made == nil {
		t.Fatalf("no passphrase on\n%s", s.text())
	}
	s.types("y\r")
	s.shows("File (empty: " + filepath.Join(home, "auth-recovery.pdf") + "):")
	s.types("\r")
	s.shows("5 of 5  drill: not practised", "that you wrote down? [y/N]")
	s.types("y\r")
	s.shows("Recovery passphrase:")
	s.types(strings.ReplaceAll(made[1], "-", " ") + "\r")
	s.shows("everything that can would come back from "+folder, "all is set up")
	s.ends(0)
	if strings.Count(s.text(), "encrypted file on this machine instead?") != 1 {
		t.Errorf("asked twice on\n%s", s.text())
	}
	if page := read(t, filepath.Join(home, "auth-recovery.pdf")); !strings.HasPrefix(string(page), "%PDF-") {
		t.Error("the sheet is no PDF")
	}

	again := watch(t, d.command("setup"), 100, 40, nil)
	again.shows("2 of 5  accounts: 1 account", "3 of 5  backup: to "+folder, "4 of 5  sheet: made", "5 of 5  drill: practised", "all is set up")
	again.ends(0)
	if strings.ContainsAny(again.text(), "?") {
		t.Errorf("it asks again:\n%s", again.text())
	}
}

// TestSetupIsOfferedOnce: whoever says no is not asked again, and can do each step later;
// what was left out is what the setup goes on with.
func TestSetupIsOfferedOnce(t *testing.T) {
	t.Parallel()
	service := keyringtest.SecretService(t, keyringtest.ServiceOptions{})
	d, home := newcomer(t, append(service.Env, "AUTH_KEYRING=")...)
	s := watch(t, d.command(), 100, 40, nil)
	s.shows("Set it up now, step by step? [y/N]")
	s.types("\r")
	s.shows("0 accounts")
	s.types("q")
	s.ends(0)
	s = watch(t, d.command(), 100, 40, nil)
	s.shows("0 accounts")
	s.types("q")
	s.ends(0)
	if strings.Contains(s.text(), "Set it up") {
		t.Errorf("it is offered again:\n%s", s.text())
	}

	s = watch(t, d.command("setup"), 100, 60, nil)
	s.shows("1 of 5  keyring: the system keyring", "13) none yet: add the first one now")
	s.types("13\r")
	s.shows("Label, such as GitHub:alice, or the path of the image:")
	s.types("'" + filepath.Join(home, "my shot.png") + "'\r")
	s.shows("added Example:alice@example.com; its code is", "3 of 5  backup: off", "3) later")
	s.types("3\r")
	s.shows("left: backup", "left: sheet", "left: drill", "auth setup goes on with that")
	s.ends(0)

	s = watch(t, d.command("setup"), 100, 60, nil)
	s.shows("2 of 5  accounts: 1 account", "3 of 5  backup: off", "2) another folder")
	s.types("\x03")
	s.ends(130)
}

// TestSetupFindsBackups: on a second device the backups in the cloud's folder are offered
// first, and the restore turns backup on.
func TestSetupFindsBackups(t *testing.T) {
	t.Parallel()
	d, home := newcomer(t, "AUTH_KEYRING=")
	folder, pass := filepath.Join(home, "Dropbox", "auth"), filepath.Join(home, "pass.txt")
	if err := os.WriteFile(pass, []byte("caller fidelity nomad lattice\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := newDevice(t, nil)
	old.must("", "add", filepath.Join(home, "my shot.png"))
	old.must("", "backup", "enable", folder, "--passphrase-file", pass)

	s := watch(t, d.command("setup", "--keyring", "file"), 120, 60, nil)
	s.shows("1) backups of auth in " + folder)
	s.types("1\r")
	s.shows("Recovery passphrase:")
	s.types("caller fidelity nomad lattice\r")
	s.shows("Passphrase for the file keyring (empty for none):")
	s.types("\r")
	s.shows("Example:alice@example.com  restored", "backup is on, to "+folder, "3 of 5  backup: to "+folder, "4 of 5  sheet: not printed", "[y/N]")
	s.types("\r")
	s.shows("5 of 5  drill: not practised", "that you wrote down? [y/N]")
	s.types("\r")
	s.shows("left: sheet", "left: drill")
	s.ends(0)
}

// TestAddAsks: auth add alone asks for a label and a secret, or takes the image of a QR
// code in place of either. The secret is never on the screen, and what was mistyped is
// asked for again.
func TestAddAsks(t *testing.T) {
	t.Parallel()
	d, home := newcomer(t, "AUTH_KEYRING=file")
	d.with("AUTH_NO_INPUT=1").must("otpauth://totp/Old:one?secret=GEZDGNBVGY3TQOJQ\n", "add", "--uri", "-")
	s := watch(t, d.command("add"), 120, 40, nil)
	s.shows("Label, such as GitHub:alice, or the path of the image:")
	s.types("JBSWY3DPEHPK3PXP\r")
	s.shows("this looks like a secret")
	s.types("GitHub:alice\r")
	s.shows("Secret of GitHub:alice (it is not shown), or the path of an image:")
	s.types("GEZDGNBVGY3TQOJ1\r")
	s.shows("try again")
	s.types("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\r")
	s.shows("added GitHub:alice; its code is")
	s.ends(0)
	if strings.Contains(s.text(), "GEZDGNBV") {
		t.Errorf("the secret is on the screen:\n%s", s.text())
	}

	// A terminal types the name of a file that is dropped on it as a word of a shell.
	data, err := os.ReadFile(filepath.Join(home, "my shot.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "shot (1).png"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	s = watch(t, d.command("add"), 100, 40, nil)
	s.shows("or the path of the image:")
	s.types(filepath.Join(home, `shot\ \(1\).png`) + "\r")
	s.shows("Example:alice@example.com; its code is")
	s.ends(0)

	s = watch(t, d.command("add", "Mine:me"), 100, 40, nil)
	s.shows("Secret of Mine:me")
	s.types("file://" + strings.ReplaceAll(filepath.Join(home, "my shot.png"), " ", "%20") + "\r")
	s.shows("added Mine:me; its code is")
	s.ends(0)
}

// TestWideQRCode: a QR code that does not fit is not drawn, and the hint writes it to a file.
func TestWideQRCode(t *testing.T) {
	t.Parallel()
	d, home := newcomer(t, "AUTH_KEYRING=file")
	d.with("AUTH_NO_INPUT=1").must("", "add", filepath.Join(home, "my shot.png"), "--alias", "ex")
	s := watch(t, d.command("show", "ex", "--draw"), 40, 30, nil)
	s.eventually("no hint", func(text string) bool {
		text = strings.ReplaceAll(text, "\n", "")
		return strings.Contains(text, "columns wide, and the terminal 40") && strings.Contains(text, "hint: auth show Example:alice@example.com --to FILE.png")
	})
	s.ends(1)
	if strings.Contains(s.text(), "█") {
		t.Errorf("it was drawn:\n%s", s.text())
	}
	s = watch(t, d.command("show", "ex", "--draw"), 80, 60, nil)
	s.shows("█")
	s.ends(0)
}
