package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/term"
)

type backupOptions struct {
	to             string
	passphraseFile string
	recipients     []string
	force, weak    bool
}

type jsonBackup struct {
	Version    int    `json:"version"`
	File       string `json:"file"`
	Accounts   int    `json:"accounts"`
	NameOnly   int    `json:"name_only"`
	Bytes      int    `json:"bytes"`
	Passphrase string `json:"passphrase,omitempty"` // set if auth generated it
}

func newBackup(c *cli) *cobra.Command {
	var o backupOptions
	cmd := c.group(spec{
		use:   "backup",
		short: "Back up now, to the location or to a file",
		long: `Back up now to the location that auth backup enable has set. With --to, write one
portable file instead, encrypted with a passphrase or to recipients. A backup has
the accounts, their order, the trash and the portable settings. Of device-bound
accounts it has only the names.

auth reads every backup back and decrypts it before it reports success. Stock age
can open it too:

  age -d vault.age | jq -r '.accounts[].uri'`,
		exit: "0 done; 1 not written; 2 usage, or backup is off; 5 the file exists; 6 keyring;\n9 the backup could not be made",
		example: `  auth backup
  auth backup --to vault.age
  auth backup --to vault.age --recipient age1...
  auth backup --to - --passphrase-file pass.txt > vault.age`,
		run: func(ctx context.Context, s *session, _ []string) error {
			if o.to == "" {
				return s.backUp(ctx, o)
			}
			return s.backUpToFile(ctx, o)
		},
	},
		newBackupEnable(c), newBackupDisable(c), newBackupStatus(c), newBackupList(c), newBackupVerify(c), newBackupDrill(c),
		newBackupPassphrase(c), newBackupKey(c), newBackupForget(c), newBackupLost(c),
	)
	flags := cmd.Flags()
	flags.StringVar(&o.to, "to", "", "write one portable file to `FILE` or -")
	flags.StringVar(&o.passphraseFile, "passphrase-file", "", "read the passphrase from `FILE` or -")
	flags.StringArrayVar(&o.recipients, "recipient", nil, "encrypt to a `RECIPIENT`: SSH, age, or of a plugin; may be repeated")
	flags.BoolVar(&o.weak, "weak", false, "accept a weak passphrase")
	flags.BoolVar(&o.force, "force", false, "replace the file")
	cmd.MarkFlagsMutuallyExclusive("passphrase-file", "recipient")
	cmd.MarkFlagsMutuallyExclusive("weak", "recipient")
	return cmd
}

// backUp backs up to the location that backup is on for.
func (s *session) backUp(ctx context.Context, o backupOptions) error {
	if o.passphraseFile != "" || len(o.recipients) > 0 || o.force || o.weak {
		return hint.With(usagef("these flags go with a file"), "auth backup --to FILE")
	}
	r, err := s.device.BackUp(ctx)
	s.sayReport(r)
	switch {
	case errors.Is(err, device.ErrBackupOff):
		return hint.With(err, "auth backup enable LOCATION, or auth backup --to FILE")
	case err != nil:
		return s.rotatedAdvice(err)
	case s.json:
		return s.printJSON(jsonBackup{Version: jsonVersion, File: r.File, Bytes: r.Bytes})
	}
	s.say("backed up to %s", term.Escape(r.File))
	return nil
}

// backUpToFile writes a single portable file.
func (s *session) backUpToFile(ctx context.Context, o backupOptions) error {
	if s.json && o.to == "-" {
		return usagef("--json and --to - both write to standard output")
	}
	to := device.FileOptions{Path: o.to, Replace: o.force, Recipients: o.recipients, Weak: o.weak}
	if o.to == "-" {
		to.Path = ""
	}
	s.answers.file, s.answers.weak = o.passphraseFile, o.weak
	written, err := s.device.BackUpToFile(ctx, to)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %s", errExists, o.to)
	}
	if err != nil {
		return err
	}
	if o.to == "-" {
		if err := s.print(string(written.Data)); err != nil {
			return err
		}
	}
	if s.json {
		return s.printJSON(jsonBackup{
			Version: jsonVersion, File: o.to, Accounts: written.Accounts, NameOnly: written.NameOnly,
			Bytes: len(written.Data), Passphrase: s.answers.made,
		})
	}
	if o.to != "-" {
		s.say("backed up %s to %s%s", count(written.Accounts, "account"), term.Escape(o.to), byName(written.NameOnly))
	}
	return nil
}

func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func byName(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", and %d by name only", n)
}
