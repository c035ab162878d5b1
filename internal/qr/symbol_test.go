package qr

import (
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	zxing "github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"
)

// modulesOf is a perfect sampling of a symbol without its quiet zone.
func modulesOf(size int, dark func(x, y int) bool) []float32 {
	modules := make([]float32, size*size)
	for i := range modules {
		modules[i] = -1
		if dark(i%size, i/size) {
			modules[i] = 1
		}
	}
	return modules
}

// Another implementation writes a symbol of every version and level; ours reads it.
func TestDecodesEverySymbolThatGozxingWrites(t *testing.T) {
	t.Parallel()
	levels := []zxing.ErrorCorrectionLevel{zxing.ErrorCorrectionLevel_L, zxing.ErrorCorrectionLevel_M, zxing.ErrorCorrectionLevel_Q, zxing.ErrorCorrectionLevel_H}
	d := newDecoder()
	for v := version(1); v <= 40; v++ {
		for i, l := range levels {
			blocks, check := v.blocks(level(i))
			text := strings.Repeat("Zürich 12345 ", 300)[:v.codewords()-blocks*check-5]
			if !strings.HasSuffix(text, "\xc3") {
				text = strings.ToValidUTF8(text, "")
			}
			code, err := encoder.Encoder_encode(strings.ToValidUTF8(text, "?"), l, map[gozxing.EncodeHintType]any{
				gozxing.EncodeHintType_QR_VERSION: int(v), gozxing.EncodeHintType_CHARACTER_SET: "UTF-8",
			})
			if err != nil {
				t.Fatalf("version %d level %d: %v", v, i, err)
			}
			m := code.GetMatrix()
			got, ok := d.decode(modulesOf(v.size(), func(x, y int) bool { return m.Get(x, y) == 1 }), v)
			if !ok || got.text != strings.ToValidUTF8(text, "?") {
				t.Errorf("version %d level %d: got %q, %v", v, i, got.text, ok)
			}
		}
	}
}

// The other way round: gozxing's decoder reads what Matrix draws.
func TestGozxingReadsEveryMatrix(t *testing.T) {
	t.Parallel()
	for v := version(1); v <= 40; v++ {
		blocks, check := v.blocks(levelM)
		text := strings.Repeat("otpauth://totp/", 200)[:v.codewords()-blocks*check-3]
		modules, err := Matrix(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(modules) - 2*quietZone; got != v.size() {
			t.Fatalf("version %d: %d modules", v, got)
		}
		inner := make([][]bool, v.size())
		for y := range inner {
			inner[y] = modules[y+quietZone][quietZone : quietZone+v.size()]
		}
		result, err := zxing.NewDecoder().DecodeBoolMapWithoutHint(inner)
		if err != nil || result.GetText() != text {
			t.Errorf("version %d: %v", v, err)
		}
	}
}
