package cmd

import (
	"context"
	"errors"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

// find returns the account that query names. Several are shown: as a picker on a
// terminal, otherwise on standard error with an error.
func (s *session) find(ctx context.Context, state *vault.State, query string, exact bool) (vault.Account, error) {
	a, err := state.Find(query, exact)
	return s.pick(ctx, a, err)
}

// findToChange is find for a command that changes the account: off a terminal
// only an exact label, alias or id names it.
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
	for i, m := range several.Matches {
		s.say("%s  id:%s", options[i], term.Escape(m.ID))
	}
	return vault.Account{}, err
}

// offered reports whether a label or an alias is offered when a shell completes words:
// letters and digits of any script, spaces, and marks that no shell gives a meaning, and
// first a letter or a digit. The scripts of completion quote a word, but not what several
// have in common, which the next tab key then evaluates; and a word that begins as cobra's
// "_activeHelp_ " is shown as a message of ours.
func offered(word string) bool {
	for i, r := range word {
		plain := unicode.IsLetter(r) || unicode.IsDigit(r)
		if !plain && (i == 0 || !unicode.IsMark(r) && !strings.ContainsRune(" .,-_@:+/", r)) {
			return false
		}
	}
	return word != ""
}

// completeLabels completes an account's label. It never asks and never waits: a
// keyring that is locked or hangs gives nothing.
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
	state, err := s.device.Read(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var labels []string
	for _, a := range state.Accounts() {
		for _, word := range []string{a.Shown, a.Alias} {
			if offered(word) && strings.HasPrefix(strings.ToLower(word), strings.ToLower(toComplete)) {
				labels = append(labels, word)
			}
		}
	}
	return labels, cobra.ShellCompDirectiveNoFileComp
}
