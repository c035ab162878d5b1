package location_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/testenv"
)

// namespaced is set in the environment of a test process that may mount file systems.
const namespaced = "AUTH_TEST_MOUNT_NAMESPACE"

// mounting runs the test again as a process in its own mount namespace, where it is root.
// It reports whether this is that process. The mounts are private to it and end with it.
func mounting(t *testing.T) bool {
	t.Helper()
	if os.Getenv(namespaced) != "" {
		return true
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), namespaced+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		t.Errorf("in a namespace of its own:\n%s", out)
	case err != nil:
		testenv.Missing(t, "mount", "needs user namespaces to mount in: "+err.Error())
	}
	return false
}

// tmpfs mounts a new file system and returns its path.
func tmpfs(t *testing.T, options string) string {
	t.Helper()
	path := t.TempDir()
	if err := unix.Mount("auth-test", path, "tmpfs", 0, options); err != nil {
		t.Fatal("mount a tmpfs: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(path, unix.MNT_DETACH) })
	return path
}

func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	if !mounting(t) {
		return
	}
	path := tmpfs(t, "")
	put(t, filepath.Join(path, "a.age"), "kept")
	if err := unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	l := parse(t, path, location.Options{})
	if data, err := l.Read(t.Context(), "a.age"); string(data) != "kept" {
		t.Errorf("Read: %q, %v", data, err)
	}
	for what, err := range map[string]error{
		"Create":  l.Create(t.Context(), "b.age", []byte("x")),
		"Replace": l.Replace(t.Context(), "a.age", []byte("x")),
		"Remove":  l.Remove(t.Context(), "a.age"),
		"Prepare": location.Prepare(t.Context(), parse(t, filepath.Join(path, "sub"), location.Options{})),
	} {
		if !errors.Is(err, location.ErrReadOnly) {
			t.Errorf("%s: %v, want ErrReadOnly", what, err)
		}
	}
}

func TestFullFolder(t *testing.T) {
	t.Parallel()
	if !mounting(t) {
		return
	}
	path := tmpfs(t, "size=1m")
	l := parse(t, path, location.Options{})
	if err := l.Replace(t.Context(), "a.age", make([]byte, 600<<10)); err != nil {
		t.Fatal(err)
	}
	if err := l.Create(t.Context(), "b.age", make([]byte, 600<<10)); !errors.Is(err, location.ErrFull) {
		t.Errorf("Create: %v, want ErrFull", err)
	}
	// There is room for either the new file or the old one, but not for both. The old one
	// stays.
	if err := l.Replace(t.Context(), "a.age", []byte("")); err != nil {
		t.Errorf("Replace by a smaller one: %v", err)
	}
	if left, _ := os.ReadDir(path); len(left) != 1 {
		t.Errorf("the folder holds %v, want a.age alone", left)
	}
}

// rclone meets the same failures, and reports them only in its message.
func TestRemoteOnAFullOrReadOnlyDisk(t *testing.T) {
	t.Parallel()
	if !mounting(t) {
		return
	}
	o := newRclone(t).options(t)
	full := parse(t, "rclone:disk:"+tmpfs(t, "size=1m"), o)
	if err := full.Create(t.Context(), "a.age", make([]byte, 2<<20)); !errors.Is(err, location.ErrFull) {
		t.Errorf("Create on a full disk: %v, want ErrFull", err)
	}
	if names := namesIn(t, full); len(names) != 0 {
		t.Errorf("the full disk holds %q", names)
	}
	path := tmpfs(t, "")
	if err := unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if err := parse(t, "rclone:disk:"+path, o).Create(t.Context(), "a.age", []byte("x")); !errors.Is(err, location.ErrReadOnly) {
		t.Errorf("Create on a read-only disk: %v, want ErrReadOnly", err)
	}
}

// The folder is a mount point. Without its disk it still exists, is empty, and accepts
// files that are never uploaded.
func TestUnmountedHalfWay(t *testing.T) {
	t.Parallel()
	if !mounting(t) {
		return
	}
	path := tmpfs(t, "")
	l := location.FolderWith(parse(t, path, location.Options{}), func(string, string) error {
		if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
		return os.WriteFile(filepath.Join(path, "a.age"), []byte("x"), 0o600) // A rename that succeeds there.
	}, func(error) bool { return false })
	if err := l.Create(t.Context(), "a.age", []byte("x")); !errors.Is(err, location.ErrGone) {
		t.Errorf("Create: %v, want ErrGone", err)
	}
}

// A stopped FUSE process does not answer even a stat. A dead one returns an error.
func TestStoppedFUSE(t *testing.T) {
	t.Parallel()
	if !mounting(t) {
		return
	}
	device, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		testenv.Missing(t, "mount", "needs /dev/fuse: "+err.Error())
	}
	path := t.TempDir()
	if err := unix.Mount("auth-test", path, "fuse.stopped", unix.MS_NOSUID|unix.MS_NODEV, fuseOptions(device)); err != nil {
		t.Fatal("mount a FUSE: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(path, unix.MNT_DETACH) })
	l := parse(t, path, location.Options{})
	fails(t, l, location.ErrTimeout)
	fails(t, parse(t, filepath.Join(path, "auth"), location.Options{}), location.ErrTimeout)

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	waiting := make(chan error, 1)
	go func() { _, err := l.List(ctx); waiting <- err }()
	if err := unix.Close(device); err != nil { // What waits in the kernel is let go.
		t.Fatal(err)
	}
	if err := <-waiting; !errors.Is(err, location.ErrGone) {
		t.Errorf("List while the FUSE dies: %v, want ErrGone", err)
	}
	fails(t, l, location.ErrGone)
}

// fuseOptions mount a file system whose requests nobody answers.
func fuseOptions(device int) string {
	return "fd=" + strconv.Itoa(device) + ",rootmode=40000,user_id=0,group_id=0"
}
