package cmd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/term"
)

// A cli is one run of the program: the Env with the flags that every command has.
type cli struct {
	*Env
	keyringFlag         string
	vaultPassphraseFile string
	noInput             bool
	json                bool

	stdinRead bool
}

// asking reports whether prompts are allowed: passphrases and secrets then go to
// the controlling terminal, wherever the streams go.
func (c *cli) asking() bool {
	return !c.noInput && c.Getenv("AUTH_NO_INPUT") != "1" && c.Prompt.Available()
}

// choosing reports whether pickers and confirmations are allowed: only where all
// three streams are terminals.
func (c *cli) choosing() bool {
	return c.asking() && term.IsTerminal(c.In) && term.IsTerminal(c.Out) && term.IsTerminal(c.Err)
}

// say writes a line for people. Text that is not ours goes through term.Escape first.
func (c *cli) say(format string, args ...any) { fmt.Fprintf(c.Err, format+"\n", args...) }

// warn writes a line about something that a user should know.
func (c *cli) warn(format string, args ...any) { c.say("auth: warning: "+format, args...) }

// usageError is an error in how auth was called, or an answer that nobody gave.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// missing is the error of a question that may not be asked; flag is what answers it.
func missing(what, flag string) error {
	return hint.With(usagef("%s is needed, and there is nobody to ask", what), "give it with "+flag)
}

// errSecretArgument is the error of an argument that looks like a secret. It is
// not echoed: arguments are in the shell's history already, but need not be in a log.
var errSecretArgument = errors.New("an argument looks like a secret; secrets are never arguments, which other users and the shell's history can see")

// looksSecret reports whether an argument looks like a secret: a URI that holds
// one, or 16 and more base32 letters with a digit among them or all in upper case.
func looksSecret(arg string) bool {
	lower := strings.ToLower(arg)
	for _, mark := range []string{"otpauth://", "otpauth-migration://", "steam://", "motp://", "age-secret-key-"} {
		if strings.Contains(lower, mark) {
			return true
		}
	}
	word := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -=", r) {
			return -1
		}
		return r
	}, arg)
	if len(word) < 16 {
		return false
	}
	digits := false
	for _, r := range strings.ToUpper(word) {
		switch {
		case r >= 'A' && r <= 'Z':
		case r >= '2' && r <= '7':
			digits = true
		default:
			return false
		}
	}
	return digits || word == strings.ToUpper(word)
}

// checked returns a check of positional arguments: first that none is a secret,
// then check.
func checked(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if slices.ContainsFunc(args, looksSecret) {
			return secretArgument()
		}
		if err := check(cmd, args); err != nil {
			return hint.With(usageError{err}, cmd.CommandPath()+" --help")
		}
		return nil
	}
}

func secretArgument() error {
	return hint.With(usageError{errSecretArgument}, "auth add LABEL asks for the secret; scripts use --secret-file or --uri with a FILE or -")
}

// noCommand refuses words after a command that only groups others.
func (c *cli) noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if looksSecret(args[0]) {
		return secretArgument()
	}
	err := usagef("unknown command %q for %q", term.Escape(args[0]), cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = cmd.Root().SuggestionsMinimumDistance
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return hint.With(err, cmd.CommandPath()+" "+near[0])
	}
	return hint.With(err, cmd.CommandPath()+" --help")
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }
