package clip_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/authcli/auth/internal/clip"
	"github.com/authcli/auth/internal/keyring/keyringtest"
)

// A desktop is a portal on a bus of its own that takes pictures as a test says.
type desktop struct {
	conn   *dbus.Conn
	asked  chan map[string]dbus.Variant // the options of requests
	answer func(d *desktop, request dbus.ObjectPath)
	closed chan struct{} // a request was ended; nil where it had been answered already
}

// Screenshot is the method of org.freedesktop.portal.Screenshot.
func (d *desktop) Screenshot(sender dbus.Sender, _ string, options map[string]dbus.Variant) (dbus.ObjectPath, *dbus.Error) {
	token, _ := options["handle_token"].Value().(string)
	path := dbus.ObjectPath("/org/freedesktop/portal/desktop/request/" + strings.ReplaceAll(string(sender[1:]), ".", "_") + "/" + token)
	d.asked <- options
	if err := d.conn.Export(request{d}, path, "org.freedesktop.portal.Request"); err != nil {
		return "", dbus.MakeFailedError(err)
	}
	d.answer(d, path)
	return path, nil
}

type request struct{ d *desktop }

// Close is the method of org.freedesktop.portal.Request.
func (r request) Close() *dbus.Error {
	if r.d.closed == nil {
		return dbus.MakeFailedError(errors.New("it has been answered"))
	}
	close(r.d.closed)
	return nil
}

func (d *desktop) says(request dbus.ObjectPath, code uint32, uri string) {
	results := map[string]dbus.Variant{}
	if uri != "" {
		results["uri"] = dbus.MakeVariant(uri)
	}
	_ = d.conn.Emit(request, "org.freedesktop.portal.Request.Response", code, results)
}

// newDesktop starts a portal. The machine has no other way to see the screen.
func newDesktop(t *testing.T, answer func(d *desktop, request dbus.ObjectPath), closed chan struct{}) (clip.System, *desktop) {
	t.Helper()
	bus := keyringtest.SecretService(t, keyringtest.ServiceOptions{BusOnly: true}).Bus
	s, _ := fake(t, "linux", map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, nil)
	s.Bus = bus
	if answer == nil {
		return s, nil
	}
	conn, err := dbus.Connect(bus)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	d := &desktop{conn, make(chan map[string]dbus.Variant, 1), answer, closed}
	if err := conn.Export(d, "/org/freedesktop/portal/desktop", "org.freedesktop.portal.Screenshot"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.RequestName("org.freedesktop.portal.Desktop", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	return s, d
}

// drawing is a file as a desktop leaves it, with its URI.
func drawing(t *testing.T) (path, uri string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "Screenshot from 2026-11-28 50%.png")
	if err := os.WriteFile(path, []byte("picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, (&url.URL{Scheme: "file", Path: path}).String()
}

func gone(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the desktop's file was left behind: %v", err)
	}
}

// Where no program sees the screen the desktop is asked for a picture, and its file is removed.
func TestScreenByPortal(t *testing.T) {
	t.Parallel()
	path, uri := drawing(t)
	s, d := newDesktop(t, func(d *desktop, request dbus.ObjectPath) { d.says(request, 0, uri) }, nil)
	got, err := s.Screen(t.Context(), clip.Whole)
	if err != nil || string(got) != "picture" {
		t.Errorf("%q, %v", got, err)
	}
	if choosing, ok := (<-d.asked)["interactive"].Value().(bool); !ok || choosing {
		t.Error("a picture of the whole screen needs nobody to choose")
	}
	gone(t, path)

	s, d = newDesktop(t, func(d *desktop, request dbus.ObjectPath) { d.says(request, 1, "") }, nil)
	if _, err := s.Screen(t.Context(), clip.Region); !errors.Is(err, clip.ErrNotChosen) {
		t.Errorf("a part: %v", err)
	}
	if choosing, ok := (<-d.asked)["interactive"].Value().(bool); !ok || !choosing {
		t.Error("nobody was asked for a part")
	}
}

// What the desktop answers instead of a picture is told. One without a portal is no error of its
// own: the programs that would do it are named.
func TestPortalWithoutAPicture(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(d *desktop, request dbus.ObjectPath)
		want   string
	}{
		"refused":     {func(d *desktop, r dbus.ObjectPath) { d.says(r, 1, "") }, "the picture was not allowed"},
		"failed":      {func(d *desktop, r dbus.ObjectPath) { d.says(r, 2, "") }, "it took no picture"},
		"nothing":     {func(d *desktop, r dbus.ObjectPath) { d.says(r, 0, "") }, "it named no file"},
		"elsewhere":   {func(d *desktop, r dbus.ObjectPath) { d.says(r, 0, "https://example.com/shot.png") }, "it named no file"},
		"a file gone": {func(d *desktop, r dbus.ObjectPath) { d.says(r, 0, "file:///nowhere/shot.png") }, "it wrote no picture"},
		"a folder":    {func(d *desktop, r dbus.ObjectPath) { d.says(r, 0, "file:///") }, "it wrote no picture"},
		"no portal":   {nil, "no program to see the screen on Wayland: grim (Debian: grim)"},
		"odd answers": {func(d *desktop, r dbus.ObjectPath) {
			_ = d.conn.Emit(r, "org.freedesktop.portal.Request.Response", "x")
		}, "not understood"},
		"another file": {func(d *desktop, r dbus.ObjectPath) { d.says(r+"x", 0, "file:///x"); d.says(r, 1, "") }, "the picture was not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := newDesktop(t, c.answer, nil)
			if got, err := s.Screen(t.Context(), clip.Whole); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
}

// An interrupted command ends its request, and removes the picture that was taken all the same.
func TestPortalInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	closed := make(chan struct{})
	s, _ := newDesktop(t, func(*desktop, dbus.ObjectPath) { cancel() }, closed)
	if _, err := s.Screen(ctx, clip.Whole); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	select {
	case <-closed:
	case <-time.After(2 * time.Minute): // it was sent; a bus that is busy brings it later
		t.Error("the request goes on")
	}
	ctx, cancel = context.WithCancel(t.Context())
	path, uri := drawing(t)
	s, _ = newDesktop(t, func(d *desktop, request dbus.ObjectPath) {
		cancel()
		d.says(request, 0, uri)
	}, nil)
	if _, err := s.Screen(ctx, clip.Whole); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("with a picture: %v", err)
	}
	gone(t, path)
}
