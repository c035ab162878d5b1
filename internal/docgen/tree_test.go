package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/authcli/auth/cmd"
)

// TestEveryCommandIsDocumented checks the texts of each command, from which help, man
// pages and completions are made.
func TestEveryCommandIsDocumented(t *testing.T) {
	t.Parallel()
	root := cmd.NewRoot(&cmd.Env{})
	root.InitDefaultCompletionCmd()
	for _, c := range commands(root) {
		t.Run(c.CommandPath(), func(t *testing.T) {
			t.Parallel()
			for _, fault := range faults(c) {
				t.Error(fault)
			}
		})
	}
}

// faults returns what is missing in c.
func faults(c *cobra.Command) []string {
	var found []string
	want := func(ok bool, fault string) {
		if !ok {
			found = append(found, fault)
		}
	}
	want(c.Short != "", "no Short")
	want(utf8.RuneCountInString(c.Short) <= 60, "Short is longer than 60 columns")
	want(!strings.HasSuffix(c.Short, "."), "Short ends with a period")
	want(!strings.Contains(c.Short, "\n"), "Short has several lines")
	want(c.Long != "", "no Long")
	want(strings.Contains(c.Long, "Exit status"), `Long has no "Exit status" section`)
	want(strings.HasPrefix(c.Example, "  auth ") || !c.HasParent() && strings.HasPrefix(c.Example, "  auth\n"), `Example does not begin with "  auth "`)
	for line := range strings.Lines(c.Example) {
		line = strings.TrimRight(line, "\n")
		want(line == "" || strings.HasPrefix(line, "  "), "Example is not indented by two spaces: "+line)
	}
	want(c.Args != nil, "no Args")
	want(c.ValidArgsFunction != nil || len(c.ValidArgs) > 0, "no ValidArgsFunction (cobra.NoFileCompletions where there is nothing to complete)")
	want(c.Parent() != c.Root() || c.GroupID != "", "no GroupID")
	want(c.Runnable(), "neither Run nor RunE: a group needs one too, that refuses unknown words")
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		want(f.Usage != "", "--"+f.Name+" has no usage text")
		want(!strings.HasSuffix(f.Usage, "."), "the usage text of --"+f.Name+" ends with a period")
	})
	return found
}
