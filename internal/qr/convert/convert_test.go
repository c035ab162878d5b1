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
	"runtime"
	"slices"
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

// The beginnings of files that need converting. The first four bytes of the other are a
// length, which nobody looks at.
const pdfFile, heicFile = "%PDF-1.7", "1234ftypheic"

// stub is a short program in the place of the real one. LAST is its last argument: where
// heif-convert writes to.
func stub(t *testing.T, script string) func(string) (string, error) {
	t.Helper()
	testenv.Program(t, "sh", "dash")
	path := filepath.Join(t.TempDir(), "tool")
	testenv.Executable(t, path, "#!/bin/sh\nfor LAST; do :; done\n"+script)
	return func(name string) (string, error) {
		if name == "sips" {
			return "", exec.ErrNotFound
		}
		return path, nil
	}
}

// pictures writes PNG images and returns their paths, and what is in them.
func pictures(t *testing.T, texts ...string) (paths []string, data [][]byte) {
	t.Helper()
	for _, text := range texts {
		var png bytes.Buffer
		if err := qr.PNG(&png, text, 2); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "picture")
		if err := os.WriteFile(path, png.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		paths, data = append(paths, path), append(data, png.Bytes())
	}
	return paths, data
}

func TestPagesComeInOrder(t *testing.T) {
	t.Parallel()
	paths, want := pictures(t, "one", "two")
	same := func(got [][]byte) bool { return slices.EqualFunc(got, want, bytes.Equal) }
	tool := stub(t, fmt.Sprintf(`[ "$(head -c 8)" = %s ] && [ "$LAST" = - ] && cat %s %s`, pdfFile, paths[0], paths[1]))
	pages, name, err := convert.Convert(t.Context(), tool, []byte(pdfFile))
	if err != nil || name != "pdftoppm" || !same(pages) {
		t.Errorf("%d pages by %q, %v", len(pages), name, err)
	}
	tool = stub(t, fmt.Sprintf(`cat %[2]s >"${LAST%%.png}-2.png"; cat %[1]s >"${LAST%%.png}-1.png"; grep -q ftypheic "$1"`, paths[0], paths[1]))
	pages, name, err = convert.Convert(t.Context(), tool, []byte(heicFile))
	if err != nil || name != "heif-convert" || !same(pages) {
		t.Errorf("%d pages by %q, %v", len(pages), name, err)
	}
}

func TestFailuresOfTools(t *testing.T) {
	t.Parallel()
	paths, _ := pictures(t, "one")
	for _, c := range []struct{ name, file, script string }{
		{"exit code", pdfFile, "echo the file says 12345 >&2; exit 3"},
		{"exit code after a page", pdfFile, "cat " + paths[0] + "; exit 3"},
		{"no page", pdfFile, "exit 0"},
		{"no picture", pdfFile, "echo 12345"},
		{"cut off", pdfFile, "head -c 100 " + paths[0]},
		{"a length beyond the end", pdfFile, `printf '\211PNG\r\n\032\n\377\377\377\377IDAT12345678'`},
		{"too much", pdfFile, "exec cat /dev/zero"},
		{"exit code", heicFile, "echo the file says 12345 >&2; exit 3"},
		{"no page", heicFile, "exit 0"},
		{"too much", heicFile, `truncate -s 300M "$LAST"`},
	} {
		_, _, err := convert.Convert(t.Context(), stub(t, c.script), []byte(c.file))
		if !errors.Is(err, convert.ErrFailed) || strings.Contains(fmt.Sprint(err), "12345") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A program ends with the context, and what it has started ends with it.
func TestCancelledToolEnds(t *testing.T) {
	t.Parallel()
	for _, file := range []string{pdfFile, heicFile} {
		started := filepath.Join(t.TempDir(), "started")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			for ctx.Err() == nil {
				if pids, err := os.ReadFile(started); err == nil && strings.Count(string(pids), "\n") == 2 {
					cancel()
				}
				time.Sleep(time.Millisecond)
			}
		}()
		tool := stub(t, fmt.Sprintf("sleep 60 & echo $! >>%[1]s; echo $$ >>%[1]s; exec sleep 60", started))
		_, _, err := convert.Convert(ctx, tool, []byte(file))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		gone(t, started)
	}
}

// gone waits until the processes whose ids a file lists have ended.
func gone(t *testing.T, path string) {
	t.Helper()
	pids, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for pid := range strings.FieldsSeq(string(pids)) {
		running := func() bool {
			state, err := exec.Command("ps", "-o", "stat=", "-p", pid).Output()
			return err == nil && !strings.HasPrefix(string(state), "Z")
		}
		for deadline := time.Now().Add(time.Minute); running(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("process %s goes on", pid)
			}
		}
	}
}

// Neither while a program runs nor afterwards does a file hold anything of the document,
// where the system has files in memory; anywhere, nothing is left afterwards.
func TestNothingIsLeftBehind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	paths, _ := pictures(t, "one")
	for file, write := range map[string]string{pdfFile: "cat " + paths[0], heicFile: "cat " + paths[0] + ` >"$LAST"`} {
		seen := filepath.Join(t.TempDir(), "seen")
		tool := stub(t, fmt.Sprintf("%[3]s; { find %[1]s -type f; find %[1]s -mindepth 1 -type d -perm /077; } >%[2]s", dir, seen, write))
		if _, _, err := convert.Convert(t.Context(), tool, []byte(file)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(seen); err != nil || runtime.GOOS == "linux" && len(got) > 0 {
			t.Errorf("%q: meanwhile there was %q, %v", file, got, err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
			t.Errorf("%q: left behind: %v, %v", file, left, err)
		}
	}
}

// TestMain makes the test binary a process that converts a file, where a test starts it
// as one: CONVERT_FILE, with the program CONVERT_TOOL.
func TestMain(m *testing.M) {
	tool := os.Getenv("CONVERT_TOOL")
	if tool == "" {
		os.Exit(m.Run())
	}
	_, _, err := convert.Convert(context.Background(), func(string) (string, error) { return tool, nil }, []byte(os.Getenv("CONVERT_FILE")))
	fmt.Println(err)
}

// A process that is killed takes the program with it, and what it leaves holds nothing.
func TestKilled(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends a program with the process that started it")
	}
	paths, _ := pictures(t, "one")
	for file, write := range map[string]string{pdfFile: "cat " + paths[0], heicFile: "cat " + paths[0] + ` >"$LAST"`} {
		dir, started := t.TempDir(), filepath.Join(t.TempDir(), "started")
		tool, _ := stub(t, write+"; echo $$ >"+started+"; exec sleep 60")("")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "TMPDIR="+dir, "CONVERT_TOOL="+tool, "CONVERT_FILE="+file)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for {
			if pid, err := os.ReadFile(started); err == nil && len(pid) > 0 {
				break
			}
			time.Sleep(time.Millisecond)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		gone(t, started)
		err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() {
				t.Errorf("left behind: %s", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
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
