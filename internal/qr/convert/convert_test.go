package convert_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/qr"
	"github.com/authcli/auth/internal/qr/convert"
	"github.com/authcli/auth/internal/testenv"
)

func TestDetect(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		"%PDF-1.7\n":                       "PDF",
		"\x00\x00\x00\x18ftypheic\x00\x00": "HEIC",
		"\x00\x00\x00\x18ftypmif1\x00\x00": "HEIC",
		"\x00\x00\x00\x18ftypisom\x00\x00": "",
		"\x89PNG\r\n\x1a\n":                "",
		"":                                 "",
		"ftyp":                             "",
	} {
		if got := convert.Detect([]byte(data)); got != want {
			t.Errorf("Detect(%q) = %q, want %q", data, got, want)
		}
	}
}

func none(string) (string, error) { return "", exec.ErrNotFound }

func TestMissingToolIsNamed(t *testing.T) {
	t.Parallel()
	for data, tools := range map[string]string{
		"%PDF-1.7":                 "pdftoppm poppler-utils sips macOS",
		"\x00\x00\x00\x18ftypheic": "heif-convert libheif-examples sips macOS",
	} {
		_, _, err := convert.Convert(context.Background(), none, []byte(data))
		if _, ok := errors.AsType[*convert.NoToolError](err); !ok {
			t.Fatalf("got %v", err)
		}
		for word := range strings.FieldsSeq(tools) {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%q does not name %s", err, word)
			}
		}
	}
}

// stub is a program of two lines in the place of the real one.
func stub(t *testing.T, script string) func(string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell to write a program in")
	}
	path := filepath.Join(t.TempDir(), "tool")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return func(name string) (string, error) {
		if name == "sips" {
			return "", exec.ErrNotFound
		}
		return path, nil
	}
}

func TestPagesComeInOrder(t *testing.T) {
	t.Parallel()
	// pdftoppm's last argument is the beginning of the names of the pages.
	tool := stub(t, `for last; do :; done; printf two >"$last-02.png"; printf one >"$last-01.png"`)
	pages, name, err := convert.Convert(context.Background(), tool, []byte("%PDF-1.7"))
	if err != nil || name != "pdftoppm" || len(pages) != 2 || string(pages[0]) != "one" || string(pages[1]) != "two" {
		t.Errorf("got %q by %q, %v", pages, name, err)
	}
}

func TestFailuresOfTools(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"exit code": "echo the file says 12345 >&2; exit 3",
		"no page":   "exit 0",
		"too much":  `for last; do :; done; truncate -s 300M "$last-1.png"`,
	} {
		_, _, err := convert.Convert(context.Background(), stub(t, script), []byte("%PDF-1.7"))
		if !errors.Is(err, convert.ErrFailed) || strings.Contains(fmt.Sprint(err), "12345") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCancelledToolEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, _, err := convert.Convert(ctx, stub(t, "exec sleep 60"), []byte("%PDF-1.7"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	tool := stub(t, `ls -ld . | cut -c1-10 >&2; for last; do :; done; ls -ld .. >/dev/null; stat -c %a . >"$last-1.png"`)
	pages, _, err := convert.Convert(context.Background(), tool, []byte("%PDF-1.7"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(pages[0])); got != "700" {
		t.Errorf("the folder of the program has mode %s", got)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

const text = "otpauth://totp/Example:alice@example.com?secret=GEZDGNBVGY3TQOJQ"

func says(t *testing.T, page []byte) {
	t.Helper()
	result, err := qr.Read(context.Background(), page)
	if err != nil || len(result.Codes) != 1 || result.Codes[0].Text != text {
		t.Errorf("got %+v, %v", result, err)
	}
}

// A real heif-convert, on what heif-enc of the same package writes.
func TestRealHEIC(t *testing.T) {
	t.Parallel()
	testenv.Program(t, "heif-convert", "libheif-examples")
	testenv.Program(t, "heif-enc", "libheif-examples")
	dir := t.TempDir()
	var picture bytes.Buffer
	if err := qr.PNG(&picture, text, 6); err != nil {
		t.Fatal(err)
	}
	// heif-enc 1.15 garbles pictures of one bit a pixel.
	oneBit, err := png.Decode(&picture)
	if err != nil {
		t.Fatal(err)
	}
	coloured := image.NewRGBA(oneBit.Bounds())
	draw.Draw(coloured, coloured.Rect, oneBit, image.Point{}, draw.Src)
	if err := png.Encode(&picture, coloured); err != nil {
		t.Fatal(err)
	}
	in, out := filepath.Join(dir, "in.png"), filepath.Join(dir, "out.heic")
	if err := os.WriteFile(in, picture.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("heif-enc", "-q", "90", "-o", out, in).Run(); err != nil {
		t.Skipf("heif-enc has no encoder here: %v", err)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if kind := convert.Detect(data); kind != "HEIC" {
		t.Fatalf("detected as %q", kind)
	}
	pages, tool, err := convert.Convert(context.Background(), exec.LookPath, data)
	if err != nil || tool != "heif-convert" || len(pages) != 1 {
		t.Fatalf("%d pages by %q, %v", len(pages), tool, err)
	}
	says(t, pages[0])
}

// A real pdftoppm, on a page that holds the modules of a code as rectangles.
func TestRealPDF(t *testing.T) {
	t.Parallel()
	testenv.Program(t, "pdftoppm", "poppler-utils")
	pages, _, err := convert.Convert(context.Background(), exec.LookPath, pdf(t, text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.DecodeConfig(bytes.NewReader(pages[0])); err != nil {
		t.Fatal(err)
	}
	says(t, pages[0])
}

// pdf draws a code on a page, four points a module.
func pdf(t *testing.T, text string) []byte {
	t.Helper()
	modules, err := qr.Matrix(text)
	if err != nil {
		t.Fatal(err)
	}
	var draw strings.Builder
	for y, row := range modules {
		for x, dark := range row {
			if dark {
				fmt.Fprintf(&draw, "%d %d 4 4 re\n", 100+4*x, 600-4*y)
			}
		}
	}
	draw.WriteString("f\n")
	var out bytes.Buffer
	var offsets []int
	object := func(body string) {
		offsets = append(offsets, out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", len(offsets), body)
	}
	out.WriteString("%PDF-1.4\n")
	object("<< /Type /Catalog /Pages 2 0 R >>")
	object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
	object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>")
	object(fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", draw.Len(), draw.String()))
	start := out.Len()
	fmt.Fprintf(&out, "xref\n0 5\n0000000000 65535 f \n")
	for _, at := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&out, "trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", start)
	return out.Bytes()
}
