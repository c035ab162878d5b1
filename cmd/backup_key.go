package cmd

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/sheet"
	"github.com/authcli/auth/internal/term"
)

type jsonKey struct {
	Version    int                `json:"version"`
	Key        string             `json:"key"`
	Recipient  string             `json:"recipient"`
	Quantum    bool               `json:"post_quantum"`
	Sealed     []backup.SealedKey `json:"sealed"`
	Passphrase string             `json:"passphrase,omitempty"`
}

func (s *session) sayKey(k device.Key) error {
	if s.json {
		return s.printJSON(jsonKey{jsonVersion, k.ID, k.Recipient, k.Quantum, k.Sealed, s.answers.made})
	}
	rows := [][]string{{"key", k.ID}}
	for _, sealed := range k.Sealed {
		state := "in use"
		if sealed.Retired {
			state = "retired"
		}
		rows = append(rows, []string{state, sealed.Name})
	}
	return s.printTable(rows)
}

// sayRekeyed reports what happened to the recovery key. err is the error of the backup
// that follows, or nil.
func (s *session) sayRekeyed(k device.Rekeyed, err error, advice string) error {
	s.sayReport(k.Report)
	if err != nil && !as[*device.StaleError](err) {
		return err
	}
	if err := cmp.Or(s.sayKey(k.Key), err); err != nil {
		return err
	}
	if advice != "" {
		s.say("%s", advice)
	}
	return nil
}

func newBackupPassphrase(c *cli) *cobra.Command {
	var o enableOptions
	cmd := c.command(spec{
		use:   "passphrase",
		short: "Give the recovery key a new passphrase",
		long: `Encrypt the recovery key with a new passphrase. The old one no longer opens the files
at the location. Somebody who has a copy of the old files can still open them with the
old passphrase. If that matters, make a new key: auth backup key --rotate.`,
		exit: "0 done; 1 the location is not there; 2 usage; 6 keyring; 9 could not be written",
		example: `  auth backup passphrase
  auth backup passphrase --passphrase-file new.txt`,
		run: func(ctx context.Context, s *session, _ []string) error {
			s.answers.file, s.answers.weak = o.passphraseFile, o.weak
			resealed, err := s.device.Reseal(ctx, o.weak)
			return s.sayRekeyed(resealed, err, "if somebody may know the old passphrase: auth backup key --rotate")
		},
	})
	cmd.Flags().StringVar(&o.passphraseFile, "passphrase-file", "", "read the new recovery passphrase from `FILE` or -")
	cmd.Flags().BoolVar(&o.weak, "weak", false, "accept a weak passphrase")
	return cmd
}

type keyOptions struct {
	enableOptions

	add    []string
	rotate bool
	yes    bool
	sheet  string
	split  string
	to     string
	force  bool
}

