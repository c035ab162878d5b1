package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/qr"
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

func (s *session) sayKey(e backup.Enrolment, made string) error {
	if s.json {
		return s.printJSON(jsonKey{jsonVersion, e.Key.ID(), e.Key.Recipient(), e.Key.Quantum(), e.Sealed, made})
	}
	rows := [][]string{{"key", e.Key.ID()}}
	for _, sealed := range e.Sealed {
		state := "in use"
		if sealed.Retired {
			state = "retired"
		}
		rows = append(rows, []string{state, sealed.Name})
	}
	return s.printTable(rows)
}

func newBackupPassphrase(c *cli) *cobra.Command {
	var o enableOptions
	cmd := &cobra.Command{
		Use:   "passphrase",
		Short: "Give the recovery key a new passphrase",
		Long: `Seal the recovery key under a new passphrase; the old one no longer opens the
location's files. Who copied the old sealed key before can still open it with the
old passphrase: where that matters, auth backup key --rotate makes a new key.` + exitStatus("0 done; 1 the location is not there; 2 usage; 6 keyring; 9 could not be written"),
		Example: `  auth backup passphrase
  auth backup passphrase --passphrase-file new.txt`,
		Args:              checked(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.open(cmd.CommandPath())
			if err != nil {
				return err
			}
			return s.newPassphrase(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.passphraseFile, "passphrase-file", "", "read the new recovery passphrase from `FILE` or -")
	cmd.Flags().BoolVar(&o.weak, "weak", false, "accept a weak passphrase")
	return cmd
}

func (s *session) newPassphrase(ctx context.Context, o enableOptions) error {
	e, loc, err := s.enrolled(ctx)
	if err != nil {
		return err
	}
	passphrase, made, err := s.newRecoveryPassphrase(ctx, o)
	if err != nil {
		return err
	}
	// Which of the sealed keys are under a passphrase, only their headers say.
	for i, sealed := range e.Sealed {
		if sealed.Retired {
			continue
		}
		data, err := s.sealedCopy(ctx, loc, sealed.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			s.warn("%s is gone, and this device has no copy: whether it was under the old passphrase is not known", term.Escape(sealed.Name))
		case err != nil:
			return err
		}
		if under, err := backup.UnderPassphrase(data); err == nil && under {
			e.Sealed[i].Retired = true
		}
	}
	s.sayPassphrase(made)
	if err := s.seal(ctx, loc, &e, backup.Sealing{Passphrase: passphrase, WorkFactor: s.WorkFactor}); err != nil {
		return err
	}
	if err := s.writeUnder(ctx, loc, e, made); err != nil {
		return err
	}
	s.say("where the old passphrase may be known: auth backup key --rotate")
	return nil
}

// writeUnder keeps a changed enrolment and backs up under it. Only when that backup is
// there do the sealed keys go that the enrolment calls retired; other devices learn of
// it all from the backup.
func (s *session) writeUnder(ctx context.Context, loc location.Location, e backup.Enrolment, made string) error {
	release, err := s.lockBackup(ctx, loc)
	if err != nil {
		return err
	}
	defer release()
	if err := s.setEnrolment(ctx, e); err != nil {
		return err
	}
	_, backupErr := s.backUp(ctx, anew)
	if err := s.sayKey(e, made); err != nil || backupErr == nil {
		return err
	}
	return &staleError{backupErr}
}

func (s *session) sealedCopy(ctx context.Context, loc location.Location, name string) ([]byte, error) {
	if data, err := s.sealedBytes(name); err == nil {
		return data, nil
	}
	return loc.Read(ctx, name)
}

type keyOptions struct {
	enableOptions
	add    []string
	rotate bool
	sheet  string
	force  bool
}

func newBackupKey(c *cli) *cobra.Command {
	var o keyOptions
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Show, share, print or replace the recovery key",
		Long: `Show which recovery key this device backs up to, and what it is sealed with.

--add RECIPIENT seals it for a further key, SSH or age, which then opens the
location instead of the passphrase. --sheet FILE writes the key itself for paper:
text, and a PNG with its QR code beside it. --rotate makes a new key after a lost
laptop: the old one opens nothing that is written from now on.` + exitStatus("0 done; 1 the location is not there; 2 usage, or backup is off; 5 the file\nexists; 6 keyring; 9 could not be written"),
		Example: `  auth backup key
  auth backup key --add age1...
  auth backup key --sheet recovery.txt
  auth backup key --rotate`,
		Args:              checked(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.open(cmd.CommandPath())
			if err != nil {
				return err
			}
			e, loc, err := s.enrolled(cmd.Context())
			if err != nil {
				return err
			}
			switch {
			case len(o.add) > 0:
				return s.addKey(cmd.Context(), e, loc, o.add)
			case o.sheet != "":
				return s.writeSheet(e, o.sheet, o.force)
			case o.rotate:
				return s.rotate(cmd.Context(), e, loc, o)
			default:
				return s.sayKey(e, "")
			}
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&o.add, "add", nil, "seal the key for a `RECIPIENT`, too; may be repeated")
	flags.StringVar(&o.sheet, "sheet", "", "write the key for paper to `FILE`, and its QR code to FILE.png")
	flags.BoolVar(&o.force, "force", false, "replace the files of --sheet")
	flags.BoolVar(&o.rotate, "rotate", false, "make a new key, for a lost laptop")
	flags.StringVar(&o.passphraseFile, "passphrase-file", "", "with --rotate: read the new passphrase from `FILE` or -")
	flags.BoolVar(&o.x25519, "x25519", false, "with --rotate: make a key that age before 1.3 can use")
	flags.BoolVar(&o.weak, "weak", false, "with --rotate: accept a weak passphrase")
	cmd.MarkFlagsMutuallyExclusive("add", "sheet", "rotate")
	return cmd
}

func (s *session) addKey(ctx context.Context, e backup.Enrolment, loc location.Location, recipients []string) error {
	for _, text := range recipients {
		r, err := backup.ParseRecipient(text)
		if err != nil {
			return usageError{fmt.Errorf("--add: %w", err)}
		}
		if err := s.seal(ctx, loc, &e, backup.SealTo(r)); err != nil {
			return err
		}
	}
	return s.writeUnder(ctx, loc, e, "")
}

// writeSheet writes the recovery key for paper: as text, and as a QR code.
func (s *session) writeSheet(e backup.Enrolment, path string, force bool) error {
	with := ""
	if e.Key.Quantum() {
		with = " (age 1.3 or later)"
	}
	text := fmt.Sprintf(`The recovery key of the backups at %s
Key %s. Whoever has this sheet can open every backup. Keep it where fire and
thieves do not come, and not beside the backups.

%s

To bring everything back:  auth restore LOCATION --identity THIS-FILE
From the QR code:          auth restore LOCATION --identity-qr PHOTO
Without auth:              age -d -i THIS-FILE BACKUP%s
`, e.Location, e.Key.ID(), "# "+"recovery key\n"+e.Key.Text(), with)
	// An identity file may have comments: every other line becomes one.
	var lines strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "AGE-SECRET-KEY-") && !strings.HasPrefix(line, "#") {
			line = strings.TrimRight("# "+line, " \n") + "\n"
		}
		lines.WriteString(line)
	}
	var png bytes.Buffer
	if err := qr.PNG(&png, e.Key.Text(), qrScale); err != nil {
		return err
	}
	for _, file := range []struct{ path, text string }{{path, lines.String()}, {path + ".png", png.String()}} {
		err := create(file.path, force, func(f *os.File) error {
			_, err := f.WriteString(file.text)
			return err
		})
		if err != nil {
			return err
		}
	}
	if s.json {
		return s.sayKey(e, "")
	}
	s.say("wrote %s and %s.png: print them, then delete them", term.Escape(path), term.Escape(path))
	return nil
}

