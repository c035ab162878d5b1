package sheet

import (
	"bytes"
	"image"
	"image/draw"
	"image/png"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// dots are the pixels of a point: 216 to an inch.
const dots = 3

// PNG returns the page as a PNG image in shades of grey.
func (p Page) PNG() ([]byte, error) {
	d, err := p.draw()
	if err != nil {
		return nil, err
	}
	img := image.NewGray(image.Rect(0, 0, pageWidth*dots, pageHeight*dots))
	draw.Draw(img, img.Bounds(), image.White, image.Point{}, draw.Src)
	for _, b := range d.bars {
		draw.Draw(img, image.Rect(b.x*dots, b.y*dots, (b.x+b.width)*dots, (b.y+b.height)*dots), image.Black, image.Point{}, draw.Src)
	}
	letters, err := opentype.Parse(gomono.TTF)
	if err != nil {
		return nil, err
	}
	for _, t := range d.texts {
		face, err := opentype.NewFace(letters, &opentype.FaceOptions{Size: t.size, DPI: 72 * dots})
		if err != nil {
			return nil, err
		}
		pen := font.Drawer{Dst: img, Src: image.Black, Face: face, Dot: fixed.Point26_6{X: fixed.I(int(t.x * dots)), Y: fixed.I(int(t.y * dots))}}
		pen.DrawString(t.letters)
	}
	var out bytes.Buffer
	err = png.Encode(&out, img)
	return out.Bytes(), err
}
