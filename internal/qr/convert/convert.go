// Package convert turns PDF pages and HEIC photographs into images that the
// package qr reads, with programs that the user's system has: pdftoppm
// (Poppler), heif-convert (libheif) and sips (macOS).
//
// A program is started by the path that was looked up, with an argument array
// and never through a shell, in a private folder that is removed again, and it
// is ended when the context is or after twenty seconds. What it writes is
// bounded before it is read.
package convert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// maxTime is how long one program may take.
	maxTime = 20 * time.Second
	// maxOutput bounds all images of one file together, in bytes.
	maxOutput = 256 << 20
	// maxPages is how many pages of a document are converted.
	maxPages = 100
)

// ErrFailed says that a program was there and could not convert the file.
var ErrFailed = errors.New("cannot be converted")

// NoToolError says which programs would convert a file.
type NoToolError struct {
	Kind  string // as [Detect] names it
	Tools []Tool
}

// Tool is a program that converts, and where it comes from.
type Tool struct{ Program, Package string }

func (e *NoToolError) Error() string {
	var s strings.Builder
	s.WriteString("no program to convert " + e.Kind + " files:")
	for i, t := range e.Tools {
		if i > 0 {
			s.WriteString(" or")
		}
		s.WriteString(" " + t.Program + " (" + t.Package + ")")
	}
	return s.String()
}

// Detect names the kind of a file that needs converting: "PDF", "HEIC", or ""
// for anything else.
func Detect(data []byte) (kind string) {
	if bytes.HasPrefix(data, []byte("%PDF-")) {
		return "PDF"
	}
	// ISO/IEC 14496-12 section 4.3: the size of a box, "ftyp", the brand.
	if len(data) >= 12 && string(data[4:8]) == "ftyp" {
		brands := []string{"heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1", "avif"}
		if slices.Contains(brands, string(data[8:12])) {
			return "HEIC"
		}
	}
	return ""
}

// converter is one program: its arguments for an input file and the folder
// that it shall write into.
type converter struct {
	Tool
	kind      string
	extension string // that the program expects of the input
	args      func(in, dir string) []string
}

var converters = [...]converter{
	{Tool{"pdftoppm", "Debian: poppler-utils"}, "PDF", ".pdf", func(in, dir string) []string {
		// The larger side gets 2,000 pixels: a page of paper at about 170 dots an inch.
		return []string{"-png", "-scale-to", "2000", "-l", strconv.Itoa(maxPages), in, filepath.Join(dir, "page")}
	}},
	{Tool{"heif-convert", "Debian: libheif-examples"}, "HEIC", ".heic", func(in, dir string) []string {
		return []string{in, filepath.Join(dir, "page.png")}
	}},
	{Tool{"sips", "part of macOS"}, "PDF", ".pdf", sips},
	{Tool{"sips", "part of macOS"}, "HEIC", ".heic", sips},
}

func sips(in, dir string) []string {
	return []string{"--setProperty", "format", "png", in, "--out", filepath.Join(dir, "page.png")}
}

// Convert returns the pages of a file as PNG images, in order, and the program
// that made them. lookPath finds programs, as [exec.LookPath] does. The errors
// are [*NoToolError], [ErrFailed], and those of ctx.
func Convert(ctx context.Context, lookPath func(string) (string, error), data []byte) (pages [][]byte, tool string, err error) {
	missing := &NoToolError{Kind: Detect(data)}
	var failed error
	for _, c := range converters {
		if c.kind != missing.Kind {
			continue
		}
		missing.Tools = append(missing.Tools, c.Tool)
		path, err := lookPath(c.Program)
		if err != nil {
			continue
		}
		pages, err := c.run(ctx, path, data)
		if err == nil {
			return pages, c.Program, nil
		}
		if ctx.Err() != nil {
			return nil, c.Program, ctx.Err()
		}
		failed = errors.Join(failed, fmt.Errorf("%s: %w", c.Program, err))
	}
	if failed != nil {
		return nil, "", failed
	}
	return nil, "", missing
}

func (c converter) run(ctx context.Context, path string, data []byte) ([][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	dir, err := os.MkdirTemp("", "auth-convert-") // 0700
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	// The file has a name of ours: one of the user's could begin with a dash.
	in := filepath.Join(dir, "in"+c.extension)
	if err := os.WriteFile(in, data, 0o600); err != nil {
		return nil, err
	}
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, c.args(in, out)...)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second
	// What the program says may quote the file; it is not passed on.
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%w: it took longer than %v", ErrFailed, maxTime)
		}
		return nil, fmt.Errorf("%w: %w", ErrFailed, err)
	}
	return collect(out)
}

// collect reads the images that a program has written, in the order of their
// names; pdftoppm pads the numbers.
func collect(dir string) ([][]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var pages [][]byte
	var total int64
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || len(pages) == maxPages {
			continue
		}
		if total += info.Size(); total > maxOutput {
			return nil, fmt.Errorf("%w: its pages take more than %d MB", ErrFailed, maxOutput>>20)
		}
		page, err := fs.ReadFile(os.DirFS(dir), e.Name())
		if err != nil {
			return nil, err
		}
		pages = append(pages, page)
	}
	if len(pages) == 0 {
		return nil, fmt.Errorf("%w: no page came out", ErrFailed)
	}
	return pages, nil
}
