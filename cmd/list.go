package cmd

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

func newList(c *cli) *cobra.Command {
	var tags []string
	var trash bool
	cmd := c.command(spec{
		use:   "list",
		short: "List the accounts",
		long: `List the labels of all accounts in their order, one per line. On a terminal, the list
also shows aliases, tags and what needs attention.`,
		exit: "0 done; 6 keyring",
		example: `  auth list
  auth list --tag work
  auth list --trash
  auth list --json`,
		run: func(ctx context.Context, s *session, _ []string) error {
			state, err := s.device.Read(ctx)
			if err != nil {
				return err
			}
			if !trash || state.Generation == 0 {
				s.sayEmpty(state)
			}
			if trash {
				return s.listTrash(state)
			}
			list := []jsonAccount{}
			var labels strings.Builder
			var rows [][]string
			for _, a := range state.Accounts() {
				if !hasTags(a.Tags, tags) {
					continue
				}
				j := toJSON(a)
				lost, exposed := state.Exposed(a)
				j.Exposed = lost
				list = append(list, j)
				labels.WriteString(label(a) + "\n")
				mark := ""
				switch {
				case a.NeedsVerification():
					mark = "needs verification"
				case exposed:
					mark = "exposed"
				}
				rows = append(rows, []string{label(a), term.Escape(a.Alias), term.Escape(strings.Join(a.Tags, " ")), mark})
			}
			switch {
			case c.json:
				return c.printJSON(jsonAccounts(list...))
			case term.IsTerminal(c.Out):
				return c.printTable(rows)
			default:
				return c.print(labels.String())
			}
		},
	})
	cmd.Flags().BoolVar(&trash, "trash", false, "list the secrets in the trash, and when each goes")
	cmd.Flags().StringSliceVar(&tags, "tag", nil, "only accounts with this `TAG`; several: with all of them")
	return cmd
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

func hasTags(have, want []string) bool {
	for _, tag := range want {
		if !slices.Contains(have, tag) {
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
			rows = append(rows, []string{term.Escape(name), what, "until " + until.Format(time.DateOnly), "id:" + t.ID})
		}
	}
	add(state.TrashOf(), false, "removed")
	add(state.Superseded(), true, "replaced")
	if s.json {
		return s.printJSON(out)
	}
	return s.printTable(rows)
}
