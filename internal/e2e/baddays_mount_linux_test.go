package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/authcli/auth/internal/testenv"
)

// These tests need their own file system: read-only, full, unmounted or hanging.

// mount mounts a file system for a test. The test is skipped if that is not allowed.
func mount(t *testing.T, dir string, args ...string) {
	t.Helper()
	if out, err := exec.Command("mount", append(args, dir)...).CombinedOutput(); err != nil {
		testenv.Missing(t, "mount", fmt.Sprintf("needs the right to mount a file system: %v: %s", err, out))
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// onDisk returns a device that backs up to a folder on a separate disk, and the two
// paths.
func onDisk(t *testing.T, size string) (d *device, loc, disk string) {
	t.Helper()
	disk = t.TempDir()
	mount(t, disk, "-t", "tmpfs", "-o", "size="+size, "tmpfs")
	d, loc = newDevice(t, nil), filepath.Join(disk, "cloud")
	d.add("first")
	d.enable(loc)
	return d, loc, disk
}

func TestBadFolderReadOnly(t *testing.T) {
	t.Parallel()
	d, loc, disk := onDisk(t, "1m")
	if out, err := exec.Command("mount", "-o", "remount,ro", disk).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	d.add("in bad times")
	d.stale("the location cannot be written to")
	d.fails(9, []string{"cannot be written to"}, "backup")
	// The backups can be read, also by a new machine, and backup stays on.
	empty := newDevice(t, nil)
	empty.restore(0, loc).says(t, "cannot be written to")
	empty.right("first")
	empty.stale("cannot be written to")
	if out, err := exec.Command("mount", "-o", "remount,rw", disk).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	empty.add("from the new machine")
	empty.current()
	d.catchesUp(loc)
}

func TestBadFolderFull(t *testing.T) {
	t.Parallel()
	d, loc, disk := onDisk(t, "64k")
	before := contents(t, loc)
	filler := filepath.Join(disk, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 1024))
	}
	f.Close()
	d.add("in bad times")
	d.stale("no space is left at the location")
	d.fails(9, []string{"no space is left"}, "backup")
	d.fails(9, []string{"no space is left"}, "sync")
	kept(t, loc, before)
	if hidden := files(t, loc, ".*"); len(hidden) > 0 || len(contents(t, loc)) != len(before) {
		t.Errorf("left behind: %q", files(t, loc, "*"))
	}
	remove(t, filler)
	d.catchesUp(loc)
}

// An unmounted disk leaves an empty folder. Every write there would succeed, but the
// files would never be uploaded.
func TestBadUnmounted(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	mount(t, disk, "-t", "tmpfs", "-o", "size=1m", "tmpfs")
	d := newDevice(t, nil)
	d.add("first")
	d.enable(disk)
	kept := t.TempDir()
	carry(t, disk, kept)
	if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	d.add("in bad times")
	d.stale("the location is empty")
	d.fails(9, []string{"the location is empty", "auth backup enable"}, "backup")
	newDevice(t, nil).restore(7, disk).says(t, "there are no backups there")
	if left := files(t, disk, "*"); len(left) > 0 {
		t.Errorf("on the wrong disk lie %q", left)
	}
	mount(t, disk, "-t", "tmpfs", "-o", "size=1m", "tmpfs")
	carry(t, kept, disk)
	d.catchesUp(disk)
	// If the folder was emptied for good, turning backup on again fills it.
	for _, name := range files(t, disk, "*") {
		remove(t, filepath.Join(disk, name))
	}
	d.must("", "backup", "enable", disk)
	d.catchesUpAgain(disk)
}

func (d *device) catchesUpAgain(loc string) {
	d.t.Helper()
	d.current()
	empty := newDevice(d.t, nil)
	empty.restore(0, loc)
	empty.right("in better times")
}

// A file system never answers. The change is made, its backup is given up at the
// deadline, and nothing hangs. The file system is a real FUSE without a server.
func TestBadFolderHangs(t *testing.T) {
	t.Parallel()
	fuse, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		testenv.Missing(t, "mount", "needs FUSE: "+err.Error())
	}
	d, loc := newLocation(t)
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d", fuse.Fd(), os.Getuid(), os.Getgid())
	if err := syscall.Mount("silent", loc, "fuse", 0, options); err != nil {
		fuse.Close()
		testenv.Missing(t, "mount", "needs the right to mount a file system: "+err.Error())
	}
	release := func() {
		_ = syscall.Unmount(loc, syscall.MNT_DETACH)
		_ = fuse.Close()
	}
	t.Cleanup(release)
	wait := "1s"
	if testenv.Long() {
		wait = "" // the shipped program's ten seconds
	}
	hurried := d.with("TEST_PATIENCE=" + wait)
	start := time.Now()
	hurried.run(exampleSecret, "add", "in bad times", "--secret-file", "-").says(t, "the location does not answer")
	// The deadline is part of the promise. The extra time is for a busy machine.
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("the change took %s", took)
	}
	hurried.right("in bad times")
	hurried.stale("does not answer")
	hurried.fails(9, []string{"does not answer"}, "backup")
	if !testenv.Long() {
		hurried.fails(1, []string{"does not answer"}, "sync")
		newDevice(t, nil).with("TEST_PATIENCE=1s").fails(1, []string{"does not answer"}, "restore", loc, "--passphrase-file", writeTemp(t, passphrase))
	}
	release()
	d.catchesUp(loc)
}
