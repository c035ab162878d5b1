package cmd

import (
	"cmp"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/term"
)

// The values of --color.
const (
	colorAuto   = "auto"
	colorAlways = "always"
	colorNever  = "never"
)

// checkColor returns an error for another value of --color.
func (c *cli) checkColor() error {
	if !slices.Contains([]string{colorAuto, colorAlways, colorNever}, c.color) {
		return usagef("--color is auto, always or never, and not %q", term.Escape(c.color))
	}
	return nil
}

// colours reports whether what is written to a stream has colours: --color says so, or the
// environment (no-color.org, bixense.com/clicolors), or the stream is a terminal.
func (c *cli) colours(w io.Writer) bool {
	force := c.Getenv("CLICOLOR_FORCE")
	switch {
	case c.color == colorAlways:
		return true
	case c.color == colorNever, c.Getenv("NO_COLOR") != "":
		return false
	case force != "" && force != "0":
		return true
	case !term.IsTerminal(w), c.Getenv("TERM") == "dumb", c.Getenv("CLICOLOR") == "0":
		return false
	default: // an old console of Windows would show the sequences, and has neither
		return runtime.GOOS != "windows" || c.Getenv("WT_SESSION") != "" || c.Getenv("TERM") != ""
	}
}

// drawEnviron is the environment for what draws on a terminal, with what --color says in
// the one variable that is obeyed by everything.
func (c *cli) drawEnviron(w io.Writer) []string {
	environ := slices.DeleteFunc(slices.Clone(c.Environ()), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return name == "NO_COLOR" || name == "CLICOLOR" || name == "CLICOLOR_FORCE"
	})
	if c.colours(w) {
		return environ
	}
	return append(environ, "NO_COLOR=1")
}

// paint returns a text for a stream with a look, where that has colours.
func (c *cli) paint(w io.Writer, text string, look term.Look) string {
	if !c.colours(w) {
		return text
	}
	return term.Paint(text, look)
}

// inWords reports whether w shows moments in words: a person reads it, and no program.
func (c *cli) inWords(w io.Writer) bool { return !c.json && term.IsTerminal(w) }

// when returns a moment in words on a terminal, and exactly elsewhere.
func (c *cli) when(w io.Writer, t time.Time) string {
	if t.IsZero() || !c.inWords(w) {
		return timestamp(t)
	}
	return term.Ago(t, c.Now())
}

// at is when, for standard output, as it is said in a sentence.
func (c *cli) at(t time.Time) string {
	if c.inWords(c.Out) {
		return c.when(c.Out, t)
	}
	return "at " + timestamp(t)
}

// defaultWidth is that of a terminal that does not say its own.
const defaultWidth = 80

// printColumns writes a table to standard output. On a terminal it fits, has a heading,
// and leaves out empty columns; elsewhere each row is one line that has everything.
func (c *cli) printColumns(columns []term.Column, rows [][]string) error {
	l := term.Layout{Columns: columns, Colours: c.colours(c.Out)}
	if term.IsTerminal(c.Out) {
		l.Width = cmp.Or(term.Width(c.Out), defaultWidth)
		l.Heading = true
	}
	var b strings.Builder
	if err := l.Write(&b, rows); err != nil {
		return err
	}
	return c.print(b.String())
}

// printTable writes facts: rows that begin with a word for what they are.
func (c *cli) printTable(rows [][]string) error { return c.printFacts(rows, nil) }

// printStates is printTable for facts that say how something is.
func (c *cli) printStates(rows [][]string) error { return c.printFacts(rows, stateLook) }

func (c *cli) printFacts(rows [][]string, look func(string) term.Look) error {
	columns := []term.Column{{Look: strong}}
	for _, row := range rows {
		for len(columns) < len(row) {
			columns = append(columns, term.Column{Fit: term.Wrap, Look: look})
		}
	}
	return c.printColumns(columns, rows)
}

// printResults writes what became of accounts: labels, and a word for each.
func (c *cli) printResults(rows [][]string) error {
	return c.printColumns([]term.Column{
		{Name: "ACCOUNT", Fit: term.Cut}, {Name: "RESULT", Fit: term.Wrap, Look: stateLook},
	}, rows)
}

func strong(string) term.Look { return term.Strong }

// stateLook returns the look of words that say how something is: the states and outcomes
// of the domain packages, and what a status begins with.
func stateLook(words string) term.Look {
	state := words
	if end := strings.IndexAny(words, ",;:"); end >= 0 {
		state = words[:end]
	}
	switch {
	case slices.Contains([]string{"wrong", "damaged", "unsigned", "unreadable", "exposed", "another secret", "would not come back"}, state),
		strings.HasPrefix(state, stale), strings.HasPrefix(state, syncFailed), strings.HasPrefix(state, syncStopped):
		return term.Bad
	case slices.Contains([]string{
		"needs verification", "kept", "replaced", "earlier secret", "removed here", "an older counter", "other key", "old key", "newer format",
		"not downloaded", "foreign", "off", "never", "hint",
	}, state):
		return term.Warn
	case slices.Contains([]string{"ok", "on", "good", "restored", "added", "added beside", "already here", "comes back", "comes back by name"}, state):
		return term.Good
	default:
		return term.Plain
	}
}

// colorFlag adds --color.
func (c *cli) colorFlag(root *cobra.Command) {
	root.PersistentFlags().StringVar(&c.color, "color", colorAuto, "colours: `WHEN` is auto, always or never")
	must(root.RegisterFlagCompletionFunc("color", fixed(colorAuto, colorAlways, colorNever)))
}
