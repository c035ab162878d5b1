package manual_test

import (
	"bytes"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/authcli/auth/internal/manual"
	"github.com/authcli/auth/internal/testenv"
)

const page = "# Title\n\nOne **two *three*** four\nfive [six](#six), [seven](https://example.com/7), [eight](recovery.md), [nine](other.md).\n" +
	"- first `auth restore --to FILE` item\n  goes on\n- second\n\n## Part\n\n```console\n$ ls  | wc\n\n# not a heading\n```\n\n" +
	"| code | what |\n|--:|---|\n| 0 | done `x` |\n| 10 | a meaning that is longer than what is left of a line |\n\n" +
	"| a | b | c |\n|---|---|---|\n| the first cell | the second cell, which is long | third |\n| 1 |  | `2 \\| 3` |\n"

func TestText(t *testing.T) {
	t.Parallel()
	const want = `Title
=====

One two *three* four five six, seven
(https://example.com/7), eight (auth
help recovery), nine.

- first ` + "`auth restore --to FILE`" + ` item
  goes on
- second

Part
----

    $ ls  | wc

    # not a heading

code  what
----------------------------------------
0     done ` + "`x`" + `
10    a meaning that is longer than what
      is left of a line

the first cell
    b: the second cell, which is long
    c: third

1
    c: ` + "`2 | 3`" + `
`
	if got := (manual.Topic{Markdown: page}).Text(40); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// unsaid is what may be missing: the address of a link, the language of a code block, and
// the heading of a table.
var unsaid = regexp.MustCompile("\\]\\([^)]*\\)|```[a-z]*|\\|[^\n]*\n\\|[-:|]+\\|")

var word = regexp.MustCompile(`[\pL\pN]+`)

func counted(text string) map[string]int {
	counts := map[string]int{}
	for _, w := range word.FindAllString(text, -1) {
		counts[w]++
	}
	return counts
}

// A page on a terminal has every word of the page, and no line is wider than the terminal,
// except one with a command, which is not broken.
func TestPagesLoseNothing(t *testing.T) {
	t.Parallel()
	for _, topic := range manual.Topics() {
		for _, width := range []int{40, 80, 100} {
			text := topic.Text(width)
			got := counted(text)
			for w, n := range counted(unsaid.ReplaceAllString(topic.Markdown, "]")) {
				if got[w] < n {
					t.Errorf("%s at %d columns has %q %d times, the page %d times", topic.Name, width, w, got[w], n)
				}
			}
			for line := range strings.Lines(text) {
				line = strings.TrimRight(line, "\n")
				if utf8.RuneCountInString(line) > width && !strings.HasPrefix(line, "    ") && strings.ContainsAny(strings.Trim(line, "- "), " ") && !strings.Contains(line, "`") {
					t.Errorf("%s at %d columns has the line %q", topic.Name, width, line)
				}
			}
			if strings.Contains(text, "**") || strings.Contains(text, "](") || strings.Contains(text, "|---") {
				t.Errorf("%s at %d columns shows marks of Markdown", topic.Name, width)
			}
		}
	}
}

// groff takes the man pages without a warning, and every word of the page is there.
func TestManPages(t *testing.T) {
	t.Parallel()
	groff := testenv.Program(t, "groff", "groff-base")
	topics := append(manual.Topics(), manual.Topic{Name: "x", Short: "made-up", Markdown: page + "\n```text\n.dot 'quote' \\back\n```\n"})
	for _, topic := range topics {
		// Wide lines and no hyphenation: words stay whole.
		cmd := exec.Command(groff, "-k", "-man", "-ww", "-Tutf8", "-P-c", "-P-b", "-P-o", "-P-u", "-rLL=200n", "-rHY=0")
		cmd.Stdin = strings.NewReader(topic.Man())
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil || said.Len() > 0 {
			t.Errorf("%s: %v, %s", topic.Name, err, &said)
		}
		got := counted(string(out))
		_, rest, _ := strings.Cut(topic.Markdown, "\n") // the title is the page's name
		for w, n := range counted(unsaid.ReplaceAllString(rest, "]")) {
			if got[w] < n {
				t.Errorf("auth-%s.7 has %q %d times, the page %d times", topic.Name, w, got[w], n)
			}
		}
		if topic.Name == "x" && !strings.Contains(string(out), `.dot 'quote' \back`) {
			t.Errorf("code is not as it was:\n%s", out)
		}
	}
}
