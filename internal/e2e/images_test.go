package e2e

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The program reads every kind of image file. It prints one otpauth URI per line, and
// exits with 10 and a message if an image has no code. The codes in these files of
// internal/qr are easy to find, because a search is limited in time, and on a busy
// machine a hard one would end too early. The tests of internal/qr check what can be
// read.
func TestScanEveryKind(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	withoutCode := []string{"checkerboard.png", "empty.png", "one-pixel.png"}
	for _, name := range append([]string{
		"animated.gif", "animated.png", "animated.webp", "cmyk.jpg", "held-sideways.jpg", "pages.tiff", "palette.png", "plain.bmp",
		"plain.png", "plain.tiff", "progressive.jpg", "sixteen-bit.png", "still.gif", "still.webp", "three.png", "transparent-ground.png",
	}, withoutCode...) {
		file := filepath.Join(root, "internal", "qr", "testdata", name)
		t.Run(name, func(t *testing.T) {
			if slices.Contains(withoutCode, name) {
				r := d.run("", "scan", file)
				if r.code != 10 || r.stdout != "" || !strings.Contains(r.stderr, "no QR code was found") {
					t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
				}
				return
			}
			r := d.run("", "scan", file)
			if r.code != 0 || r.stdout == "" {
				t.Fatalf("exit code %d\n%s", r.code, r.stderr)
			}
			stdin, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if again := d.run(string(stdin), "scan", "-"); again.stdout != r.stdout {
				t.Errorf("from standard input: %q, from the file: %q", again.stdout, r.stdout)
			}
		})
	}
}

// One of two codes cannot be read. The other is read, and a message says that one is
// missing and where.
func TestScanSaysWhatItCouldNotRead(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	picture := filepath.Join(root, "internal", "qr", "testdata", "one-spoilt.png")
	r := d.run("", "scan", "--json", picture)
	var said struct {
		Images []struct {
			Codes  []struct{ Text string }
			Unread []struct{ Middle [2]float64 }
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &said); err != nil || r.code != 0 || len(said.Images) != 1 {
		t.Fatalf("exit code %d, %v\n%s%s", r.code, err, r.stdout, r.stderr)
	}
	read, unread := said.Images[0].Codes, said.Images[0].Unread
	if len(read) != 1 || len(unread) != 1 {
		t.Fatalf("%d read, %d not", len(read), len(unread))
	}
	if x, y := unread[0].Middle[0], unread[0].Middle[1]; x < 290 || x > 310 || y < 90 || y > 110 {
		t.Errorf("at %v, %v", x, y)
	}
	if !strings.Contains(r.stderr, "1 more QR code that could not be read") {
		t.Errorf("standard error says %q", r.stderr)
	}
}

// A PDF page and a HEIC photograph are read with the programs that convert them. If those
// are missing, the error names them.
func TestScanDocuments(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	pdf := filepath.Join(t.TempDir(), "page.pdf")
	if err := os.WriteFile(pdf, []byte("%PDF-1.4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	without := newDevice(t, nil)
	without.env = append(without.env, "PATH="+t.TempDir())
	without.fails(1, []string{"pdftoppm", "poppler-utils"}, "scan", pdf)
	if _, err := exec.LookPath("pdftoppm"); err == nil {
		d.fails(1, []string{"page.pdf"}, "scan", pdf) // damaged
	}
}

// Each bad image has its own message, adds nothing, and is limited in time and memory.
func TestScanBadInput(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	d.add("keep")
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	example, err := os.ReadFile(filepath.Join(root, "docs", "example.png"))
	if err != nil {
		t.Fatal(err)
	}
	corrupt := bytes.Clone(example)
	corrupt[len(corrupt)/2] ^= 0xff
	tests := []struct {
		name, path string
		code       int
		words      string
	}{
		{"truncated", write("truncated.png", example[:len(example)/2]), 1, "truncated.png"},
		{"corrupt", write("corrupt.png", corrupt), 1, "corrupt.png"},
		{"zero bytes", write("zero.png", nil), 1, "is empty"},
		{"a text file called .png", write("text.png", []byte("hello")), 1, "text.png"},
		{"a decompression bomb", write("bomb.png", blankPNG(20000, 20000)), 1, "bomb.png"},
		{"1 by 1", filepath.Join(root, "internal", "qr", "testdata", "one-pixel.png"), 10, "no QR code"},
		{"100,000 by 1", write("long.png", blankPNG(100000, 1)), 10, "no QR code"},
		{"a folder", dir, 1, "is a folder"},
		{"missing", filepath.Join(dir, "missing.png"), 1, "missing.png"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d.fails(test.code, []string{test.words}, "scan", test.path)
			if r := d.run("", "add", "--qr", test.path); r.code == 0 {
				t.Errorf("adding it ends with 0: %s", r.stderr)
			}
		})
	}
	if got := d.labels(); !slices.Equal(got, []string{"keep"}) {
		t.Errorf("the vault holds %q", got)
	}
}

// blankPNG returns the PNG of a white image with one bit per pixel. It never holds the
// whole image in memory.
func blankPNG(width, height int) []byte {
	var out bytes.Buffer
	out.WriteString("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		body := append([]byte(kind), data...)
		_ = binary.Write(&out, binary.BigEndian, uint32(len(data)))
		out.Write(body)
		_ = binary.Write(&out, binary.BigEndian, crc32.ChecksumIEEE(body))
	}
	var header [13]byte
	binary.BigEndian.PutUint32(header[0:], uint32(width))
	binary.BigEndian.PutUint32(header[4:], uint32(height))
	header[8], header[9] = 1, 0 // one bit, grey
	chunk("IHDR", header[:])
	chunk("IDAT", deflated(height*(1+(width+7)/8)))
	chunk("IEND", nil)
	return out.Bytes()
}

// deflated returns the zlib stream of n zero bytes.
func deflated(n int) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	zeros := make([]byte, 1<<16)
	for n > 0 {
		part := zeros[:min(n, len(zeros))]
		_, _ = w.Write(part)
		n -= len(part)
	}
	_ = w.Close()
	return out.Bytes()
}
