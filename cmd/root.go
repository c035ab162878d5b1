// Package cmd is the command line of auth. Each command has a file with a constructor
// that takes an [Env]. The package is not an API.
package cmd

import (
	"cmp"
	"context"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

const (
	// graceful is how long an interrupted command may take to clean up. A command that
	// hangs in a read or a keyring call is abandoned.
	graceful = 300 * time.Millisecond
	// unwatched is how long signals keep their default effect on a command that writes
	// only the vault. Such a command is safe to kill. Watching for signals takes a
	// twentieth of the time of "auth code".
	unwatched = 100 * time.Millisecond
)

// Main runs auth with args and exits with its exit code.
func Main(env *Env, args []string) int {
	// If the reader of our output goes away, report an error instead of dying silently: a
	// counter may have been advanced for a code that nobody saw.
	signal.Ignore(syscall.SIGPIPE)
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	heed := func(signals <-chan os.Signal) {
		<-signals
		interrupt()
		time.Sleep(graceful)
		env.Exit(codeInterrupted)
	}
	watch := sync.OnceFunc(func() { go heed(watched()) })
	if brief(args) {
		later := time.AfterFunc(unwatched, watch)
		defer later.Stop()
	} else {
		watch()
	}

	c := &cli{Env: env, watch: watch}
	root := c.root(called(args))
	root.SetArgs(args)
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	if completes(args) {
		plainUsages(root)
	}
	return c.exit(cmp.Or(root.ExecuteContext(ctx), c.helped), args)
}

// watched subscribes to the signals that end the process. It leaves out signals that the
// parent process ignores, as with nohup.
func watched() <-chan os.Signal {
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	return signals
}

// brief reports whether args name a command that never writes a file with secrets, not
// even a temporary one for an image converter.
func brief(args []string) bool {
	return len(args) > 0 && slices.Contains([]string{
		"code", "list", "status", "--version", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd,
	}, args[0])
}

// NewRoot returns the tree of all commands. It uses nothing of env.
func NewRoot(env *Env) *cobra.Command { return (&cli{Env: env}).root(commands()) }

// The groups of commands in the help.
const (
	groupCodes  = "codes"
	groupBackup = "backup"
	groupCare   = "care"
)

// A command is the constructor of a command with the name that it is called by.
type command struct {
	group, name string
	build       func(*cli) *cobra.Command
}

func commands() []command {
	return []command{
		{groupCodes, "add", newAdd},
		{groupCodes, "code", newCode},
		{groupCodes, "list", newList},
		{groupCodes, "show", newShow},
		{groupCodes, "edit", newEdit},
		{groupCodes, "move", newMove},
		{groupCodes, "remove", newRemove},
		{groupCodes, "verify", newVerify},
		{groupCodes, "check", newCheck},
		{groupCodes, "scan", newScan},
		{groupBackup, "backup", newBackup},
		{groupBackup, "restore", newRestore},
		{groupBackup, "sync", newSync},
		{groupBackup, "status", newStatus},
		{groupBackup, "import", newImport},
		{groupBackup, "export", newExport},
		{groupCare, "setup", newSetup},
		{groupCare, "vault", newVault},
		{groupCare, "unlock", newUnlock},
		{groupCare, "lock", newLock},
		{groupCare, "config", newConfig},
		{groupCare, "doctor", newDoctor},
		{groupCare, "completion", newCompletion},
		{groupCare, "version", newVersion},
		{groupCare, holdCommand, newHold},
		{groupCare, helpName, newHelp},
	}
}

// called returns the commands that args can mean: the one that they begin with, or all.
// Building the whole tree takes as long as reading a keyring.
func called(args []string) []command {
	all := commands()
	if len(args) == 0 || args[0] == helpName {
		return all
	}
	for i, command := range all {
		if command.name == args[0] {
			return all[i : i+1]
		}
	}
	if len(args) == 1 && args[0] == "--version" {
		return nil
	}
	return all
}

func (c *cli) root(commands []command) *cobra.Command {
	var showVersion, accessible bool
	root := &cobra.Command{
		Use:   "auth",
		Short: "The authenticator for the terminal",
		Long: `auth keeps one-time-password accounts in the keyring of the operating system,
prints their codes, and makes sure that losing the machine never means losing
the accounts.

On a terminal, auth without a command shows the accounts and their codes; ? shows
the keys. Elsewhere it prints this help.

auth help recovery is the page for the day that something is lost.

Environment:
  AUTH_HOME                   a folder for everything: a profile of its own
  AUTH_KEYRING                system or file, as --keyring
  AUTH_KEYRING_TIMEOUT        how long the keyring may take, such as 10s
  AUTH_VAULT_PASSPHRASE_FILE  as --vault-passphrase-file
  CREDENTIALS_DIRECTORY       systemd's, with auth.vault-passphrase in it
  AUTH_NO_INPUT               1: never ask, as --no-input
  AUTH_ACCESSIBLE             1: talk in lines, as --accessible
  NO_COLOR                    no colours; CLICOLOR, CLICOLOR_FORCE and --color too
auth help environment lists the variables of others that auth reads, too.` + exitStatus("0 done; 1 error; 2 usage, or an answer is missing; 3 no such account;\n"+
			"4 ambiguous; 5 done in part, nothing overwritten; 6 keyring locked, lost or\n"+
			"not available; 7 wrong passphrase or key, or a damaged or foreign backup;\n"+
			"8 needs verification; 9 backup stale or not made; 10 wrong code, or no QR\n"+
			"code in an image; 130 interrupted"),
		Example: `  auth add --qr screenshot.png
  auth code github
  auth backup enable ~/Dropbox/auth
  auth restore ~/Dropbox/auth`,
		Args: c.noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if showVersion {
				return c.printVersion()
			}
			return c.bare(cmd, accessible)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		// Check here, because cobra's own error cannot be told from others.
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := exclusive(cmd); err != nil {
				return err
			}
			return c.checkColor()
		},
		SuggestionsMinimumDistance: 2,
		SilenceErrors:              true,
		SilenceUsage:               true,
		DisableAutoGenTag:          true,
		CompletionOptions:          cobra.CompletionOptions{HiddenDefaultCmd: true, DisableDefaultCmd: true},
	}
	root.SetFlagErrorFunc(c.flagError)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { c.helped = c.printHelp(cmd) })
	root.Flags().BoolVarP(&showVersion, "version", "v", false, "version for auth")
	root.Flags().BoolVar(&accessible, "accessible", false, "talk in lines instead of drawing, as a screen reader needs it; AUTH_ACCESSIBLE=1 does too")
	root.AddGroup(
		&cobra.Group{ID: groupCodes, Title: "Accounts and codes:"},
		&cobra.Group{ID: groupBackup, Title: "Backup, recovery and moving:"},
		&cobra.Group{ID: groupCare, Title: "Care:"},
	)
	flags := root.PersistentFlags()
	flags.StringVar(&c.keyringFlag, "keyring", "", "the `KEYRING` that the vault lives in: system or file")
	flags.StringVar(&c.vaultPassphraseFile, "vault-passphrase-file", "", "read the file keyring's passphrase from `FILE` or -")
	flags.BoolVar(&c.noInput, "no-input", false, "never ask; a missing answer is an error")
	flags.BoolVar(&c.json, "json", false, "write JSON, errors too (auth help json)")
	must(root.RegisterFlagCompletionFunc("keyring", fixed("system", "file")))
	c.colorFlag(root)

	for _, command := range commands {
		built := command.build(c)
		built.GroupID = command.group
		root.AddCommand(built)
		if command.name == helpName {
			root.SetHelpCommand(built)
		}
	}
	root.SetHelpCommandGroupID(groupCare)
	return root
}

// exitStatus is the heading of the last part of every command's long help.
func exitStatus(text string) string { return "\n\nExit status:\n" + indent(text) }

// fixed completes a flag or an argument with the given words.
func fixed(words ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}

// must panics on an error. Only a mistake in the tables of this package can cause one.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
