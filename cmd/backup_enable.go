package cmd

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/term"
)

var (
	errBackupOff = errors.New("backup is off")
	errRotated   = errors.New("the location's recovery key was changed by another device")
	errNoKey     = errors.New("there are backups at the location, and none of its keys was opened")
	errNoBackups = errors.New("there are no backups there")
	errEmptied   = errors.New("the location is empty, and backups were written to it before")
	errWeak      = errors.New("the passphrase is weak: whoever gets at the files could guess it")
)

type enableOptions struct {
	passphraseFile string
	identities     []string
	x25519, weak   bool
}

type jsonEnabled struct {
	Version    int    `json:"version"`
	Location   string `json:"location"`
	Key        string `json:"key"`
	Recipient  string `json:"recipient"`
	Joined     bool   `json:"joined"`
	Passphrase string `json:"passphrase,omitempty"`
	File       string `json:"file,omitempty"`
}

func newBackupEnable(c *cli) *cobra.Command {
	var o enableOptions
	cmd := &cobra.Command{
		Use:   "enable [LOCATION]",
		Short: "Back up after every change, to a location",
		Long: `Turn backup on: from now on every change is backed up at once to LOCATION, a
folder that your own cloud client carries away, or rclone:REMOTE:PATH. Without
LOCATION, the cloud folders of this machine are listed.

A new location gets a recovery key, sealed under a passphrase of ten words that is
shown once, or under one of your own. A location that has backups already is
joined with its passphrase.` + exitStatus("0 done; 1 the location is not there; 2 usage; 6 keyring; 7 wrong passphrase;\n9 the first backup could not be made"),
		Example: `  auth backup enable
  auth backup enable ~/Dropbox/auth
  auth backup enable rclone:drive:auth`,
		Args: checked(cobra.MaximumNArgs(1)),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.listClouds(cmd.Context())
			}
			if err := onlyOnce(append([]string{o.passphraseFile, c.vaultPassphraseFile}, o.identities...)...); err != nil {
				return err
			}
			s, err := c.open(cmd.CommandPath())
			if err != nil {
				return err
			}
			return s.enable(cmd.Context(), args[0], o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.passphraseFile, "passphrase-file", "", "read the recovery passphrase from `FILE` or -")
	flags.StringArrayVar(&o.identities, "identity", nil, "join with the key in `FILE` or - instead of the passphrase")
	flags.BoolVar(&o.x25519, "x25519", false, "make a key that age before 1.3 can use, without post-quantum protection")
	flags.BoolVar(&o.weak, "weak", false, "accept a weak passphrase")
	cmd.MarkFlagsMutuallyExclusive("passphrase-file", "identity")
	return cmd
}

type jsonClouds struct {
	Version int         `json:"version"`
	Folders []jsonCloud `json:"folders"`
}

type jsonCloud struct {
	Service string `json:"service"`
	Path    string `json:"path"`
}

// listClouds lists the cloud folders that were found on this machine.
func (c *cli) listClouds(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, location.FolderWait)
	defer cancel()
	found := location.Detect(ctx, location.DetectOptions{
		GOOS: runtime.GOOS, Home: c.home(), Getenv: c.Getenv, Stat: os.Stat, ReadDir: os.ReadDir, ReadFile: os.ReadFile,
	})
	out := jsonClouds{Version: jsonVersion, Folders: []jsonCloud{}}
	var rows [][]string
	for _, f := range found {
		out.Folders = append(out.Folders, jsonCloud{f.Service, f.Path})
		rows = append(rows, []string{f.Service, term.Escape(f.Path)})
	}
	if c.json {
		return c.printJSON(out)
	}
	if len(rows) == 0 {
		c.say("no cloud folder was found; any folder will do, or rclone:REMOTE:PATH")
		return nil
	}
	if err := c.printTable(rows); err != nil {
		return err
	}
	c.say("auth backup enable FOLDER, with one of these or a new folder in it")
	return nil
}

