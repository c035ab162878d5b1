//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// These tests are about failures of the location. The change is always made and succeeds.
// The backup is stale with a reason, and catches up later.

// stands checks that a change succeeds although its backup fails, that status gives the
// reason, that backup exits with 9, and that restore and sync exit with 1.
func (d *device) stands(loc string, words ...string) {
	d.t.Helper()
	r := d.run(exampleSecret, "add", "in bad times", "--secret-file", "-")
	if r.code != 0 {
		d.t.Errorf("add: exit code %d: %s", r.code, r.stderr)
	}
	r.says(d.t, append(words, "the backup is stale")...)
	d.right("in bad times")
	d.stale(words...)
	d.fails(9, append(words, "the backup could not be made"), "backup")
	d.fails(1, words, "sync")
	newDevice(d.t, nil).with(d.patience()).fails(1, nil, "restore", loc, "--passphrase-file", writeTemp(d.t, passphrase))
}

// patience is the location timeout in this device's environment.
func (d *device) patience() string {
	for _, pair := range d.env {
		if strings.HasPrefix(pair, "TEST_PATIENCE=") {
			return pair
		}
	}
	return "TEST_PATIENCE="
}

// catchesUp checks that the next change backs up everything.
func (d *device) catchesUp(loc string) {
	d.t.Helper()
	d.add("in better times")
	d.current()
	empty := newDevice(d.t, nil)
	empty.restore(0, loc)
	empty.right("in bad times")
	empty.right("in better times")
}

func TestBadFolderGone(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	away := loc + ".away"
	if err := os.Rename(loc, away); err != nil {
		t.Fatal(err)
	}
	d.stands(loc, loc, "the location is not there")
	if _, err := os.Stat(loc); err == nil {
		t.Error("a folder was made in its place, which nobody carries away")
	}
	if err := os.Rename(away, loc); err != nil {
		t.Fatal(err)
	}
	d.catchesUp(loc)
}

func TestBadFileInItsPlace(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	away := loc + ".away"
	if err := os.Rename(loc, away); err != nil {
		t.Fatal(err)
	}
	write(t, loc, []byte("a file"))
	r := d.run(exampleSecret, "add", "in bad times", "--secret-file", "-")
	if r.code != 0 {
		t.Errorf("add: exit code %d", r.code)
	}
	r.says(t, "the location is not a folder")
	d.stale("not a folder")
	d.fails(9, []string{"not a folder"}, "backup")
	d.fails(1, []string{"not a folder"}, "sync")
	if got := string(read(t, loc)); got != "a file" {
		t.Errorf("the file is now %q", got)
	}
	remove(t, loc)
	if err := os.Rename(away, loc); err != nil {
		t.Fatal(err)
	}
	d.catchesUp(loc)
}

// A FIFO, a socket or a folder among the files is ignored and does not block.
func TestBadFifo(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	if err := syscall.Mkfifo(filepath.Join(loc, "fifo.age"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(loc, "recovery-0123456789abcdef-01234567.age"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.add("second")
	d.current()
	d.must("", "sync")
	empty := newDevice(t, nil)
	empty.restore(0, loc)
	empty.right("second")
	whole := newest(t, loc)
	remove(t, filepath.Join(loc, sealedKeys(t, loc)[1]))
	if err := syscall.Mkfifo(filepath.Join(loc, filepath.Base(whole)+".fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	newDevice(t, nil).fails(1, []string{"is not a file"}, "restore", filepath.Join(loc, "fifo.age"), "--passphrase-file", writeTemp(t, passphrase))
}
