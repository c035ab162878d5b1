package term_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/term"
)

// A reader that is no terminal gets each row as one line that has everything, in columns.
func TestLayoutForAPipe(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	layout := term.Layout{Columns: []term.Column{{Name: "LABEL", Fit: term.Cut}, {Name: "ALIAS"}, {Name: "CODE", Fit: term.Wrap}}}
	err := layout.Write(&out, [][]string{
		{"LABEL", "ALIAS", "CODE"},
		{"東京銀行:花子", "", "123456"},
		{"Cafe\u0301:émile", "c", ""},
		{"a"},
		{"🔑", "k", "1"},
		{"👩\u200d💻", "w", "2"},
		{"❤\ufe0f", "h", "3"},
	})
	if err != nil {
		t.Fatal(err)
	}
	// 東京銀行:花子 is six letters of two columns and a colon: 13. Café:émile is 10, its combining accent takes none. A woman
	// technologist is one picture of two columns, and so is a heart in emoji style (UTS #51, 2.4 and 3).
	want := "" +
		"LABEL          ALIAS  CODE\n" +
		"東京銀行:花子         123456\n" +
		"Cafe\u0301:émile     c\n" +
		"a\n" +
		"🔑             k      1\n" +
		"👩\u200d💻             w      2\n" +
		"❤\ufe0f             h      3\n"
	if got := out.String(); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

var errFull = errors.New("no space left")

func TestLayoutReportsWriteErrors(t *testing.T) {
	t.Parallel()
	if err := (term.Layout{Columns: make([]term.Column, 1)}).Write(fullDisk{}, [][]string{{"a"}}); !errors.Is(err, errFull) {
		t.Errorf("on a full disk: %v, want the writer's error", err)
	}
}

// accounts is a table of labels that take more cells than letters, fewer, or go from right to left.
var accounts = [][]string{
	{"GitHub:alice@example.com", "gh", "work", ""},
	{"Corporate Single Sign-On:somebody.with.a.long.name@department.example.com", "", "", "needs verification"},
	{"日本銀行:花子さん@例え.jp", "", "個人", ""},
	{"🔑 Keys:👩\u200d💻 and ❤\ufe0f@example.com", "k", "", "exposed"},
	{"בנק לאומי:אליס@example.com", "", "", "exposed"},
}

// On a terminal no line is wider than it, and all lines of a column begin below one another, however long a label is and
// whatever letters it has.
func TestLayoutFits(t *testing.T) {
	t.Parallel()
	layout := term.Layout{
		Columns: []term.Column{
			{Name: "LABEL", Fit: term.Cut}, {Name: "ALIAS", Fit: term.Cut}, {Name: "TAGS", Fit: term.Cut}, {Name: "STATE", Fit: term.Wrap},
		},
		Heading: true,
	}
	for width := 40; width <= 200; width++ {
		layout.Width = width
		var out strings.Builder
		if err := layout.Write(&out, accounts); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		before, _, _ := strings.Cut(lines[0], "STATE")
		state := cells(before)
		for _, line := range lines {
			if n := cells(line); n > width {
				t.Errorf("at %d columns a line takes %d: %q", width, n, line)
			}
			for _, word := range []string{"needs", "verification", "exposed"} {
				if at := strings.Index(line, word); at >= 0 && cells(line[:at]) != state && !strings.Contains(line, "needs verification") {
					t.Errorf("at %d columns %q begins at %d and STATE at %d:\n%s", width, word, cells(line[:at]), state, out.String())
				}
			}
			if strings.ContainsRune(line, 'ב') && strings.Contains(line, "exposed") && !strings.Contains(line, "\u200e  ") {
				t.Errorf("nothing ends the right-to-left text in %q", line)
			}
		}
		if width >= 130 && strings.Contains(out.String(), "…") {
			t.Errorf("at %d columns something is cut:\n%s", width, out.String())
		}
	}
}

// cells counts the columns of a text by the East Asian Width of Unicode (UAX #11) and the emoji of UTS #51, for the letters
// of these tests, without the library that the program uses.
func cells(text string) (n int) {
	joined := false
	for _, r := range text {
		switch {
		case r == '\u200d':
			joined = true
			continue
		case r == '\u200e', joined:
		case r == '\ufe0f':
			n++ // the heart before it is one column without it
		case r >= 0x3040 && r <= 0x30ff, r >= 0x4e00 && r <= 0x9fff, r >= 0x1f300 && r <= 0x1faff:
			n += 2
		default:
			n++
		}
		joined = false
	}
	return n
}

// Columns of which nobody has anything are left out on a terminal, a column that wraps goes on below itself, and where all
// of that is too wide a row is lines below one another.
func TestLayoutNarrows(t *testing.T) {
	t.Parallel()
	columns := []term.Column{{Name: "WHAT"}, {Name: "NEVER"}, {Name: "ABOUT", Fit: term.Wrap}}
	rows := [][]string{{"keyring", "", "where a new vault lies: system or file"}, {"id", "", "short"}}
	for width, want := range map[int]string{
		80: "WHAT     ABOUT\nkeyring  where a new vault lies: system or file\nid       short\n",
		30: "WHAT     ABOUT\nkeyring  where a new vault\n         lies: system or file\nid       short\n",
		14: "keyring\n  about: where\n         a new\n         vault\n         lies:\n         system\n         or\n         file\nid\n  about: short\n",
	} {
		var out strings.Builder
		if err := (term.Layout{Columns: columns, Width: width, Heading: true}).Write(&out, rows); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("at %d columns:\n%s\nwant\n%s", width, out.String(), want)
		}
	}
}

