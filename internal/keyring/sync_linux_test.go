package keyring_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/testenv"
)

// traced is the environment variable with the folder that a traced process writes to.
const traced = "AUTH_TEST_TRACED_FOLDER"

// A power cut leaves the old keyring or the new one only if the kernel is asked in this
// order: a file's bytes, its name, the folder's names. Of a new passphrase the items, which
// open with either key, are on the disk before the key is.
func TestFilesAreOnTheDisk(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(traced); dir != "" {
		k := file(dir, says(""))
		if err := errors.Join(k.Create(t.Context(), ""), keyring.Put(t.Context(), k, "head", "x"), k.SetPassphrase(t.Context(), "new")); err != nil {
			t.Fatal(err)
		}
		return
	}
	strace := testenv.Program(t, "strace", "strace")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, log := t.TempDir(), filepath.Join(t.TempDir(), "log")
	cmd := exec.Command(strace, "-f", "-y", "-o", log, "-e", "trace=fsync,linkat,renameat,renameat2", self, "-test.run=^TestFilesAreOnTheDisk$")
	cmd.Env = append(os.Environ(), traced+"="+dir, programVar+"=test")
	if out, err := cmd.CombinedOutput(); err != nil {
		testenv.Missing(t, "strace", fmt.Sprintf("needs the right to trace: %v\n%s", err, out))
	}
	calls, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	at := regexp.QuoteMeta(dir)
	written := func(name string) string {
		return `fsync\(\d+<` + at + `/[^>]+>.*(linkat|renameat2?)\([^\n]*keyring\.` + name + `".*fsync\(\d+<` + at + `>.*`
	}
	// Create, Put, and the three steps of SetPassphrase.
	if order := regexp.MustCompile(`(?s)` + written("key") + written("age") + written("age") + written("key") + written("age")); !order.Match(calls) {
		t.Errorf("the calls are not file, name, folder, for each file:\n%s", calls)
	}
}
