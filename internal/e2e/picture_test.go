//go:build unix

package e2e

import (
	"encoding/xml"
	"fmt"
	"image/color"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
)

// TestPictures draws the live view of the built program for README.md, on a dark and on a light terminal. -update writes
// the pictures anew, and a person has to look at them.
func TestPictures(t *testing.T) {
	t.Parallel()
	d := newDevice(t, nil)
	for _, uri := range []string{
		"otpauth://totp/GitHub:alice@example.com?secret=JBSWY3DPEHPK3PXP&issuer=GitHub",
		"otpauth://totp/AWS:root@example.com?secret=JBSWY3DPEHPK3PXQ&issuer=AWS",
		"otpauth://totp/%E6%97%A5%E6%9C%AC%E9%8A%80%E8%A1%8C:%E8%8A%B1%E5%AD%90?secret=JBSWY3DPEHPK3PXS",
		"otpauth://totp/Google:alice@example.com?secret=JBSWY3DPEHPK3PXR&issuer=Google",
		"otpauth://totp/Sign-On:alice?secret=JBSWY3DPEHPK3PXT&issuer=Sign-On&digits=8&period=60",
		"otpauth://hotp/Bank:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Bank&counter=0",
	} {
		d.must(uri+"\n", "add", "--uri", "-")
	}
	d = d.with("AUTH_NO_INPUT=0", "TERM=xterm-256color", "COLORTERM=", "NO_COLOR=", "TEST_NOW=2026-11-28T12:00:26Z")
	for _, theme := range []theme{
		{name: "dark", background: "#0d1117", text: "#e6edf3", ansi: [16]string{
			7: "#8b949e", 8: "#6e7681", 9: "#ff7b72", 10: "#3fb950", 11: "#d29922", 12: "#79c0ff", 13: "#d2a8ff", 14: "#56d4dd", 15: "#ffffff",
		}},
		{name: "light", background: "#ffffff", text: "#1f2328", ansi: [16]string{
			0: "#1f2328", 1: "#cf222e", 2: "#116329", 3: "#9a6700", 4: "#0969da", 5: "#8250df", 6: "#1b7c83", 7: "#59636e", 8: "#59636e",
		}},
	} {
		t.Run(theme.name, func(t *testing.T) {
			t.Parallel()
			other := *d
			other.t = t
			var background color.Color = color.Gray{Y: 0}
			if theme.name == "light" {
				background = color.Gray{Y: 255}
			}
			s := watch(t, other.command(), 66, 11, background)
			s.shows("auth  6 accounts", "Bank", "4s")
			s.types("jj")
			s.shows("> 日本銀行")
			s.heldBy("../../docs/live-"+theme.name+".svg", func() string { return theme.draw(t, s.emulator) })
			s.types("q")
			s.ends(0)
		})
	}
}

// A theme gives the colours of a terminal. ansi are its sixteen, where the view uses them.
type theme struct {
	name, background, text string
	ansi                   [16]string
}

// The size of a cell, in pixels.
const (
	cellWidth, cellHeight = 8.4, 20
	margin                = 16
)

// draw returns a screen as an SVG picture. Each piece of text has its place and its width, so that the columns stand
// whatever font the reader has.
func (t theme) draw(tb testing.TB, screen *vt.Emulator) string {
	var out strings.Builder
	width, height := float64(screen.Width())*cellWidth+2*margin, screen.Height()*cellHeight+2*margin
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" font-size="14" `+
		`font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace">`+"\n", width, height)
	fmt.Fprintf(&out, `<rect width="100%%" height="100%%" rx="8" fill="%s" stroke="#808080" stroke-opacity=".4"/>`+"\n", t.background)
	for y := range screen.Height() {
		for x := 0; x < screen.Width(); {
			cell := screen.CellAt(x, y)
			start, text, style := x, "", cell.Style
			// A piece ends with its style, and before and after a wide letter: fonts disagree on how wide those are.
			for x < screen.Width() {
				next := screen.CellAt(x, y)
				if !next.Style.Equal(&style) || x > start && (next.Width != 1 || cell.Width != 1) {
					break
				}
				text += next.Content
				cell = next
				x += max(next.Width, 1)
			}
			if strings.TrimSpace(text) == "" {
				continue
			}
			cells := x - start
			trimmed := strings.TrimRight(text, " ")
			cells -= len(text) - len(trimmed)
			var escaped strings.Builder
			if err := xml.EscapeText(&escaped, []byte(trimmed)); err != nil {
				tb.Error(err)
			}
			fmt.Fprintf(&out, `<text x="%.1f" y="%d" textLength="%.1f" lengthAdjust="spacingAndGlyphs" xml:space="preserve" fill="%s"%s>%s</text>`+"\n",
				margin+float64(start)*cellWidth, margin+y*cellHeight+15, float64(cells)*cellWidth, t.colour(tb, style.Fg), weight(style.Attrs), &escaped)
		}
	}
	out.WriteString("</svg>\n")
	return out.String()
}

// colour returns the colour of letters.
func (t theme) colour(tb testing.TB, letters color.Color) string {
	switch c := letters.(type) {
	case nil:
		return t.text
	case ansi.BasicColor:
		if t.ansi[c] != "" {
			return t.ansi[c]
		}
	}
	tb.Errorf("the theme %s lacks the colour %v", t.name, letters)
	return t.text
}

// weight returns the attribute of bold letters. attributes are those of the emulator, whose first bit is bold.
func weight(attributes uint8) string {
	if attributes&1 != 0 {
		return ` font-weight="bold"`
	}
	return ""
}