func (s *session) enable(ctx context.Context, text string, o enableOptions) error {
	loc, err := s.location(text)
	if err != nil {
		return err
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	state, err := s.read(ctx)
	if err != nil {
		return err
	}
	if state.Generation == 0 {
		return hint.With(errors.New("the vault is empty: there is nothing to back up yet"), "auth add, or auth restore "+text)
	}
	if err := location.Prepare(ctx, loc); err != nil {
		return at(loc, err)
	}
	entries, err := list(ctx, loc)
	if err != nil {
		return err
	}
	old, enrolled, err := s.enrolment(ctx)
	if err != nil {
		return err
	}
	j := jsonEnabled{Version: jsonVersion, Location: loc.String()}
	var e backup.Enrolment
	switch {
	case !holdsBackups(entries) && enrolled && old.Location == loc.String():
		e = old // turned off and on again, or the folder was emptied: our copies go back
	case !holdsBackups(entries):
		if e, j.Passphrase, err = s.newLocation(ctx, loc, o); err != nil {
			return err
		}
	default:
		if e, err = s.join(ctx, loc, old, enrolled, o); err != nil {
			return err
		}
		j.Joined = true
	}
	release, err := s.lockBackup(ctx, loc)
	if err != nil {
		return err
	}
	defer release()
	e.Location, e.On = loc.String(), true
	if err := s.setEnrolment(ctx, e); err != nil {
		return err
	}
	done, backupErr := s.backUp(ctx, refill)
	j.Key, j.Recipient, j.File = e.Key.ID(), e.Key.Recipient(), done.File
	if err := s.sayEnabled(j, loc); err != nil || backupErr == nil {
		return err
	}
	return &staleError{backupErr}
}

func (s *session) sayEnabled(j jsonEnabled, loc location.Location) error {
	if s.json {
		return s.printJSON(j)
	}
	verb := "is on"
	if j.Joined {
		verb = "joined the location"
	}
	s.say("backup %s: every change goes to %s", verb, term.Escape(loc.String()))
	if loc.Local() && j.File != "" {
		s.say("written to the folder; carrying it away is up to its cloud client")
	}
	return nil
}

// holdsBackups reports whether a location is anybody's already.
func holdsBackups(entries []location.Entry) bool {
	return slices.ContainsFunc(entries, func(e location.Entry) bool {
		_, sealed := backup.SealedKeyID(e.Name)
		_, named := backup.ParseFileName(e.Name)
		return sealed || named
	})
}

// newLocation makes a recovery key for an empty location, and seals it. A passphrase
// that was made is returned to be shown.
func (s *session) newLocation(ctx context.Context, loc location.Location, o enableOptions) (e backup.Enrolment, made string, err error) {
	if len(o.identities) > 0 {
		return e, "", usagef("the location is new: there is no key to join with")
	}
	passphrase, made, err := s.newRecoveryPassphrase(ctx, o)
	if err != nil {
		return e, "", err
	}
	if e.Key, err = backup.NewRecoveryKey(o.x25519); err != nil {
		return e, "", err
	}
	s.sayPassphrase(made)
	err = s.seal(ctx, loc, &e, backup.Sealing{Passphrase: passphrase, WorkFactor: s.WorkFactor})
	return e, made, err
}

// newRecoveryPassphrase reads or asks for a new recovery passphrase; none is
// answered by one that is made.
func (s *session) newRecoveryPassphrase(ctx context.Context, o enableOptions) (passphrase, made string, err error) {
	switch {
	case o.passphraseFile != "":
		passphrase, err = s.passphraseFrom(ctx, o.passphraseFile, "", "")
	case s.asking():
		passphrase, err = s.askNew(ctx, "Recovery passphrase (empty to have one made): ")
	}
	if err != nil {
		return "", "", err
	}
	if passphrase == "" {
		made = backup.NewPassphrase()
		return made, made, nil
	}
	if backup.Weak(passphrase) && !o.weak {
		return "", "", hint.With(usageError{errWeak}, "leave it empty to have one made, or --weak")
	}
	return passphrase, "", nil
}

// sayPassphrase shows a passphrase that was made: before it is used, so that nothing is
// ever sealed under one that nobody has seen, whatever goes wrong after it.
func (s *session) sayPassphrase(made string) {
	if made == "" || s.json {
		return
	}
	s.say("recovery passphrase: %s", made)
	s.say("write it down and keep it away from this machine: without it nobody can open the backups")
}

// seal writes the recovery key as a new sealed key, here and at the location.
func (s *session) seal(ctx context.Context, loc location.Location, e *backup.Enrolment, to backup.Sealing) error {
	sealed, data, err := e.Key.Seal(to)
	if err != nil {
		return err
	}
	if err := s.keepSealed(sealed.Name, data); err != nil {
		return err
	}
	if err := loc.Create(ctx, sealed.Name, data); err != nil {
		return err
	}
	e.AddSealed(sealed)
	return nil
}

// A staleError is a backup that was asked for and could not be made.
type staleError struct{ err error }

func (e *staleError) Error() string { return "the backup could not be made: " + e.err.Error() }
func (e *staleError) Unwrap() error { return e.err }

func newBackupDisable(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "disable",
		Short: "Turn backup off",
		Long: `Turn backup off. Nothing is deleted, neither at the location nor here; auth
backup enable LOCATION turns it on again.` + exitStatus("0 done, or it was off; 6 keyring"),
		Example:           `  auth backup disable`,
		Args:              checked(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.open(cmd.CommandPath())
			if err != nil {
				return err
			}
			if err := s.ready(cmd.Context()); err != nil {
				return err
			}
			e, ok, err := s.enrolment(cmd.Context())
			if err != nil {
				return err
			}
			if ok {
				e.On = false
				if err := s.setEnrolment(cmd.Context(), e); err != nil {
					return err
				}
			}
			if c.json {
				return c.printJSON(jsonEnabled{Version: jsonVersion, Location: ""})
			}
			if ok {
				c.say("backup is off; what lies at %s stays", term.Escape(e.Location))
			} else {
				c.say("backup was off")
			}
			return nil
		},
	}
}
