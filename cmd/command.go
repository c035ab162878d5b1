package cmd

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A spec describes one command: its texts, its arguments and what it does. What all
// commands share is in [cli.command].
type spec struct {
	use, short, long, exit, example string

	args     cobra.PositionalArgs // nil: no arguments
	complete cobra.CompletionFunc // completes an argument; nil: no completion

	// run does the work with this device. If it is nil, alone does the work without
	// keyring or state. If both are nil, the command only prints its help.
	run   func(ctx context.Context, s *session, args []string) error
	alone func(ctx context.Context, args []string) error
}

// command returns the cobra command of a spec.
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

// group returns a command that groups others.
func (c *cli) group(s spec, commands ...*cobra.Command) *cobra.Command {
	s.args = c.noCommand
	cmd := c.command(s)
	cmd.AddCommand(commands...)
	return cmd
}

// inputFlags are the flags whose FILE may be - for standard input.
func inputFlags() []string {
	return []string{
		"identity", "identity-qr", "new-passphrase-file", "passphrase-file", "qr", "secret-file", "uri", "vault-passphrase-file",
	}
}

// oneStdin returns a usage error if flags and arguments name standard input more than
// once.
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

// files completes file names.
func files(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}
