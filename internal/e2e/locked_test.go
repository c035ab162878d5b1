//go:build linux

package e2e

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/testenv"
)

// What the hint of a locked keyring says unlocks it when it is typed: the daemon that runs
// is replaced by one that has the password.
func TestLockedKeyringHint(t *testing.T) {
	t.Parallel()
	testenv.Program(t, "systemd-ask-password", "systemd")
	const password = "of the log-in"
	service := keyringtest.SecretService(t, keyringtest.ServiceOptions{Password: password})
	d := newDevice(t, service)
	d.add("keep")
	service.Lock()
	d.fails(6, []string{"keyring is locked", "log in to the desktop"}, "unlock") // which unlocks a file keyring only
	said := d.fails(6, []string{"keyring is locked"}, "code", "keep").stderr
	_, typed, found := strings.Cut(said, "in a terminal: ")
	if !found {
		t.Fatalf("no command in\n%s", said)
	}
	shell := exec.Command("sh", "-i")
	shell.Env = d.env
	t.Cleanup(func() {
		if pid := service.Owner(); pid > 1 { // the daemon that took over
			_ = syscall.Kill(pid, syscall.SIGTERM)
		}
	})
	p := sit(t, shell)
	p.types(strings.TrimSpace(typed) + "\r")
	p.awaits("Password:")
	p.types(password + "\r")
	p.awaits("GNOME_KEYRING_CONTROL=")
	var r ran
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if r = d.run("", "code", "keep", "--at", "59"); r.code == 0 { // it goes on after it has said so
			break
		}
	}
	if r.stdout != exampleCode {
		t.Errorf("after what the hint says the code is %q\n%s\n%s", r.stdout, r.stderr, p.seen.String())
	}
	p.types("exit\r")
	p.rest()
	_ = shell.Wait()
}
