package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/live"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

// suggestions is how many accounts are suggested where none was found.
const suggestions = 3

// errUnnamed is returned for a command that needs an account, where none is named and
// nobody can choose one.
var errUnnamed = errors.New("no account is named, and there is no terminal to choose one on")

// errNoAccounts is returned where an account is to be chosen and there is none.
var errNoAccounts = fmt.Errorf("%w: there is none to choose", vault.ErrNotFound)

// query returns the QUERY of a command from its arguments. Words with spaces between them
// are one.
func query(args []string) string { return strings.Join(args, " ") }

// find returns the account that args name. If they name none, or several, it lets the user
// pick on a terminal. Elsewhere, several are listed on standard error, and it returns an
// error.
func (s *session) find(ctx context.Context, state *vault.State, args []string, exact bool) (vault.Account, error) {
	if len(args) == 0 {
		return s.choose(ctx, state, state.Accounts())
	}
	return s.findBy(ctx, state, query(args), exact, s.options.Holder)
}

// findBy is find for a query that the rest of a command is put before in hints.
func (s *session) findBy(ctx context.Context, state *vault.State, query string, exact bool, command string) (vault.Account, error) {
	a, err := state.Find(query, exact)
	return s.pick(ctx, state, a, s.nothingFound(state, query, exact, command, err))
}

// findToChange is find for a command that changes the account. Without a terminal it
// accepts only an exact label, alias or id.
func (s *session) findToChange(ctx context.Context, state *vault.State, args []string) (vault.Account, error) {
	return s.find(ctx, state, args, !s.choosing())
}

// nothingFound adds to an error of a search that found nothing what may have been meant.
func (s *session) nothingFound(state *vault.State, query string, exact bool, command string, err error) error {
	if !errors.Is(err, vault.ErrNotFound) {
		return err
	}
	if words := s.emptyWords(state); words != "" {
		return hint.With(err, words)
	}
	if exact {
		if a, partErr := state.Find(query, false); partErr == nil {
			err = fmt.Errorf("%w, as a whole label, an alias or id:ID; a part of %s", err, label(a))
			return hint.With(err, naming(command, queryWord(a)))
		}
	}
	near := state.Near(query, suggestions)
	if len(near) == 0 {
		return err
	}
	labels := make([]string, len(near))
	for i, a := range slices.Backward(near) {
		labels[i] = label(a)
		err = hint.With(err, naming(command, queryWord(a)))
	}
	return &nearError{err, labels}
}

// naming returns a command with the account that it is about, as it is typed.
func naming(command, query string) string {
	switch command {
	case "auth code", "auth show":
		return command + " " + query
	case "auth check":
		return command + " " + query + " CODE"
	default: // which does nothing without its options
		return command + " " + query + ", with the same options"
	}
}

// A nearError is an error of a search that found nothing, with the labels that may have
// been meant.
type nearError struct {
	err    error
	labels []string
}

func (e *nearError) Error() string {
	return e.err.Error() + "; did you mean " + strings.Join(e.labels, ", or ") + "?"
}

func (e *nearError) Unwrap() error { return e.err }

// pick lets the user pick where several accounts match. Other errors are returned as they
// are.
func (s *session) pick(ctx context.Context, state *vault.State, a vault.Account, err error) (vault.Account, error) {
	var several *vault.AmbiguousError
	if !errors.As(err, &several) {
		return a, err
	}
	if s.choosing() {
		return s.choose(ctx, state, several.Matches)
	}
	if s.json { // whose error has the matches
		return vault.Account{}, err
	}
	for _, m := range several.Matches {
		s.say("%s  id:%s", label(m), term.Escape(m.ID))
	}
	return vault.Account{}, err
}

// choose lets the user choose one of accounts on the terminal.
func (s *session) choose(ctx context.Context, state *vault.State, accounts []vault.Account) (vault.Account, error) {
	switch {
	case len(accounts) == 0:
		return vault.Account{}, hint.With(errNoAccounts, s.emptyWords(state))
	case !s.choosing():
		return vault.Account{}, hint.With(usageError{errUnnamed}, naming(s.options.Holder, "QUERY")+"; auth list shows the accounts")
	case s.accessible() || s.Getenv("TERM") == "dumb":
		return s.chooseInLines(ctx, accounts)
	}
	byID := make(map[string]vault.Account, len(accounts))
	for _, a := range accounts {
		byID[a.ID] = a
	}
	shown := slices.DeleteFunc(rows(state), func(a live.Account) bool {
		_, offered := byID[a.ID]
		return !offered
	})
	s.watch()
	id, err := live.Pick(ctx, live.Choice{
		In: s.In, Out: s.Err, Environ: s.drawEnviron(s.Err), Question: "Which account?", Accounts: shown,
	})
	if errors.Is(err, live.ErrNotPicked) {
		err = term.ErrInterrupted
	}
	return byID[id], err
}

// mostNumbered is how many accounts a numbered list has at most.
const mostNumbered = 9

// chooseInLines is choose without drawing: a part of a name is asked for until few
// accounts have it, and then a number.
func (s *session) chooseInLines(ctx context.Context, accounts []vault.Account) (vault.Account, error) {
	for {
		if len(accounts) <= mostNumbered {
			options := make([]string, len(accounts))
			for i, a := range accounts {
				options[i] = label(a)
			}
			n, err := s.Prompt.Choose(ctx, "Which account?", options)
			if err != nil {
				return vault.Account{}, err
			}
			return accounts[n], nil
		}
		part, err := s.Prompt.Line(ctx, "Which account? "+count(len(accounts), "account")+"; type a part of its name: ")
		if err != nil {
			return vault.Account{}, err
		}
		switch found, err := vault.SearchIn(accounts, part); {
		case err != nil:
			s.say("no account matches")
		case len(found) == 1:
			return found[0], nil
		default:
			accounts = found
		}
	}
}

// offered reports whether a label or alias may be offered as a shell completion. It may
// contain letters and digits of any script, spaces, and marks without a meaning in any
// shell, and has to begin with a letter or digit. Completion scripts quote a whole word,
// but not the common prefix of several, which the next Tab would evaluate. A word that
// begins with cobra's "_activeHelp_ " would be shown as a message of ours.
func offered(word string) bool {
	for i, r := range word {
		plain := unicode.IsLetter(r) || unicode.IsDigit(r)
		if !plain && (i == 0 || !unicode.IsMark(r) && !strings.ContainsRune(" .,-_@:+/", r)) {
			return false
		}
	}
	return word != ""
}

// completeLabels completes the label of an account. It never asks or waits: if the
// keyring is locked or hangs, it offers nothing.
func (c *cli) completeLabels(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	s, ctx, done := c.completing(cmd.Context())
	defer done()
	if s == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names, err := s.device.Names(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	for _, a := range names {
		words = append(words, a.Shown, a.Alias)
	}
	return offer(words, toComplete), cobra.ShellCompDirectiveNoFileComp
}

// completing returns a session for a completion, which never asks, and the time that it
// has; nil where there is none.
func (c *cli) completing(ctx context.Context) (*session, context.Context, context.CancelFunc) {
	ctx, done := context.WithTimeout(ctx, cmp.Or(c.CompletionWait, completionWait))
	s, err := c.unattended().open("completion")
	if err != nil {
		return nil, ctx, done
	}
	return s, ctx, done
}

// offer returns the words that begin with what was typed and may be offered.
func offer(words []string, typed string) (list []string) {
	for _, word := range words {
		if offered(word) && strings.HasPrefix(strings.ToLower(word), strings.ToLower(typed)) {
			list = append(list, word)
		}
	}
	return list
}
