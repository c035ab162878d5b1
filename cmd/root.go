// Package cmd is the command line of auth and nothing else: one file a command,
// each a constructor over one [Env]. It is not an API.
package cmd

import (
	"context"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Main runs auth with args and returns its exit code.
func Main(env *Env, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	root := NewRoot(env)
	root.SetArgs(args)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	return env.exit(root.ExecuteContext(ctx))
}

// NewRoot returns the whole tree of commands. It touches nothing of env.
func NewRoot(env *Env) *cobra.Command {
	root := &cobra.Command{
		Use:               "auth",
		Short:             "The authenticator for the terminal",
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
	}
	return root
}
