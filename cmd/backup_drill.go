package cmd

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/term"
)

type jsonDrill struct {
	Version  int           `json:"version"`
	Location string        `json:"location"`
	Key      string        `json:"key"`
	Whole    bool          `json:"whole"`
	Accounts []jsonAccount `json:"accounts"`
	Skipped  []string      `json:"skipped,omitempty"`
	Age      *jsonAgeDrill `json:"age,omitempty"` // set if stock age is installed
}

type jsonAgeDrill struct {
	Version string `json:"version"`
	File    string `json:"file"`
	Error   string `json:"error,omitempty"`
}

func newBackupDrill(c *cli) *cobra.Command {
	var o sourceOptions
	cmd := c.command(spec{
		use:   "drill",
		short: "Practise a restore, and change nothing",
		long: `Practise a restore on a new machine, in memory only. It uses the location and the
recovery passphrase (or the sheet, or shares), and nothing from the keyring. auth
compares the code of each account with that of the restored one, and names the
accounts that would not come back. If stock age is installed, it has to open the
newest backup too. auth status shows when the last drill was, and asks for one after
90 days.`,
		exit: "0 everything would come back that can; 2 usage, or backup is off; 5 something\nwould not, or age did not open it; 6 keyring; 7 wrong passphrase or key, or nothing there can be used",
		example: `  auth backup drill
  auth backup drill --identity recovery.txt
  auth backup drill --shares share-1.txt share-3.txt share-4.txt`,
		args: withShares(&o.shares, cobra.NoArgs),
		run: func(ctx context.Context, s *session, args []string) error {
			o.shareFiles = args
			source, err := s.keySource(ctx, o)
			if err != nil {
				return err
			}
			drill, err := s.device.Drill(ctx, source)
			s.sayReport(drill.Report)
			if err != nil {
				return err
			}
			return s.sayDrill(drill)
		},
	})
	flags := cmd.Flags()
	flags.StringVar(&o.passphraseFile, "passphrase-file", "", "read the recovery passphrase from `FILE` or -")
	flags.StringArrayVar(&o.identities, "identity", nil, "open the location with the key in `FILE` or -; may be repeated")
	flags.StringVar(&o.identityQR, "identity-qr", "", "open the location with the recovery key in the QR code of an `IMAGE`")
	flags.BoolVar(&o.shares, "shares", false, sharesUsage)
	flags.StringVar(&o.keyID, "key-id", "", "the `ID` of the recovery key that is meant")
	cmd.MarkFlagsMutuallyExclusive("passphrase-file", "identity", "identity-qr", "shares")
	return cmd
}

// sourceOptions are the flags that say what opens a location.
type sourceOptions struct {
	passphraseFile string
	identities     []string
	identityQR     string
	shares         bool
	shareFiles     []string
	keyID          string
}

// keySource reads the keys that the flags name. The passphrase is asked for later, when it is
// needed.
func (s *session) keySource(ctx context.Context, o sourceOptions) (device.KeySource, error) {
	s.answers.file = o.passphraseFile
	files, err := s.identityFiles(ctx, o.identities)
	if err != nil {
		return device.KeySource{}, err
	}
	if o.identityQR != "" {
		key, err := s.keyInImage(ctx, o.identityQR)
		if err != nil {
			return device.KeySource{}, err
		}
		files = append(files, key)
	}
	if o.shares {
		key, err := s.sharedKey(ctx, o.shareFiles)
		if err != nil {
			return device.KeySource{}, err
		}
		files = append(files, key)
	}
	return device.KeySource{Identities: files, KeyID: o.keyID}, nil
}

func (s *session) sayDrill(d device.Drill) error {
	out := jsonDrill{Version: jsonVersion, Location: d.Location, Key: d.KeyID, Whole: d.Whole(), Accounts: []jsonAccount{}}
	var rows [][]string
	for _, step := range d.Accounts {
		out.Accounts = append(out.Accounts, result(step.Account, string(step.Outcome)))
		rows = append(rows, []string{label(step.Account), string(step.Outcome)})
	}
	for _, f := range d.Skipped {
		out.Skipped = append(out.Skipped, fileWords(f))
	}
	if d.Age.Version != "" {
		out.Age = &jsonAgeDrill{Version: d.Age.Version, File: d.Age.File}
		if d.Age.Err != nil {
			out.Age.Error = message(d.Age.Err, nil)
		}
	}
	if s.json {
		if err := s.printJSON(out); err != nil {
			return err
		}
	} else if err := s.printResults(rows); err != nil {
		return err
	}
	for _, line := range out.Skipped {
		s.warn("skipped %s", line)
	}
	if age := out.Age; age != nil && age.Error == "" {
		s.say("age %s opens the newest backup", term.Escape(age.Version))
	} else if errors.Is(d.Age.Err, device.ErrOldAge) {
		s.say("age %s is here, and too old to open the backups: age 1.3 or later does", term.Escape(age.Version))
	} else if age != nil {
		s.warn("age %s does not open the newest backup: %s", term.Escape(age.Version), age.Error)
	}
	if !out.Whole {
		s.say("not everything would come back; run auth backup, then auth backup drill again")
		return exitCode(codePartly)
	}
	s.say("everything that can would come back from %s", term.Escape(d.Location))
	if d.Age.Fails() {
		return exitCode(codePartly)
	}
	return nil
}

// drillRow returns the time of the last drill, for status. w is where it is shown.
func (c *cli) drillRow(w io.Writer, d device.DrillStatus) string {
	when := "never; auth backup drill practises a restore"
	if !d.Time.IsZero() {
		when = d.Time.Format(time.DateOnly)
		if c.inWords(w) {
			when = c.when(w, d.Time)
		}
	}
	switch {
	case d.Failed != "":
		return when + ", and it failed: " + term.Escape(d.Failed)
	case d.Due && !d.Time.IsZero():
		return when + "; auth backup drill is due"
	default:
		return when
	}
}
