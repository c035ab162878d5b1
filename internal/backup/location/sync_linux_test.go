package location_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/testenv"
)

// traced is the environment variable with the folder that a traced process writes to.
const traced = "AUTH_TEST_TRACED_FOLDER"

// A power cut leaves either the old name or the whole new file only if the kernel is
// asked in this order: the file's bytes, the file's name, the folder's names.
func TestOrderOnTheDisk(t *testing.T) {
	t.Parallel()
	if path := os.Getenv(traced); path != "" {
		if err := parse(t, path, location.Options{}).Create(t.Context(), "a.age", []byte("x")); err != nil {
			t.Fatal(err)
		}
		return
	}
	strace := testenv.Program(t, "strace", "strace")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path, log := t.TempDir(), filepath.Join(t.TempDir(), "log")
	cmd := exec.Command(strace, "-f", "-y", "-o", log, "-e", "trace=fsync,renameat2", self, "-test.run=^TestOrderOnTheDisk$")
	cmd.Env = append(os.Environ(), traced+"="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		testenv.Missing(t, "strace", fmt.Sprintf("needs the right to trace: %v\n%s", err, out))
	}
	calls, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	dir := regexp.QuoteMeta(path)
	order := regexp.MustCompile(`(?s)fsync\(\d+<` + dir + `/\.~auth-[^>]*>.*renameat2\([^\n]*` + dir + `/a\.age", RENAME_NOREPLACE.*fsync\(\d+<` + dir + `>`)
	if !order.Match(calls) {
		t.Errorf("the calls are not file, name, folder:\n%s", calls)
	}
}
