package qr

import (
	"image"
	"image/color"
	"image/png"
	"io"
	"strings"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// Matrix returns the modules of a QR code that says text, true for dark, with
// its quiet zone.
func Matrix(text string) ([][]bool, error) {
	bits, err := qrcode.NewQRCodeWriter().Encode(text, gozxing.BarcodeFormat_QR_CODE, 0, 0,
		map[gozxing.EncodeHintType]any{gozxing.EncodeHintType_ERROR_CORRECTION: "M"})
	if err != nil {
		return nil, err
	}
	rows := make([][]bool, bits.GetHeight())
	for y := range rows {
		rows[y] = make([]bool, bits.GetWidth())
		for x := range rows[y] {
			rows[y][x] = bits.Get(x, y)
		}
	}
	return rows, nil
}

// PNG writes text as a QR code with scale pixels a module.
func PNG(w io.Writer, text string, scale int) error {
	modules, err := Matrix(text)
	if err != nil {
		return err
	}
	size := len(modules) * scale
	img := image.NewPaletted(image.Rect(0, 0, size, size), color.Palette{color.White, color.Black})
	for y := range size {
		for x := range size {
			if modules[y/scale][x/scale] {
				img.Pix[y*img.Stride+x] = 1
			}
		}
	}
	return png.Encode(w, img)
}

// Terminal returns text as a QR code of half-block characters, dark on light
// whatever the terminal's theme.
func Terminal(text string) (string, error) {
	modules, err := Matrix(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for y := 0; y < len(modules); y += 2 {
		b.WriteString("\x1b[38;5;16;48;5;231m")
		for x := range modules[y] {
			upper, lower := modules[y][x], y+1 < len(modules) && modules[y+1][x]
			switch {
			case upper && lower:
				b.WriteString("█")
			case upper:
				b.WriteString("▀")
			case lower:
				b.WriteString("▄")
			default:
				b.WriteString(" ")
			}
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.String(), nil
}
