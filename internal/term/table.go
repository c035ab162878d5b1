package term

import (
	"io"
	"math"
	"slices"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// gap is how many spaces are between two columns.
const gap = 2

// A Column says how one column of a [Layout] is fitted to a terminal.
type Column struct {
	Name string // in the heading
	Fit  Fit
	Look func(cell string) Look // nil for [Plain]
}

// A Fit says what becomes of a cell that is wider than its column may be.
type Fit int

const (
	// Whole is never shortened.
	Whole Fit = iota
	// Cut is shortened in its middle, by …: both ends of a label tell it from others.
	Cut
	// Wrap goes on in the next line, below itself. Only spaces are broken, so that what is to be copied stays whole.
	Wrap
)

const (
	leastCut  = 8  // cells of a column that is cut
	leastWrap = 24 // cells of a column that is wrapped, at most: a longer word may be wider than its column
)

// A Layout writes a table. A column is as wide as its widest cell on a terminal; columns are two spaces apart, and no line
// ends with spaces.
//
// On a terminal of Width columns the table fits: columns that may be are made narrower, and those in which no row has
// anything are left out. Where even the narrowest columns are too wide, each row becomes lines below one another.
type Layout struct {
	Columns []Column
	Width   int  // of the terminal; 0 for a reader that is none: each row is one line, and whole
	Heading bool // where the columns have names
	Colours bool
}

// Write writes the rows, which may be shorter than Columns. Cells are written as they are: use [Escape] on texts that are
// not ours.
func (l Layout) Write(w io.Writer, rows [][]string) error {
	used := l.used(rows)
	widths, fits := l.widths(rows, used)
	var out strings.Builder
	switch {
	case !fits:
		for _, row := range rows {
			l.stack(&out, row, used)
		}
	default:
		if l.heads() && len(rows) > 0 {
			l.heading(&out, widths, used)
		}
		for _, row := range rows {
			l.row(&out, row, widths, used)
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// heads reports whether there is a heading.
func (l Layout) heads() bool {
	return l.Heading && slices.ContainsFunc(l.Columns, func(c Column) bool { return c.Name != "" })
}

// used returns the places of the columns that some row has something in, and of all columns for a reader that counts
// them.
func (l Layout) used(rows [][]string) (used []int) {
	for i := range l.Columns {
		if l.Width == 0 || slices.ContainsFunc(rows, func(row []string) bool { return i < len(row) && row[i] != "" }) {
			used = append(used, i)
		}
	}
	return used
}

// widths divides the terminal. Of the columns that may be narrower, the widest ones are made so first. fits is false where
// the narrowest are too wide together.
func (l Layout) widths(rows [][]string, used []int) (widths []int, fits bool) {
	widths, least := make([]int, len(l.Columns)), make([]int, len(l.Columns))
	room := l.Width + gap
	if l.Width == 0 {
		room = math.MaxInt
	}
	for _, i := range used {
		if l.heads() {
			widths[i] = width(l.Columns[i].Name)
			least[i] = widths[i]
		}
		for _, row := range rows {
			if i < len(row) {
				widths[i] = max(widths[i], width(row[i]))
				least[i] = max(least[i], l.Columns[i].Fit.least(row[i]))
			}
		}
		room -= widths[i] + gap
	}
	for room < 0 {
		widest := -1
		for _, i := range used {
			if widths[i] > least[i] && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return widths, false
		}
		widths[widest]--
		room++
	}
	return widths, true
}

// least returns the cells that a text needs where its column is as narrow as can be.
func (f Fit) least(text string) int {
	switch f {
	case Cut:
		return min(width(text), leastCut)
	case Wrap:
		longest := 0
		for word := range strings.FieldsSeq(text) {
			longest = max(longest, width(word))
		}
		return min(longest, leastWrap)
	default:
		return width(text)
	}
}

func (l Layout) heading(out *strings.Builder, widths, used []int) {
	var line line
	for _, i := range used {
		line.add(l.paint(l.Columns[i].Name, Heading), width(l.Columns[i].Name), widths[i], "")
	}
	line.end(out)
}

// row writes a row, in as many lines as its longest cell takes.
func (l Layout) row(out *strings.Builder, row []string, widths, used []int) {
	cells, lines := make([][]string, len(l.Columns)), 1
	for _, i := range used {
		if i < len(row) {
			cells[i] = []string{row[i]}
			if l.Width > 0 {
				cells[i] = l.Columns[i].Fit.lines(row[i], widths[i])
			}
			lines = max(lines, len(cells[i]))
		}
	}
	for n := range lines {
		var line line
		for _, i := range used {
			text, mark := "", ""
			if n < len(cells[i]) {
				text = cells[i][n]
			}
			if l.Width > 0 {
				mark = strings.TrimPrefix(Mark(text), text)
			}
			line.add(l.cell(i, row, text), width(text), widths[i], mark)
		}
		line.end(out)
	}
}

// stack writes a row as lines below one another. All but the first are indented, and named where their columns are.
func (l Layout) stack(out *strings.Builder, row []string, used []int) {
	before := ""
	for n, i := range used {
		if i >= len(row) || row[i] == "" {
			continue
		}
		if n > 0 && before != "" && l.heads() {
			before = "  " + strings.ToLower(l.Columns[i].Name) + ": "
		}
		for _, text := range l.Columns[i].Fit.lines(row[i], max(1, l.Width-len(before))) {
			out.WriteString(before + l.cell(i, row, text) + "\n")
			before = strings.Repeat(" ", len(before))
		}
		before = "  "
	}
}

// lines returns the lines of a cell of a width.
func (f Fit) lines(text string, width int) []string {
	switch f {
	case Cut:
		return []string{Shorten(text, width)}
	case Wrap:
		return wrap(text, width)
	default:
		return []string{text}
	}
}

// cell returns a text of a cell with its look.
func (l Layout) cell(i int, row []string, text string) string {
	look := Plain
	if l.Columns[i].Look != nil && i < len(row) {
		look = l.Columns[i].Look(row[i])
	}
	return l.paint(text, look)
}

func (l Layout) paint(text string, look Look) string {
	if !l.Colours {
		return text
	}
	return Paint(text, look)
}

// A line is one line of a table. What comes after a text is written once another text follows.
type line struct {
	text   strings.Builder
	mark   string // of [Mark]
	spaces int
}

// add adds a text of some cells, and fills it to a width.
func (l *line) add(text string, cells, width int, mark string) {
	if cells > 0 {
		l.text.WriteString(l.mark + strings.Repeat(" ", l.spaces) + text)
		l.mark, l.spaces = mark, 0
	}
	l.spaces += max(0, width-cells) + gap
}

func (l *line) end(out *strings.Builder) { out.WriteString(l.text.String() + "\n") }

// Shorten returns text in at most width cells. What is too much is taken out of its middle.
func Shorten(text string, width int) string {
	switch {
	case displaywidth.String(text) <= width:
		return text
	case width < 1:
		return ""
	}
	var clusters []string
	for all := displaywidth.StringGraphemes(text); all.Next(); {
		clusters = append(clusters, all.Value())
	}
	room := width - 1 // without the …
	begin := room - room/2
	first, last, used := 0, len(clusters), 0
	for ; used+displaywidth.String(clusters[first]) <= begin; first++ {
		used += displaywidth.String(clusters[first])
	}
	for ; used+displaywidth.String(clusters[last-1]) <= room; last-- {
		used += displaywidth.String(clusters[last-1])
	}
	return strings.Join(clusters[:first], "") + "…" + strings.Join(clusters[last:], "")
}

// wrap returns text in lines of at most width cells, broken at spaces. A longer word has a line of its own.
func wrap(text string, room int) []string {
	var lines []string
	for word := range strings.FieldsSeq(text) {
		if last := len(lines) - 1; last >= 0 && width(lines[last])+1+width(word) <= room {
			lines[last] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}

// width returns the columns that s takes on a terminal that draws a grapheme cluster as one picture.
func width(s string) int { return displaywidth.String(s) }
