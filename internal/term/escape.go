package term

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

// Escape returns s, text that is not ours, in a form that a terminal only shows: on one line, in the order of its
// letters, with nothing hidden.
//
// Controls (C0, DEL, C1), bidirectional controls and isolates, joiners, variation selectors and other invisible
// characters, line and paragraph separators, and bytes that are not UTF-8 become visible: \n, \r, \t, \x1b, \u202e,
// \U000e0041; a byte that is not UTF-8 becomes \xff. Everything else stays, backslashes too, so that Escape(Escape(s)) is
// Escape(s): the form is for eyes and cannot be turned back.
//
// A joiner between two emoji and a variation selector behind one stay as well: they are part of a picture that is seen.
//
// Sources: Unicode TR36 "Unicode Security Considerations"; Unicode categories Cc, Cf, Zl, Zp and the properties
// Other_Default_Ignorable_Code_Point and Variation_Selector; UTS #51 "Unicode Emoji", 1.4.
func Escape(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	clusters := displaywidth.StringGraphemes(s)
	for clusters.Next() {
		escapeCluster(&b, clusters.Value())
	}
	return b.String()
}

// escapeCluster writes one grapheme cluster, escaped. Emoji that a joiner joins are one.
func escapeCluster(b *strings.Builder, cluster string) {
	before := utf8.RuneError // the rune before, where that was written as it is
	for cluster != "" {
		r, size := utf8.DecodeRuneInString(cluster)
		after, _ := utf8.DecodeRuneInString(cluster[size:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(b, `\x%02x`, cluster[0])
			r = utf8.RuneError
		case !hidden(r) || ofPicture(before, r, after):
			b.WriteRune(r)
		default:
			escapeRune(b, r)
			r = utf8.RuneError
		}
		before, cluster = r, cluster[size:]
	}
}

func escapeRune(b *strings.Builder, r rune) {
	switch {
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\r':
		b.WriteString(`\r`)
	case r == '\t':
		b.WriteString(`\t`)
	case r < utf8.RuneSelf:
		fmt.Fprintf(b, `\x%02x`, r)
	case r <= 0xffff:
		fmt.Fprintf(b, `\u%04x`, r)
	default:
		fmt.Fprintf(b, `\U%08x`, r)
	}
}

// hidden reports whether a terminal would act on r, or show nothing for it, instead of showing it.
func hidden(r rune) bool {
	if r >= ' ' && r < 0x7f {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

const (
	joiner       = '\u200d'
	textStyle    = '\ufe0e'
	emojiStyle   = '\ufe0f'
	keycapCircle = '\u20e3'
)

// ofPicture reports whether r, which is invisible by itself, changes the picture of the runes around it in its grapheme
// cluster.
func ofPicture(before, r, after rune) bool {
	switch r {
	case joiner: // In one cluster it stands between symbols only if both are emoji: UAX #29, rule GB11.
		return (pictured(before) || before == textStyle || before == emojiStyle) && pictured(after)
	case textStyle, emojiStyle:
		return pictured(before) || after == keycapCircle
	default:
		return false
	}
}

// pictured reports whether r can be an emoji: a symbol outside ASCII, or one of the letters and punctuation marks of
// emoji-variation-sequences.txt.
func pictured(r rune) bool {
	return r >= utf8.RuneSelf && unicode.IsSymbol(r) && r != utf8.RuneError || strings.ContainsRune("ℹ‼⁉〰〽", r)
}
