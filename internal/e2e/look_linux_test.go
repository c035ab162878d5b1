package e2e

import (
	"bytes"
	"errors"
	stdimage "image"
	"image/draw"
	"image/png"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/authcli/auth/internal/clip/cliptest"
	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/qr"
	"github.com/authcli/auth/internal/testenv"
)

const lookURI = "otpauth://totp/GitHub:alice?secret=JBSWY3DPEHPK3PXP&issuer=GitHub"

func picture(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := qr.PNG(&out, text, 6); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A QR code that was copied as an image, its URI, and the secret alone: each adds the
// account.
func TestAddFromClipboard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, tool string
		copy       []string // takes a type and copies its input
	}{
		{"wayland", "wl-copy", []string{"wl-copy", "--type"}},
		{"x11", "xclip", []string{"xclip", "-selection", "clipboard", "-in", "-target"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			testenv.Program(t, c.tool, "wl-clipboard or xclip")
			display := cliptest.X11
			if c.name == "wayland" {
				display = func(t testing.TB) *cliptest.Display { return cliptest.Wayland(t, "") }
			}
			d, screen := newDevice(t, nil), display(t)
			d.env = append(cliptest.Without(d.env), screen.Env...)
			put := func(kind, content string) {
				t.Helper()
				if _, ok := screen.Run(content, c.copy[0], append(c.copy[1:len(c.copy):len(c.copy)], kind)...); !ok {
					t.Fatalf("%s cannot copy", c.tool)
				}
			}
			d.fails(1, []string{"the clipboard holds neither an image nor a text"}, "add", "--clipboard")
			put("image/png", string(picture(t, lookURI)))
			if got := d.must("", "scan", "--clipboard"); got != lookURI+"\n" {
				t.Errorf("scan: %q", got)
			}
			d.must("", "add", "--clipboard")
			text := "UTF8_STRING"
			if c.name == "wayland" {
				text = "text/plain"
			}
			put(text, strings.ReplaceAll(lookURI, "alice", "bob")+"\n")
			d.must("", "add", "--clipboard")
			put(text, "jbsw y3dp ehpk 3pxp\n")
			d.must("", "add", "GitHub:carol", "--clipboard")
			codes := strings.Fields(d.must("", "code", "--all", "--at", "59"))
			want := []string{"GitHub:alice", codes[1], "GitHub:bob", codes[1], "GitHub:carol", codes[1]}
			if strings.Join(codes, " ") != strings.Join(want, " ") {
				t.Errorf("the accounts are %q", codes)
			}
			d.fails(1, []string{"the clipboard holds a text and not an image"}, "scan", "--clipboard")
			d.env = append(d.env, "SSH_CONNECTION=10.0.0.1 22 10.0.0.2 22")
			d.fails(1, []string{"belong to another machine", "auth add --qr IMAGE"}, "add", "--clipboard")
		})
	}
}

