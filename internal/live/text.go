package live

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/authcli/auth/internal/term"
)

// group returns a code in two groups, as it is read: 123 456. One of five letters is one group.
func group(code string) string {
	if len(code) < 6 {
		return code
	}
	return code[:len(code)/2] + " " + code[len(code)/2:]
}

// left returns the time that is left, in at most four characters. A second that has begun counts.
func left(d time.Duration) string {
	switch seconds := int((d + time.Second - 1) / time.Second); {
	case seconds < 100:
		return fmt.Sprintf("%ds", max(seconds, 0))
	case seconds < 100*60:
		return fmt.Sprintf("%dm", seconds/60)
	case seconds < 1000*3600:
		return fmt.Sprintf("%dh", seconds/3600)
	default:
		return "long"
	}
}

// cut shortens text to a width, in its middle: both ends of a label tell it from others.
func (m *model) cut(text string, width int) string {
	switch {
	case m.cells.StringWidth(text) <= width:
		return text
	case width < 1:
		return ""
	}
	end := (width - 1) / 2
	begin := width - 1 - end
	return m.cells.Truncate(text, begin, "") + "…" + m.end(text, end)
}

// clip shortens a sentence to the width of the screen, at its end.
func (m *model) clip(text string) string { return m.cells.Truncate(text, m.width, "…") }

// pad cuts or fills text to a width.
func (m *model) pad(text string, width int) string {
	text = m.cut(text, width)
	return term.Mark(text) + strings.Repeat(" ", max(0, width-m.cells.StringWidth(text)))
}

// tail returns the end of text that is being typed.
func (m *model) tail(text string, width int) string {
	return m.end(term.Escape(text), max(1, width))
}

// end returns as much of the end of text as fits. A letter that takes several cells is left out whole.
func (m *model) end(text string, width int) string {
	for skip := max(0, m.cells.StringWidth(text)-width); ; skip++ {
		if end := m.cells.TruncateLeft(text, skip, ""); m.cells.StringWidth(end) <= width {
			return end
		}
	}
}

// keyLine returns as many of the keys as fit. The first stays, and the last two, which are
// help and the way out.
func (m *model) keyLine(keys string) string {
	hints := strings.Split(keys, "  ")
	for m.cells.StringWidth(strings.Join(hints, "  ")) > m.width && len(hints) > 1 {
		drop := max(len(hints)-3, 0)
		if len(hints) == 3 {
			drop = 1
		}
		hints = slices.Delete(hints, drop, drop+1)
	}
	return m.cut(strings.Join(hints, "  "), m.width)
}

// wrap breaks text into lines of the screen's width, at most limit, between words.
func (m *model) wrap(text string, limit int) []string {
	if m.cells.StringWidth(text) <= m.width {
		return []string{text}
	}
	lines := []string{""}
	words := strings.Fields(text)
	for i, word := range words {
		last := &lines[len(lines)-1]
		switch longer := strings.TrimPrefix(*last+" "+word, " "); {
		case m.cells.StringWidth(longer) <= m.width:
			*last = longer
		case *last == "" || len(lines) == limit:
			*last = m.clip(strings.TrimPrefix(*last+" "+strings.Join(words[i:], " "), " "))
			return lines
		default:
			lines = append(lines, m.clip(word))
		}
	}
	return lines
}

// fits reports whether a drawing fits on the screen.
func (m *model) fits(drawing string) bool {
	lines := strings.Split(strings.TrimSuffix(drawing, "\n"), "\n")
	return len(lines) <= m.height && m.cells.StringWidth(lines[0]) <= m.width
}
