package location_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/authcli/auth/internal/backup/location"
)

// traced names, in the environment, the folder that a traced process writes to.
const traced = "AUTH_TEST_TRACED_FOLDER"

// After a power cut there is the old name or the whole new file only if the
// kernel was asked in this order: the file's bytes, its name, the folder's names.
func TestOrderOnTheDisk(t *testing.T) {
	t.Parallel()
	if path := os.Getenv(traced); path != "" {
		if err := parse(t, path, location.Options{}).Create(t.Context(), "a.age", []byte("x")); err != nil {
			t.Fatal(err)
		}
		return
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		if required("strace") {
			t.Fatal("strace is required and not there: install the Debian package strace")
		}
		t.Skip("needs the Debian package strace")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path, log := t.TempDir(), filepath.Join(t.TempDir(), "log")
	cmd := exec.Command(strace, "-f", "-y", "-o", log, "-e", "trace=fsync,renameat2", self, "-test.run=^TestOrderOnTheDisk$")
	cmd.Env = append(os.Environ(), traced+"="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		if required("strace") {
			t.Fatalf("strace is required and does not trace: %v\n%s", err, out)
		}
		t.Skipf("strace may not trace here: %v\n%s", err, out)
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