// What is on the screen is read from it, without a file.
func TestAddFromScreen(t *testing.T) {
	t.Parallel()
	shown := picture(t, lookURI)
	check := func(t *testing.T, screen *cliptest.Display, show func()) {
		t.Helper()
		d, temp := newDevice(t, nil), t.TempDir()
		d.env = append(cliptest.Without(d.env), screen.Env...)
		d.env = append(d.env, "TMPDIR="+temp)
		show()
		// The display takes a moment to draw.
		for deadline := time.Now().Add(2 * time.Minute); d.run("", "scan", "--screen").code == 10; {
			if time.Now().After(deadline) {
				t.Fatal("the picture is not on the screen")
			}
		}
		if got := d.must("", "scan", "--screen"); got != lookURI+"\n" {
			t.Errorf("scan: %q", got)
		}
		d.must("", "add", "--screen")
		if got := d.must("", "list"); !strings.Contains(got, "GitHub:alice") {
			t.Errorf("the accounts are %q", got)
		}
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
	t.Run("wayland", func(t *testing.T) {
		t.Parallel()
		testenv.Program(t, "grim", "grim")
		path := filepath.Join(cliptest.TempDir(t), "shown.png") // which sway may read
		if err := os.WriteFile(path, shown, 0o644); err != nil {
			t.Fatal(err)
		}
		check(t, cliptest.Wayland(t, path), func() {})
	})
	t.Run("x11", func(t *testing.T) {
		t.Parallel()
		testenv.Program(t, "maim", "maim")
		screen := cliptest.X11(t)
		check(t, screen, func() {
			image, err := png.Decode(bytes.NewReader(shown))
			if err != nil {
				t.Fatal(err)
			}
			screen.Show(image)
		})
	})
}

// With --region only the part of the screen that a person chose is read. Nobody can move a pointer on a display without
// devices, so that the chooser is a script here; grim is real.
func TestAddFromRegion(t *testing.T) {
	t.Parallel()
	grim := testenv.Program(t, "grim", "grim")
	canvas := stdimage.NewGray(stdimage.Rect(0, 0, 1280, 800))
	draw.Draw(canvas, canvas.Bounds(), stdimage.White, stdimage.Point{}, draw.Src)
	for name, x := range map[string]int{"alice": 100, "bob": 700} {
		code, err := png.Decode(bytes.NewReader(picture(t, strings.ReplaceAll(lookURI, "alice", name))))
		if err != nil {
			t.Fatal(err)
		}
		draw.Draw(canvas, code.Bounds().Add(stdimage.Pt(x, 200)), code, code.Bounds().Min, draw.Src)
	}
	path := filepath.Join(cliptest.TempDir(t), "shown.png")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(file, canvas), file.Close()); err != nil {
		t.Fatal(err)
	}
	screen, d, programs := cliptest.Wayland(t, path), newDevice(t, nil), t.TempDir()
	testenv.Executable(t, filepath.Join(programs, "slurp"), "#!/bin/sh\necho '650,150 600x500'\n")
	d.env = append(append(cliptest.Without(d.env), screen.Env...), "PATH="+programs+":"+filepath.Dir(grim)+":/usr/bin:/bin")
	eventually(t, "both codes are on the screen", func() bool {
		return strings.Count(d.run("", "scan", "--screen").stdout, "\n") == 2
	})
	d.must("", "add", "--region")
	d.has("GitHub:bob")
	s := watch(t, d.with("AUTH_NO_INPUT=0", "TERM=xterm").command("add", "--region"), 80, 14, nil)
	s.shows("GitHub:bob is already here") // and nothing was asked
	s.ends(0)
	testenv.Executable(t, filepath.Join(programs, "slurp"), "#!/bin/sh\necho selection cancelled >&2\nexit 1\n")
	d.fails(1, []string{"no part of the screen was chosen"}, "scan", "--region")
	d.fails(2, nil, "scan", "--region", "--screen")
}

// A portal takes one picture, which is a file that it leaves.
type portal struct {
	conn *dbus.Conn
	path string
}

// Screenshot is the method of org.freedesktop.portal.Screenshot.
func (p portal) Screenshot(sender dbus.Sender, _ string, options map[string]dbus.Variant) (dbus.ObjectPath, *dbus.Error) {
	token, _ := options["handle_token"].Value().(string)
	request := dbus.ObjectPath("/org/freedesktop/portal/desktop/request/" + strings.ReplaceAll(string(sender[1:]), ".", "_") + "/" + token)
	uri := dbus.MakeVariant((&url.URL{Scheme: "file", Path: p.path}).String())
	if err := p.conn.Emit(request, "org.freedesktop.portal.Request.Response", uint32(0), map[string]dbus.Variant{"uri": uri}); err != nil {
		return "", dbus.MakeFailedError(err)
	}
	return request, nil
}

// On a desktop without any program that sees the screen its portal is asked, and the picture that it left among the user's
// own is gone afterwards.
func TestAddFromPortal(t *testing.T) {
	t.Parallel()
	bus := keyringtest.SecretService(t, keyringtest.ServiceOptions{BusOnly: true}).Bus
	d, path := newDevice(t, nil), filepath.Join(t.TempDir(), "Screenshot 1.png")
	d.env = append(cliptest.Without(d.env), "DBUS_SESSION_BUS_ADDRESS="+bus, "WAYLAND_DISPLAY=wayland-0", "PATH="+t.TempDir())
	d.fails(1, []string{"no program to see the screen on Wayland: grim (Debian: grim)"}, "add", "--screen")
	conn, err := dbus.Connect(bus)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Export(portal{conn, path}, "/org/freedesktop/portal/desktop", "org.freedesktop.portal.Screenshot"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.RequestName("org.freedesktop.portal.Desktop", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"--screen", "--region"} {
		if err := os.WriteFile(path, picture(t, lookURI), 0o600); err != nil {
			t.Fatal(err)
		}
		d.must("", "add", flag)
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the picture was left behind: %v", flag, err)
		}
	}
	d.has("GitHub:alice")
}
