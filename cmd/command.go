package cmd

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A spec is one command: its words, its arguments and what it does. What all commands
// have in common is in [cli.command].
type spec struct {
	use, short, long, exit, example string

	args     cobra.PositionalArgs // nil: none are taken
	complete cobra.CompletionFunc // completes an argument; nil: nothing is offered

	// run does the work on this device. Without it alone does, which touches neither
	// keyring nor state; without both there is only the help.
	run   func(ctx context.Context, s *session, args []string) error
	alone func(ctx context.Context, args []string) error
}

// command makes a command.
func (c *cli) command(s spec) *cobra.Command {
	if s.args == nil {
		s.args = cobra.NoArgs
	}
	if s.complete == nil {
		s.complete = cobra.NoFileCompletions
	}
	return &cobra.Command{
		Use: s.use, Short: s.short, Long: s.long + exitStatus(s.exit), Example: s.example,
		Args: checked(s.args), ValidArgsFunction: s.complete,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneStdin(cmd.Flags(), args); err != nil {
				return err
			}
			switch {
			case s.alone != nil:
				return s.alone(cmd.Context(), args)
			case s.run == nil:
				return cmd.Help()
			}
			session, err := c.open(cmd.CommandPath())
			if err != nil {
				return err
			}
			return s.run(cmd.Context(), session, args)
		},
	}
}

// group makes a command that has others below it.
func (c *cli) group(s spec, commands ...*cobra.Command) *cobra.Command {
	s.args = c.noCommand
	cmd := c.command(s)
	cmd.AddCommand(commands...)
	return cmd
}

// inputFlags are the flags whose FILE may be standard input.
func inputFlags() []string {
	return []string{
		"identity", "identity-qr", "new-passphrase-file", "passphrase-file", "qr", "secret-file", "uri", "vault-passphrase-file",
	}
}

// oneStdin returns a usage error where flags and arguments name standard input twice.
func oneStdin(flags *pflag.FlagSet, args []string) error {
	named := slices.Clone(args)
	for _, name := range inputFlags() {
		f := flags.Lookup(name)
		if f == nil {
			continue
		}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			named = append(named, list.GetSlice()...)
		} else {
			named = append(named, f.Value.String())
		}
	}
	n := 0
	for _, name := range named {
		if name == "-" {
			n++
		}
	}
	if n > 1 {
		return usagef("standard input (-) is named %d times", n)
	}
	return nil
}

// files completes the names of files.
func files(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}
