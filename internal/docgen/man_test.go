package main

import (
	"bytes"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/authcli/auth/cmd"
	"github.com/authcli/auth/internal/testenv"
)

// TestManPages checks that groff takes each page without a warning, and that what it shows
// has every section, each flag with its placeholder, and a list of exit codes.
func TestManPages(t *testing.T) {
	t.Parallel()
	groff := testenv.Program(t, "groff", "groff-base")
	root := cmd.NewRoot(&cmd.Env{Out: io.Discard})
	for _, c := range commands(root) {
		c.InitDefaultHelpFlag()
		run := exec.Command(groff, "-k", "-man", "-ww", "-Tutf8", "-P-c", "-P-b", "-P-o", "-P-u", "-rLL=200n", "-rHY=0")
		run.Stdin = strings.NewReader(man(c))
		var out, warnings bytes.Buffer
		run.Stdout, run.Stderr = &out, &warnings
		if err := run.Run(); err != nil || warnings.Len() > 0 {
			t.Errorf("%s: %v\n%s", c.CommandPath(), err, &warnings)
			continue
		}
		page := strings.NewReplacer("‐", "-", "−", "-", "’", "'").Replace(out.String())
		want := []string{
			"\nNAME\n", "\nSYNOPSIS\n       " + c.CommandPath(), "\nDESCRIPTION\n", "\nEXAMPLES\n", "\nOPTIONS\n", "\nEXIT STATUS\n       0      ",
			"\nENVIRONMENT\n", "\n       AUTH_HOME\n", "\n       AUTH_KEYRING\n", "\nFILES\n", "\n       ~/.local/state/auth/vault.json\n", "\nSEE ALSO\n", "auth-recovery(7)",
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			name, _ := pflag.UnquoteUsage(f)
			if f.Hidden {
				return
			}
			want = append(want, strings.TrimSpace("--"+f.Name+" "+name))
		})
		_, exit, _ := strings.Cut(c.Long, "Exit status:")
		for code := range strings.SplitSeq(exit, ";") {
			number, meaning, _ := strings.Cut(strings.TrimSpace(code), " ")
			if strings.Trim(number, "0123456789") == "" {
				first, _, _ := strings.Cut(strings.ReplaceAll(meaning, "\n", " "), " ")
				want = append(want, "\n       "+number+strings.Repeat(" ", 7-len(number))+first)
			}
		}
		for _, text := range want {
			if !strings.Contains(page, text) {
				t.Errorf("the page of %s has no %q", c.CommandPath(), text)
			}
		}
		if strings.Contains(page, `=""`) || strings.Contains(page, "[=false]") || strings.Contains(page, "`") {
			t.Errorf("the page of %s has marks of a program", c.CommandPath())
		}
	}
}