func newBackupKey(c *cli) *cobra.Command {
	var o keyOptions
	cmd := c.command(spec{
		use:   "key",
		short: "Show, print, split or replace the recovery key",
		long: `Show which recovery key this device backs up to, and how it is encrypted.

--add RECIPIENT encrypts it to a further key, which then opens the location instead of
the passphrase: an SSH public key, an age key (age1..., age1pq1...), or a key in
hardware with a plugin of age, such as age1yubikey1... or age1se1.... The plugin's
program, such as age-plugin-yubikey, has to be in a folder of PATH. It may ask
questions. age1tag1... and age1tagpq1... need no program here. On the new machine:
auth restore LOCATION --identity FILE --key-id ID, with the key's identity in FILE and
the ID that auth backup key shows.

--sheet FILE writes the key itself as a page for printing: the key to type, its id, a
QR code and the commands. FILE.pdf is a PDF and FILE.png an image; any other FILE is
text, with the page beside it as FILE.png. --shares 3/5 splits the key into five sheets
for five people, any three of which open the location: auth restore LOCATION --shares.
Neither is written into the folder of the backups.

--rotate makes a new key, for example after you lost a laptop. The old key cannot open
what is written from then on, and its sheets and shares are void. If another device is
said to have changed the key already, auth asks first: whoever has the old key can say so.
If you can open the other key, join it instead: auth backup enable LOCATION.`,
		exit: "0 done; 1 the location or a plugin is not there; 2 usage, backup is off, or nobody\nto ask and no --yes; 5 the file exists; 6 keyring; 9 could not be written",
		example: `  auth backup key
  auth backup key --add age1...
  auth backup key --sheet recovery.pdf
  auth backup key --shares 3/5 --to shares
  auth backup key --rotate`,
		run: func(ctx context.Context, s *session, _ []string) error {
			switch {
			case len(o.add) > 0:
				added, err := s.device.AddRecipients(ctx, o.add)
				return s.sayRekeyed(added, err, "")
			case o.sheet != "":
				return s.writeSheet(ctx, o.sheet, o.force)
			case o.split != "":
				return s.writeShares(ctx, o)
			case o.to != "":
				return usagef("--to is for --shares; a sheet is written by --sheet FILE")
			case o.rotate:
				s.answers.yes = o.yes
				return s.rotate(ctx, o.enableOptions)
			}
			key, err := s.device.Key(ctx)
			if err != nil {
				return err
			}
			return s.sayKey(key)
		},
	})
	flags := cmd.Flags()
	flags.StringArrayVar(&o.add, "add", nil, "encrypt the key to a further `RECIPIENT`: SSH, age, or of a plugin; may be repeated")
	flags.StringVar(&o.sheet, "sheet", "", "write the key for printing to `FILE`: .pdf, .png, or text and a FILE.png")
	flags.StringVar(&o.split, "shares", "", "split the key into shares, `M/N`: N of them, of which M are needed")
	flags.StringVar(&o.to, "to", "", "write the shares to the folder `DIR`, one file each")
	flags.BoolVar(&o.force, "force", false, "replace the files of --sheet or --shares")
	flags.BoolVar(&o.rotate, "rotate", false, "replace the key by a new one")
	flags.BoolVar(&o.yes, "yes", false, "with --rotate: do not ask")
	flags.StringVar(&o.passphraseFile, "passphrase-file", "", "with --rotate: read the new passphrase from `FILE` or -")
	flags.BoolVar(&o.x25519, "x25519", false, "with --rotate: make a key for age before 1.3")
	flags.BoolVar(&o.weak, "weak", false, "with --rotate: accept a weak passphrase")
	cmd.MarkFlagsMutuallyExclusive("add", "sheet", "shares", "rotate")
	return cmd
}

func (s *session) rotate(ctx context.Context, o enableOptions) error {
	options, err := s.enableOptions(ctx, o)
	if err != nil {
		return err
	}
	rotated, err := s.device.Rotate(ctx, options)
	return s.sayRekeyed(rotated, s.rotatedAdvice(err), "sheets and shares of the old key are void: auth backup key --sheet FILE, or --shares M/N, makes new ones\non each other device: auth backup enable "+locationWord(rotated.Location)+", with the new passphrase")
}

// writeSheet writes the recovery key for printing: a page, as a PDF or a PNG by the file's
// name. Any other file is text, with the page as a PNG beside it.
func (s *session) writeSheet(ctx context.Context, path string, force bool) error {
	key, text, err := s.device.KeyText(ctx)
	if err != nil {
		return err
	}
	secret, err := backup.ParseRecoveryKey(text)
	if err != nil {
		return err
	}
	if err := apartFromBackups(key, path); err != nil {
		return err
	}
	page := s.sheet(key, secret)
	wrote := term.Escape(path)
	switch strings.ToLower(filepath.Ext(path)) {
	case ".pdf":
		err = s.createPage(ctx, path, force, page.PDF)
	case ".png":
		err = s.createPage(ctx, path, force, page.PNG)
	default:
		err = s.createText(ctx, path, force, sheetText(key, secret), page)
		wrote += " and " + wrote + ".png"
	}
	if err != nil {
		return err
	}
	if err := s.device.SheetMade(ctx, key.ID); err != nil {
		s.warn("auth status will not say when the sheet is void: %s", message(err, nil))
	}
	if s.json {
		return s.sayKey(key)
	}
	s.say("wrote %s: print, then delete; the sheets of earlier keys are void", wrote)
	return nil
}

// apartFromBackups refuses a place for the recovery key, or shares of it, in the folder of the
// backups that it opens.
func apartFromBackups(key device.Key, path string) error {
	if !inside(path, key.Location) {
		return nil
	}
	err := usagef("%s is in the folder of the backups: whoever can read that folder could open them", path)
	return hint.With(err, "write it to another folder, print it, and delete the file")
}

func (s *session) createPage(ctx context.Context, path string, force bool, page func() ([]byte, error)) error {
	data, err := page()
	if err != nil {
		return err
	}
	return create(ctx, path, force, data)
}

