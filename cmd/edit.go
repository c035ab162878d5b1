package cmd

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/vault"
)

type editOptions struct {
	issuer, name, alias, note string
	tags, untags              []string
	counter                   uint64
}

func newEdit(c *cli) *cobra.Command {
	var o editOptions
	var cmd *cobra.Command
	cmd = c.command(spec{
		use:   "edit [QUERY...]",
		short: "Change an account's names, tags or counter",
		long: `Change the names, tags or note of an account, or the counter of a counter-based one.
The secret does not change. An empty alias or note removes it. Without a QUERY, a
terminal shows the accounts to choose from. Without a terminal, QUERY has to be a
whole label, an alias or id:ID.`,
		exit: "0 done; 2 usage; 3 no such account; 4 several match; 5 label or alias taken;\n6 keyring",
		example: `  auth edit github --alias gh
  auth edit gh --name bob@example.com --tag work
  auth edit bank --counter 42`,
		args:     cobra.ArbitraryArgs,
		complete: c.completeLabels,
		run: func(ctx context.Context, s *session, args []string) error {
			if !anyChanged(cmd.Flags(), "issuer", "name", "alias", "note", "tag", "untag", "counter") {
				return hint.With(usagef("nothing to change"), "auth edit --help lists what can be changed")
			}
			return s.changeOne(ctx, args, "changed", func(tx *vault.Tx, a vault.Account) error {
				return o.apply(tx, a, cmd.Flags())
			})
		},
	})
	flags := cmd.Flags()
	flags.StringVar(&o.issuer, "issuer", "", "the new `ISSUER`")
	flags.StringVar(&o.name, "name", "", "the new `NAME`")
	flags.StringVar(&o.alias, "alias", "", "the new `ALIAS`")
	flags.StringVar(&o.note, "note", "", "the new `NOTE`")
	flags.StringSliceVar(&o.tags, "tag", nil, "add a `TAG`")
	flags.StringSliceVar(&o.untags, "untag", nil, "take a `TAG` off")
	flags.Uint64Var(&o.counter, "counter", 0, "the counter that the next code is computed from")
	return cmd
}

func anyChanged(flags *pflag.FlagSet, names ...string) bool {
	return slices.ContainsFunc(names, flags.Changed)
}

func (o editOptions) apply(tx *vault.Tx, a vault.Account, flags *pflag.FlagSet) error {
	if flags.Changed("issuer") || flags.Changed("name") {
		issuer, name := a.Issuer, a.Name
		if flags.Changed("issuer") {
			issuer = account.Clean(o.issuer)
		}
		if flags.Changed("name") {
			name = account.Clean(o.name)
		}
		if issuer == "" && name == "" {
			return usagef("an account has an issuer, a name or both")
		}
		if err := tx.SetLabel(a.ID, issuer, name); err != nil {
			return err
		}
	}
	if flags.Changed("alias") {
		if err := tx.SetAlias(a.ID, account.Clean(o.alias)); err != nil {
			return err
		}
	}
	if flags.Changed("note") {
		if err := tx.SetNote(a.ID, o.note); err != nil {
			return err
		}
	}
	for _, tag := range o.tags {
		if err := tx.SetTag(a.ID, account.Clean(tag), true); err != nil {
			return err
		}
	}
	for _, tag := range o.untags {
		if err := tx.SetTag(a.ID, account.Clean(tag), false); err != nil {
			return err
		}
	}
	if flags.Changed("counter") {
		if a.Type != account.HOTP {
			return usagef("%s has no counter: its codes go by the time", label(a))
		}
		return tx.SetCounter(a.ID, o.counter)
	}
	return nil
}

// changeOne finds one account and changes it with [session.changeAccount]. done is the
// past tense of the change, for the message.
func (s *session) changeOne(ctx context.Context, args []string, done string, change func(*vault.Tx, vault.Account) error) error {
	state, err := s.device.Read(ctx)
	if err != nil {
		return err
	}
	a, err := s.findToChange(ctx, state, args)
	if err != nil {
		return err
	}
	return s.changeAccount(ctx, a, done, change)
}

// changeAccount changes an account and prints the result. done is the past tense of the
// change, for the message.
func (s *session) changeAccount(ctx context.Context, a vault.Account, done string, change func(*vault.Tx, vault.Account) error) error {
	var after vault.Account
	err := s.change(ctx, func(tx *vault.Tx) error {
		// Look it up again under the lock: another process may have changed it meanwhile.
		now, err := tx.Find("id:"+a.ID, true)
		if err != nil {
			return err
		}
		if err := change(tx, now); err != nil {
			return err
		}
		after, err = tx.Find("id:"+a.ID, true)
		if err != nil {
			after = now // removed
		}
		return nil
	})
	if err != nil {
		return err
	}
	if s.json {
		j := toJSON(after)
		j.Result = done
		return s.printJSON(jsonAccounts(j))
	}
	s.say("%s %s", done, label(after))
	return nil
}
