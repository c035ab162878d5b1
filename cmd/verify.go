package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/vault"
)

var errVerified = errors.New("the account has its secret already")

func newVerify(c *cli) *cobra.Command {
	var o addOptions
	cmd := c.command(spec{
		use:   "verify [QUERY...]",
		short: "Complete an account that needs verification",
		long: `Give a secret to an account that was restored by name only. The secret comes from a
QR code of its issuer, from a URI, or is typed in. It belongs to this device only;
the secret on another device stays valid. Without a QUERY, a terminal shows the
accounts that need it.`,
		exit: "0 done; 1 nothing usable in what was given; 2 usage; 3 no such account;\n4 several match; 5 it has its secret; 6 keyring",
		example: `  auth verify work:me --qr screenshot.png
  auth verify work:me`,
		args:     cobra.ArbitraryArgs,
		complete: c.completeLabels,
		run: func(ctx context.Context, s *session, args []string) error {
			state, err := s.device.Read(ctx)
			if err != nil {
				return err
			}
			var a vault.Account
			switch needed := unverified(state); {
			case len(args) == 0 && len(needed) == 0:
				return fmt.Errorf("%w that needs verification", vault.ErrNotFound)
			case len(args) == 0:
				a, err = s.choose(ctx, state, needed)
			default:
				a, err = s.findToChange(ctx, state, args)
			}
			if err != nil {
				return err
			}
			if !a.NeedsVerification() {
				return hint.With(&accountError{a, errVerified}, "auth code "+queryWord(a))
			}
			o.issuer, o.name = a.Issuer, a.Name
			if o.kind == "" {
				o.kind = string(a.Type)
			}
			batch, err := s.toAdd(ctx, o)
			if err != nil {
				return err
			}
			if len(batch.Accounts) != 1 {
				return usagef("%d accounts were found: one is needed", len(batch.Accounts))
			}
			given := batch.Accounts[0]
			return s.changeAccount(ctx, a, "verified", func(tx *vault.Tx, a vault.Account) error {
				return tx.SetCredential(a.ID, given.Credential, given.Counter)
			})
		},
	})
	flags := cmd.Flags()
	flags.StringVar(&o.secretFile, "secret-file", "", "read the secret (base32) from `FILE` or -")
	flags.StringVar(&o.uri, "uri", "", "read the otpauth URI from `FILE` or -")
	flags.StringArrayVar(&o.images, "qr", nil, "read the QR code of an `IMAGE` or -")
	o.lookFlags(flags)
	cmd.MarkFlagsMutuallyExclusive("secret-file", "uri", "qr", "clipboard", "screen", "region")
	return cmd
}

// unverified returns the accounts that are here without their secret.
func unverified(state *vault.State) (list []vault.Account) {
	for _, a := range state.Accounts() {
		if a.NeedsVerification() {
			list = append(list, a)
		}
	}
	return list
}
