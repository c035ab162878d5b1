package manual

import (
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// narrowest is the width in columns that a page is never laid out below.
const narrowest = 40

// Text returns the page as plain text, in lines of at most width columns. Words and
// commands that are longer than a line, and lines of code, are never broken.
func (t Topic) Text(width int) string {
	l := layout{width: max(width, narrowest)}
	s := style{
		plain:  func(text string) string { return text },
		strong: func(text string) string { return text },
		code:   func(text string) string { return "`" + text + "`" },
	}
	blocks := parse(t.Markdown)
	for i, b := range blocks {
		if i > 0 && (b.kind != item || blocks[i-1].kind != item) {
			l.line("")
		}
		switch b.kind {
		case heading:
			l.heading(s.inline(b.text), b.level)
		case item:
			l.wrap("- ", "  ", s.inline(b.text))
		case code:
			for _, line := range b.lines {
				l.line("    " + line)
			}
		case table:
			l.table(inlined(s, b.rows))
		default:
			l.wrap("", "", s.inline(b.text))
		}
	}
	return l.out.String()
}

func inlined(s style, rows [][]string) [][]string {
	out := make([][]string, len(rows))
	for i, row := range rows {
		for _, cell := range row {
			out[i] = append(out[i], s.inline(cell))
		}
	}
	return out
}

// A layout is a text in lines of a width.
type layout struct {
	out   strings.Builder
	width int
}

func (l *layout) line(text string) {
	l.out.WriteString(strings.TrimRight(text, " ") + "\n")
}

func (l *layout) heading(text string, level int) {
	l.line(text)
	if level <= 2 {
		l.line(strings.Repeat([]string{"=", "-"}[level-1], displaywidth.String(text)))
	}
}

// wrap writes a text with first before its first line and rest before the others.
func (l *layout) wrap(first, rest, text string) {
	line, empty := first, true
	for _, word := range words(text) {
		if !empty && displaywidth.String(line)+1+displaywidth.String(word) > l.width {
			l.line(line)
			line, empty = rest, true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	l.line(line)
}

// words returns the words of a text. A command between backticks is one word, so that it
// can be copied from one line.
func words(text string) []string {
	var out []string
	inCode := false
	start := 0
	for i, r := range text {
		switch {
		case r == '`':
			inCode = !inCode
		case r == ' ' && !inCode:
			out = append(out, text[start:i])
			start = i + 1
		}
	}
	return append(out, text[start:])
}

// table writes rows in columns. Where they do not fit side by side, and the first column
// is not narrow, each row becomes a list: its first cell, and below it the others with the
// heading of their column.
func (l *layout) table(rows [][]string) {
	columns := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			columns[i] = max(columns[i], displaywidth.String(cell))
		}
	}
	last := len(columns) - 1
	before := 0 // the columns before the last cell
	for _, wide := range columns[:last] {
		before += wide + 2
	}
	if before+columns[last] > l.width && (last != 1 || before > l.width/2) {
		l.list(rows)
		return
	}
	for n, row := range rows {
		var first strings.Builder
		for i, cell := range row[:last] {
			first.WriteString(cell + strings.Repeat(" ", columns[i]-displaywidth.String(cell)+2))
		}
		l.wrap(first.String(), strings.Repeat(" ", before), row[last])
		if n == 0 {
			l.line(strings.Repeat("-", min(before+columns[last], l.width)))
		}
	}
}

func (l *layout) list(rows [][]string) {
	for i, row := range rows[1:] {
		if i > 0 {
			l.line("")
		}
		l.wrap("", "  ", row[0])
		for column, cell := range row[1:] {
			if cell != "" {
				l.wrap("    "+rows[0][column+1]+": ", "      ", cell)
			}
		}
	}
}
