package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/authcli/auth/internal/testenv"
)

// withSystemd runs the test again as a process in a mount namespace of its own, where a systemd for users believes that the
// system was booted by systemd. It reports whether this is that process.
func withSystemd(t *testing.T) bool {
	t.Helper()
	const inside = "AUTH_TEST_SYSTEMD_NAMESPACE"
	if os.Getenv(inside) != "" {
		return true
	}
	testenv.Program(t, "unshare", "util-linux")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const enter = `mount -t tmpfs auth-test /run && mkdir -p /run/systemd/system || exit 77; exec "$@"`
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", enter, "sh",
		self, "-test.run=^"+t.Name()+"$", "-test.timeout=5m", "-test.v")
	cmd.Env = append(os.Environ(), inside+"=1")
	out, err := cmd.CombinedOutput()
	switch {
	case strings.Contains(string(out), "--- SKIP"):
		testenv.Missing(t, "systemd-user", "a systemd for users does not start here:\n"+string(out))
	case !strings.Contains(string(out), "=== RUN"):
		testenv.Missing(t, "systemd-user", fmt.Sprintf("needs the right to mount: %v\n%s", err, out))
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// userSystemd starts a systemd for users, and returns the environment of its session. It ends with the test.
func userSystemd(t *testing.T) []string {
	t.Helper()
	program := "/lib/systemd/systemd"
	if _, err := os.Stat(program); err != nil {
		t.Skip("needs the Debian package systemd")
	}
	run, err := os.MkdirTemp("", "run") //nolint:usetesting // A path with the name of the test is too long for a socket.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(run) })
	// Nothing of the tests' own environment: it is what a sync has to do without.
	env := []string{"HOME=" + t.TempDir(), "XDG_RUNTIME_DIR=" + run, "PATH=/usr/bin:/bin", "LANG=C.UTF-8"}
	// What a timer waits for at first, and until a convenient moment, is left out.
	folder := filepath.Join(strings.TrimPrefix(env[0], "HOME="), ".config", "systemd", "user", "timer.d")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "now.conf"), []byte("[Timer]\nOnActiveSec=0\nAccuracySec=1ms\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	systemd := exec.Command(program, "--user", "--log-target=console")
	systemd.Env, systemd.Stdout, systemd.Stderr = env, &said, &said
	systemd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	systemd.WaitDelay = time.Second
	if err := systemd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- systemd.Wait() }()
	t.Cleanup(func() {
		_ = systemctl(env, "exit").Run() // which ends its services too
		select {
		case <-ended:
		case <-time.After(2 * time.Minute):
			_ = systemd.Process.Kill()
		}
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-ended:
			t.Skipf("systemd --user ended: %v\n%s", err, said.String())
		default:
		}
		out, _ := systemctl(env, "is-system-running").Output()
		if state := strings.TrimSpace(string(out)); state == "running" || state == "degraded" {
			return env
		}
		if time.Now().After(deadline) {
			t.Fatal("systemd --user does not come up")
		}
	}
}

func systemctl(env []string, args ...string) *exec.Cmd {
	cmd := exec.Command("systemctl", append([]string{"--user"}, args...)...)
	cmd.Env = env
	return cmd
}

