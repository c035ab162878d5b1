package clip

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

var (
	// ErrEmpty is returned for a clipboard that holds neither an image nor a text.
	ErrEmpty = errors.New("the clipboard holds neither an image nor a text")
	// ErrAway is returned over SSH: the clipboard and the screen are those of another
	// machine.
	ErrAway = errors.New("the clipboard and the screen in front of you belong to another machine")
)

// Content is what a clipboard holds: an image in one of the usual formats, or a text.
type Content struct {
	Image []byte
	Text  string
}

// kinds are the images that are asked for, best first: without loss, then what browsers
// and photographs have.
var kinds = []string{"image/png", "image/bmp", "image/tiff", "image/webp", "image/jpeg", "image/gif"}

// Paste returns what the clipboard holds. An image is preferred to a text beside it. It
// comes through a pipe. The errors are [ErrEmpty], [ErrAway], [ErrNoDisplay], [*MissingError]
// and [*FailedError].
func (s System) Paste(ctx context.Context) (Content, error) {
	now := s.session(ctx)
	switch {
	case now.ssh:
		return Content{}, ErrAway
	case s.OS == "windows", now.wsl:
		return s.pasteWindows(ctx)
	case s.OS == "darwin":
		return s.pasteMac(ctx)
	case now.wayland != "":
		return s.pasteWayland(ctx)
	case now.display != "":
		return s.pasteX11(ctx)
	default:
		return Content{}, ErrNoDisplay
	}
}

// has reports whether a program is installed.
func (s System) has(name string) bool {
	_, err := s.LookPath(name)
	return err == nil
}

func (s System) pasteWayland(ctx context.Context) (Content, error) {
	if !s.has("wl-paste") {
		return Content{}, &MissingError{"read the clipboard on Wayland", []Tool{{"wl-paste", "Debian: wl-clipboard"}}}
	}
	types, err := s.run(ctx, program{name: "wl-paste", args: []string{"--list-types"}})
	if ctx.Err() != nil {
		return Content{}, ctx.Err()
	}
	if err != nil {
		return Content{}, ErrEmpty // it says "No selection" and fails
	}
	return s.pasteOf(ctx, string(types), func(kind string) program {
		return program{name: "wl-paste", args: []string{"--no-newline", "--type", kind}}
	}, "text/plain")
}

func (s System) pasteX11(ctx context.Context) (Content, error) {
	if !s.has("xclip") {
		return Content{}, &MissingError{"read the clipboard on X11", tools(Xclip)}
	}
	types, err := s.run(ctx, program{name: "xclip", args: []string{"-selection", "clipboard", "-out", "-target", "TARGETS"}})
	if ctx.Err() != nil {
		return Content{}, ctx.Err()
	}
	if err != nil {
		return Content{}, ErrEmpty
	}
	return s.pasteOf(ctx, string(types), func(kind string) program {
		return program{name: "xclip", args: []string{"-selection", "clipboard", "-out", "-target", kind}}
	}, "UTF8_STRING", "STRING", "text/plain")
}

// pasteOf asks for the best of the types that a clipboard offers, one a line.
func (s System) pasteOf(ctx context.Context, offered string, ask func(kind string) program, texts ...string) (Content, error) {
	types := strings.Fields(offered)
	for _, kind := range kinds {
		if slices.Contains(types, kind) {
			p := ask(kind)
			p.limit = maxImage
			image, err := s.run(ctx, p)
			return Content{Image: image}, err
		}
	}
	for _, kind := range texts {
		if slices.ContainsFunc(types, func(t string) bool { return t == kind || strings.HasPrefix(t, kind+";") }) {
			text, err := s.run(ctx, ask(kind))
			return content(text), err
		}
	}
	return Content{}, ErrEmpty
}

// content is a clipboard with a text.
func content(text []byte) Content { return Content{Text: strings.TrimRight(string(text), "\x00\r\n")} }

// pasteMac asks for a PNG image, which AppleScript prints in hexadecimal digits, and for a
// text where there is none.
//
// Source: Apple, AppleScript Language Guide, "the clipboard"; «class PNGf».
func (s System) pasteMac(ctx context.Context) (Content, error) {
	out, err := s.run(ctx, program{name: "osascript", args: []string{"-e", "the clipboard as «class PNGf»"}, limit: 2*maxImage + 100})
	if err == nil {
		digits, ok := bytes.CutPrefix(bytes.TrimSpace(out), []byte("«data PNGf"))
		image := make([]byte, hex.DecodedLen(len(digits)))
		if n, _ := hex.Decode(image, bytes.TrimSuffix(digits, []byte("»"))); ok && n > 0 {
			return Content{Image: image[:n]}, nil
		}
	}
	if ctx.Err() != nil {
		return Content{}, ctx.Err()
	}
	return s.pasteText(ctx, program{name: "pbpaste"})
}

func (s System) pasteText(ctx context.Context, p program) (Content, error) {
	text, err := s.run(ctx, p)
	if err != nil {
		return Content{}, err
	}
	if c := content(text); c.Text != "" {
		return c, nil
	}
	return Content{}, ErrEmpty
}

// powerPaste prints the image of the clipboard as PNG, if there is one.
const powerPaste = `$ErrorActionPreference='Stop'
Add-Type -AssemblyName System.Windows.Forms,System.Drawing
$image=[System.Windows.Forms.Clipboard]::GetImage()
if($image){$png=New-Object System.IO.MemoryStream
$image.Save($png,[System.Drawing.Imaging.ImageFormat]::Png)
$out=[Console]::OpenStandardOutput()
$png.WriteTo($out)
$out.Flush()}`

func (s System) pasteWindows(ctx context.Context) (Content, error) {
	if !s.has("powershell.exe") {
		return Content{}, &MissingError{"read the clipboard of Windows", tools(PowerShell)}
	}
	p := power(powerPaste)
	p.limit = maxImage
	image, err := s.run(ctx, p)
	if err != nil || len(image) > 0 {
		return Content{Image: image}, err
	}
	return s.pasteText(ctx, power(powerRead))
}
