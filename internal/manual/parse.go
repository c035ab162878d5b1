package manual

import "strings"

// A kind says what a block is.
type kind int

const (
	paragraph kind = iota
	heading
	item  // of a list
	code  // lines as they are
	table // its first row is the heading
)

// A block is a part of a page. Only what the pages of docs use is known: headings,
// paragraphs, flat lists, fenced code and tables.
type block struct {
	kind  kind
	level int        // of a heading, from 1
	text  string     // one line, with its inline marks
	lines []string   // of code
	rows  [][]string // of a table
}

// parse cuts Markdown into blocks.
func parse(markdown string) []block {
	var blocks []block
	open := false // whether a line may continue the last block
	lines := strings.Split(markdown, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		last := len(blocks) - 1
		switch {
		case line == "":
			open = false
			continue
		case strings.HasPrefix(line, "```"):
			b := block{kind: code}
			for i++; i < len(lines) && !strings.HasPrefix(lines[i], "```"); i++ {
				b.lines = append(b.lines, lines[i])
			}
			blocks = append(blocks, b)
			open = false
			continue
		case strings.HasPrefix(line, "#"):
			text := strings.TrimLeft(line, "#")
			blocks = append(blocks, block{kind: heading, level: len(line) - len(text), text: strings.TrimSpace(text)})
			open = false
			continue
		case strings.HasPrefix(line, "- "):
			blocks = append(blocks, block{kind: item, text: line[2:]})
		case strings.HasPrefix(line, "|"):
			if !open || blocks[last].kind != table {
				blocks = append(blocks, block{kind: table})
				last++
			}
			if row := cells(line); !isRule(row) {
				blocks[last].rows = append(blocks[last].rows, row)
			}
		case open && blocks[last].kind != table:
			blocks[last].text += " " + line
		default:
			blocks = append(blocks, block{kind: paragraph, text: line})
		}
		open = true
	}
	return blocks
}

// cells returns the cells of a line of a table.
func cells(line string) []string {
	var row []string
	cell := ""
	for part := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
		if before, escaped := strings.CutSuffix(part, `\`); escaped { // the bar is one of the text
			cell += before + "|"
			continue
		}
		row = append(row, strings.TrimSpace(cell+part))
		cell = ""
	}
	return row
}

// isRule reports whether a row is the line between the heading of a table and its body.
func isRule(row []string) bool {
	return strings.Trim(strings.Join(row, ""), "-:") == ""
}

// A style says how inline marks of Markdown are written.
type style struct {
	plain  func(text string) string
	strong func(text string) string
	code   func(text string) string
}

// inline writes a text in a style. A link to a web page keeps its address, one to another
// topic says how to read it, and every other link is its text.
func (s style) inline(text string) string {
	var b strings.Builder
	for text != "" {
		at := strings.IndexAny(text, "`*[")
		if at < 0 {
			break
		}
		b.WriteString(s.plain(text[:at]))
		text = text[at:]
		switch {
		case text[0] == '`':
			words, rest, _ := strings.Cut(text[1:], "`")
			b.WriteString(s.code(words))
			text = rest
		case strings.HasPrefix(text, "**"):
			words, rest, _ := strings.Cut(text[2:], "**")
			b.WriteString(s.strong(s.inline(words)))
			text = rest
		case text[0] == '[':
			words, rest, _ := strings.Cut(text[1:], "](")
			target, rest, _ := strings.Cut(rest, ")")
			b.WriteString(s.inline(words) + s.plain(leads(target)))
			text = rest
		default: // a single star is a quotation mark, here as in the page
			b.WriteString(s.plain(text[:1]))
			text = text[1:]
		}
	}
	return b.String() + s.plain(text)
}

// leads returns what is written behind the words of a link.
func leads(target string) string {
	if strings.HasPrefix(target, "https://") {
		return " (" + target + ")"
	}
	if name, found := strings.CutSuffix(target, ".md"); found {
		if _, found := Find(name); found {
			return " (auth help " + name + ")"
		}
	}
	return ""
}
