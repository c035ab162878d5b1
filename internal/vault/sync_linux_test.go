package vault_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/testenv"
)

// traced is the environment variable with the folder that a traced process writes to.
const traced = "AUTH_TEST_TRACED_FOLDER"

// A power cut leaves the old marker or the whole new one only if the kernel is asked in
// this order: the file's bytes, the file's name, the folder's names.
func TestMarkerIsOnTheDisk(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(traced); dir != "" {
		add(t, openVault(new(keyringtest.Memory), dir), "GitHub:alice")
		return
	}
	strace := testenv.Program(t, "strace", "strace")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, log := t.TempDir(), filepath.Join(t.TempDir(), "log")
	cmd := exec.Command(strace, "-f", "-y", "-o", log, "-e", "trace=fsync,linkat,renameat,renameat2", self, "-test.run=^TestMarkerIsOnTheDisk$")
	cmd.Env = append(os.Environ(), traced+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		testenv.Missing(t, "strace", fmt.Sprintf("needs the right to trace: %v\n%s", err, out))
	}
	calls, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	at := regexp.QuoteMeta(dir)
	order := regexp.MustCompile(`(?s)fsync\(\d+<` + at + `/[^>]+>.*(linkat|renameat2?)\([^\n]*vault\.json.*fsync\(\d+<` + at + `>`)
	if !order.Match(calls) {
		t.Errorf("the calls are not file, name, folder:\n%s", calls)
	}
}
