package cmd

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/term"
)

// completionWait is how long the completion of a label may take.
const completionWait = time.Second

func newCompletion(c *cli) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	var cmd *cobra.Command
	cmd = c.command(spec{
		use:   "completion SHELL",
		short: "Print the completion script of a shell",
		long: `Print a script for bash, zsh, fish or PowerShell. It completes commands, flags and
the labels of accounts, in any case. Completing a label reads the vault. It never asks
for a passphrase and takes a second at most. Bash needs no other package, and may be as
old as that of macOS.`,
		exit: "0 done; 2 usage",
		example: `  auth completion bash > /etc/bash_completion.d/auth
  auth completion fish > ~/.config/fish/completions/auth.fish`,
		args:     cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		complete: fixed(shells...),
		alone: func(_ context.Context, args []string) error {
			script, err := CompletionScript(cmd.Root(), args[0])
			if err != nil {
				return err
			}
			if c.json {
				return c.printJSON(jsonScript{jsonVersion, args[0], script})
			}
			return c.print(script)
		},
	})
	cmd.ValidArgs = shells
	return cmd
}

type jsonScript struct {
	Version int    `json:"version"`
	Shell   string `json:"shell"`
	Script  string `json:"script"`
}

// unattended returns a cli that can neither ask nor print.
func (c *cli) unattended() *cli {
	env := *c.Env
	env.Prompt, env.Err = nobody{}, io.Discard
	return &cli{Env: &env, keyringFlag: c.keyringFlag, vaultPassphraseFile: c.vaultPassphraseFile, noInput: true}
}

// nobody is a Prompter that can ask nobody.
type nobody struct{}

func (nobody) Secret(context.Context, string) (string, error) { return "", term.ErrNoTerminal }

func (nobody) Line(context.Context, string) (string, error) { return "", term.ErrNoTerminal }

func (nobody) Word(context.Context, string, func(string) string) (string, error) {
	return "", term.ErrNoTerminal
}

func (nobody) Confirm(context.Context, string) (bool, error) { return false, term.ErrNoTerminal }

func (nobody) Choose(context.Context, string, []string) (int, error) { return 0, term.ErrNoTerminal }
func (nobody) Available() bool                                       { return false }