// Colours are put around a text, not around the spaces of its column.
func TestLayoutColours(t *testing.T) {
	t.Parallel()
	bad := func(string) term.Look { return term.Bad }
	layout := term.Layout{Columns: []term.Column{{Name: "A", Look: bad}, {Name: "B"}}, Width: 80, Heading: true, Colours: true}
	var out strings.Builder
	if err := layout.Write(&out, [][]string{{"xyz", "1"}, {"x", "2"}}); err != nil {
		t.Fatal(err)
	}
	want := "\x1b[1;4mA\x1b[0m    \x1b[1;4mB\x1b[0m\n\x1b[1;31mxyz\x1b[0m  1\n\x1b[1;31mx\x1b[0m    2\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestShorten(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text  string
		width int
		want  string
	}{
		{"alice@example.com", 17, "alice@example.com"},
		{"alice@example.com", 16, "alice@ex…ple.com"},
		{"alice@example.com", 5, "al…om"},
		{"alice@example.com", 2, "a…"},
		{"alice@example.com", 1, "…"},
		{"alice@example.com", 0, ""},
		{"東京銀行", 7, "東…銀行"}, // a letter of two columns is left out whole
		{"東京銀行", 3, "…行"},
		{"a👩\u200d💻bcdef", 5, "a…def"},
		{"Cafe\u0301 de Flore", 8, "Cafe\u0301…ore"},
	} {
		if got := term.Shorten(tt.text, tt.width); got != tt.want {
			t.Errorf("%q in %d columns is %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}

func TestMark(t *testing.T) {
	t.Parallel()
	for text, marked := range map[string]bool{
		"GitHub": false, "Café": false, "日本": false, "🔑": false, "": false,
		"אליס": true, "GitHub:אליס 7": true, "بنك": true, "߀ߊ": true, "ﷺ": true,
	} {
		if got := term.Mark(text); (got != text) != marked || !strings.HasPrefix(got, text) {
			t.Errorf("%q is %q", text, got)
		}
	}
}

func TestAgo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for ago, want := range map[time.Duration]string{
		0:                          "just now",
		59 * time.Second:           "just now",
		time.Minute:                "1 minute ago",
		4*time.Minute + 59e9:       "4 minutes ago",
		time.Hour:                  "1 hour ago",
		23*time.Hour + 59*60e9:     "23 hours ago",
		24 * time.Hour:             "1 day ago",
		30 * 24 * time.Hour:        "30 days ago",
		31 * 24 * time.Hour:        "2026-10-28",
		-time.Second:               "in less than a minute",
		-90 * time.Second:          "in 1 minute",
		-29*24*time.Hour - 23*3e12: "in 29 days",
		-60 * 24 * time.Hour:       "2027-01-27",
	} {
		if got := term.Ago(now.Add(-ago), now); got != want {
			t.Errorf("%v ago is %q, want %q", ago, got, want)
		}
	}
}
