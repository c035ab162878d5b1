package qr

import (
	"image"
	"image/color"
	"image/png"
	"io"
	"strings"
)

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

// Width returns how many columns the QR code of text takes in a terminal.
func Width(text string) (int, error) {
	modules, err := Matrix(text)
	return len(modules), err
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
