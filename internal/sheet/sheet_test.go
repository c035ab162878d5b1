package sheet_test

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/qr"
	"github.com/authcli/auth/internal/sheet"
	"github.com/authcli/auth/internal/testenv"
)

// secret has the length and the characters of a recovery key.
const secret = "AGE-SECRET-KEY-PQ-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE"

func page() sheet.Page {
	return sheet.Page{
		Title: "A key",
		Above: []string{
			"The first paragraph is so long that it is wrapped once on its way to the other margin of the page.",
			"", "Place:  /home/jürgen/Übung (copy)",
		},
		Secret:  []string{"QPZR Y9X8", "GF2T VDW0"},
		QR:      secret,
		Caption: "what the code is",
		Below:   []string{"To type:", "    auth restore LOCATION --identity -", "\\ and (brackets)"},
	}
}

// lines are what a person reads on that page, from the top.
var lines = []string{
	"A key", "The first paragraph is so long that it is wrapped once on its way to the other", "margin of the page.",
	"Place:  /home/jürgen/Übung (copy)", "QPZR Y9X8", "GF2T VDW0", "what the code is", "To type:", "auth restore LOCATION --identity -", "\\ and (brackets)",
}

func pdf(t *testing.T, p sheet.Page) []byte {
	t.Helper()
	data, err := p.PDF()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func pngOf(t *testing.T, p sheet.Page) []byte {
	t.Helper()
	data, err := p.PNG()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// run runs a program of the system with data as its input.
func run(t *testing.T, name, debian string, data []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(testenv.Program(t, name, debian), args...)
	cmd.Stdin = bytes.NewReader(data)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil || said.Len() > 0 {
		t.Fatalf("%s: %v\n%s", name, err, &said)
	}
	return out
}

// rendered returns the page of a PDF as an image of 216 dots an inch.
func rendered(t *testing.T, data []byte) []byte {
	t.Helper()
	return run(t, "pdftoppm", "poppler-utils", data, "-png", "-gray", "-r", "216", "-")
}

// readsBack checks that an image has one QR code that says the secret.
func readsBack(t *testing.T, picture []byte) {
	t.Helper()
	found, err := qr.Read(t.Context(), picture)
	if err != nil || len(found.Codes) != 1 || found.Codes[0].Text != secret {
		t.Errorf("the QR code: %d codes, %v", len(found.Codes), err)
	}
}

// Poppler and zbar read the page back: every line as it was written, and the QR code.
func TestPDF(t *testing.T) {
	t.Parallel()
	data := pdf(t, page())
	text := string(run(t, "pdftotext", "poppler-utils", data, "-layout", "-enc", "UTF-8", "-", "-"))
	var got []string
	for line := range strings.Lines(text) {
		if line = strings.Trim(line, " \n\f"); line != "" {
			got = append(got, strings.Join(strings.Fields(line), " "))
		}
	}
	var want []string
	for _, line := range lines {
		want = append(want, strings.Join(strings.Fields(line), " "))
	}
	if !slices.Equal(got, want) {
		t.Errorf("pdftotext reads\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	readsBack(t, rendered(t, data))
}

func TestPNG(t *testing.T) {
	t.Parallel()
	readsBack(t, pngOf(t, page()))
}

func TestZbarReadsThePage(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{"PNG": pngOf(t, page()), "PDF": rendered(t, pdf(t, page()))} {
		path := filepath.Join(t.TempDir(), "page.png")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(testenv.Program(t, "zbarimg", "zbar-tools"), "--quiet", "--raw", "-Sqrcode.enable", path)
		if out, err := cmd.Output(); err != nil || string(out) != secret+"\n" {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
}

// The two kinds of file show the same: where one is dark, the other is dark within the
// width of a stroke.
func TestBothShowTheSame(t *testing.T) {
	t.Parallel()
	ours, poppler := decode(t, pngOf(t, page())), decode(t, rendered(t, pdf(t, page())))
	if d := ours.Bounds().Size().Sub(poppler.Bounds().Size()); d.X*d.X+d.Y*d.Y > 2 {
		t.Fatalf("the sizes are %v and %v", ours.Bounds(), poppler.Bounds())
	}
	for name, pair := range map[string][2]image.Image{"only in the PNG": {ours, poppler}, "only in the PDF": {poppler, ours}} {
		alone, all := 0, 0
		for y := range pair[0].Bounds().Dy() {
			for x := range pair[0].Bounds().Dx() {
				if dark(pair[0], x, y) {
					all++
					if !darkNear(pair[1], x, y) {
						alone++
					}
				}
			}
		}
		if all == 0 || alone > all/200 {
			t.Errorf("%d of %d dark dots are %s", alone, all, name)
		}
	}
}

func decode(t *testing.T, data []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func dark(img image.Image, x, y int) bool {
	r, _, _, _ := img.At(x, y).RGBA()
	return (image.Point{x, y}).In(img.Bounds()) && r < 0x6000
}

func darkNear(img image.Image, x, y int) bool {
	for dy := -3; dy <= 3; dy++ {
		for dx := -3; dx <= 3; dx++ {
			if r, _, _, _ := img.At(x+dx, y+dy).RGBA(); (image.Point{x + dx, y + dy}).In(img.Bounds()) && r < 0xc000 {
				return true
			}
		}
	}
	return false
}

// Letters that the font does not have are told, and are question marks where a page has
// them all the same: never other letters.
func TestShows(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"": true, "/home/alice/Dropbox": true, "C:\\Users\\Jürgen": true, "naïve café ÿ": true,
		"/home/alice/ドロップボックス": false, "a\nb": false, "a\u0085b": false, "a\u00adb": false, "€": false, "\u202e": false, "\xff": false, "e\u0301": false,
	} {
		if got := sheet.Shows(text); got != want {
			t.Errorf("Shows(%q) is %v", text, got)
		}
	}
	p := sheet.Page{Title: "バックアップ ok", Above: []string{"e\u0301 end"}}
	if got := strings.Fields(string(run(t, "pdftotext", "poppler-utils", pdf(t, p), "-", "-"))); !slices.Equal(got, []string{"??????", "ok", "e?", "end"}) {
		t.Errorf("pdftotext reads %q", got)
	}
}

func TestTooLong(t *testing.T) {
	t.Parallel()
	long := page()
	for range 30 {
		long.Below = append(long.Below, "one more")
	}
	wide := page()
	wide.Secret = append(wide.Secret, strings.Repeat("x", 57))
	for name, p := range map[string]sheet.Page{"long": long, "wide": wide} {
		if _, err := p.PDF(); !errors.Is(err, sheet.ErrTooLong) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := p.PNG(); !errors.Is(err, sheet.ErrTooLong) {
			t.Errorf("%s: %v", name, err)
		}
	}
	code := page()
	code.QR = strings.Repeat("x", 5000)
	if _, err := code.PDF(); !errors.Is(err, qr.ErrTooLong) {
		t.Errorf("a text that no QR code holds: %v", err)
	}
	// A word that is longer than a line is cut, and nothing of it is lost.
	word := strings.Repeat("0123456789", 17)
	got := string(run(t, "pdftotext", "poppler-utils", pdf(t, sheet.Page{Below: []string{"see " + word + " there"}}), "-", "-"))
	if joined := strings.Join(strings.Fields(got), ""); joined != "see"+word+"there" {
		t.Errorf("pdftotext reads %q", got)
	}
}

// A file says nothing of when and where it was made.
func TestTheSameTwice(t *testing.T) {
	t.Parallel()
	if !bytes.Equal(pdf(t, page()), pdf(t, page())) || !bytes.Equal(pngOf(t, page()), pngOf(t, page())) {
		t.Error("the same page is another file")
	}
}
