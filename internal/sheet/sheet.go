// Package sheet draws a page with a secret for printing: as a PDF, and as a PNG image.
// Both show the same. The page has its own font, so that it looks the same wherever it is
// printed.
package sheet

import (
	"errors"
	"strings"

	"github.com/authcli/auth/internal/qr"
)

// ErrTooLong is returned for a page that does not fit on one sheet of paper.
var ErrTooLong = errors.New("the text does not fit on one page")

// A Page is one sheet of paper. Its parts follow each other from the top, and each may be
// empty. Characters that [Shows] reports false for are drawn as question marks.
type Page struct {
	Title   string
	Above   []string // paragraphs, which are wrapped
	Secret  []string // lines in large letters, for somebody who has to type them; at most 56 columns
	QR      string   // the text of the QR code
	Caption string   // of the QR code
	Below   []string // paragraphs; the lines of one that begins with spaces are all indented as far
}

// Shows reports whether a page can show a text: its letters are those of Latin-1.
func Shows(text string) bool {
	for _, r := range text {
		if letter(r) != r {
			return false
		}
	}
	return true
}

// letter returns the character that is drawn for r.
func letter(r rune) rune {
	if r >= ' ' && r <= '~' || r >= 0xa0 && r <= 0xff && r != 0xad {
		return r
	}
	return '?'
}

// Measures in points, 72 to an inch. The page is A4, and its lower margin is wide enough
// for it to be printed on US Letter.
const (
	pageWidth, pageHeight = 595, 842
	left, top, bottom     = 56, 50, 80

	titleSize, bodySize, secretSize = 18, 10, 14

	advance  = 0.6 // of the font, in its size
	leading  = 1.35
	space    = 12  // between parts
	qrSide   = 216 // at most, with its quiet zone
	bodyWide = 80  // columns
	large    = 56  // columns of large letters
)

// A drawing is a page with everything in its place.
type drawing struct {
	texts []text
	bars  []bar
}

// A text is a line; y is its baseline, counted from the top.
type text struct {
	x, y, size float64
	letters    string
}

// A bar is a black rectangle, counted from the top.
type bar struct{ x, y, width, height int }

// draw lays the page out.
func (p Page) draw() (drawing, error) {
	var d drawing
	y := float64(top)
	write := func(size float64, lines ...string) {
		for _, line := range lines {
			y += size * leading
			if line != "" {
				d.texts = append(d.texts, text{left, y, size, strings.Map(letter, line)})
			}
		}
		if len(lines) > 0 {
			y += space
		}
	}
	if p.Title != "" {
		write(titleSize, p.Title)
	}
	write(bodySize, wrapped(p.Above)...)
	for _, line := range p.Secret {
		if len([]rune(line)) > large {
			return d, ErrTooLong
		}
	}
	write(secretSize, p.Secret...)
	if p.QR != "" {
		modules, err := qr.Matrix(p.QR)
		if err != nil {
			return d, err
		}
		module := max(qrSide/len(modules), 1)
		d.addQR(modules, module, int(y))
		y += float64(len(modules) * module)
		if p.Caption != "" {
			write(bodySize, wrapped([]string{p.Caption})...)
		}
	}
	write(bodySize, wrapped(p.Below)...)
	if y > pageHeight-bottom {
		return d, ErrTooLong
	}
	return d, nil
}

// addQR adds a QR code: a bar for each run of dark modules in a row.
func (d *drawing) addQR(modules [][]bool, module, y int) {
	for row, line := range modules {
		for at := 0; at < len(line); at++ {
			run := 0
			for at+run < len(line) && line[at+run] {
				run++
			}
			if run > 0 {
				d.bars = append(d.bars, bar{left + at*module, y + row*module, run * module, module})
				at += run
			}
		}
	}
}

// wrapped returns the lines of paragraphs. One that fits stays as it is, spaces included. A
// word that is longer than a line is cut.
func wrapped(paragraphs []string) []string {
	var lines []string
	for _, p := range paragraphs {
		if len([]rune(p)) <= bodyWide {
			lines = append(lines, p)
			continue
		}
		indent := p[:len(p)-len(strings.TrimLeft(p, " "))]
		line := []rune(indent)
		empty := true
		for word := range strings.FieldsSeq(p) {
			letters := []rune(word)
			if !empty && len(line)+1+len(letters) > bodyWide {
				lines = append(lines, string(line))
				line, empty = []rune(indent), true
			}
			if !empty {
				line = append(line, ' ')
			}
			for len(line)+len(letters) > bodyWide {
				n := bodyWide - len(line)
				lines = append(lines, string(append(line, letters[:n]...)))
				line, letters = []rune(indent), letters[n:]
			}
			line, empty = append(line, letters...), false
		}
		lines = append(lines, string(line))
	}
	return lines
}
