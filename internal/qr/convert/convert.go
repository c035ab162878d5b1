// Package convert turns PDF pages and HEIC photographs into images that the
// package qr reads, with programs that the user's system has: pdftoppm
// (Poppler), heif-convert (libheif) and sips (macOS).
//
// A program is started by the path that was looked up, with an argument array
// and never through a shell. It is ended, with what it has started itself, when the
// context is or after twenty seconds, and on Linux when this process is. What it writes
// is bounded.
//
// A page may show the secrets of every account, so it stays in memory: it comes through
// a pipe, or on Linux through files that lie in memory and have no name. Only where a
// program takes nothing but names of files, on another system, do the document and its
// pages lie in a private folder until they are read.
package convert

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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

// converter is one program: its arguments for an input file and the folder that it
// shall write into, or where it reads and writes streams for neither.
type converter struct {
	Tool
	kind    string
	streams bool
	args    func(in, dir string) []string
}

var converters = [...]converter{
	{Tool{"pdftoppm", "Debian: poppler-utils"}, "PDF", true, func(string, string) []string {
		// The larger side gets 2,000 pixels: a page of paper at about 170 dots an inch.
		return []string{"-png", "-scale-to", "2000", "-l", strconv.Itoa(maxPages), "-"}
	}},
	{Tool{"heif-convert", "Debian: libheif-examples"}, "HEIC", false, func(in, dir string) []string {
		return []string{in, filepath.Join(dir, page(0))}
	}},
	{Tool{"sips", "part of macOS"}, "PDF", false, sips},
	{Tool{"sips", "part of macOS"}, "HEIC", false, sips},
}

func sips(in, dir string) []string {
	return []string{"--setProperty", "format", "png", in, "--out", filepath.Join(dir, page(0))}
}

// page is the name of a file that a program writes: heif-convert gives numbers from 1 on
// to the pictures of a file that holds several.
func page(n int) string {
	if n == 0 {
		return "page.png"
	}
	return fmt.Sprintf("page-%d.png", n)
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
	if c.streams {
		out := new(bounded)
		cmd := exec.CommandContext(ctx, path, c.args("", "")...)
		cmd.Stdin, cmd.Stdout = bytes.NewReader(data), out
		err := start(ctx, cmd)
		if out.over {
			err = errTooMuch
		}
		if err != nil {
			return nil, err
		}
		return split(out.data)
	}
	dir, err := os.MkdirTemp("", "auth-convert-") // 0700
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if f, ok := inMemory(dir, data); ok {
		defer f.close()
		cmd := exec.CommandContext(ctx, path, c.args(f.in, dir)...)
		cmd.Dir, cmd.ExtraFiles = dir, f.files
		if err := start(ctx, cmd); err != nil {
			return nil, err
		}
		return f.pages()
	}
	// The file has a name of ours: one of the user's could begin with a dash.
	in := filepath.Join(dir, "in."+strings.ToLower(c.kind))
	if err := os.WriteFile(in, data, 0o600); err != nil {
		return nil, err
	}
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, c.args(in, out)...)
	cmd.Dir = dir
	if err := start(ctx, cmd); err != nil {
		return nil, err
	}
	return collect(out)
}

// start runs a program to its end. It ends with ctx, whatever it has started, and with
// this process where the system knows how.
func start(ctx context.Context, cmd *exec.Cmd) error {
	cmd.WaitDelay = time.Second
	alone(cmd)
	// On Linux a program ends with the thread that has started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// What the program says may quote the file; it is not passed on.
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("%w: it took longer than %v", ErrFailed, maxTime)
		}
		return fmt.Errorf("%w: %w", ErrFailed, err)
	}
	return nil
}

var (
	errTooMuch = fmt.Errorf("%w: its pages take more than %d MB", ErrFailed, maxOutput>>20)
	errNoPage  = fmt.Errorf("%w: no page came out", ErrFailed)
)

// bounded is a buffer that takes so much and no more.
type bounded struct {
	data []byte
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if len(b.data)+len(p) > maxOutput {
		b.over = true
		return 0, errTooMuch
	}
	b.data = append(b.data, p...)
	return len(p), nil
}

// split cuts a stream of PNG images, one after the other, into its images.
//
// Source: PNG third edition, sections 5.2 and 5.3: a signature, and chunks of a length, a
// type, that many bytes and a checksum, of which IEND is the last.
func split(stream []byte) ([][]byte, error) {
	const signature = "\x89PNG\r\n\x1a\n"
	var pages [][]byte
	for len(stream) > 0 && len(pages) < maxPages {
		if !bytes.HasPrefix(stream, []byte(signature)) {
			break
		}
		end, last := len(signature), false
		for !last {
			if len(stream)-end < 12 {
				return nil, fmt.Errorf("%w: a page is cut off", ErrFailed)
			}
			length := int64(binary.BigEndian.Uint32(stream[end:]))
			if length > int64(len(stream)-end-12) {
				return nil, fmt.Errorf("%w: a page is cut off", ErrFailed)
			}
			last = string(stream[end+4:end+8]) == "IEND"
			end += 12 + int(length)
		}
		pages, stream = append(pages, stream[:end:end]), stream[end:]
	}
	if len(pages) == 0 {
		return nil, errNoPage
	}
	return pages, nil
}

// collect reads the images that a program has written, in the order of their names.
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
			return nil, errTooMuch
		}
		page, err := fs.ReadFile(os.DirFS(dir), e.Name())
		if err != nil {
			return nil, err
		}
		pages = append(pages, page)
	}
	if len(pages) == 0 {
		return nil, errNoPage
	}
	return pages, nil
}
