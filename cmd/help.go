package cmd

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/manual"
	"github.com/authcli/auth/internal/term"
)

const (
	helpName    = "help"
	movingTopic = "moving" // whose guides are pages of their own: auth help moving aegis
	// The columns of a page: those of man where there is no terminal, and no more than
	// eyes follow where there is a wide one.
	pageWidth    = 80
	maxPageWidth = 100
)

type jsonPage struct {
	Version  int    `json:"version"`
	Topic    string `json:"topic"`
	Markdown string `json:"markdown"`
}

type jsonHelp struct {
	Version int    `json:"version"`
	Command string `json:"command"`
	Help    string `json:"help"`
}

func newHelp(c *cli) *cobra.Command {
	var topics strings.Builder
	for _, t := range manual.Topics() {
		topics.WriteString("\n  " + t.Name + strings.Repeat(" ", 13-len(t.Name)) + t.Short)
	}
	var cmd *cobra.Command
	cmd = c.command(spec{
		use:   helpName + " [COMMAND | TOPIC]",
		short: "Print the help of a command, or a page about a topic",
		long: `Print the help of a command, as COMMAND --help does, or one of these pages:
` + topics.String(),
		exit: "0 done; 2 no such command or topic",
		example: `  auth help recovery
  auth help moving aegis
  auth help formats | less
  auth help environment
  auth help exit-codes
  auth help backup enable`,
		args: cobra.ArbitraryArgs,
		complete: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return helpWords(cmd.Root(), args), cobra.ShellCompDirectiveNoFileComp
		},
		alone: func(_ context.Context, args []string) error {
			if len(args) == 1 {
				if topic, ok := manual.Find(args[0]); ok {
					return c.printPage(topic)
				}
			}
			if len(args) == 2 && args[0] == movingTopic {
				if guide, ok := manual.FindGuide(args[1]); ok {
					return c.printPage(guide)
				}
			}
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return hint.With(usagef("no command or topic %q", term.Escape(strings.Join(args, " "))), "auth help")
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
	})
	return cmd
}

func (c *cli) printPage(t manual.Topic) error {
	if c.json {
		return c.printJSON(jsonPage{jsonVersion, t.Name, t.Markdown})
	}
	return c.print(t.Text(cmp.Or(pageColumns(c.Out), pageWidth)))
}

// pageColumns returns how wide a page is that w shows; 0 where that is no terminal.
func pageColumns(w io.Writer) int { return min(term.Width(w), maxPageWidth) }

// helpWords returns what can follow args: the commands below them, and at first the
// topics.
func helpWords(root *cobra.Command, args []string) []string {
	var words []string
	if len(args) == 1 && args[0] == movingTopic {
		for _, guide := range manual.Guides() {
			words = append(words, cobra.CompletionWithDesc(guide.Name, "from "+guide.Short))
		}
		return words
	}
	at, rest, err := root.Find(args)
	if err != nil || len(rest) > 0 {
		return nil
	}
	for _, sub := range at.Commands() {
		if sub.IsAvailableCommand() {
			words = append(words, cobra.CompletionWithDesc(sub.Name(), sub.Short))
		}
	}
	if at == root {
		for _, t := range manual.Topics() {
			words = append(words, cobra.CompletionWithDesc(t.Name, t.Short))
		}
	}
	return words
}

// Listed reports whether help and the pages that are made from it list a command.
func Listed(c *cobra.Command) bool { return c.IsAvailableCommand() || c.Name() == helpName }

// printHelp prints the help of a command.
func (c *cli) printHelp(cmd *cobra.Command) error {
	if c.json {
		return c.printJSON(jsonHelp{jsonVersion, cmd.CommandPath(), c.helpText(cmd)})
	}
	return c.print(c.helpText(cmd))
}

// helpText returns the help of a command: first what to type, then what it does. A group of
// commands, and the program itself, list those below them.
func (c *cli) helpText(cmd *cobra.Command) string {
	var b strings.Builder
	part := func(heading, text string) {
		if text = strings.TrimRight(text, "\n"); text == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		if heading != "" {
			b.WriteString(heading + ":\n")
		}
		b.WriteString(text + "\n")
	}
	about, exit := AboutAndExit(cmd)
	columns := pageColumns(c.Out) // where there is no terminal, lines are not broken
	part("Examples", cmd.Example)
	part("", about)
	usage := "  " + cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		usage += "\n  " + cmd.CommandPath() + " COMMAND"
	}
	part("Usage", usage)
	for _, group := range cmd.Groups() {
		part(strings.TrimSuffix(group.Title, ":"), commandLines(cmd, group.ID))
	}
	part("Commands", commandLines(cmd, ""))
	part("Flags", cmd.LocalFlags().FlagUsagesWrapped(columns))
	part("Flags of every command", cmd.InheritedFlags().FlagUsagesWrapped(columns))
	part("Exit status", exit)
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\n" + cmd.CommandPath() + " COMMAND --help says more about a command.\n")
	}
	return b.String()
}

// commandLines lists the commands of a group below cmd.
func commandLines(cmd *cobra.Command, group string) string {
	var b strings.Builder
	width := 0
	for _, sub := range cmd.Commands() {
		width = max(width, len(sub.Name()))
	}
	for _, sub := range cmd.Commands() {
		if Listed(sub) && sub.GroupID == group {
			fmt.Fprintf(&b, "  %-*s  %s\n", width, sub.Name(), sub.Short)
		}
	}
	return b.String()
}

// AboutAndExit splits the long text of a command into what it does, and its exit status.
func AboutAndExit(cmd *cobra.Command) (about, exit string) {
	about, exit, _ = strings.Cut(cmd.Long, exitStatus(""))
	return about, "  " + strings.TrimSpace(exit)
}
