package term

import "unicode"

// leftToRight is a mark that is not seen. What comes after it is not drawn as a part of right-to-left text before it.
const leftToRight = "\u200e"

// direction returns the mark that has to follow a cell of a row, empty for none. A terminal that knows of directions
// draws the spaces and digits behind a Hebrew or Arabic label to its left, and so takes them out of their columns
// (Unicode Standard Annex #9, rules N1 and W2 to W7).
func direction(text string) string {
	for _, r := range text {
		if rightToLeft(r) {
			return leftToRight
		}
	}
	return ""
}

// rightToLeft reports whether r is a letter or digit that is written from right to left, by the ranges in which only
// those are (DerivedBidiClass.txt, "@missing" lines for R and AL).
func rightToLeft(r rune) bool {
	switch {
	case r < 0x590:
		return false
	case r <= 0x8ff, r >= 0xfb1d && r <= 0xfdff, r >= 0xfe70 && r <= 0xfefe:
		return !unicode.IsMark(r)
	default:
		return r >= 0x10800 && r <= 0x10fff || r >= 0x1e800 && r <= 0x1efff
	}
}

// Mark returns text with what keeps the columns behind it in their place, where it is written from right to left.
func Mark(text string) string { return text + direction(text) }
