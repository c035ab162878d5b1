package cmd

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/term"
)

type jsonLost struct {
	Version    int           `json:"version"`
	Device     string        `json:"device"`
	Removed    int           `json:"removed"` // backups
	Key        string        `json:"key"`
	Passphrase string        `json:"passphrase,omitempty"`
	Exposed    []jsonAccount `json:"exposed"`
}

func newBackupLost(c *cli) *cobra.Command {
	var o enableOptions
	var yes bool
	var sinceText string
	cmd := c.command(spec{
		use:   "lost DEVICE",
		short: "Lock out a lost device and list its accounts",
		long: `Use this if a device is lost or stolen. auth merges the backups of the other devices,
and those that the lost device wrote until --since. It makes a new recovery key,
deletes the backups of the lost device, and lists every account whose secret that
device had. Such an account counts as exposed until it has a new secret: make one at
the service, then run auth add --replace. auth status and auth list show how many are
left. Accounts that the lost device erased are not erased here. If the command is cut
short, it says what is done; the same command again finishes it, with one more key.

DEVICE is its name or id, as auth backup list shows them.`,
		exit: "0 done; 1 the location is not there; 2 nobody to ask, and no --yes; 3 no such\ndevice; 4 several match; 6 keyring; 9 the backup could not be made",
		example: `  auth backup lost old-laptop
  auth backup lost new-laptop --since 2026-01-31T18:00:00Z --yes`,
		args: cobra.ExactArgs(1),
		run: func(ctx context.Context, s *session, args []string) error {
			var since time.Time
			if sinceText != "" {
				var err error
				if since, err = parseInstant(sinceText); err != nil {
					return err
				}
			}
			s.answers.yes, s.answers.file, s.answers.weak = yes, o.passphraseFile, o.weak
			var lost device.Lost
			err := s.oneDevice(ctx, args[0], func(name string) (err error) {
				lost, err = s.device.Lose(ctx, name, since, device.EnableOptions{X25519: o.x25519, Weak: o.weak})
				s.sayReport(lost.Report)
				return err
			})
			if err != nil {
				return s.sayCutShort(args[0], lost, s.rotatedAdvice(err))
			}
			return s.sayLost(args[0], lost)
		},
	})
	flags := cmd.Flags()
	flags.BoolVar(&yes, "yes", false, "do not ask")
	flags.StringVar(&sinceText, "since", "", "merge nothing that it wrote after `WHEN`: 2026-01-31, 2026-01-02T03:04:05Z")
	flags.StringVar(&o.passphraseFile, "passphrase-file", "", "read the new recovery passphrase from `FILE` or -")
	flags.BoolVar(&o.x25519, "x25519", false, "make a key that age before 1.3 can use")
	flags.BoolVar(&o.weak, "weak", false, "accept a weak passphrase")
	return cmd
}

func (s *session) sayLost(name string, lost device.Lost) error {
	if err := s.printLost(lost); err != nil || s.json {
		return err
	}
	s.say("%s is forgotten: %s deleted, and the recovery key is %s now; sheets of the old one are void, and its shares too (auth backup key --sheet FILE)",
		term.Escape(name), count(lost.Removed, "backup"), lost.ID)
	s.sayExposed(lost)
	s.say("on each other device: auth backup enable %s, with the new passphrase", locationWord(lost.Location))
	return nil
}

// sayCutShort reports what was done before an error, which it returns.
func (s *session) sayCutShort(name string, lost device.Lost, err error) error {
	if !lost.Merged {
		return err
	}
	s.say("what other devices backed up is merged; %s is not forgotten yet", term.Escape(name))
	if lost.ID != "" {
		if err := s.printLost(lost); err != nil {
			return err
		}
		s.say("the recovery key is %s now; sheets and shares of the old one are void; %s deleted", lost.ID, count(lost.Removed, "backup"))
	}
	s.sayExposed(lost)
	s.say("the same command again finishes it")
	return err
}

// printLost prints the accounts that are exposed.
func (s *session) printLost(lost device.Lost) error {
	out := jsonLost{
		Version: jsonVersion, Device: lost.Device, Removed: lost.Removed, Key: lost.ID, Passphrase: s.answers.made, Exposed: []jsonAccount{},
	}
	var rows [][]string
	for _, a := range lost.Exposed {
		out.Exposed = append(out.Exposed, result(a, "exposed"))
		rows = append(rows, []string{label(a), "exposed"})
	}
	if s.json {
		return s.printJSON(out)
	}
	return s.printResults(rows)
}

func (s *session) sayExposed(lost device.Lost) {
	if n := len(lost.Exposed); n > 0 {
		s.say("%s exposed: make a new secret at each service, then auth add --replace; auth list shows what is left", areExposed(n))
	}
}

func areExposed(n int) string {
	if n == 1 {
		return "1 account is"
	}
	return count(n, "account") + " are"
}
