package manual

import (
	"fmt"
	"strings"
)

// Man returns the page as a man page of section 7, in the macros of man(7).
func (t Topic) Man() string {
	s := style{
		plain:  Roff,
		strong: func(text string) string { return `\fB` + text + `\fP` },
		code: func(text string) string { // whose words are never hyphenated
			return `\fB\%` + strings.ReplaceAll(Roff(text), " ", ` \%`) + `\fP`
		},
	}
	var b strings.Builder
	fmt.Fprintf(&b, ".TH \"AUTH-%s\" \"7\" \"\" \"auth\" \"auth manual\"\n", strings.ToUpper(t.Name))
	fmt.Fprintf(&b, ".SH NAME\nauth-%s \\- %s\n", t.Name, Roff(t.Short))
	for i, p := range parse(t.Markdown) {
		text := s.inline(p.text)
		switch p.kind {
		case heading:
			switch {
			case i == 0: // the title of the page
				b.WriteString(".SH DESCRIPTION\n")
			case p.level <= 2:
				b.WriteString(".SH " + Line(text))
			default:
				b.WriteString(".SS " + Line(text))
			}
		case item:
			b.WriteString(".IP \\(bu 2\n" + Line(text))
		case code:
			b.WriteString(".PP\n.RS 4\n.EX\n")
			for _, l := range p.lines {
				b.WriteString(Line(Roff(l)))
			}
			b.WriteString(".EE\n.RE\n")
		case table:
			b.WriteString(roffTable(inlined(s, p.rows)))
		default:
			b.WriteString(".PP\n" + Line(text))
		}
	}
	return b.String()
}

// roffTable writes each row as a tagged paragraph. The cells of a table with more than
// two columns have the heading of their column before them.
func roffTable(rows [][]string) string {
	var b strings.Builder
	for _, row := range rows[1:] {
		b.WriteString(".TP\n" + Line(row[0]))
		first := true
		for i, cell := range row[1:] {
			if cell == "" {
				continue
			}
			if !first {
				b.WriteString(".br\n")
			}
			first = false
			if len(row) > 2 {
				cell = `\fI` + rows[0][i+1] + `:\fP ` + cell
			}
			b.WriteString(Line(cell))
		}
	}
	return b.String()
}

// Roff escapes a text for troff: backslashes, and hyphens, which would otherwise not be
// found or pasted as they are typed.
func Roff(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, "'", `\(aq`).Replace(text)
}

// Line ends a line of troff. A dot at its beginning is no request.
func Line(text string) string {
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text + "\n"
}
