//go:build unix

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/testenv"
)

// fakeRclone returns a device whose rclone is a shell script. The script can call the
// real one: REAL "$@".
func (d *device) fakeRclone(script string) *device {
	d.t.Helper()
	real := testenv.Program(d.t, "rclone", "rclone")
	bin := d.t.TempDir()
	text := "#!/bin/sh\nREAL=" + real + "\n" + script + "\n"
	testenv.Executable(d.t, filepath.Join(bin, "rclone"), text)
	return d.with("PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"))
}

// remote returns a device that backs up to a remote of a real rclone, and the folder
// behind it.
func remote(t *testing.T) (d *device, loc, folder string) {
	t.Helper()
	testenv.Program(t, "rclone", "rclone")
	folder = t.TempDir()
	d = newDevice(t, nil).withRemote("[cloud]\ntype = alias\nremote = " + folder + "\n")
	d.add("first")
	loc = "rclone:cloud:auth"
	d.enable(loc)
	return d, loc, filepath.Join(folder, "auth")
}

// withRemote gives a device an rclone configuration.
func (d *device) withRemote(config string) *device {
	d.t.Helper()
	return d.with("RCLONE_CONFIG=" + writeTemp(d.t, config))
}

// A remote fails in several ways: rclone is missing, fails, reports a network failure,
// never answers, or lies. The changes are made and no existing file is touched. Once the
// remote works again, everything is backed up.
func TestBadRemote(t *testing.T) {
	t.Parallel()
	d, loc, folder := remote(t)
	before := contents(t, folder)
	const silent = "sleep 600 & wait"
	lying := `case " $* " in *" cat "*) echo nonsense; exit 0;; esac; exec $REAL "$@"`
	for i, c := range []struct {
		d     *device
		words []string
	}{
		{d.with("PATH=" + t.TempDir()), []string{"rclone is not installed"}},
		{d.fakeRclone("echo '2026/01/02 03:04:05 Failed to lsjson: oauth2: token expired' >&2; exit 1"), []string{"rclone:", "token expired"}},
		{d.fakeRclone("echo 'Failed to lsjson: dial tcp: i/o timeout' >&2; exit 1"), []string{"does not answer"}},
		{d.fakeRclone("echo 'quota exceeded' >&2; exit 1"), []string{"no space is left"}},
		{d.fakeRclone("kill -9 $$"), []string{"rclone"}},
		{d.fakeRclone("echo not json"), []string{"not JSON"}},
		{d.fakeRclone(silent).with("TEST_PATIENCE=1s"), []string{"the location does not answer"}},
		{d.fakeRclone(lying), []string{"does not read back as it was written"}},
	} {
		label := fmt.Sprint("in bad times ", i)
		r := c.d.run(exampleSecret, "add", label, "--secret-file", "-")
		if r.code != 0 {
			t.Errorf("add: exit code %d", r.code)
		}
		r.says(t, append(c.words, "the backup is stale")...)
		c.d.right(label)
		c.d.stale(c.words...)
		if i < 7 {
			c.d.fails(9, c.words, "backup")
			c.d.fails(1, c.words, "sync")
		}
		if i == 6 {
			empty := newDevice(t, nil).with(c.d.env[len(d.env):]...)
			empty.fails(1, c.words, "restore", loc, "--passphrase-file", writeTemp(t, passphrase))
		}
	}
	if testenv.Long() { // the shipped program's thirty seconds
		d.fakeRclone(silent).fails(9, []string{"the location does not answer"}, "backup")
	}
	d.withRemote("[other]\ntype = local\n").fails(9, []string{"the location is not there"}, "backup")
	kept(t, folder, before)
	d.add("in better times")
	d.current()
	empty := newDevice(t, nil)
	empty.restore(0, folder)
	if got := len(empty.labels()); got != 10 {
		t.Errorf("%d accounts", got)
	}
}

// Connection strings can run commands. They are refused before anything runs.
func TestBadConnectionString(t *testing.T) {
	t.Parallel()
	ran := filepath.Join(t.TempDir(), "ran")
	d := newDevice(t, nil).fakeRclone("touch " + ran)
	d.add("first")
	for _, loc := range []string{
		"rclone::sftp,ssh='touch x':auth", "rclone:cloud,option=value:auth", "rclone:-v:auth", "rclone:cloud", "rclone::local:/tmp", "rclone:a b\n:x", "gdrive:auth",
	} {
		for _, args := range [][]string{{"backup", "enable"}, {"restore"}} {
			if args[0] == "restore" && loc == "gdrive:auth" {
				continue // could be a file
			}
			r := d.run(passphrase, append(args, loc, "--passphrase-file", "-")...)
			if r.code != 2 || !strings.Contains(r.stderr, "hint:") {
				t.Errorf("%s %q: exit code %d: %s", args, loc, r.code, r.stderr)
			}
		}
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("rclone was run")
	}
	if _, b := d.status(); b.On {
		t.Error("backup is on")
	}
}
