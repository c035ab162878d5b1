package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

type backupOptions struct {
	to             string
	passphraseFile string
	recipients     []string
	force          bool
}

type jsonBackup struct {
	Version    int    `json:"version"`
	File       string `json:"file"`
	Accounts   int    `json:"accounts"`
	NameOnly   int    `json:"name_only"`
	Bytes      int    `json:"bytes"`
	Passphrase string `json:"passphrase,omitempty"` // where auth made it
}

func newBackup(c *cli) *cobra.Command {
	var o backupOptions
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Back up now, to the location or to a file",
		Long: `Back up now: to the location that auth backup enable has turned on, or with --to
to one portable file, under a passphrase or to recipients. Accounts, their order,
the trash and the settings that travel are in it; device-bound ones by name only.

A backup counts when it has been read back and decrypted. Stock age opens it too:

  age -d vault.age | jq -r '.accounts[].uri'` + exitStatus("0 done; 1 not written; 2 usage, or backup is off; 5 the file exists; 6 keyring;\n9 the backup could not be made"),
		Example: `  auth backup
  auth backup --to vault.age
  auth backup --to vault.age --recipient age1...
  auth backup --to - --passphrase-file pass.txt > vault.age`,
		Args:              checked(c.noCommand),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return c.backup(cmd, o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.to, "to", "", "write one portable file to `FILE` or -")
	flags.StringVar(&o.passphraseFile, "passphrase-file", "", "read the passphrase from `FILE` or -")
	flags.StringArrayVar(&o.recipients, "recipient", nil, "encrypt to a `RECIPIENT`, as age does; may be repeated")
	flags.BoolVar(&o.force, "force", false, "replace the file")
	cmd.MarkFlagsMutuallyExclusive("passphrase-file", "recipient")
	cmd.AddCommand(
		newBackupEnable(c), newBackupDisable(c), newBackupStatus(c), newBackupList(c), newBackupVerify(c),
		newBackupPassphrase(c), newBackupKey(c), newBackupForget(c),
	)
	return cmd
}

func (c *cli) backup(cmd *cobra.Command, o backupOptions) error {
	ctx := cmd.Context()
	if o.to == "" {
		return c.backupNow(cmd, o)
	}
	if err := onlyOnce(o.passphraseFile, c.vaultPassphraseFile); err != nil {
		return err
	}
	if c.json && o.to == "-" {
		return usagef("--json and --to - both write to standard output")
	}
	if _, err := os.Lstat(o.to); err == nil && o.to != "-" && !o.force {
		return fmt.Errorf("%w: %s", errExists, o.to) // before anybody types a passphrase
	}
	sealing := backup.Sealing{WorkFactor: c.WorkFactor}
	for _, text := range o.recipients {
		r, err := backup.ParseRecipient(text)
		if err != nil {
			return usageError{fmt.Errorf("--recipient: %w", err)}
		}
		sealing.Recipients = append(sealing.Recipients, r)
	}
	s, err := c.open(cmd.CommandPath())
	if err != nil {
		return err
	}
	state, err := s.read(ctx)
	if err != nil {
		return err
	}
	if len(state.Records) == 0 {
		return hint.With(fmt.Errorf("the vault is empty: there is nothing to back up"), "auth add, or auth restore FILE")
	}
	made := ""
	if len(sealing.Recipients) == 0 {
		if sealing.Passphrase, made, err = s.backupPassphrase(ctx, o); err != nil {
			return err
		}
	}
	return s.writeBackup(ctx, state, sealing, made, o)
}

// backupNow writes a backup to the enrolled location.
func (c *cli) backupNow(cmd *cobra.Command, o backupOptions) error {
	if o.passphraseFile != "" || len(o.recipients) > 0 || o.force {
		return hint.With(usagef("these flags go with a file"), "auth backup --to FILE")
	}
	s, err := c.open(cmd.CommandPath())
	if err != nil {
		return err
	}
	if err := s.ready(cmd.Context()); err != nil {
		return err
	}
	done, err := s.backUp(cmd.Context(), anew)
	switch {
	case errors.Is(err, errBackupOff):
		return hint.With(usageError{err}, "auth backup enable LOCATION, or auth backup --to FILE")
	case err != nil:
		return &staleError{err}
	case c.json:
		return c.printJSON(jsonBackup{Version: jsonVersion, File: done.File, Bytes: done.Bytes})
	}
	c.say("backed up to %s", term.Escape(done.File))
	return nil
}

// backupPassphrase reads or asks for the passphrase of a new backup. An empty
// answer lets auth make one, which is returned as made, to be shown.
func (s *session) backupPassphrase(ctx context.Context, o backupOptions) (passphrase, made string, err error) {
	if o.passphraseFile != "" {
		passphrase, err = s.passphraseFrom(ctx, o.passphraseFile, "", "")
		return passphrase, "", err
	}
	if !s.asking() {
		return "", "", missing("a passphrase", "--passphrase-file FILE, or --recipient")
	}
	passphrase, err = s.askNew(ctx, "Passphrase for the backup (empty to have one made): ")
	if err != nil || passphrase != "" {
		return passphrase, "", err
	}
	made = backup.NewPassphrase()
	return made, made, nil
}

func (s *session) writeBackup(ctx context.Context, state *vault.State, sealing backup.Sealing, made string, o backupOptions) error {
	content := backup.Content{Created: s.Now(), State: state}
	payload, err := backup.Encode(content)
	if err != nil {
		return err
	}
	data, err := backup.Seal(payload, sealing)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	j := jsonBackup{Version: jsonVersion, File: o.to, Bytes: len(data), Passphrase: made}
	for _, a := range state.Accounts() {
		if a.NeedsVerification() || a.DeviceBound {
			j.NameOnly++
		} else {
			j.Accounts++
		}
	}
	if o.to == "-" {
		if err := s.print(string(data)); err != nil {
			return err
		}
	} else if err := create(o.to, o.force, func(f *os.File) error { return writeBack(f, data, payload, sealing) }); err != nil {
		return err
	}
	if made != "" && !s.json {
		s.say("passphrase: %s", made)
		s.say("write it down: without it nobody can open the backup")
	}
	if s.json {
		return s.printJSON(j)
	}
	if o.to != "-" {
		s.say("backed up %s to %s%s", count(j.Accounts, "account"), term.Escape(o.to), byName(j.NameOnly))
	}
	return nil
}

// writeBack writes data and reads it back from the disk: the same bytes, which
// decrypt to the payload wherever we hold a key to them.
func writeBack(f *os.File, data, payload []byte, sealing backup.Sealing) error {
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	read, err := os.ReadFile(f.Name())
	if err != nil {
		return err
	}
	if !bytes.Equal(read, data) {
		return fmt.Errorf("the backup reads back differently than it was written")
	}
	if sealing.Passphrase == "" {
		return nil
	}
	id, err := backup.PassphraseIdentity(sealing.Passphrase)
	if err != nil {
		return err
	}
	opened, err := backup.Unseal(read, id)
	if err != nil {
		return err
	}
	if !bytes.Equal(opened, payload) {
		return fmt.Errorf("the backup decrypts to something else than was written")
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
