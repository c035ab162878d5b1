// Package cmd is the command line of auth and nothing else: one file a command,
// each a constructor over one [Env]. It is not an API.
package cmd

import (
	"context"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// graceful is how long a command that was interrupted may take to put things in
// order. One that hangs in a read or a keyring call is left behind.
const graceful = 300 * time.Millisecond

// Main runs auth with args and returns its exit code.
func Main(env *Env, args []string) int {
	// A reader of our output that goes away is an error to report (a counter may
	// have been advanced for a code that nobody saw), not a silent death.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	c := &cli{Env: env}
	root := c.root()
	root.SetArgs(args)
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(ctx) }()
	select {
	case err := <-ended:
		return c.exit(err, args)
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return c.exit(err, args)
	case <-time.After(graceful):
		return codeInterrupted
	}
}

// NewRoot returns the whole tree of commands. It touches nothing of env.
func NewRoot(env *Env) *cobra.Command { return (&cli{Env: env}).root() }

// The groups of commands in the help.
const (
	groupCodes  = "codes"
	groupBackup = "backup"
	groupCare   = "care"
)

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "auth",
		Short: "The authenticator for the terminal",
		Long: `auth keeps one-time-password accounts in the keyring of the operating system,
prints their codes, and makes sure that losing the machine never means losing
the accounts.` + exitStatus("0 done; 1 error; 2 usage, or an answer is missing; 3 no such account;\n"+
			"4 ambiguous; 5 done in part, nothing overwritten; 6 keyring locked, lost or\n"+
			"not available; 7 wrong passphrase or key, or a damaged or foreign backup;\n"+
			"8 needs verification; 9 backup stale or not made; 10 wrong code, or no QR\n"+
			"code in an image; 130 interrupted"),
		Example: `  auth add --qr screenshot.png
  auth code github
  auth backup --to vault.age
  auth restore vault.age`,
		Version:           version(),
		Args:              c.noCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		ValidArgsFunction: cobra.NoFileCompletions,
		// Before cobra does it itself, with an error that cannot be told from others.
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := cmd.ValidateFlagGroups(); err != nil {
				return usageError{err}
			}
			return nil
		},
		SuggestionsMinimumDistance: 2,
		SilenceErrors:              true,
		SilenceUsage:               true,
		DisableAutoGenTag:          true,
		CompletionOptions:          cobra.CompletionOptions{HiddenDefaultCmd: true, DisableDefaultCmd: true},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.SetVersionTemplate("auth {{.Version}}\n")
	root.AddGroup(
		&cobra.Group{ID: groupCodes, Title: "Accounts and codes:"},
		&cobra.Group{ID: groupBackup, Title: "Backup, recovery and moving:"},
		&cobra.Group{ID: groupCare, Title: "Care:"},
	)
	flags := root.PersistentFlags()
	flags.StringVar(&c.keyringFlag, "keyring", "", "where the vault lives: `system or file`")
	flags.StringVar(&c.vaultPassphraseFile, "vault-passphrase-file", "", "read the file keyring's passphrase from `FILE` or -")
	flags.BoolVar(&c.noInput, "no-input", false, "never ask; a missing answer is an error")
	flags.BoolVar(&c.json, "json", false, "write JSON")
	must(root.RegisterFlagCompletionFunc("keyring", fixed("system", "file")))

	for _, group := range []struct {
		id       string
		commands []*cobra.Command
	}{
		{groupCodes, []*cobra.Command{
			newAdd(c), newCode(c), newList(c), newShow(c), newEdit(c), newMove(c), newRemove(c), newVerify(c), newCheck(c),
			newScan(c),
		}},
		{groupBackup, []*cobra.Command{newBackup(c), newRestore(c), newSync(c), newStatus(c), newImport(c), newExport(c)}},
		{groupCare, []*cobra.Command{newVault(c), newConfig(c), newDoctor(c), newCompletion(c)}},
	} {
		for _, command := range group.commands {
			command.GroupID = group.id
			root.AddCommand(command)
		}
	}
	root.SetHelpCommandGroupID(groupCare)
	return root
}

// exitStatus is the last part of every command's long help.
func exitStatus(text string) string { return "\n\nExit status:\n" + indent(text) }

// fixed completes a flag or an argument with the given words.
func fixed(words ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}

// must panics on an error that only a slip in the tables of this package can make.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
