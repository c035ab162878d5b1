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

// A cli is one run of the program: its Env and the flags that every command has.
type cli struct {
	*Env
	keyringFlag         string
	vaultPassphraseFile string
	noInput             bool
	json                bool
	color               string
	// watch makes this process heed signals. Whoever changes the terminal calls it first.
	watch func()

	stdinRead bool
	helped    error // of printing the help, which cobra does not return
}

// asking reports whether prompts are allowed. Passphrases and secrets are asked for at
// the controlling terminal, even if the streams are redirected.
func (c *cli) asking() bool {
	return !c.noInput && c.Getenv("AUTH_NO_INPUT") != "1" && c.Prompt.Available()
}

// choosing reports whether pickers and confirmations are allowed. Standard input and
// standard error have to be terminals. Standard output may be a pipe.
func (c *cli) choosing() bool {
	return c.asking() && term.IsTerminal(c.In) && term.IsTerminal(c.Err)
}

// accessible reports whether nothing may be drawn, as for a screen reader.
func (c *cli) accessible() bool { return c.Getenv("AUTH_ACCESSIBLE") == "1" }

// say writes a line to standard error. Text from outside has to pass term.Escape first.
func (c *cli) say(format string, args ...any) { fmt.Fprintf(c.Err, format+"\n", args...) }

// warn writes a warning to standard error.
func (c *cli) warn(format string, args ...any) {
	c.say(c.paint(c.Err, "auth: warning:", term.Warn)+" "+format, args...)
}

// usageError is a mistake in how auth was called, or a missing answer.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// missing returns the error for a question that cannot be asked. flag is the flag that
// answers it.
func missing(what, flag string) error {
	return hint.With(usagef("%s is needed, and there is nobody to ask", what), "give it with "+flag)
}

// errSecretArgument is returned for an argument that looks like a secret. The message
// does not repeat it: the argument is in the shell's history already, but should not get
// into a log.
var errSecretArgument = errors.New("an argument looks like a secret; arguments are visible to other users and in the shell's history")

// looksSecret reports whether an argument looks like a secret: a URI with a secret, or at
// least 16 base32 letters that include a digit or are all upper case. The id of a device or
// of a key is none, although one id in a hundred is of base32 letters alone. Of secrets in
// lower case with 16 letters, one in six million looks like an id.
func looksSecret(arg string) bool {
	if looksID(arg) {
		return false
	}
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

// looksID reports whether an argument is 16 hexadecimal digits in lower case.
func looksID(arg string) bool {
	return len(arg) == 16 && strings.Trim(arg, "0123456789abcdef") == ""
}

// secretAmong reports whether an argument looks like a secret, or several that follow one
// another look like one that was typed in groups.
func secretAmong(args []string) bool {
	const group, most = 4, 32 // groups of a secret of 80 bytes
	for from := range args {
		for to := from + 1; to <= min(len(args), from+most); to++ {
			run := args[from:to]
			all := strings.Join(run, "")
			grouped := !slices.ContainsFunc(run[:len(run)-1], func(word string) bool { return len(word) != group })
			if looksSecret(all) && (grouped || all == strings.ToUpper(all)) {
				return true
			}
		}
	}
	return false
}

// checked returns a check of positional arguments. It first checks that none is a secret.
func checked(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if secretAmong(args) {
			return secretArgument()
		}
		err := check(cmd, args)
		switch {
		case err == nil:
			return nil
		case as[usageError](err), len(hint.All(err)) > 0:
			return usageError{err}
		default:
			return hint.With(argumentsWords(cmd, args), cmd.CommandPath()+" --help")
		}
	}
}

func secretArgument() error {
	return hint.With(usageError{errSecretArgument}, "auth add LABEL asks for the secret; scripts use --secret-file or --uri with a FILE or -")
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }
