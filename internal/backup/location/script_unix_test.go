//go:build unix

package location_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/testenv"
)

// script returns a remote whose rclone is a shell script, and the folder that it runs in.
func script(t *testing.T, text string) (location.Location, string) {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "rclone")
	testenv.Executable(t, program, "#!/bin/sh\n"+text)
	return parse(t, "rclone:gdrive:-auth", location.Options{
		Temp:     t.TempDir(),
		LookPath: func(string) (string, error) { return program, nil },
		Env:      []string{"PATH=/usr/bin:/bin", "DIR=" + dir},
	}), dir
}

// An rclone that never answers is killed together with its children, such as the ssh of a
// remote, even if a child keeps the output open.
func TestHangingRclone(t *testing.T) {
	t.Parallel()
	l, dir := script(t, "sleep 1000 & echo $! >>$DIR/children\nwait\n")
	fails(t, l, location.ErrTimeout)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	file := filepath.Join(dir, "children")
	seen := func() int { data, _ := os.ReadFile(file); return strings.Count(string(data), "\n") }
	before := seen()
	go func() { // when it has a child
		for seen() == before && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	if _, err := l.List(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("List, interrupted: %v, want context.Canceled", err)
	}
	children, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for child := range strings.FieldsSeq(string(children)) {
		pid, err := strconv.Atoi(child)
		if err != nil {
			t.Fatal(err)
		}
		for tries := 0; syscall.Kill(pid, 0) == nil && !isZombie(pid); tries++ {
			if tries == 100 {
				t.Errorf("%d still runs", pid)
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// isZombie reports whether a process has ended and was not waited for.
func isZombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// Every argument is passed separately and names come after --. rclone has no input, no
// terminal, and only the given environment.
func TestHowRcloneIsRun(t *testing.T) {
	t.Setenv("AUTH_SECRET_OF_OURS", "x")
	l, dir := script(t, `for a; do printf '%s\n' "$a" >>$DIR/args; done; echo . >>$DIR/args
cat >>$DIR/stdin
env >>$DIR/env
(: </dev/tty) 2>/dev/null && echo terminal >>$DIR/terminal
case $1 in lsjson) echo '[{"Name":"--x $(touch y).age","Size":3}]';; cat) printf abc;; esac
`)
	name := "--x $(touch y).age"
	if data, err := l.Read(t.Context(), name); string(data) != "abc" {
		t.Errorf("Read: %q, %v", data, err)
	}
	if err := l.Remove(t.Context(), name); err != nil {
		t.Errorf("Remove: %v", err)
	}
	if err := l.Replace(t.Context(), name, []byte("abc")); err != nil {
		t.Errorf("Replace: %v", err)
	}
	if err := location.Prepare(t.Context(), l); err == nil {
		t.Error("Prepare takes a list for one item")
	}
	read := func(file string) string { data, _ := os.ReadFile(filepath.Join(dir, file)); return string(data) }
	commands := strings.Split(strings.TrimSuffix(read("args"), "\n.\n"), "\n.\n")
	if len(commands) != 7 {
		t.Errorf("it ran %d times, want 7:\n%q", len(commands), commands)
	}
	for _, command := range commands {
		args := strings.Split(command, "\n")
		end := slices.Index(args, "--")
		if end < 0 || !slices.Contains(args[:end], "--ask-password=false") {
			t.Errorf("no end of flags, or it may ask: %q", args)
		}
		for _, arg := range args[end+1:] {
			if !strings.HasPrefix(arg, "gdrive:-auth") && !filepath.IsAbs(arg) {
				t.Errorf("%q is neither on the remote nor a file of ours: %q", arg, args)
			}
		}
	}
	if !slices.Contains(strings.Split(commands[0], "\n"), "gdrive:-auth/"+name) {
		t.Errorf("the name is not one argument: %q", commands[0])
	}
	if read("stdin") != "" || read("terminal") != "" {
		t.Error("it has something to read, or a terminal")
	}
	if env := read("env"); strings.Contains(env, "AUTH_SECRET_OF_OURS") || !strings.Contains(env, "DIR="+dir) {
		t.Errorf("its environment is\n%s", env)
	}
}

func TestFailingRclone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want error
		code int
	}{
		"usage":            {"echo Usage: >&2; exit 1", nil, 1},
		"usage since 1.69": {"echo Usage: >&2; exit 2", nil, 2},
		"says nothing":     {"exit 7", nil, 7},
		"is killed":        {"kill -9 $$", nil, -1},
		"full":             {"echo 'Failed to copyto: write /x: no space left on device' >&2; exit 1", location.ErrFull, 1},
		"over quota":       {"echo 'googleapi: Error 403: quota exceeded, storageQuotaExceeded' >&2; exit 1", location.ErrFull, 1},
		"read-only":        {"[ $1 != lsjson ] || { echo '[]'; exit; }; echo 'open /x: read-only file system' >&2; exit 1", location.ErrReadOnly, 1},
		"may not be read":  {"echo 'permission denied' >&2; exit 1", nil, 1},
		"times out":        {"echo 'dial tcp 192.0.2.1:443: i/o timeout' >&2; exit 1", location.ErrTimeout, 1},
		"folder not found": {"echo 'directory not found' >&2; exit 3", location.ErrGone, 3},
		"floods stderr":    {"head -c 9000000 /dev/zero >&2; echo >&2; echo the end >&2; exit 1", nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, _ := script(t, c.text+"\n")
			err := onList(t, l)
			if err == nil {
				err = l.Create(t.Context(), "a.age", []byte("x"))
			}
			failed, ok := errors.AsType[*location.RcloneError](err)
			if !ok || failed.Code != c.code || len(failed.Message) > 300 {
				t.Errorf("List: %v, want an *RcloneError with code %d", err, c.code)
			}
			if c.want != nil && !errors.Is(err, c.want) || c.want == nil && errors.Is(err, location.ErrReadOnly) {
				t.Errorf("List: %v, want %v", err, c.want)
			}
			if err := l.Create(t.Context(), "a.age", []byte("x")); err == nil {
				t.Error("Create: no error")
			}
		})
	}
}

// The program called rclone is another program.
func TestOtherProgram(t *testing.T) {
	t.Parallel()
	l, _ := script(t, "echo hello\n")
	if err := onList(t, l); err == nil {
		t.Error("List: no error")
	}
	if err := l.Create(t.Context(), "a.age", []byte("x")); err == nil {
		t.Error("Create: no error")
	}
}

// A store that sends without end is cut off, and its output is not kept.
func TestFloodingRclone(t *testing.T) {
	t.Parallel()
	l, _ := script(t, "exec cat /dev/zero\n")
	if _, err := l.Read(t.Context(), "a.age"); !errors.Is(err, location.ErrTooBig) {
		t.Errorf("Read: %v, want ErrTooBig", err)
	}
}

// Every step reports success, but the store has different content, or none: that is not
// taken for a file of another writer.
func TestLyingRclone(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string]string{
		"other content": "cat) printf abd;; deletefile) exit 1;;",
		"no file":       "cat) exit 3;;",
		"an empty file": "cat) ;;",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, _ := script(t, "case $1 in lsjson) echo '[]';; "+steps+" esac\n")
			if err := l.Create(t.Context(), "a.age", []byte("abc")); !errors.Is(err, location.ErrReadBack) {
				t.Errorf("Create: %v, want ErrReadBack", err)
			}
		})
	}
}
