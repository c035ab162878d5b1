package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/keyring/keyringtest"
)

// KWallet says that it has stored what it has not yet written. Killed, it is back at an
// older vault: the next change says so in one sentence that names one command, and that
// command brings back what had been backed up.
func TestKWalletGoesBack(t *testing.T) {
	t.Parallel()
	s := keyringtest.KWallet(t)
	d, loc := newDevice(t, s), filepath.Join(t.TempDir(), "cloud")
	d.add("first")
	d.enable(loc)
	s.AwaitKWallet()
	for try := range 5 {
		d.add("second")
		s.Kill()
		s.StartKWallet()
		if slices.Contains(d.labels(), "second") {
			if try == 4 {
				t.Fatal("the wallet was on the disk each time")
			}
			d.must("", "remove", "second", "--yes", "--now")
			s.AwaitKWallet()
			continue
		}
		break
	}
	r := d.run(exampleSecret, "add", "third", "--secret-file", "-")
	said := strings.TrimSpace(r.stderr)
	var warnings []string
	for line := range strings.Lines(said) {
		if strings.Contains(line, "warning") || strings.Contains(line, "older vault") {
			warnings = append(warnings, line)
		}
	}
	if r.code != 0 || len(warnings) != 1 || !strings.Contains(warnings[0], "older vault") || strings.Count(warnings[0], "auth ") != 1 || !strings.Contains(warnings[0], "auth sync") {
		t.Errorf("exit code %d: %q", r.code, warnings)
	}
	if r := d.run("", "sync"); r.code != 0 {
		t.Errorf("auth sync: exit code %d: %s", r.code, r.stderr)
	}
	got := d.labels()
	slices.Sort(got)
	if !slices.Equal(got, []string{"first", "second", "third"}) {
		t.Errorf("accounts %q", got)
	}
}
