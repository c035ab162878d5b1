package term_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/authcli/auth/internal/term"
)

func TestEscape(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"plain", `GitHub:alice@example.com`, `GitHub:alice@example.com`},
		{"letters of the world", "Störtebeker 東京 банк ❤️", "Störtebeker 東京 банк ❤️"},
		{"backslash stays", `DOMAIN\user`, `DOMAIN\user`},
		{"colour", "\x1b[31mred", `\x1b[31mred`},
		{"title and bell", "\x1b]0;pwned\a", `\x1b]0;pwned\x07`},
		{"line breaks", "a\r\nb\tc", `a\r\nb\tc`},
		{"delete", "a\x7f", `a\x7f`},
		{"C1 control sequence introducer", "\u009b31m", `\u009b31m`},
		{"C1 as a lone byte", "\x9b31m", `\x9b31m`},
		{"right-to-left override", "exe\u202etxt", `exe\u202etxt`},
		{"isolates", "\u2066a\u2069", `\u2066a\u2069`},
		{"marks", "\u200e\u200f\u061c", `\u200e\u200f\u061c`},
		{"zero width", "a\u200bb\u200cc\u200dd\ufeffe\u2060f", `a\u200bb\u200cc\u200dd\ufeffe\u2060f`},
		{"separators", "a\u2028b\u2029c", `a\u2028b\u2029c`},
		{"soft hyphen", "a\u00adb", `a\u00adb`},
		{"Hangul filler", "a\u3164b", `a\u3164b`},
		{"tags", "a\U000e0041", `a\U000e0041`},
		{"not UTF-8", "\xff\xfea\xc3", `\xff\xfea\xc3`},
		{"the replacement character itself", "\ufffd", "\ufffd"},
		{"NUL", "\x00", `\x00`},

		// Sequences of emoji-sequences.txt and emoji-zwj-sequences.txt, Unicode 15.0.
		{"woman technologist", "👩\u200d💻", "👩\u200d💻"},
		{"family", "👨\u200d👩\u200d👧\u200d👦", "👨\u200d👩\u200d👧\u200d👦"},
		{"man health worker: light skin tone", "👨🏻\u200d⚕\ufe0f", "👨🏻\u200d⚕\ufe0f"},
		{"rainbow flag", "🏳\ufe0f\u200d🌈", "🏳\ufe0f\u200d🌈"},
		{"eye in speech bubble", "👁\ufe0f\u200d🗨\ufe0f", "👁\ufe0f\u200d🗨\ufe0f"},
		{"keycap", "1\ufe0f\u20e3", "1\ufe0f\u20e3"},
		{"information, double exclamation mark", "ℹ\ufe0f‼\ufe0f", "ℹ\ufe0f‼\ufe0f"},
		{"text presentation", "☎\ufe0e", "☎\ufe0e"},

		// The same where it joins or changes nothing that anybody sees.
		{"joiner at an end", "👩\u200d", `👩\u200d`},
		{"joiner between letters", "a\u200db", `a\u200db`},
		{"joiner between symbols that are no emoji", "€\u200d€", `€\u200d€`},
		{"joiners", "👩\u200d\u200d💻", `👩\u200d\u200d💻`},
		{"joiner behind what is hidden", "👩\U000e0041\u200d💻", `👩\U000e0041\u200d💻`},
		{"joiner in a conjunct", "क\u094d\u200dष", `क` + "\u094d" + `\u200dष`},
		{"selector behind a letter", "a\ufe0fb", `a\ufe0fb`},
		{"selector behind a digit", "1\ufe0f", `1\ufe0f`},
		{"selectors", "❤\ufe0f\ufe0f", "❤\ufe0f" + `\ufe0f`},
		{"data in selectors", "😊\U000e0101\U000e0102", `😊\U000e0101\U000e0102`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := term.Escape(tt.in); got != tt.want {
				t.Errorf("Escape(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

// FuzzEscape holds what the comment of Escape promises for any bytes: one line of valid UTF-8, no control or format
// character left, nothing visible lost, and the same again when done twice.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[2J", "\u202e", "\x9b", "a\nb", "\xff", "\U000e0001", `\x1b`, "👩\u200d💻", "1\ufe0f\u20e3", "❤\ufe0f\u200d🔥"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := term.Escape(s)
		if !utf8.ValidString(got) {
			t.Fatalf("Escape(%q) = %q is not UTF-8", s, got)
		}
		letters := []rune(got)
		for i, r := range letters {
			if r == '\u200d' && i > 0 && i+1 < len(letters) && (isPicture(letters[i-1]) || isStyle(letters[i-1])) && isPicture(letters[i+1]) {
				continue
			}
			if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) ||
				unicode.Is(unicode.Variation_Selector, r) && !isStyle(r) {
				t.Fatalf("Escape(%q) = %q holds %U", s, got, r)
			}
		}
		if again := term.Escape(got); again != got {
			t.Fatalf("Escape twice: %q, once: %q", again, got)
		}
		rest := got
		for _, r := range s {
			if unicode.IsPrint(r) && r != utf8.RuneError && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
				i := strings.IndexRune(rest, r)
				if i < 0 {
					t.Fatalf("Escape(%q) = %q lost %q", s, got, r)
				}
				rest = rest[i+utf8.RuneLen(r):]
			}
		}
	})
}

// isPicture reports whether r can be an emoji: emoji-variation-sequences.txt has no others that are no ASCII.
func isPicture(r rune) bool {
	return r > 0x7f && unicode.IsSymbol(r) || strings.ContainsRune("ℹ‼⁉〰〽", r)
}

// isStyle reports whether r says how an emoji is drawn.
func isStyle(r rune) bool { return r == '\ufe0e' || r == '\ufe0f' }
