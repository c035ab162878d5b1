package term

// A Look is what a text is, for eyes. Nothing is said by it alone.
type Look int

// The looks. Colours are of the sixteen that the user chose for the terminal, and only those that can be read on a dark
// and on a light background.
const (
	Plain   Look = iota
	Heading      // of a table
	Strong       // what the line is about
	Good         // as it should be
	Warn         // something to do
	Bad          // wrong
)

// Paint returns text with a look (ECMA-48, SGR).
func Paint(text string, look Look) string {
	codes := map[Look]string{Heading: "1;4", Strong: "1", Good: "32", Warn: "35", Bad: "1;31"}
	if text == "" || codes[look] == "" {
		return text
	}
	return "\x1b[" + codes[look] + "m" + text + "\x1b[0m"
}