// createText writes a sheet as text, and its page beside it: both or, where one of them
// exists, none.
func (s *session) createText(ctx context.Context, path string, force bool, text string, page sheet.Page) error {
	beside := path + ".png"
	if _, err := os.Lstat(beside); err == nil && !force {
		return fmt.Errorf("%w: %s", errExists, beside)
	}
	if err := create(ctx, path, force, []byte(text)); err != nil {
		return err
	}
	return s.createPage(ctx, beside, force, page.PNG)
}

// sheetText returns the text of a printed key. It is a valid identity file: every line
// except the key is a comment.
func sheetText(key device.Key, secret backup.RecoveryKey) string {
	return fmt.Sprintf(`# The recovery key of the backups at %s
# Key %s. Whoever has this sheet can open every backup. Keep it where fire and
# thieves do not come, and not beside the backups.
#
# recovery key
%s
#
# To bring everything back:  auth restore LOCATION --identity THIS-FILE
# Typed from paper:          auth restore LOCATION --identity -
# From the QR code:          auth restore LOCATION --identity-qr PHOTO
# Without auth:              age -d -i THIS-FILE BACKUP%s
`, strings.Join(strings.Fields(key.Location), " "), key.ID, secret.Text(), ageVersion(key))
}

func ageVersion(key device.Key) string {
	if key.Quantum {
		return " (age 1.3 or later)"
	}
	return ""
}

// longestPlace is the longest name of a location that a sheet shows.
const longestPlace = 200

// sheet returns the page of a printed key.
func (c *cli) sheet(key device.Key, secret backup.RecoveryKey) sheet.Page {
	place := key.Location
	if !sheet.Shows(place) || len(place) > longestPlace {
		place = "____________________________________  (write it here by hand)"
	}
	return sheet.Page{
		Title: "auth: recovery key",
		Above: []string{
			"Whoever has this sheet and the backups can read all accounts in them. Keep it where fire and thieves do not come, and not beside the backups.",
			"",
			"Key id:   " + key.ID,
			"Printed:  " + c.Now().Format(time.DateOnly),
			"Backups:  " + place,
			"",
			"The folder of the backups has files whose names begin with recovery-" + key.ID + ". auth backup key --rotate and auth backup lost make this sheet void.",
			"",
			"The key, to type by hand:",
		},
		Secret:  secret.Lines(),
		QR:      secret.Text(),
		Caption: "The QR code is the key. Only auth has to read it, from a photo: no phone app.",
		Below: []string{
			"To bring everything back on any computer with auth (github.com/authcli/auth), LOCATION being the folder of the backups:",
			"",
			"    auth restore LOCATION --identity -           (then type the key)",
			"    auth restore LOCATION --identity-qr PHOTO    (a photo or scan of this sheet)",
			"",
			"Without auth, with age (age-encryption.org): the key is one line of capitals without spaces in the file KEY, and BACKUP is the newest .age file whose name does not begin with recovery-:",
			"",
			"    age -d -i KEY BACKUP" + strings.Replace(ageVersion(key), " (", "    (", 1),
		},
	}
}

type jsonForgotten struct {
	Version int    `json:"version"`
	Device  string `json:"device"`
	Removed int    `json:"removed"`
}

func newBackupForget(c *cli) *cobra.Command {
	var yes bool
	cmd := c.command(spec{
		use:   "forget DEVICE",
		short: "Merge and delete the backups of a lost device",
		long: `Merge the newest backup of another device, then delete all backups of that device.
DEVICE is its name or id, as auth backup list shows them. If somebody else may have
the device, run auth backup key --rotate afterwards.`,
		exit:    "0 done; 1 the location is not there; 2 nobody to ask, and no --yes; 3 no such\ndevice; 4 several match; 6 keyring",
		example: `  auth backup forget old-laptop --yes`,
		args:    cobra.ExactArgs(1),
		run: func(ctx context.Context, s *session, args []string) error {
			s.answers.yes = yes
			var forgotten device.Forgotten
			err := s.oneDevice(ctx, args[0], func(name string) (err error) {
				forgotten, err = s.device.Forget(ctx, name)
				s.sayReport(forgotten.Report)
				return err
			})
			switch {
			case err != nil:
				return s.rotatedAdvice(err)
			case s.json:
				return s.printJSON(jsonForgotten{jsonVersion, forgotten.Device, forgotten.Removed})
			}
			s.say("forgot %s: %s deleted; if somebody else may have it, auth backup key --rotate",
				term.Escape(args[0]), count(forgotten.Removed, "backup"))
			return nil
		},
	})
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}
