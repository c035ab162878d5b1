package clip

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// shotTime is how long a picture of the screen may take, and chooseTime one whose part a
	// person chooses.
	shotTime   = 20 * time.Second
	chooseTime = 2 * time.Minute
)

// A Part says how much of the screen a picture has.
type Part int

// The parts.
const (
	Whole  Part = iota // everything on the screen
	Region             // what a person chooses with the mouse
)

var (
	// ErrNotChosen is returned where a person chose no part of the screen.
	ErrNotChosen = errors.New("no part of the screen was chosen")
	// ErrNoRegion is returned where no program lets a person choose a part, as on Windows.
	ErrNoRegion = errors.New("no part of the screen can be chosen here")
)

// A shooter is a program that takes a picture of the screen. It writes to its standard output,
// or to a file whose name is put behind its arguments.
type shooter struct {
	Tool

	whole, region []string // arguments
	file          bool
	// where is a program that lets a person choose a region, and prints it for the option -g;
	// none where the program does so itself.
	where Tool
}

func (s shooter) args(part Part) []string {
	if part == Region {
		return s.region
	}
	return s.whole
}

// shooters returns the programs for a session, best first, and what they are for.
//
// Source: grim(1), slurp(1), maim(1), spectacle(1), gnome-screenshot(1), screencapture(1).
func (n session) shooters(system string) (list []shooter, what string) {
	others := []shooter{
		{
			Tool: Tool{"spectacle", "KDE: spectacle"}, file: true,
			whole:  []string{"--background", "--nonotify", "--fullscreen", "--output"},
			region: []string{"--background", "--nonotify", "--region", "--output"},
		},
		{
			Tool: Tool{"gnome-screenshot", "Debian: gnome-screenshot"}, file: true,
			whole: []string{"--file"}, region: []string{"--area", "--file"},
		},
	}
	switch {
	case system == "darwin":
		return []shooter{{
			Tool: Tool{"screencapture", "part of macOS"}, file: true,
			whole: []string{"-x", "-t", "png"}, region: []string{"-i", "-x", "-t", "png"},
		}}, "see the screen"
	case n.wayland != "":
		grim := shooter{Tool: Tool{"grim", "Debian: grim"}, whole: []string{"-"}, region: []string{"-"}, where: Tool{"slurp", "Debian: slurp"}}
		return append([]shooter{grim}, others...), "see the screen on Wayland"
	default:
		maim := shooter{Tool: Tool{"maim", "Debian: maim"}, region: []string{"--select"}}
		return append([]shooter{maim}, others...), "see the screen on X11"
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

// Screen returns a picture of the screen. It comes through a pipe where the program can write to
// one. Otherwise it lies for a moment in a private folder, in memory where the system has one.
// The desktop's portal is asked last, because it leaves its file among the user's pictures and
// may ask a person first. The errors are [ErrAway], [ErrNoDisplay], [ErrNotChosen],
// [ErrNoRegion], [*MissingError] and [*FailedError].
func (s System) Screen(ctx context.Context, part Part) ([]byte, error) {
	now := s.session(ctx)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case now.ssh:
		return nil, ErrAway
	case (s.OS == "windows" || now.wsl) && part == Region:
		return nil, ErrNoRegion
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
		missing.Tools = append(missing.Tools, shooter.tool(part))
		if !s.has(shooter.Program) || shooter.asks(part) && !s.has(shooter.where.Program) {
			continue
		}
		image, err := s.shoot(ctx, shooter, part)
		if err == nil || ctx.Err() != nil || errors.Is(err, ErrNotChosen) {
			return image, err
		}
		if failed != nil {
			err = fmt.Errorf("%w; %w", failed, err)
		}
		failed = err
	}
	if s.Bus != "" {
		image, err := s.portalShot(ctx, part)
		if err == nil || ctx.Err() != nil || errors.Is(err, ErrNotChosen) {
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

// asks reports whether another program asks for the region.
func (s shooter) asks(part Part) bool { return part == Region && s.where.Program != "" }

// tool returns what has to be installed for a picture.
func (s shooter) tool(part Part) Tool {
	if s.asks(part) {
		return Tool{s.where.Program + " and " + s.Program, s.where.Package + " " + strings.TrimPrefix(s.Package, "Debian: ")}
	}
	return s.Tool
}

func (s System) shoot(ctx context.Context, shooter shooter, part Part) ([]byte, error) {
	p := program{name: shooter.Program, args: shooter.args(part), limit: maxImage, time: shotTime}
	if part == Region {
		p.time = chooseTime
	}
	if shooter.asks(part) {
		where, err := s.run(ctx, program{name: shooter.where.Program, time: chooseTime})
		if err != nil {
			return nil, notChosen(err)
		}
		p.args = append([]string{"-g", strings.TrimSpace(string(where))}, p.args...)
	}
	if !shooter.file {
		image, err := s.run(ctx, p)
		return image, notChosen(err)
	}
	dir, err := os.MkdirTemp(s.Getenv("XDG_RUNTIME_DIR"), "auth-screen-") // 0700
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "screen.png")
	p.args = append(slices.Clip(p.args), path)
	if _, err := s.run(ctx, p); err != nil {
		return nil, notChosen(err)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil && part == Region: // a person has left it
		return nil, ErrNotChosen
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

// notChosen tells what a program says when a person chose nothing, as slurp and maim do ("selection
// cancelled"), from a failure.
func notChosen(err error) error {
	if failed, ok := errors.AsType[*FailedError](err); ok && strings.Contains(failed.Reason, "cancelled") {
		return ErrNotChosen
	}
	return err
}
