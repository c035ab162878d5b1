package live

import (
	"strings"
	"unicode"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
)

// A line is one line of text that is being typed. The cursor is at its end: what is typed here is short.
type line struct{ text string }

// maxLine is how long a line may be, in bytes. A secret or a URI is shorter.
const maxLine = 4096

// press takes a key, and reports whether it was one that edits.
func (l *line) press(key tea.KeyPressMsg) bool {
	switch key.Keystroke() {
	case "backspace", "ctrl+h":
		_, size := utf8.DecodeLastRuneInString(l.text)
		l.text = l.text[:len(l.text)-size]
	case "ctrl+u":
		l.text = ""
	case "ctrl+w":
		words := strings.TrimRight(l.text, " ")
		l.text = words[:strings.LastIndexByte(words, ' ')+1]
	default:
		if key.Text == "" {
			return false
		}
		l.insert(key.Text)
	}
	return true
}

// insert adds text that was typed or pasted. A line has no control characters.
func (l *line) insert(text string) {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, strings.TrimRight(text, "\r\n"))
	if len(l.text)+len(text) <= maxLine {
		l.text += text
	}
}
