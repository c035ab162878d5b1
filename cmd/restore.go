package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/transfer"
	"github.com/authcli/auth/internal/vault"
)

type restoreOptions struct {
	device.RestoreOptions
	sourceOptions

	at string
}

type jsonRestore struct {
	Version  int           `json:"version"`
	DryRun   bool          `json:"dry_run"`
	Created  string        `json:"created,omitempty"` // of the backup file
	Devices  []jsonDevice  `json:"devices,omitempty"` // of a location
	Skipped  []string      `json:"skipped,omitempty"`
	Accounts []jsonAccount `json:"accounts"`
}

func newRestore(c *cli) *cobra.Command {
	var o restoreOptions
	cmd := c.command(spec{
		use:   "restore [LOCATION | FILE]",
		short: "Bring accounts back from backups or the trash",
		long: `Restore accounts from a location or from a backup FILE. With --deleted and neither of
them, restore from the trash of this vault. All accounts are restored in one step, or
none. From a location, auth merges the newest backup of every device there. Backup to
that location stays on afterwards.

If the passphrase is lost, --identity FILE takes the paper key. --shares takes shares of
the key: as files behind LOCATION, or typed word by word at a prompt.

A restore never overwrites the vault. An account that exists stays as it is. If the
backup has another secret for it, auth keeps the vault's secret and names the account.
--replace takes such an account from the backup, and the replaced secret goes to the
trash. With --deleted, --replace gives an account back its previous secret.

--identity FILE takes the recovery key itself, or a key that it was encrypted to: an SSH
private key, or lines that begin with AGE-SECRET-KEY- or AGE-PLUGIN-. For the latter,
the plugin of age has to be in a folder of PATH, and may ask for a PIN.`,
		exit: "0 done; 1 not readable, or a plugin is missing; 2 usage; 3 the backup has no such\n" +
			"account; 4 several match; 5 some were kept or a file was skipped, the rest is\n" +
			"restored; 6 keyring; 7 wrong passphrase or key, or a damaged or foreign file",
		example: `  auth restore ~/Dropbox/auth
  auth restore ~/Dropbox/auth --shares share-1.txt share-3.txt share-4.txt
  auth restore vault.age --dry-run
  auth restore vault.age --identity key.txt --account github
  auth restore ~/Dropbox/auth --at 2026-01-31 --deleted --account github
  auth restore --deleted --account github:alice
  auth restore --deleted --replace github:alice`,
		args: withShares(&o.shares, cobra.MaximumNArgs(1)),
		complete: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 && !o.shares {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveDefault
		},
		run: func(ctx context.Context, s *session, args []string) error {
			switch {
			case o.shares:
				o.From, o.shareFiles = s.sourceAndShares(ctx, args)
			case len(args) == 1:
				o.From = args[0]
			}
			return s.restore(ctx, o)
		},
	})
	flags := cmd.Flags()
	flags.BoolVar(&o.DryRun, "dry-run", false, "only show what would happen")
	flags.StringArrayVar(&o.Accounts, "account", nil, "restore only the account `QUERY`; may be repeated")
	flags.StringArrayVar(&o.Replace, "replace", nil, "replace the account `QUERY` by that of the backup; may be repeated")
	flags.BoolVar(&o.Deleted, "deleted", false, "also restore from the trash")
	flags.StringVar(&o.passphraseFile, "passphrase-file", "", "read the backup's passphrase from `FILE` or -")
	flags.StringArrayVar(&o.identities, "identity", nil, "decrypt with the identity in `FILE` or -; may be repeated")
	flags.StringVar(&o.identityQR, "identity-qr", "", "decrypt with the recovery key in the QR code of an `IMAGE`")
	flags.BoolVar(&o.shares, "shares", false, sharesUsage)
	flags.StringVar(&o.keyID, "key-id", "", "the `ID` of the recovery key that is meant, as another device or the sheet shows it")
	flags.BoolVar(&o.StayOn, "stay-on", false, "back up to LOCATION from now on, although this vault has accounts of its own")
	flags.StringVar(&o.at, "at", "", "go back to the backups of `WHEN`: 2026-01-31, 2026-01-02T03:04:05Z")
	flags.BoolVar(&o.AcceptUnsigned, "accept-unsigned", false, "accept files of a location that have no valid signature")
	cmd.MarkFlagsMutuallyExclusive("passphrase-file", "identity", "identity-qr", "shares")
	return cmd
}

