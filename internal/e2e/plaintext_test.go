package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/authcli/auth/internal/testenv"
)

// endings are the signals that end a process: from a person, from the system, from a
// closed window, and without warning.
var endings = []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGKILL}

// Commands that write secrets in plain text leave either the complete file or nothing,
// whenever they are ended.
func TestPlaintextIsWholeOrNotThere(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere a process that is killed leaves what it was writing")
	}
	times := testenv.Times(t, "each of three commands that write secrets in plain text is ended", 12, 250)
	d := newDevice(t, nil)
	d.env = append(d.env, "TEST_NOW=2026-01-02T03:04:05Z") // a sheet has the date of its day
	d.add("secret")
	d.must(passphrase, "backup", "enable", filepath.Join(t.TempDir(), "cloud"), "--passphrase-file", "-")
	chance := testenv.Rand(t)
	for _, args := range [][]string{
		{"export", "--format", "otpauth", "--plaintext", "--to"},
		{"show", "secret", "--to"},
		{"backup", "key", "--sheet"},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "out")
		began := time.Now()
		d.must("", append(args, file)...)
		took := time.Since(began)
		want := filesIn(t, dir)
		if len(want) == 0 {
			t.Fatalf("%s writes nothing", args[0])
		}
		for n := range times {
			for name := range want {
				os.Remove(filepath.Join(dir, name))
			}
			cmd := d.command(append(args, file)...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			at := time.Duration(chance.Int64N(int64(took)))
			if n%2 == 0 { // the first hundredth of a second, and what is most of the time: the end
				at = min(took, 10*time.Millisecond) * time.Duration(n) / time.Duration(times)
			}
			time.Sleep(at)
			how := endings[n%len(endings)]
			_ = cmd.Process.Signal(how)
			_ = cmd.Wait()
			for name, got := range filesIn(t, dir) {
				if got != want[name] {
					t.Errorf("%s, %v after %v: %s holds %d bytes", args[0], how, at, name, len(got))
				}
			}
		}
	}
}

// filesIn returns the files of a folder.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir+"/")] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// While another program converts a PDF or a photograph of QR codes, its images are never
// on the disk, however auth ends. The other program ends too.
func TestDocumentsStayOffTheDisk(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere programs take files only")
	}
	testenv.Program(t, "ps", "procps")
	bin, work := t.TempDir(), t.TempDir()
	for file, data := range map[string]string{"in.pdf": "%PDF-1.7 secret", "in.heic": "\x00\x00\x00\x18ftypheic secret"} {
		if err := os.WriteFile(filepath.Join(work, file), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The converter writes one page in the way that it is asked to, and takes long for
	// the next.
	script := "#!/bin/sh\nfor LAST; do :; done\n[ \"$LAST\" = - ] && LAST=/dev/stdout\nprintf secret >\"$LAST\"\nsleep 600 &\necho $$ $! >$STARTED\nwait\n"
	for _, name := range []string{"pdftoppm", "heif-convert"} {
		testenv.Executable(t, filepath.Join(bin, name), script)
	}
	for _, file := range []string{"in.pdf", "in.heic"} {
		for _, how := range endings {
			if signal.Ignored(how) { // as below nohup: auth ignores it too
				continue
			}
			for _, command := range []string{"scan", "import"} {
				tmp, started := t.TempDir(), filepath.Join(t.TempDir(), "started")
				d := newDevice(t, nil)
				d.env = append(d.env, "TMPDIR="+tmp, "STARTED="+started, "PATH="+bin+":"+os.Getenv("PATH"))
				cmd := d.command(command, filepath.Join(work, file))
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				pids := waitForFile(t, started)
				_ = cmd.Process.Signal(how)
				_ = cmd.Wait()
				if left := filesIn(t, tmp); len(left) > 0 {
					t.Errorf("%s %s, %v: left %q", command, file, how, left)
				}
				if left, _ := os.ReadDir(tmp); how != syscall.SIGKILL && len(left) > 0 {
					t.Errorf("%s %s, %v: left %v", command, file, how, left)
				}
				if how != syscall.SIGKILL && cmd.ProcessState.ExitCode() != 130 {
					t.Errorf("%s %s, %v: exit code %d", command, file, how, cmd.ProcessState.ExitCode())
				}
				converter, _, _ := strings.Cut(pids, " ")
				for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
					state, err := exec.Command("ps", "-o", "stat=", "-p", converter).Output()
					if err != nil || bytes.HasPrefix(state, []byte("Z")) {
						break
					}
					if time.Now().After(deadline) {
						t.Fatalf("%s %s, %v: the converter goes on", command, file, how)
					}
				}
			}
		}
	}
}

// waitForFile waits for a file and returns the line in it.
func waitForFile(t *testing.T, path string) string {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if data, err := os.ReadFile(path); err == nil && bytes.HasSuffix(data, []byte("\n")) {
			return strings.TrimSpace(string(data))
		}
	}
	t.Fatalf("%s did not come", path)
	return ""
}