// TestScheduledSyncOfSystemd installs the timer on a real systemd: it syncs, does not what would be asked about, and is
// gone afterwards. Program, profile and location have names with everything that units, shells and systemd give a meaning.
func TestScheduledSyncOfSystemd(t *testing.T) {
	if !withSystemd(t) {
		return
	}
	session := userSystemd(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	programs := filepath.Join(t.TempDir(), "my tools 100%n $HOME")
	if err := os.Mkdir(programs, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(exe, filepath.Join(programs, "auth")); err != nil {
		t.Fatal(err)
	}

	cloud := filepath.Join(t.TempDir(), "cloud")
	laptop := newDevice(t, nil)
	for _, label := range []string{"one", "two", "three"} {
		laptop.add(label)
	}
	laptop.enable(cloud)
	desk := newDevice(t, nil)
	desk.home = filepath.Join(t.TempDir(), `it's a "profile" 50% of $HOME \`)
	desk.env = append(slices.Concat(desk.env, session), "AUTH_HOME="+desk.home, "PATH="+programs+":/usr/bin:/bin")
	desk.restore(0, cloud)

	desk.must("", "sync", "--every", "1h", "--install")
	units, err := filepath.Glob(filepath.Join(strings.TrimPrefix(session[0], "HOME="), ".config", "systemd", "user", "auth-*-sync.*"))
	if err != nil || len(units) != 2 {
		t.Fatalf("units %q, %v", units, err)
	}
	service := filepath.Base(units[0])
	timer := strings.TrimSuffix(service, "service") + "timer"
	status := func() (s struct {
		On                   bool
		Every, Failed, Tried string
		Last                 string
	},
	) {
		t.Helper()
		var all struct{ Sync json.RawMessage }
		if err := json.Unmarshal([]byte(desk.run("", "status", "--json").stdout), &all); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(all.Sync, &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	// The timer itself runs the first one.
	for deadline := time.Now().Add(2 * time.Minute); status().Last == ""; time.Sleep(50 * time.Millisecond) {
		if s := status(); time.Now().After(deadline) || s.Failed != "" {
			out, _ := systemctl(session, "status", timer, service).CombinedOutput()
			t.Fatalf("no sync went well: %+v\n%s", s, out)
		}
	}
	property := func(name string) string {
		t.Helper()
		out, err := systemctl(session, "show", "-P", name, timer).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	if next := property("TimersMonotonic"); !strings.Contains(next, "OnUnitActiveUSec=1h ;") {
		t.Errorf("the timer is %s", next)
	}

	// Further ones are started by hand, since an hour is long. The command returns when the sync has ended.
	sync := func() error { return systemctl(session, "start", service).Run() }
	laptop.add("four")
	if err := sync(); err != nil {
		out, _ := systemctl(session, "status", service).CombinedOutput()
		t.Fatalf("%v: %+v\n%s", err, status(), out)
	}
	if !slices.Contains(desk.labels(), "four") {
		t.Errorf("what the laptop added has not come: %q", desk.labels())
	}

	// What sync would ask about.
	for _, label := range []string{"one", "two"} {
		laptop.must("", "remove", label, "--yes")
	}
	before := desk.must("", "list", "--json")
	var exit *exec.ExitError
	if err := sync(); !errors.As(err, &exit) {
		t.Errorf("a merge that would be asked about: %v", err)
	}
	if now := desk.must("", "list", "--json"); now != before {
		t.Errorf("it was merged:\n%s", now)
	}
	if s := status(); !strings.Contains(s.Failed, "would remove 2 accounts of 4") {
		t.Errorf("status says %+v", s)
	}
	desk.must("", "sync", "--yes")
	if s := status(); s.Failed != "" {
		t.Errorf("after a sync by hand status says %+v", s)
	}

	// Another interval, a program that has moved, and nothing left in the end.
	desk.must("", "sync", "--every", "2h", "--install")
	if next := property("TimersMonotonic"); !strings.Contains(next, "OnUnitActiveUSec=2h ;") {
		t.Errorf("the timer is %s", next)
	}
	if err := os.Rename(programs, programs+" moved"); err != nil {
		t.Fatal(err)
	}
	if r := desk.run("", "status"); r.code != 9 || !strings.Contains(r.stdout, "is not there any more") {
		t.Errorf("a program that has moved: exit code %d\n%s", r.code, r.stdout)
	}
	desk.must("", "sync", "--uninstall")
	if out, err := systemctl(session, "list-timers", "--all").Output(); err != nil || strings.Contains(string(out), "auth-") {
		t.Errorf("%v: there is still\n%s", err, out)
	}
	left := 0
	err = filepath.WalkDir(strings.TrimPrefix(session[0], "HOME="), func(path string, entry os.DirEntry, err error) error {
		if err == nil && strings.Contains(entry.Name(), "auth") {
			left++
			t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