func (s *session) restore(ctx context.Context, o restoreOptions) (err error) {
	if o.at != "" {
		if o.At, err = parseUntil(o.at); err != nil {
			return err
		}
	}
	if o.KeySource, err = s.keySource(ctx, o.sourceOptions); err != nil {
		return err
	}
	o.Fresh = o.passphraseFile != ""
	restored, err := s.device.Restore(ctx, o.RestoreOptions)
	if err != nil && len(restored.Steps) == 0 {
		s.sayReport(restored.Report)
		for _, f := range restored.Skipped {
			s.warn("skipped %s", fileWords(f))
		}
		return s.restoreAdvice(ctx, err, o)
	}
	result := s.sayRestored(restored, o.DryRun)
	s.sayReport(restored.Report)
	if err != nil {
		return err
	}
	s.sayStayedOn(restored)
	return result
}

// sayStayedOn reports where backup is on after a restore.
func (s *session) sayStayedOn(r device.Restored) {
	switch {
	case r.From == "":
	case r.Superseded:
		s.warn("a newer recovery key has replaced this one. Backups written since were not restored, and backup was not turned on")
		s.say("auth: hint: auth backup enable LOCATION, with the newest passphrase or sheet")
	case r.BackupTo == r.From:
		s.say("backup is on, to %s", term.Escape(r.BackupTo))
	case r.BackupTo != "":
		s.say("backup goes on to %s", term.Escape(r.BackupTo))
	default:
		s.say("backup is not on: --stay-on, or auth backup enable LOCATION, turns it on")
	}
}

// restoreAdvice adds hints to an error that depend on the options of this restore.
func (c *cli) restoreAdvice(ctx context.Context, err error, o restoreOptions) error {
	if near, ok := errors.AsType[*device.NearbyError](err); ok {
		for _, dir := range near.Found {
			c.say("auth: backups lie in %s", term.Escape(dir))
		}
		return hint.With(err, "auth restore "+locationWord(near.Found[0]))
	}
	switch {
	case errors.Is(err, vault.ErrNotFound) && o.Deleted:
		return hint.With(err, "older backups may hold it: auth backup list, and auth restore --deleted --at WHEN")
	case errors.Is(err, fs.ErrNotExist):
		return hint.With(err, "name a backup file, or the folder that holds recovery-….age; auth backup enable lists the cloud folders of this machine")
	case errors.Is(err, backup.ErrForeign):
		return hint.With(err, c.sheetAdvice(ctx, o.From))
	default:
		return err
	}
}

// sheetAdvice says how the recovery key is read from a file that was given as a backup, if
// that is the sheet with it.
func (c *cli) sheetAdvice(ctx context.Context, path string) string {
	if path == "-" || isStream(path) {
		return "" // it has been read
	}
	data, err := c.readFile(ctx, path, maxFile)
	if err != nil {
		return ""
	}
	if transfer.IsImage(data) || isDocument(data) {
		return "if this is the sheet with the recovery key, its QR code opens a location: auth restore LOCATION --identity-qr IMAGE"
	}
	if _, err := backup.ParseTypedKey(string(data)); err == nil {
		return "this is a recovery key, which opens a location: auth restore LOCATION --identity FILE"
	}
	return ""
}

// keyInImage reads a recovery key from the QR code of an image.
func (c *cli) keyInImage(ctx context.Context, path string) (device.IdentityFile, error) {
	read, err := c.readImage(ctx, path)
	if err != nil {
		return device.IdentityFile{}, err
	}
	for _, text := range read.texts {
		if _, err := backup.ParseRecoveryKey(text); err == nil {
			return device.IdentityFile{Name: inputName(path), Data: []byte(text)}, nil
		}
	}
	if len(read.texts) > 0 {
		what, advice := otherCode(read.texts[0])
		return device.IdentityFile{}, hint.With(fmt.Errorf("%s: %w: its QR code is %s", inputName(path), backup.ErrRecoveryKey, what), advice)
	}
	return device.IdentityFile{}, noCode(path, read.seen)
}

