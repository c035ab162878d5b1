package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/keyring/keyringtest"
)

// A device is a machine with auth: its own home and a keyring.
type device struct {
	t    testing.TB
	home string
	env  []string
}

// newDevice returns a machine with the file keyring, or with the keyring of service.
func newDevice(t testing.TB, service *keyringtest.Service) *device {
	d := &device{t: t, home: filepath.Join(t.TempDir(), "home")}
	d.env = append(os.Environ(), "HOME="+t.TempDir())
	if service != nil {
		d.env = append(d.env, service.Env...)
		// The keyring of a busy machine takes its time. Tests of the deadline take this away again.
		d.env = append(d.env, "AUTH_KEYRING=system", "AUTH_KEYRING_TIMEOUT=60s")
	} else {
		d.env = append(d.env, "AUTH_KEYRING=file")
	}
	d.env = append(d.env, "AUTH_HOME="+d.home, "AUTH_NO_INPUT=1")
	return d
}

// command returns the program, which is this test binary (see TestMain).
func (d *device) command(args ...string) *exec.Cmd {
	exe, err := os.Executable()
	if err != nil {
		d.t.Fatal(err)
	}
	return &exec.Cmd{Path: exe, Args: append([]string{"auth"}, args...), Env: d.env}
}

// A ran is the result of a run of the program.
type ran struct {
	code           int
	stdout, stderr string
}

// run runs the program with stdin.
func (d *device) run(stdin string, args ...string) ran {
	d.t.Helper()
	var out, errs bytes.Buffer
	cmd := d.command(args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		d.t.Fatal(err)
	}
	return ran{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// must runs the program and returns its output. The run must succeed.
func (d *device) must(stdin string, args ...string) string {
	d.t.Helper()
	r := d.run(stdin, args...)
	if r.code != 0 {
		d.t.Fatalf("auth %s: exit code %d\n%s", strings.Join(args, " "), r.code, r.stderr)
	}
	return r.stdout
}

// fails runs the program, which must exit with code and print each of words.
func (d *device) fails(code int, words []string, args ...string) ran {
	d.t.Helper()
	r := d.run("", args...)
	if r.code != code {
		d.t.Errorf("auth %s: exit code %d, want %d\n%s", strings.Join(args, " "), r.code, code, r.stderr)
	}
	for _, word := range words {
		if !strings.Contains(r.stderr, word) {
			d.t.Errorf("auth %s does not say %q:\n%s", strings.Join(args, " "), word, r.stderr)
		}
	}
	return r
}

// labels returns the labels of the vault's accounts.
func (d *device) labels() []string {
	d.t.Helper()
	var list struct{ Accounts []struct{ Label string } }
	if err := json.Unmarshal([]byte(d.must("", "list", "--json")), &list); err != nil {
		d.t.Fatal(err)
	}
	labels := make([]string, len(list.Accounts))
	for i, a := range list.Accounts {
		labels[i] = a.Label
	}
	return labels
}

const (
	// exampleSecret is the key of RFC 6238, appendix B. Its code at 59 seconds is the
	// last six digits of the first vector there.
	exampleSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	exampleCode   = "287082\n"
)

// add adds an account with the secret of RFC 6238.
func (d *device) add(label string) {
	d.t.Helper()
	d.must(exampleSecret, "add", label, "--secret-file", "-")
}
