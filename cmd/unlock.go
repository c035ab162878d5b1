package cmd

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/device"
)

// defaultUnlock is how long auth unlock unlocks: a day's work.
const defaultUnlock = "8h"

type jsonUnlock struct {
	Version int    `json:"version"`
	Result  string `json:"result"` // "unlocked", "locked" or "nothing"
	Keyring string `json:"keyring"`
	Until   string `json:"until,omitempty"` // where it is unlocked
}

func newUnlock(c *cli) *cobra.Command {
	var text string
	cmd := c.command(spec{
		use:   "unlock",
		short: "Unlock the file keyring for a while",
		long: `Unlock the file keyring for a while: until then no command asks for its passphrase.
auth asks for it now, or reads it from --vault-passphrase-file. Unlocking it again
starts the time anew.

The Linux kernel keeps the opened key in memory, for this user and this vault, and
ends the time. Nothing is written to disk, and no process is left running. All
programs of this user can use the key meanwhile, in every session, also after the
last one has ended: auth lock takes the key away. A new passphrase does too.

Other systems do not have that. There, and on a desktop, the system keyring is the
place for the vault: the login unlocks it.`,
		exit: "0 done, or there is nothing to unlock; 2 usage, or nobody to ask; 6 the system\nkeyring is locked, or the kernel refuses to keep the key; 7 wrong passphrase",
		example: `  auth unlock
  auth unlock --for 30m`,
		run: func(ctx context.Context, s *session, _ []string) error {
			while, err := device.ParseDuration(text)
			if err != nil {
				return usagef("--for %q is not a duration such as 8h or 30m", text)
			}
			return s.unlock(ctx, while)
		},
	})
	cmd.Flags().StringVar(&text, "for", defaultUnlock, "how long, as a `DURATION`")
	must(cmd.RegisterFlagCompletionFunc("for", fixed("15m", "1h", "8h", "24h")))
	return cmd
}

func (s *session) unlock(ctx context.Context, while time.Duration) error {
	until, err := s.device.Unlock(ctx, while)
	switch {
	case nothingToUnlock(err):
		s.say("nothing to unlock: %v", err)
		return s.printUnlock("nothing", time.Time{})
	case err != nil:
		return err
	}
	s.say("the file keyring is unlocked until %s; auth lock locks it", timestamp(until))
	return s.printUnlock("unlocked", until)
}

func newLock(c *cli) *cobra.Command {
	return c.command(spec{
		use:   "lock",
		short: "Lock the file keyring",
		long: `Lock the file keyring, which auth unlock has unlocked: from now on commands ask for its
passphrase again.`,
		exit:    "0 done, or there is nothing to lock; 6 there is no file keyring, or no kernel\nkeyring that could be asked",
		example: `  auth lock`,
		run: func(_ context.Context, s *session, _ []string) error {
			was, err := s.device.Lock()
			switch {
			case nothingToUnlock(err):
				s.say("nothing to lock: %v", err)
				return s.printUnlock("nothing", time.Time{})
			case err != nil:
				return err
			case was:
				s.say("the file keyring is locked")
			default:
				s.say("the file keyring was locked already")
			}
			return s.printUnlock("locked", time.Time{})
		},
	})
}

// nothingToUnlock reports whether err says that auth asks for no passphrase anyway.
func nothingToUnlock(err error) bool {
	return errors.Is(err, device.ErrNoPassphrase) || errors.Is(err, device.ErrSystemUnlocks)
}

func (s *session) printUnlock(result string, until time.Time) error {
	if !s.json {
		return nil
	}
	return s.printJSON(jsonUnlock{Version: jsonVersion, Result: result, Keyring: s.device.KeyringKind(), Until: timestamp(until)})
}
