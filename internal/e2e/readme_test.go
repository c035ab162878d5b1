package e2e

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocumentedCommandsAreRun checks that README.md and the pages in docs show only
// commands that work. A script in testdata/script must run every command line of a
// console block and every example of a command's help, either as it is or with flags that
// give the answers. Command lines of other programs must be lines of a script, or of a
// shell script in one. Prompts with a name belong to the demo, whose test checks its
// transcript.
func TestDocumentedCommandsAreRun(t *testing.T) {
	t.Parallel()
	run, lines := commandsThatRun(t)
	for _, page := range pages(t) {
		commands, others := consoleCommands(t, page)
		// What stands in their text and tables is typed, too: by somebody at the worst moment, and by a newcomer.
		if strings.HasSuffix(page, "recovery.md") || strings.Contains(filepath.ToSlash(page), "docs/moving") {
			commands = append(commands, inlineCommands(t, page)...)
		}
		for _, command := range commands {
			if !slices.ContainsFunc(run, func(line string) bool { return runs(line, command) }) {
				t.Errorf("%s shows %q, which no script in testdata/script runs", page, command)
			}
		}
		for _, line := range others {
			if !slices.Contains(lines, line) {
				t.Errorf("%s shows %q, which is no line of a script in testdata/script", page, line)
			}
		}
	}
}

// answers are the flags that replace what a person types.
var answers = regexp.MustCompile(`^( --((new-|vault-)?passphrase-file|secret-file) \S+| --(yes|no-input))*$`)

// runs reports whether a line of a script runs command. Dots at the end of a word stand
// for the rest of it.
func runs(line, command string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(command), `\.\.\.`, `\S+`)
	command = regexp.MustCompile("^" + pattern).FindString(line)
	return command != "" && answers.MatchString(strings.TrimPrefix(line, command))
}

// consoleCommands returns the command lines in the console blocks and examples of page,
// without prompts and comments: those of auth, and those of other programs.
func consoleCommands(t *testing.T, page string) (commands, others []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	inside, heading := false, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") && !inside {
			heading = line
		}
		if strings.HasPrefix(line, "```") {
			inside = !inside && (line == "```console" || heading == "### Examples")
			continue
		}
		command, prompted := strings.CutPrefix(line, "$ ")
		command, _, _ = strings.Cut(command, " #")
		switch {
		case !inside:
		case command == "auth" || strings.HasPrefix(command, "auth "):
			command, _, _ = strings.Cut(command, " | ")
			command, _, _ = strings.Cut(command, " > ")
			commands = append(commands, unquoted(command))
		case prompted:
			others = append(others, strings.TrimSpace(command))
		}
	}
	return commands, others
}

// inlineCommands returns the complete commands of auth in the text of page.
func inlineCommands(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, match := range regexp.MustCompile("`(auth [^`\n]+)`").FindAllStringSubmatch(string(text), -1) {
		found = append(found, unquoted(match[1]))
	}
	return found
}

// commandsThatRun returns the command lines of auth in the scripts, and all lines of the
// scripts.
func commandsThatRun(t *testing.T) (commands, lines []string) {
	t.Helper()
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if _, args, ok := strings.Cut(" "+line, " auth "); ok && !strings.HasPrefix(line, "#") {
				commands = append(commands, unquoted("auth "+args))
			}
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return commands, lines
}

func unquoted(command string) string {
	return strings.Join(strings.Fields(strings.NewReplacer(`"`, "", "'", "").Replace(command)), " ")
}

// TestLinksLead checks that every relative link in the pages leads to a file.
func TestLinksLead(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range link.FindAllStringSubmatch(string(text), -1) {
			name := filepath.Join(filepath.Dir(page), filepath.FromSlash(target[1]))
			if _, err := os.Stat(name); err != nil {
				t.Errorf("%s links to %s: %v", page, target[1], err)
			}
		}
	}
}

// pages returns the pages for readers: those at the root, those in docs, and the
// generated ones.
func pages(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/moving/*.md", "docs/ja/*.md", "docs/cli/*.md"} {
		some, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		if len(some) == 0 {
			t.Fatal(fmt.Errorf("no page matches %s", pattern))
		}
		found = append(found, some...)
	}
	return found
}

// TestReadmesAgree holds the README in Japanese against the one in English: the blocks of code, in their order and without
// comments, the headings and tables, and the code and links of the text. What one of them gets, the other must get.
func TestReadmesAgree(t *testing.T) {
	t.Parallel()
	english, japanese := outlineOf(t, "README.md"), outlineOf(t, "docs/ja/README.md")
	for what, want := range english {
		for _, s := range missing(want, japanese[what]) {
			t.Errorf("docs/ja/README.md has not the %s of README.md: %s", what, s)
		}
		for _, s := range missing(japanese[what], want) {
			t.Errorf("README.md has not the %s of docs/ja/README.md: %s", what, s)
		}
	}
	for _, what := range []string{"blocks", "shape"} {
		if !t.Failed() && !slices.Equal(english[what], japanese[what]) {
			t.Errorf("the %s of the two READMEs are not in the same order:\n%q\n%q", what, english[what], japanese[what])
		}
	}
}

// missing returns what of some others has not, or has fewer times.
func missing(some, others []string) []string {
	others = slices.Clone(others)
	var left []string
	for _, s := range some {
		if i := slices.Index(others, s); i >= 0 {
			others = slices.Delete(others, i, i+1)
		} else {
			left = append(left, s)
		}
	}
	return left
}

// outlineOf returns what of a README is the same in each language. Links are those of the pages in English, each once; those
// from one README to the other and the word for them are left out.
func outlineOf(t *testing.T, name string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	var blocks, shape, code, links []string
	inside := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		fence := strings.HasPrefix(line, "```")
		switch {
		case fence:
			inside = !inside
			blocks = append(blocks, line)
		case inside:
			before, _, _ := strings.Cut(line, " # ")
			blocks = append(blocks, strings.TrimSpace(before))
		case strings.HasPrefix(line, "#"):
			level, _, _ := strings.Cut(line, " ")
			shape = append(shape, level)
		case strings.HasPrefix(line, "| "):
			shape = append(shape, fmt.Sprint("a row of ", strings.Count(line, " |"), " cells"))
		}
		if fence || inside {
			continue
		}
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(line, -1) {
			code = append(code, m[1])
		}
		for _, m := range regexp.MustCompile(`(?:\]\(|srcset="|src=")([^)"]+)`).FindAllStringSubmatch(line, -1) {
			to := m[1]
			if !strings.Contains(to, "://") {
				to = path.Join(path.Dir(name), to)
			}
			if path.Base(to) != "README.md" {
				links = append(links, strings.Replace(to, "docs/ja/", "docs/", 1))
			}
		}
	}
	for _, list := range []*[]string{&code, &links} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	if len(blocks) == 0 || len(shape) == 0 || len(code) == 0 || len(links) == 0 {
		t.Fatalf("%s has %d lines of code, %d headings and rows, %d words of code, %d links", name, len(blocks), len(shape), len(code), len(links))
	}
	return map[string][]string{"blocks": blocks, "shape": shape, "code": code, "links": links}
}