// otherCode says what a QR code is that is not a recovery key, and what to do with it. The
// text itself may be a secret.
func otherCode(text string) (what, advice string) {
	const sheet = "the right image shows the code of the sheet, which auth backup key --sheet wrote"
	scheme, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(text)), ":")
	switch {
	case scheme == "otpauth", scheme == "steam", scheme == "motp":
		return "the secret of one account (" + scheme + ")", "auth add --qr IMAGE adds that account; " + sheet
	case scheme == "otpauth-migration":
		return "an export of Google Authenticator", "auth add --qr IMAGE adds its accounts; " + sheet
	case scheme == "http", scheme == "https":
		return "a web address", sheet
	case strings.HasPrefix(scheme, "age1"):
		return "the public half of a key, which opens nothing", sheet
	case strings.HasPrefix(scheme, "age-secret-key-"):
		return "a recovery key that was cut or altered", "take the image again; or type the key into a file, for --identity FILE"
	default:
		return "another text", sheet + "; auth scan IMAGE prints it"
	}
}

// sayRestored prints the outcome of each account. It returns an exit code if not
// everything was restored, or an error of printing.
func (s *session) sayRestored(r device.Restored, dryRun bool) error {
	counts := map[backup.Outcome]int{}
	list := []jsonAccount{}
	var rows [][]string
	for _, step := range r.Steps {
		counts[step.Outcome]++
		list = append(list, result(step.Account, string(step.Outcome)))
		rows = append(rows, []string{label(step.Account), string(step.Outcome)})
	}
	j := jsonRestore{Version: jsonVersion, DryRun: dryRun, Created: timestamp(r.Created.UTC()), Accounts: list}
	if r.Created.IsZero() {
		j.Created = ""
	}
	j.Devices = devicesJSON(r.Devices)
	for _, f := range r.Skipped {
		j.Skipped = append(j.Skipped, fileWords(f))
	}
	if s.json {
		if err := s.printJSON(j); err != nil {
			return err
		}
	} else if err := s.printResults(rows); err != nil {
		return err
	}
	s.sayRestoredMore(r, j, counts)
	if backup.Conflicts(r.Steps) || len(r.Skipped) > 0 || r.Superseded {
		return exitCode(codePartly)
	}
	return nil
}

// sayRestoredMore prints what the user should know about a restore on standard error.
func (s *session) sayRestoredMore(r device.Restored, j jsonRestore, counts map[backup.Outcome]int) {
	if len(r.Steps) == 0 {
		s.say("nothing to restore")
	}
	for _, d := range j.Devices {
		s.say("from %s, backup of %s", deviceName(device.DeviceDate{ID: d.Device, Name: d.Name}), d.Created)
	}
	for _, line := range j.Skipped {
		s.warn("skipped %s", line)
	}
	for _, a := range backup.Counters(r.Steps) {
		s.say("%s has a counter, now %d; if its issuer refuses the code, auth edit %s --counter sets it", label(a), a.Counter, queryWord(a))
	}
	if n := counts[backup.Unverified]; n > 0 {
		s.say("%s came back by name only: auth verify completes them", count(n, "account"))
	}
	if n := counts[backup.Kept]; n > 0 {
		s.say("%s here with another secret: kept; auth restore --replace QUERY takes one from the backup", wereKept(n))
	}
	if n := counts[backup.Earlier]; n > 0 {
		s.say("%s in the trash, of accounts that have another one now: auth restore --deleted --replace QUERY exchanges the two", areEarlier(n))
	}
	if n := counts[backup.RemovedHere]; n > 0 {
		s.say("%s removed here; only --deleted restores them", wereKept(n))
	}
}

func areEarlier(n int) string {
	if n == 1 {
		return "1 earlier secret is"
	}
	return count(n, "earlier secret") + " are"
}

func wereKept(n int) string {
	if n == 1 {
		return "1 account is"
	}
	return fmt.Sprintf("%d accounts are", n)
}
