//go:build unix

package main

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/authcli/auth/internal/qr"
)

// Pictures of the size of a screen, each with a code and without one: a page of text, a
// terminal, windows on a desktop, and a photograph. Most of what is read on a screen has
// one code or none.
const pageWidth, pageHeight = 1920, 1080

// pages draws the pictures into dir, and returns the programs that read them.
func pages(dir string) ([]*program, error) {
	drawn := []struct {
		name string
		draw func(*image.RGBA, *rand.Rand) error
	}{{"text", textPage}, {"terminal", terminalPage}, {"desktop", desktopPage}, {"photograph", photograph}}
	var list []*program
	for _, page := range drawn {
		for _, withCode := range []bool{false, true} {
			img := image.NewRGBA(image.Rect(0, 0, pageWidth, pageHeight))
			if err := page.draw(img, rand.New(rand.NewPCG(1, 1))); err != nil {
				return nil, err
			}
			name := page.name + " without a code"
			if withCode {
				name = page.name + " with a code"
				if err := drawCode(img, image.Pt(900, 400), 5); err != nil {
					return nil, err
				}
			}
			path := filepath.Join(dir, name)
			if err := writePage(path, img, page.name == "photograph"); err != nil {
				return nil, err
			}
			list = append(list, pageReaders(filepath.Join(dir, "auth"), path, name, withCode)...)
		}
	}
	return list, nil
}

// pageReaders returns auth, twice, beside each of two others.
func pageReaders(auth, path, name string, withCode bool) (list []*program) {
	for _, other := range []struct {
		name, without, with string
		command             []string
	}{
		{"zbarimg", "≤ 1.5", "≤ 0.8", []string{"zbarimg", "-q", "--raw", "-Sdisable", "-Sqrcode.enable", path}},
		{"ZXingReader", "≤ 3", "≤ 1.5", []string{"ZXingReader", "-format", "QRCode", path}},
	} {
		if _, err := exec.LookPath(other.command[0]); err != nil {
			continue
		}
		bar := other.without
		if withCode {
			bar = other.with
		}
		rival := &program{name: other.name + ", " + name, command: other.command, rival: true, anyStatus: true}
		ours := &program{name: "auth scan, " + name, command: []string{auth, "scan", path}, against: rival.name, bar: bar, anyStatus: true}
		list = append(list, rival, ours)
	}
	return list
}

func writePage(path string, img image.Image, asJPEG bool) error {
	var out bytes.Buffer
	var err error
	if asJPEG {
		err = jpeg.Encode(&out, img, &jpeg.Options{Quality: 85})
	} else {
		err = png.Encode(&out, img)
	}
	return cmp.Or(err, os.WriteFile(path, out.Bytes(), 0o600))
}

// drawCode draws a code of an account.
func drawCode(img draw.Image, at image.Point, scale int) error {
	var code bytes.Buffer
	if err := qr.PNG(&code, "otpauth://totp/Example:alice@example.com?secret=JBSWY3DPEHPK3PXP&issuer=Example", scale); err != nil {
		return err
	}
	drawn, err := png.Decode(&code)
	if err != nil {
		return err
	}
	draw.Draw(img, drawn.Bounds().Add(at), drawn, image.Point{}, draw.Src)
	return nil
}

func paint(img draw.Image, r image.Rectangle, c color.Color) {
	draw.Draw(img, r, image.NewUniform(c), image.Point{}, draw.Src)
}

// words are what texts are made of.
func words() []string {
	return []string{
		"the", "account", "device", "backup", "restore", "keyring", "of", "and", "with", "secret", "passphrase", "window", "report", "0x4F2A", "mm",
		"illicit", "BOOK", "{", "}", "return", "nil", "error", "import", "github.com", "=>", "8080", "%d", "oo", "DOG", "quality", "a", "to", "in", "is",
		"function", "(x)", "[]byte",
	}
}

// write fills a rectangle with lines of words.
func write(img draw.Image, typeface []byte, size float64, c color.Color, r image.Rectangle, chance *rand.Rand) error {
	parsed, err := opentype.Parse(typeface)
	if err != nil {
		return err
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return err
	}
	d, line := font.Drawer{Dst: img, Src: image.NewUniform(c), Face: face}, int(size*1.5)
	for y := r.Min.Y + line; y < r.Max.Y; y += line {
		if chance.IntN(9) == 0 {
			continue // between paragraphs
		}
		d.Dot = fixed.P(r.Min.X+chance.IntN(4)*12, y)
		for end := r.Max.X - chance.IntN(r.Dx()/3); d.Dot.X.Ceil() < end; {
			d.DrawString(words()[chance.IntN(len(words()))] + " ")
		}
	}
	return nil
}

func textPage(img *image.RGBA, chance *rand.Rand) error {
	paint(img, img.Rect, color.White)
	return write(img, goregular.TTF, 15, color.Gray{30}, img.Rect.Inset(40), chance)
}

func terminalPage(img *image.RGBA, chance *rand.Rand) error {
	paint(img, img.Rect, color.RGBA{28, 30, 38, 255})
	for i, c := range []color.RGBA{{220, 220, 220, 255}, {120, 200, 120, 255}, {220, 160, 90, 255}} {
		if err := write(img, gomono.TTF, 13, c, image.Rect(20+i*630, 10, 630+i*630, pageHeight-10), chance); err != nil {
			return err
		}
	}
	return nil
}

func desktopPage(img *image.RGBA, chance *rand.Rand) error {
	for y := range pageHeight {
		for x := range pageWidth {
			img.SetRGBA(x, y, color.RGBA{uint8(40 + x*100/pageWidth), uint8(60 + y*80/pageHeight), uint8(120 + (x+y)/50), 255})
		}
	}
	for _, window := range []image.Rectangle{image.Rect(80, 60, 980, 800), image.Rect(700, 200, 1800, 1000)} {
		paint(img, window, color.RGBA{246, 246, 248, 255})
		paint(img, image.Rect(window.Min.X, window.Min.Y, window.Max.X, window.Min.Y+34), color.RGBA{50, 54, 64, 255})
		if err := write(img, goregular.TTF, 14, color.RGBA{40, 40, 60, 255}, window.Inset(40), chance); err != nil {
			return err
		}
		for i := range 12 {
			icon := image.Rect(10, 50+i*40, 34, 74+i*40).Add(window.Min)
			paint(img, icon, color.RGBA{uint8(chance.IntN(256)), uint8(chance.IntN(256)), uint8(chance.IntN(256)), 255})
		}
	}
	return nil
}

// photograph draws shapes of all sizes, and grain.
func photograph(img *image.RGBA, chance *rand.Rand) error {
	type wave struct{ height, x, y, phase float64 }
	var waves []wave
	for i := range 60 {
		often := math.Pow(1.12, float64(i)) * 24
		waves = append(waves, wave{20 / math.Sqrt(often/24), often * (chance.Float64() - 0.5) / pageWidth, often * (chance.Float64() - 0.5) / pageHeight, chance.Float64() * 6})
	}
	for y := range pageHeight {
		for x := range pageWidth {
			v := 128 + 3*chance.NormFloat64()
			for _, w := range waves {
				v += w.height * math.Sin(w.x*float64(x)+w.y*float64(y)+w.phase)
			}
			shade := min(max(v, 0), 240)
			img.SetRGBA(x, y, color.RGBA{uint8(shade), uint8(shade * 1.05), uint8(shade * 0.9), 255})
		}
	}
	return nil
}
