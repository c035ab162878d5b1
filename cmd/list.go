package cmd

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/otp"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

type listOptions struct {
	tags         []string
	trash, codes bool
}

func newList(c *cli) *cobra.Command {
	var o listOptions
	cmd := c.command(spec{
		use:   "list [QUERY...]",
		short: "List the accounts",
		long: `List the labels of all accounts in their order, one per line. On a terminal, the list
also shows aliases, tags and what needs attention. With a QUERY, list the accounts that
it names, or that have each of its words somewhere in issuer, name, alias or tags.

--codes lists the codes too, and on a terminal the seconds that are left. In a pipe, a
line is label, tab, code. Codes that go by a counter are not shown: only auth code
advances a counter.`,
		exit: "0 done; 3 no account matches QUERY; 6 keyring",
		example: `  auth list
  auth list git
  auth list --tag work --codes
  auth list --trash
  auth list --json`,
		args:     cobra.ArbitraryArgs,
		complete: c.completeLabels,
		run: func(ctx context.Context, s *session, args []string) error {
			state, err := s.device.Read(ctx)
			if err != nil {
				return err
			}
			if !o.trash || state.Generation == 0 {
				s.sayEmpty(state)
			}
			switch {
			case o.trash && len(args) > 0:
				return usagef("--trash lists everything in the trash, so it takes no QUERY")
			case o.trash:
				return s.listTrash(state)
			}
			accounts, err := s.search(state, args)
			if err != nil {
				return err
			}
			return s.list(state, accounts, o)
		},
	})
	flags := cmd.Flags()
	flags.BoolVar(&o.trash, "trash", false, "list the secrets in the trash, and when each goes")
	flags.BoolVar(&o.codes, "codes", false, "list the codes too")
	flags.StringSliceVar(&o.tags, "tag", nil, "only accounts with this `TAG`; several: with all of them")
	cmd.MarkFlagsMutuallyExclusive("trash", "codes")
	cmd.MarkFlagsMutuallyExclusive("trash", "tag")
	must(cmd.RegisterFlagCompletionFunc("tag", c.completeTags))
	return cmd
}

// search returns the accounts that args name, in their order; all without args.
func (s *session) search(state *vault.State, args []string) ([]vault.Account, error) {
	if len(args) == 0 {
		return state.Accounts(), nil
	}
	query := query(args)
	found, err := state.Search(query)
	return found, s.nothingFound(state, query, false, s.options.Holder, err)
}

// list prints accounts.
func (s *session) list(state *vault.State, accounts []vault.Account, o listOptions) error {
	if secretAmong(o.tags) {
		return secretArgument()
	}
	list := []jsonAccount{}
	var lines strings.Builder
	var rows [][]string
	now := s.Now()
	for _, a := range accounts {
		if !hasTags(a.Tags, o.tags) {
			continue
		}
		j := toJSON(a)
		lost, exposed := state.Exposed(a)
		j.Exposed = lost
		mark := ""
		switch {
		case a.NeedsVerification():
			mark = "needs verification"
		case exposed:
			mark = "exposed"
		case o.codes && a.Type == account.HOTP:
			mark = "by counter"
		}
		lines.WriteString(label(a))
		row := []string{label(a), term.Escape(a.Alias), term.Escape(strings.Join(a.Tags, ", ")), mark}
		if o.codes {
			code, err := s.listed(a, now, &j)
			if err != nil {
				return err
			}
			lines.WriteString("\t" + code)
			row = []string{label(a), code, "", mark}
			if j.Remaining != nil {
				row[2] = strconv.Itoa(*j.Remaining) + " s"
			}
		}
		lines.WriteString("\n")
		rows, list = append(rows, row), append(list, j)
	}
	if len(list) == 0 && len(accounts) > 0 {
		s.say("no account has %s", tagWords(o.tags))
	}
	switch {
	case s.json:
		return s.printJSON(jsonAccounts(list...))
	case !term.IsTerminal(s.Out):
		return s.print(lines.String())
	case o.codes:
		return s.printColumns([]term.Column{
			{Name: "LABEL", Fit: term.Cut},
			{Name: "CODE", Look: strong},
			{Name: "LEFT"},
			{Name: "STATE", Fit: term.Wrap, Look: stateLook},
		}, rows)
	default:
		return s.printColumns([]term.Column{
			{Name: "LABEL", Fit: term.Cut},
			{Name: "ALIAS", Fit: term.Cut},
			{Name: "TAGS", Fit: term.Cut},
			{Name: "STATE", Fit: term.Wrap, Look: stateLook},
		}, rows)
	}
}

