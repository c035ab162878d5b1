package term

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape returns s, text that is not ours, in a form that a terminal only shows: on one line, in the order of its
// letters, with nothing hidden.
//
// Controls (C0, DEL, C1), bidirectional controls and isolates, zero-width and other invisible format characters, line and
// paragraph separators, and bytes that are not UTF-8 become visible: \n, \r, \t, \x1b, \u202e, \U000e0041; a byte that is
// not UTF-8 becomes \xff. Everything else stays, backslashes too, so that Escape(Escape(s)) is Escape(s): the form is for
// eyes and cannot be turned back.
//
// Source: Unicode TR36 "Unicode Security Considerations" and Unicode categories Cc, Cf, Zl, Zp with
// Other_Default_Ignorable_Code_Point.
func Escape(s string) string {
	if safe(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !hidden(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += size
	}
	return b.String()
}

// safe reports whether s is valid UTF-8 without anything to escape.
func safe(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, hidden)
}

// hidden reports whether a terminal would act on r, or show nothing for it, instead of showing it.
func hidden(r rune) bool {
	if r >= ' ' && r < 0x7f {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point)
}