// rotate makes a new recovery key: what others wrote is merged first, while it can
// be read; then everything is written under the new key.
func (s *session) rotate(ctx context.Context, e backup.Enrolment, loc location.Location, o keyOptions) error {
	if _, err := s.mergeLocation(ctx, e, loc, syncOptions{yes: true}); err != nil {
		return err
	}
	e, _, err := s.enrolment(ctx) // with what the merge has learned
	if err != nil {
		return err
	}
	if err := s.ownOldFiles(ctx, loc, e, false); err != nil {
		return err
	}
	next := backup.Enrolment{
		Location: e.Location, On: true, Sealed: e.Sealed, OldKeys: append([]backup.RecoveryKey{e.Key}, e.OldKeys...),
	}
	for i := range next.Sealed {
		next.Sealed[i].Retired = true
	}
	passphrase, made, err := s.newRecoveryPassphrase(ctx, o.enableOptions)
	if err != nil {
		return err
	}
	if next.Key, err = backup.NewRecoveryKey(o.x25519); err != nil {
		return err
	}
	s.sayPassphrase(made)
	if err := s.seal(ctx, loc, &next, backup.Sealing{Passphrase: passphrase, WorkFactor: s.WorkFactor}); err != nil {
		return err
	}
	if err := s.writeUnder(ctx, loc, next, made); err != nil {
		return err
	}
	s.say("on each other device: auth backup enable %s, with the new passphrase", term.Escape(e.Location))
	return nil
}

