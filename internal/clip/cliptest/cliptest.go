// Package cliptest starts displays of their own for tests: Wayland without a screen
// (sway), and X11 (Xvfb). Real programs for the clipboard and the screen work there.
package cliptest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/testenv"
)

// A Display is one that is running.
type Display struct {
	Env []string // what its programs need

	t      testing.TB
	screen string // the framebuffer of Xvfb
}

// The size of the display in pixels.
const width, height = 1280, 800

// patience is how long a display may take to start.
const patience = 2 * time.Minute

// Without returns an environment without the variables that name a display or a session.
func Without(env []string) []string {
	var kept []string
	for _, pair := range env {
		switch name, _, _ := strings.Cut(pair, "="); name {
		case "DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE", "XDG_RUNTIME_DIR", "SWAYSOCK", "SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT", "TMUX",
			"TMUX_PANE", "STY", "WSL_DISTRO_NAME", "WSL_INTEROP", "XDG_CURRENT_DESKTOP", "DBUS_SESSION_BUS_ADDRESS":
		default:
			kept = append(kept, pair)
		}
	}
	return kept
}

// Wayland starts sway. picture is the path of one that it shows, or empty. Where sway is not
// installed the test is skipped, or fails if AUTH_TEST_REQUIRE lists "sway".
func Wayland(t testing.TB, picture string) *Display {
	t.Helper()
	sway := testenv.Program(t, "sway", "sway")
	dir := TempDir(t)
	run := filepath.Join(dir, "run")
	config := "output HEADLESS-1 resolution 1280x800\n"
	if picture != "" {
		testenv.Program(t, "swaybg", "swaybg")
		config += "output HEADLESS-1 bg " + picture + " center #ffffff\n"
	}
	must(t, os.Mkdir(run, 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o644))
	cmd := exec.Command(sway, "-c", filepath.Join(dir, "config"))
	cmd.Env = append(Without(os.Environ()), "HOME="+run, "XDG_RUNTIME_DIR="+run, "WLR_BACKENDS=headless", "WLR_LIBINPUT_NO_DEVICES=1", "WLR_RENDERER=pixman")
	if os.Getuid() == 0 {
		must(t, os.Chown(run, nobody, nobody))
		asNobody(cmd)
	}
	ended := start(t, cmd)
	var socket string
	until(t, "sway has a socket", ended, func() bool {
		found, err := filepath.Glob(filepath.Join(run, "wayland-*"))
		for _, path := range found {
			if !strings.HasSuffix(path, ".lock") {
				socket = filepath.Base(path)
			}
		}
		return err == nil && socket != ""
	})
	return &Display{t: t, Env: []string{"XDG_RUNTIME_DIR=" + run, "WAYLAND_DISPLAY=" + socket, "XDG_SESSION_TYPE=wayland"}}
}

// X11 starts Xvfb. Where it is not installed the test is skipped, or fails if
// AUTH_TEST_REQUIRE lists "Xvfb".
func X11(t testing.TB) *Display {
	t.Helper()
	xvfb := testenv.Program(t, "Xvfb", "xvfb")
	dir := TempDir(t)
	number := filepath.Join(dir, "display")
	file, err := os.Create(number)
	must(t, err)
	defer file.Close()
	cmd := exec.Command(xvfb, "-displayfd", "3", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset", "-fbdir", dir)
	cmd.ExtraFiles = []*os.File{file}
	cmd.Env = Without(os.Environ())
	ended := start(t, cmd)
	var display string
	until(t, "Xvfb has a display", ended, func() bool {
		text, err := os.ReadFile(number)
		display = strings.TrimSpace(string(text))
		return err == nil && strings.HasSuffix(string(text), "\n")
	})
	return &Display{t: t, Env: []string{"DISPLAY=:" + display, "XDG_SESSION_TYPE=x11"}, screen: filepath.Join(dir, "Xvfb_screen0")}
}

// Show draws a picture on the screen of an X11 display, in its framebuffer: a header, whose
// length comes first, a table of colours, and four bytes a pixel.
//
// Source: Xvfb(1), -fbdir; X11/XWDFile.h.
func (d *Display) Show(picture image.Image) {
	d.t.Helper()
	f, err := os.OpenFile(d.screen, os.O_RDWR, 0)
	must(d.t, err)
	defer f.Close()
	var header [100]byte
	_, err = io.ReadFull(f, header[:])
	must(d.t, err)
	start := int64(binary.BigEndian.Uint32(header[0:])) + 12*int64(binary.BigEndian.Uint32(header[76:]))
	line := int64(binary.BigEndian.Uint32(header[48:]))
	size := picture.Bounds().Size()
	for y := range min(size.Y, height) {
		row := make([]byte, 0, 4*width)
		for x := range min(size.X, width) {
			r, g, b, _ := picture.At(picture.Bounds().Min.X+x, picture.Bounds().Min.Y+y).RGBA()
			row = append(row, byte(b>>8), byte(g>>8), byte(r>>8), 0)
		}
		_, err := f.WriteAt(row, start+int64(y)*line)
		must(d.t, err)
	}
}

// Run runs a program on the display with an input, and returns what it printed. ok says
// that it succeeded.
func (d *Display) Run(in, name string, args ...string) (out string, ok bool) {
	d.t.Helper()
	// A program of X11 waits for ever for an owner that ended in the middle of an answer.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(Without(os.Environ()), d.Env...)
	cmd.Stdin = strings.NewReader(in)
	var printed bytes.Buffer
	cmd.Stdout = &printed
	cmd.WaitDelay = time.Second // one that serves the clipboard goes on in the background
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		d.t.Fatal(err)
	}
	return printed.String(), cmd.ProcessState.Success()
}

// TempDir returns a folder that every user can enter, and whose name is short enough for
// the path of a socket. Those of testing are neither.
func TempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "auth-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o711))
	return dir
}

// start starts a process that ends with the test.
func start(t testing.TB, cmd *exec.Cmd) (ended <-chan struct{}) {
	t.Helper()
	var said bytes.Buffer
	cmd.Stderr, cmd.WaitDelay = &said, time.Second
	must(t, cmd.Start())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
		if t.Failed() {
			t.Logf("%s: %v\n%s", filepath.Base(cmd.Path), cmd.ProcessState, said.Bytes())
		}
	})
	return done
}

func until(t testing.TB, what string, ended <-chan struct{}, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); {
		select {
		case <-ended:
			t.Fatalf("the display ended before %s", what)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
