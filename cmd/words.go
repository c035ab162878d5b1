package cmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/term"
)

// The libraries below this package word their errors for programmers: with system calls,
// types of Go and the names of functions. Here they get words for people. Where an error of
// a library lies inside another one, only its part of the text changes.

// wording returns the text of an error for people.
func wording(err error) string {
	text := err.Error()
	visit(err, func(e error) {
		if said := faultWords(e); said != "" {
			text = strings.ReplaceAll(text, e.Error(), said)
		}
	})
	return text
}

// visit calls f with each error of a tree, outermost first.
func visit(err error, f func(error)) {
	for err != nil {
		f(err)
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range many.Unwrap() {
				visit(e, f)
			}
			return
		}
		err = errors.Unwrap(err)
	}
}

// faultWords returns words for an error of a file, a program or a number; nothing for
// another one.
func faultWords(err error) string {
	if err == io.ErrUnexpectedEOF { //nolint:errorlint // visit unwraps
		return "it ends too early"
	}
	switch e := err.(type) { //nolint:errorlint // visit unwraps
	case *fs.PathError:
		return pathWords(e.Path, e.Err)
	case *os.LinkError:
		return pathWords(e.New, e.Err)
	case *exec.Error:
		if errors.Is(e, exec.ErrNotFound) {
			return "there is no program " + e.Name
		}
		return fmt.Sprintf("the program %s: %v", e.Name, e.Err)
	case *exec.ExitError:
		if code := e.ExitCode(); code >= 0 {
			return "it ended with exit code " + strconv.Itoa(code)
		}
		return "it was ended: " + strings.TrimPrefix(e.String(), "signal: ")
	case syscall.Errno:
		switch e {
		case syscall.ENOENT:
			return "it is not there"
		case syscall.ENOTDIR:
			return "a part of its path is no folder"
		case syscall.EACCES, syscall.EPERM:
			return "no permission"
		}
		return ""
	case *strconv.NumError:
		if errors.Is(e, strconv.ErrRange) {
			return fmt.Sprintf("%q is too large a number", e.Num)
		}
		return fmt.Sprintf("%q is not a number", e.Num)
	default:
		return ""
	}
}

func pathWords(path string, err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no file or folder " + path
	case errors.Is(err, fs.ErrPermission):
		return path + ": no permission"
	case errors.Is(err, syscall.ENOTDIR):
		return path + ": a part of its path is no folder"
	case errors.Is(err, syscall.EISDIR):
		return path + " is a folder"
	default:
		return fmt.Sprintf("%s: %v", path, err)
	}
}

// flagError words an error of the flags of a command. What the arguments before the flag
// say may be another tool's verb, whose flags are not ours either.
func (c *cli) flagError(cmd *cobra.Command, err error) error {
	if args := cmd.Flags().Args(); len(args) > 0 && cmd.HasSubCommands() {
		if unknown := cmd.ValidateArgs(args); unknown != nil {
			return unknown
		}
	}
	help := cmd.CommandPath() + " --help"
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := "--" + e.GetSpecifiedName()
		if e.GetSpecifiedShortnames() != "" {
			name = "-" + e.GetSpecifiedName()
		}
		if near := nearFlag(cmd.Flags(), name); near != "" {
			help = cmd.CommandPath() + " " + near
		}
		return hint.With(usagef("%s has no flag %s", cmd.CommandPath(), name), help)
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		what, _ := pflag.UnquoteUsage(e.GetFlag())
		return hint.With(usagef("--%s needs a value: --%s %s", e.GetFlag().Name, e.GetFlag().Name, what), help)
	}
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return hint.With(usagef("--%s takes %s, and %q is none", e.GetFlag().Name, valueWords(e.GetFlag()), e.GetValue()), help)
	}
	if e, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		return hint.With(usagef("%q is not a flag", e.GetSpecifiedFlag()), help)
	}
	return hint.With(usageError{err}, help)
}

// nearFlag returns the flag that name may have been meant for, by how it begins.
func nearFlag(flags *pflag.FlagSet, name string) (near string) {
	name = strings.TrimLeft(name, "-")
	flags.VisitAll(func(f *pflag.Flag) {
		const enough = 3
		if near == "" && !f.Hidden && len(name) >= enough && (strings.HasPrefix(f.Name, name) || strings.HasPrefix(name, f.Name)) {
			near = "--" + f.Name
		}
	})
	return near
}

// valueWords says what a flag takes.
func valueWords(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "bool":
		return "true or false"
	case "int":
		return "a whole number"
	case "uint64":
		return "a whole number from 0 on"
	case "duration":
		return "a duration such as 5s"
	default:
		return "another value"
	}
}

// exclusive refuses flags of a command that exclude each other.
func exclusive(cmd *cobra.Command) error {
	const annotation = "cobra_annotation_mutually_exclusive"
	set := map[string][]string{}
	var err error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		for _, group := range f.Annotations[annotation] {
			if !f.Changed {
				continue
			}
			if others := set[group]; len(others) > 0 && err == nil {
				err = hint.With(usagef("%s and --%s exclude each other", others[0], f.Name), cmd.CommandPath()+" --help")
			}
			set[group] = append(set[group], "--"+f.Name)
		}
	})
	return err
}

// argumentsWords says how many arguments a command was given, and which it takes.
func argumentsWords(cmd *cobra.Command, args []string) error {
	_, takes, _ := strings.Cut(cmd.Use, " ")
	path := cmd.CommandPath()
	switch {
	case len(cmd.ValidArgs) > 0 && len(args) == 1:
		return usagef("%s takes one of %s, and %q is none", path, strings.Join(cmd.ValidArgs, ", "), term.Escape(args[0]))
	case strings.Trim(takes, "-") == "" || strings.HasPrefix(takes, "-"):
		return usagef("%s takes no argument, and was given %s", path, count(len(args), "argument"))
	case len(args) == 0:
		return usagef("%s needs %s", path, takes)
	default:
		return usagef("%s takes %s, and was given %s", path, takes, count(len(args), "argument"))
	}
}

// plainUsages takes the marks of placeholders out of the texts of all flags: completion
// shows them as they are.
func plainUsages(cmd *cobra.Command) {
	plain := func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") }
	cmd.PersistentFlags().VisitAll(plain)
	cmd.Flags().VisitAll(plain)
	for _, sub := range cmd.Commands() {
		plainUsages(sub)
	}
}

// completes reports whether args ask for completions.
func completes(args []string) bool {
	return len(args) > 0 && slices.Contains([]string{cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd}, args[0])
}
