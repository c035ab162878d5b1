package cmd

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
)

// typing is a Prompter whose user types lines.
type typing struct {
	nobody
	lines []string
	asked *bytes.Buffer // what was on the terminal, prompts among it
}

func (p *typing) Secret(_ context.Context, prompt string) (string, error) {
	p.asked.WriteString(prompt + "\n")
	if len(p.lines) == 0 {
		return "", io.EOF
	}
	line := p.lines[0]
	p.lines = p.lines[1:]
	return line, nil
}

// A weak passphrase is said before it is typed a second time, and another one is asked
// for. With --weak it is taken.
func TestWeakIsSaidBeforeItIsTypedTwice(t *testing.T) {
	t.Parallel()
	const weak, strong = "password12345678", "correct horse battery staple"
	for _, c := range []struct {
		name  string
		typed []string
		weak  bool
		want  string
		asked string
	}{
		{"weak, then another", []string{weak, strong, strong}, false, strong, "New: \nWEAK\nNew: \nThe same again: \n"},
		{"weak, then none", []string{weak, ""}, false, "", "New: \nWEAK\nNew: \n"},
		{"weak, and taken", []string{weak, weak}, true, weak, "New: \nThe same again: \n"},
		{"mistyped", []string{strong, weak, strong, strong}, false, strong, "New: \nThe same again: \nauth: the two passphrases differ; try again\nNew: \nThe same again: \n"},
	} {
		var terminal bytes.Buffer
		run := &cli{Env: &Env{Prompt: &typing{lines: c.typed, asked: &terminal}, Err: &terminal}}
		got, err := run.askNew(t.Context(), "New: ", c.weak, longerOrMade)
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
		said := "auth: the passphrase is weak: whoever gets at the files could guess it; " + longerOrMade
		if asked := strings.ReplaceAll(terminal.String(), said, "WEAK"); asked != c.asked {
			t.Errorf("%s: the terminal showed %q, want %q", c.name, asked, c.asked)
		}
	}
}