// listed returns the code of an account, for a list, and notes it in its JSON. It is a
// dash where there is none, or where it would advance a counter.
func (s *session) listed(a vault.Account, at time.Time, j *jsonAccount) (string, error) {
	if a.NeedsVerification() || a.Type == account.HOTP {
		return "-", nil
	}
	code, err := otp.At(a.Credential, at)
	if err != nil {
		return "", &accountError{a, err}
	}
	with := withCode(a, code, at)
	j.Code, j.ValidUntil, j.Remaining = with.Code, with.ValidUntil, with.Remaining
	return code.Text, nil
}

func tagWords(tags []string) string {
	if len(tags) == 1 {
		return "the tag " + term.Escape(tags[0])
	}
	return "all of the tags " + term.Escape(strings.Join(tags, ", "))
}

// completeTags completes the tags of accounts.
func (c *cli) completeTags(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	s, ctx, done := c.completing(cmd.Context())
	defer done()
	if s == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	state, err := s.device.Read(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	for _, a := range state.Accounts() {
		for _, tag := range a.Tags {
			if !slices.Contains(words, tag) {
				words = append(words, tag)
			}
		}
	}
	return offer(words, toComplete), cobra.ShellCompDirectiveNoFileComp
}

// emptyWords says that a vault has no accounts, and where it is: a HOME or AUTH_HOME that
// is wrong names a new one. They are empty where it has some.
func (s *session) emptyWords(state *vault.State) string {
	switch {
	case len(state.Accounts()) > 0:
		return ""
	case state.Generation == 0:
		return "no accounts yet: the vault of " + term.Escape(s.places.state) + " is new; auth add adds one, auth restore brings some back, auth setup asks step by step"
	default:
		return "no accounts in the vault of " + term.Escape(s.places.state) + "; auth list --trash shows what was removed"
	}
}

func (s *session) sayEmpty(state *vault.State) {
	if words := s.emptyWords(state); words != "" {
		s.say("%s", words)
	}
}

// hasTags reports whether an account has all tags that are wanted, in any case.
func hasTags(have, want []string) bool {
	for _, tag := range want {
		if !slices.ContainsFunc(have, func(t string) bool { return account.Fold(t) == account.Fold(tag) }) {
			return false
		}
	}
	return true
}

type jsonTrash struct {
	Version int           `json:"version"`
	Trash   []jsonTrashed `json:"trash"`
}

type jsonTrashed struct {
	ID    string `json:"id"`
	Label string `json:"label"`
	Since string `json:"since"`
	Until string `json:"until"` // kept at least until then
	Live  bool   `json:"live"`  // the account exists with another secret
}

// listTrash lists what auth restore --deleted can bring back.
func (s *session) listTrash(state *vault.State) error {
	out := jsonTrash{Version: jsonVersion, Trash: []jsonTrashed{}}
	var rows [][]string
	add := func(list []vault.Trashed, live bool, what string) {
		for _, t := range list {
			since := time.UnixMilli(t.At.Time)
			until := since.Add(vault.TrashFor)
			name := t.Account().Label()
			out.Trash = append(out.Trash, jsonTrashed{t.ID, name, since.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339), live})
			rows = append(rows, []string{term.Escape(name), what, s.when(s.Out, since), s.when(s.Out, until), "id:" + t.ID})
		}
	}
	add(state.TrashOf(), false, "removed")
	add(state.Superseded(), true, "replaced")
	if s.json {
		return s.printJSON(out)
	}
	return s.printColumns([]term.Column{
		{Name: "LABEL", Fit: term.Cut}, {Name: "STATE", Look: stateLook}, {Name: "SINCE", Fit: term.Wrap}, {Name: "GOES", Fit: term.Wrap}, {Name: "ID"},
	}, rows)
}
