package qr

import (
	"errors"

	zxing "github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"
)

// ErrTooLong says that a text has more bytes than the largest QR code holds.
var ErrTooLong = errors.New("the text is too long for a QR code")

// quietZone is the light border that a symbol needs, in modules (ISO/IEC 18004
// section 6.3.8).
const quietZone = 4

// Matrix returns the modules of a QR code that says text, rows of true for
// dark, with its quiet zone. The text is UTF-8, what is not becomes U+FFFD, and
// it is written with error
// correction M. One that is too long is [ErrTooLong]: 2,331 bytes always fit,
// and 5,596 digits do.
func Matrix(text string) ([][]bool, error) {
	code, err := encoder.Encoder_encode(text, zxing.ErrorCorrectionLevel_M, nil)
	if err != nil { // the one way in which the encoder refuses a text
		return nil, ErrTooLong
	}
	m := code.GetMatrix()
	side := m.GetWidth() + 2*quietZone
	rows := make([][]bool, side)
	for y := range rows {
		rows[y] = make([]bool, side)
		for x := range rows[y] {
			inside := min(x, y) >= quietZone && max(x, y) < side-quietZone
			rows[y][x] = inside && m.Get(x-quietZone, y-quietZone) == 1
		}
	}
	return rows, nil
}
