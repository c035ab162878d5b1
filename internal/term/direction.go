package term

import (
	"strings"
	"unicode"
)

// leftToRight is a mark that is not seen. What comes after it is not drawn as a part of right-to-left text before it.
const leftToRight = "\u200e"

// Mark returns the text of a cell with a mark behind it where it has Hebrew, Arabic or other right-to-left letters. Without
// that, a terminal that knows of directions draws the spaces and digits behind such a label to its left, and so takes them
// out of their columns (Unicode Standard Annex #9, rules W2 to W7 and N1).
func Mark(text string) string {
	if strings.ContainsFunc(text, RightToLeft) {
		return text + leftToRight
	}
	return text
}

// RightToLeft reports whether r is a letter or digit that is written from right to left, by the ranges in which only
// those are (DerivedBidiClass.txt, "@missing" lines for R and AL).
func RightToLeft(r rune) bool {
	switch {
	case r < 0x590:
		return false
	case r <= 0x8ff, r >= 0xfb1d && r <= 0xfdff, r >= 0xfe70 && r <= 0xfefe:
		return !unicode.IsMark(r)
	default:
		return r >= 0x10800 && r <= 0x10fff || r >= 0x1e800 && r <= 0x1efff
	}
}
