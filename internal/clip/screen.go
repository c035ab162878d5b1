package clip

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// shotTime is how long a picture of the screen may take.
const shotTime = 20 * time.Second

// A shooter is a program that takes a picture of the whole screen. It writes to its
// standard output, or to a file whose name is put behind its arguments.
type shooter struct {
	Tool
	args []string
	file bool
}

// shooters returns the programs for a session, best first, and what they are for.
func (n session) shooters(system string) (list []shooter, what string) {
	others := []shooter{
		{Tool{"spectacle", "KDE: spectacle"}, []string{"--background", "--nonotify", "--fullscreen", "--output"}, true},
		{Tool{"gnome-screenshot", "Debian: gnome-screenshot"}, []string{"--file"}, true},
	}
	switch {
	case system == "darwin":
		return []shooter{{Tool{"screencapture", "part of macOS"}, []string{"-x", "-t", "png"}, true}}, "see the screen"
	case n.wayland != "":
		return append([]shooter{{Tool{"grim", "Debian: grim"}, []string{"-"}, false}}, others...), "see the screen on Wayland"
	default:
		return append([]shooter{{Tool{"maim", "Debian: maim"}, nil, false}}, others...), "see the screen on X11"
	}
}

// powerShot prints a picture of all screens as PNG.
const powerShot = `$ErrorActionPreference='Stop'
Add-Type -AssemblyName System.Windows.Forms,System.Drawing
$all=[System.Windows.Forms.SystemInformation]::VirtualScreen
$image=New-Object System.Drawing.Bitmap $all.Width,$all.Height
[System.Drawing.Graphics]::FromImage($image).CopyFromScreen($all.Location,[System.Drawing.Point]::Empty,$all.Size)
$png=New-Object System.IO.MemoryStream
$image.Save($png,[System.Drawing.Imaging.ImageFormat]::Png)
$out=[Console]::OpenStandardOutput()
$png.WriteTo($out)
$out.Flush()`

// Screen returns a picture of everything on the screen. It comes through a pipe where the
// program can write to one. Otherwise it lies for a moment in a private folder, in memory where
// the system has one. The desktop's portal is asked last, because it leaves its file among the
// user's pictures and may ask a person first. The errors are [ErrAway], [ErrNoDisplay], [*MissingError] and
// [*FailedError].
func (s System) Screen(ctx context.Context) ([]byte, error) {
	now := s.session(ctx)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case now.ssh:
		return nil, ErrAway
	case s.OS == "windows", now.wsl:
		if !s.has("powershell.exe") {
			return nil, &MissingError{"see the screen of Windows", tools(PowerShell)}
		}
		p := power(powerShot)
		p.limit = maxImage
		return s.run(ctx, p)
	case s.OS != "darwin" && now.wayland == "" && now.display == "":
		return nil, ErrNoDisplay
	}
	list, what := now.shooters(s.OS)
	missing := &MissingError{What: what}
	var failed error
	for _, shooter := range list {
		missing.Tools = append(missing.Tools, shooter.Tool)
		if !s.has(shooter.Program) {
			continue
		}
		image, err := s.shoot(ctx, shooter)
		if err == nil || ctx.Err() != nil {
			return image, err
		}
		if failed != nil {
			err = fmt.Errorf("%w; %w", failed, err)
		}
		failed = err
	}
	if s.Bus != "" {
		image, err := s.portalShot(ctx)
		if err == nil || ctx.Err() != nil {
			return image, err
		}
		if !errors.Is(err, errNoPortal) && failed != nil {
			failed = fmt.Errorf("%w; %w", failed, err)
		} else if !errors.Is(err, errNoPortal) {
			failed = err
		}
	}
	if failed != nil {
		return nil, failed
	}
	return nil, missing
}

func (s System) shoot(ctx context.Context, shooter shooter) ([]byte, error) {
	p := program{name: shooter.Program, args: shooter.args, limit: maxImage, time: shotTime}
	if !shooter.file {
		return s.run(ctx, p)
	}
	dir, err := os.MkdirTemp(s.Getenv("XDG_RUNTIME_DIR"), "auth-screen-") // 0700
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "screen.png")
	p.args = append(slices.Clip(p.args), path)
	if _, err := s.run(ctx, p); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, &FailedError{shooter.Program, "it wrote no picture"}
	case info.Size() > maxImage:
		return nil, &FailedError{shooter.Program, errTooMuch.Error()}
	}
	image, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the picture of the screen: %w", err)
	}
	return image, nil
}
