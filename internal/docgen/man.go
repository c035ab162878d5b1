package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/authcli/auth/cmd"
	"github.com/authcli/auth/internal/manual"
)

// places are the files of a profile, for the section FILES.
var places = [...][2]string{
	{"~/.config/auth/config.json", "the settings of this device"},
	{"~/.local/state/auth/vault.json", "which keyring has the vault, and where backups go; nothing secret"},
	{"~/.local/share/auth/", "the file keyring: keyring.age, and its key in keyring.key"},
	{"LOCATION/README.txt", "how to open the backups without auth"},
	{"LOCATION/recovery-*.age", "the recovery key, encrypted with the recovery passphrase or for a further key"},
}

// man returns the man page of a command, in the macros of man(7).
func man(c *cobra.Command) string {
	var b strings.Builder
	path := c.CommandPath()
	name := strings.ReplaceAll(path, " ", "-")
	fmt.Fprintf(&b, ".TH \"%s\" \"1\" \"\" \"auth\" \"auth manual\"\n", strings.ToUpper(name))
	section := func(title string) { b.WriteString(".SH " + title + "\n") }
	entry := func(term, text string) { b.WriteString(".TP\n" + term + "\n" + manual.Line(text)) }

	section("NAME")
	b.WriteString(manual.Roff(name) + " \\- " + manual.Roff(c.Short) + "\n")
	section("SYNOPSIS")
	b.WriteString(`\fB` + manual.Roff(path) + `\fP` + placeholders(strings.TrimPrefix(c.UseLine(), path)) + "\n")
	if c.HasAvailableSubCommands() {
		b.WriteString(".br\n\\fB" + manual.Roff(path) + "\\fP \\fICOMMAND\\fP\n")
	}
	about, exit := cmd.AboutAndExit(c)
	section("DESCRIPTION")
	b.WriteString(prose(about))
	section("EXAMPLES")
	b.WriteString(code(c.Example))
	if c.HasAvailableSubCommands() {
		section("COMMANDS")
		for _, sub := range c.Commands() {
			if cmd.Listed(sub) {
				entry(`\fB`+manual.Roff(sub.Name())+`\fP`, manual.Roff(sub.Short))
			}
		}
	}
	section("OPTIONS")
	for _, flags := range []*pflag.FlagSet{c.NonInheritedFlags(), c.InheritedFlags()} {
		flags.VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				entry(option(f))
			}
		})
	}
	section("EXIT STATUS")
	for _, status := range exitStatuses(exit) {
		entry(`\fB`+status[0]+`\fP`, manual.Roff(status[1]))
	}
	b.WriteString(".PP\n\\fBauth\\-exit\\-codes\\fP(7) says more about each.\n")
	section("ENVIRONMENT")
	for _, variable := range variables() {
		entry(`\fB`+manual.Roff(variable[0])+`\fP`, manual.Roff(variable[1]))
	}
	b.WriteString(".PP\n\\fBauth\\-environment\\fP(7) lists all variables.\n")
	section("FILES")
	for _, place := range places {
		entry(`\fI`+manual.Roff(place[0])+`\fP`, manual.Roff(place[1]))
	}
	b.WriteString(".PP\nThese are the places on Linux. \\fBauth\\-environment\\fP(7) has those of other systems.\n")
	section("SEE ALSO")
	b.WriteString(strings.Join(related(c), ",\n") + "\n")
	return b.String()
}

// option returns a flag with its placeholder, and what it does.
func option(f *pflag.Flag) (term, text string) {
	what, usage := pflag.UnquoteUsage(f)
	term = `\fB\-\-` + manual.Roff(f.Name) + `\fP`
	if f.Shorthand != "" {
		term = `\fB\-` + f.Shorthand + `\fP, ` + term
	}
	if what != "" {
		term += ` \fI` + manual.Roff(what) + `\fP`
	}
	text = manual.Roff(usage)
	if what != "" && strings.Contains(f.Usage, "`"+what+"`") {
		text = strings.Replace(text, manual.Roff(what), `\fI`+manual.Roff(what)+`\fP`, 1)
	}
	switch f.DefValue {
	case "", "false", "0", "[]":
	default:
		text += " (without it: " + manual.Roff(f.DefValue) + ")"
	}
	return term, text
}

var (
	placeholder = regexp.MustCompile(`[A-Z][A-Z]+`)
	status      = regexp.MustCompile(`(?:^|; )([0-9]+) `)
	variable    = regexp.MustCompile("(?m)^\\| `(AUTH_[A-Z_]+)` \\| (.*) \\|$")
)

// placeholders writes the placeholders of a text in italics.
func placeholders(text string) string {
	return placeholder.ReplaceAllString(manual.Roff(text), `\fI$0\fP`)
}

// exitStatuses splits the text of an exit status into codes and their meanings.
func exitStatuses(text string) (list [][2]string) {
	text = strings.Join(strings.Fields(text), " ")
	found := status.FindAllStringSubmatchIndex(text, -1)
	for i, at := range found {
		end := len(text)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		list = append(list, [2]string{text[at[2]:at[3]], text[at[1]:end]})
	}
	return list
}

// variables returns the variables of auth itself, from the page about the environment.
func variables() (list [][2]string) {
	page, _ := manual.Find("environment")
	for _, match := range variable.FindAllStringSubmatch(page.Markdown, -1) {
		list = append(list, [2]string{match[1], strings.ReplaceAll(match[2], "`", "")})
	}
	return list
}

// prose writes paragraphs. A part whose lines are indented is kept as it is.
func prose(text string) string {
	var b strings.Builder
	for i, part := range strings.Split(strings.Trim(text, "\n"), "\n\n") {
		if strings.HasPrefix(part, "  ") {
			b.WriteString(code(part))
			continue
		}
		if i > 0 {
			b.WriteString(".PP\n")
		}
		for l := range strings.Lines(part) {
			b.WriteString(manual.Line(manual.Roff(strings.TrimSpace(l))))
		}
	}
	return b.String()
}

func code(text string) string {
	var b strings.Builder
	b.WriteString(".PP\n.RS 4\n.EX\n")
	for l := range strings.Lines(text) {
		b.WriteString(manual.Line(manual.Roff(strings.TrimPrefix(strings.TrimRight(l, "\n"), "  "))))
	}
	b.WriteString(".EE\n.RE\n")
	return b.String()
}

// related returns the pages of the command above, of those below, and of the topics.
func related(c *cobra.Command) []string {
	var list []string
	see := func(name, section string) { list = append(list, `\fB`+manual.Roff(name)+`\fP(`+section+`)`) }
	if c.HasParent() {
		see(strings.ReplaceAll(c.Parent().CommandPath(), " ", "-"), "1")
	}
	for _, sub := range c.Commands() {
		if cmd.Listed(sub) {
			see(strings.ReplaceAll(sub.CommandPath(), " ", "-"), "1")
		}
	}
	for _, topic := range manual.Topics() {
		see("auth-"+topic.Name, "7")
	}
	return list
}
