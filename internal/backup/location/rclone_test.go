package location_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/testenv"
)

// rclone is the installed rclone with remotes of the test: disk (local), "short cut" (an
// alias), sealed (crypt) and dav (WebDAV on loopback).
type rclone struct {
	program string
	config  string
	alias   string // What "short cut" leads to.
	address string // Of the WebDAV server.
}

func newRclone(t *testing.T) *rclone {
	t.Helper()
	program := testenv.Program(t, "rclone", "rclone")
	r := &rclone{program: program, config: filepath.Join(t.TempDir(), "rclone.conf"), alias: t.TempDir()}
	r.address = r.serve(t)
	config := fmt.Sprintf(`[disk]
type = local

[short cut]
type = alias
remote = %s

[sealed]
type = crypt
remote = %s
password = %s

[dav]
type = webdav
url = %s
vendor = other
user = alice
pass = %s
`, r.alias, t.TempDir(), r.obscure(t, "a passphrase"), r.address, r.obscure(t, "dav-pass"))
	if err := os.WriteFile(r.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

// options returns options that use this rclone.
func (r *rclone) options(t *testing.T) location.Options {
	t.Helper()
	return location.Options{
		Temp:     t.TempDir(),
		LookPath: func(string) (string, error) { return r.program, nil },
		Env:      []string{"RCLONE_CONFIG=" + r.config, "HOME=" + t.TempDir(), "GOGC=off"}, // It lives too briefly to collect.
	}
}

// serve starts a WebDAV server on loopback and returns its address.
func (r *rclone) serve(t *testing.T) string {
	t.Helper()
	cmd := exec.Command(r.program, "serve", "webdav", "--addr", "127.0.0.1:0", "--user", "alice", "--pass", "dav-pass", t.TempDir())
	cmd.Env = []string{"HOME=" + t.TempDir(), "RCLONE_CONFIG=" + r.config + ".none"}
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	started := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`)
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if address := started.FindString(lines.Text()); address != "" {
			go func() {
				for lines.Scan() { // So that the server never waits for a reader.
				}
			}()
			return address
		}
	}
	t.Fatal("rclone serve webdav did not say where it listens")
	return ""
}

func (r *rclone) obscure(t *testing.T, password string) string {
	t.Helper()
	out, err := exec.Command(r.program, "obscure", password).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// The remotes of the user's rclone are found by its own configuration, and each of them
// can be named as a location.
func TestRemotes(t *testing.T) {
	t.Parallel()
	o := newRclone(t).options(t)
	found := location.Remotes(t.Context(), o)
	for _, name := range []string{"disk", "short cut", "sealed", "dav"} {
		if !slices.Contains(found, name) {
			t.Errorf("found %q, without %q", found, name)
		}
	}
	for _, name := range found {
		if _, err := location.Parse("rclone:"+name+":auth", o); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	o.LookPath = func(string) (string, error) { return "", exec.ErrNotFound }
	if found := location.Remotes(t.Context(), o); found != nil {
		t.Errorf("without rclone: %q", found)
	}
}