func newBackupForget(c *cli) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "forget DEVICE",
		Short: "Merge and delete the backups of a lost device",
		Long: `Bring in what the newest backup of another device has, then delete all backups of
that device. DEVICE is its name or id, as auth backup list shows them. Where the
device may be in other hands, auth backup key --rotate comes after.` + exitStatus("0 done; 1 the location is not there; 2 nobody to ask, and no --yes; 3 no such\ndevice; 4 several match; 6 keyring"),
		Example:           `  auth backup forget old-laptop --yes`,
		Args:              checked(cobra.ExactArgs(1)),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := c.open(cmd.CommandPath())
			if err != nil {
				return err
			}
			return s.forget(cmd.Context(), args[0], yes)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

var errNoDevice = errors.New("no such device at the location")

func (s *session) forget(ctx context.Context, name string, yes bool) error {
	e, loc, err := s.enrolled(ctx)
	if err != nil {
		return err
	}
	inv, err := s.take(ctx, loc, e.Keys())
	if err != nil {
		return err
	}
	self, err := s.vault.Device(ctx)
	if err != nil {
		return err
	}
	newest := inv.Newest(time.Time{}, false)
	var ids []string
	for id, files := range newest {
		if id != self && (id == name || strings.EqualFold(files[0].Content.DeviceName, name)) {
			ids = append(ids, id)
		}
	}
	switch len(ids) {
	case 1:
	case 0:
		return hint.With(fmt.Errorf("%w: %q", errNoDevice, name), "auth backup list")
	default:
		return hint.With(fmt.Errorf("%w of that name: %s", errSeveral, strings.Join(ids, ", ")), "name one by its id")
	}
	if !yes {
		if err := s.confirm(ctx, "Bring in what "+term.Escape(name)+" has, and delete its backups?"); err != nil {
			return err
		}
	}
	if _, err := s.mergeFiles(ctx, map[string][]backup.File{ids[0]: newest[ids[0]]}, syncOptions{yes: true}); err != nil {
		return err
	}
	if _, err := s.backUp(ctx, anew); err != nil {
		return &staleError{err}
	}
	removed := 0
	for _, f := range inv.Files {
		if f.State == backup.Good && f.Content.Device == ids[0] {
			if err := loc.Remove(ctx, f.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			removed++
		}
	}
	if s.json {
		return s.printJSON(map[string]any{"version": jsonVersion, "device": ids[0], "removed": removed})
	}
	s.say("forgot %s: %s deleted; if it may be in other hands, auth backup key --rotate", term.Escape(name), count(removed, "backup"))
	return nil
}

var errSeveral = errors.New("several devices")
