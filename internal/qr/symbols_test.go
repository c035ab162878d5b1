package qr

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	zxing "github.com/makiuchi-d/gozxing/qrcode/decoder"

	"github.com/authcli/auth/internal/testenv"
)

// The symbols of testdata/symbols were written by qrencode, and so are those of
// these tests where it is installed: what reads them here has no part in them.
// go test ./internal/qr -run Symbol -update writes them anew.

// qrencode returns the modules of a symbol without its quiet zone. Version 0 is
// the smallest that is large enough.
func qrencode(t testing.TB, text string, version int, level string, options ...string) *image.Gray {
	t.Helper()
	program := testenv.Program(t, "qrencode", "qrencode")
	args := append([]string{"-o", "-", "-t", "PNG", "-s", "1", "-m", "0", "-v", strconv.Itoa(version), "-l", level}, options...)
	cmd := exec.Command(program, args...)
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return grayOf(t, out)
}

func grayOf(t testing.TB, file []byte) *image.Gray {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	out := image.NewGray(img.Bounds())
	for i := range out.Pix {
		out.Set(i%out.Stride, i/out.Stride, img.At(i%out.Stride, i/out.Stride))
	}
	return out
}

// savedSymbol reads a symbol of testdata/symbols.
func savedSymbol(t testing.TB, name, text string, version int, level string) *image.Gray {
	t.Helper()
	path := filepath.Join("testdata", "symbols", name+".png")
	if *update {
		if err := os.WriteFile(path, asPNG(twoColours(qrencode(t, text, version, level, "-8"))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return grayOf(t, data)
}

// symbolOf returns the symbol of a text that the pictures of these tests show.
func symbolOf(t testing.TB, text string) *image.Gray {
	t.Helper()
	names := map[string]string{alice: "alice", bob: "bob", short: "short"}
	if names[text] == "" {
		t.Fatalf("no symbol for %q", text)
	}
	return savedSymbol(t, names[text], text, 0, "M")
}

// sampled is what a perfect sampling of a symbol gives.
func sampled(symbol *image.Gray) []float32 {
	modules := make([]float32, len(symbol.Pix))
	for i, v := range symbol.Pix {
		modules[i] = 1
		if v > 127 {
			modules[i] = -1
		}
	}
	return modules
}

var levels = map[string]zxing.ErrorCorrectionLevel{
	"L": zxing.ErrorCorrectionLevel_L, "M": zxing.ErrorCorrectionLevel_M, "Q": zxing.ErrorCorrectionLevel_Q, "H": zxing.ErrorCorrectionLevel_H,
}

// fullText is as many bytes as a symbol holds (ISO/IEC 18004 table 7), or a few less.
func fullText(t testing.TB, version int, level string) string {
	t.Helper()
	v, err := zxing.Version_GetVersionForNumber(version)
	if err != nil {
		t.Fatal(err)
	}
	room := v.GetTotalCodewords() - v.GetECBlocksForLevel(levels[level]).GetTotalECCodewords() - 3
	return strings.ToValidUTF8(strings.Repeat("Zürich 12345 ", 300)[:room], "")
}

// Every version and every level that qrencode writes is read. Without qrencode,
// those in testdata are.
func TestReadsEverySymbol(t *testing.T) {
	t.Parallel()
	saved := map[string]bool{}
	for name := range strings.FieldsSeq("1L 1M 1Q 1H 2L 3L 5Q 6M 7L 7H 10M 14Q 21H 27L 32M 40L") {
		saved[name] = true
	}
	_, err := exec.LookPath("qrencode")
	installed := err == nil || testenv.Required("qrencode")
	for version := 1; version <= 40; version++ {
		for level := range levels {
			name, text := fmt.Sprint(version, level), fullText(t, version, level)
			var symbol *image.Gray
			switch {
			case saved[name]:
				symbol = savedSymbol(t, name, text, version, level)
			case installed:
				symbol = qrencode(t, text, version, level, "-8")
			default:
				continue
			}
			if symbol.Rect.Dx() != sizeOf(version) {
				t.Fatalf("%s has %d modules", name, symbol.Rect.Dx())
			}
			got, ok := newDecoder().decode(sampled(symbol), sizeOf(version), true)
			if !ok || got.text != text {
				t.Errorf("%s: got %q, %v", name, got.text, ok)
			}
		}
	}
}

// A symbol in each of qrencode's ways to write one.
func TestReadsWhatQrencodeWrites(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text    string
		options []string
		want    string
	}{
		"digits":       {"0123456789012", nil, ""},
		"letters":      {"AGE-SECRET-KEY-1QQ $%*+-./:", nil, ""},
		"mixed":        {"abc0123456789012345ABCDEFGHIJKLMNOPQ-xyz", nil, ""},
		"Kanji":        {"\x93\x8c\x8b\x9e\x93\x73", []string{"-k"}, "東京都"},
		"UTF-8":        {"東京都 Zürich", []string{"-8"}, ""},
		"a line break": {"one\ntwo", nil, ""},
	} {
		symbol := qrencode(t, c.text, 0, "M", c.options...)
		want := c.want
		if want == "" {
			want = c.text
		}
		if got, ok := newDecoder().decode(sampled(symbol), symbol.Rect.Dx(), true); !ok || got.text != want {
			t.Errorf("%s: got %q, %v", name, got.text, ok)
		}
	}
}

// zbarimg reads a picture of every size that PNG draws.
func TestZbarimgReadsWhatIsDrawn(t *testing.T) {
	t.Parallel()
	program := testenv.Program(t, "zbarimg", "zbar-tools")
	dir := t.TempDir()
	args := []string{"-q", "--raw", "-Sdisable", "-Sqrcode.enable"}
	var want strings.Builder
	for version := 1; version <= 40; version++ {
		text := strings.ReplaceAll(fullText(t, version, "M"), "ü", "ue") // zbarimg guesses the character set
		var picture bytes.Buffer
		if err := PNG(&picture, text, 4); err != nil {
			t.Fatal(err)
		}
		config, err := png.DecodeConfig(bytes.NewReader(picture.Bytes()))
		if err != nil || config.Width != 4*(sizeOf(version)+2*quietZone) || config.Height != config.Width {
			t.Fatalf("version %d: %+v, %v", version, config, err)
		}
		path := filepath.Join(dir, fmt.Sprintf("%02d.png", version))
		if err := os.WriteFile(path, picture.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
		want.WriteString(text + "\n")
	}
	got, err := exec.Command(program, args...).Output()
	if err != nil || string(got) != want.String() {
		t.Errorf("%v: zbarimg reads %q", err, got)
	}
}
