package cmd

import (
	"context"
	"errors"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

// find returns the account that query names. If several match, it lets the user pick on a
// terminal, and otherwise lists them on standard error and returns an error.
func (s *session) find(ctx context.Context, state *vault.State, query string, exact bool) (vault.Account, error) {
	a, err := state.Find(query, exact)
	if errors.Is(err, vault.ErrNotFound) {
		err = hint.With(err, s.emptyWords(state))
	}
	return s.pick(ctx, a, err)
}

// findToChange is find for a command that changes the account. Without a terminal it
// accepts only an exact label, alias or id.
func (s *session) findToChange(ctx context.Context, state *vault.State, query string) (vault.Account, error) {
	return s.find(ctx, state, query, !s.choosing())
}

func (s *session) pick(ctx context.Context, a vault.Account, err error) (vault.Account, error) {
	var several *vault.AmbiguousError
	if !errors.As(err, &several) {
		return a, err
	}
	options := make([]string, len(several.Matches))
	for i, m := range several.Matches {
		options[i] = label(m)
	}
	if s.choosing() {
		n, err := s.Prompt.Choose(ctx, "Which account?", options)
		if err != nil {
			return vault.Account{}, err
		}
		return several.Matches[n], nil
	}
	if s.json { // whose error has the matches
		return vault.Account{}, err
	}
	for i, m := range several.Matches {
		s.say("%s  id:%s", options[i], term.Escape(m.ID))
	}
	return vault.Account{}, err
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
	s, err := c.unattended().open("completion")
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionWait)
	defer cancel()
	names, err := s.device.Names(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var labels []string
	for _, a := range names {
		for _, word := range []string{a.Shown, a.Alias} {
			if offered(word) && strings.HasPrefix(strings.ToLower(word), strings.ToLower(toComplete)) {
				labels = append(labels, word)
			}
		}
	}
	return labels, cobra.ShellCompDirectiveNoFileComp
}
