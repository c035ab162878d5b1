package cmd

import (
	"cmp"
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/term"
)

type enableOptions struct {
	sourceOptions

	x25519, weak bool
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
	cmd := c.command(spec{
		use:   "enable [LOCATION]",
		short: "Back up after every change, to a location",
		long: `Turn backup on. From now on auth backs up every change at once to LOCATION: a
folder that your own cloud client uploads, or rclone:REMOTE:PATH. Without LOCATION,
auth lists the cloud folders of this machine.

A new location gets a recovery key. It is encrypted with a passphrase of ten words
that auth shows once, or with a passphrase of your own. To join a location that
already has backups, enter its passphrase; or use --identity, or --shares.`,
		exit: "0 done; 1 the location is not there; 2 usage; 6 keyring; 7 wrong passphrase;\n9 the first backup could not be made",
		example: `  auth backup enable
  auth backup enable ~/Dropbox/auth
  auth backup enable rclone:drive:auth`,
		args: withShares(&o.shares, cobra.MaximumNArgs(1)),
		complete: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			if o.shares {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		run: func(ctx context.Context, s *session, args []string) error {
			location := strings.Join(args, "")
			if o.shares {
				location, o.shareFiles = s.sourceAndShares(ctx, args)
			}
			switch {
			case location != "":
				return s.enable(ctx, location, o)
			case o.shares:
				return usagef("--shares opens a location: name it before the files")
			}
			return s.listClouds(ctx)
		},
	})
	flags := cmd.Flags()
	flags.StringVar(&o.passphraseFile, "passphrase-file", "", "read the recovery passphrase from `FILE` or -")
	flags.StringArrayVar(&o.identities, "identity", nil, "join with the key in `FILE` or - instead of the passphrase")
	flags.BoolVar(&o.shares, "shares", false, sharesUsage)
	flags.StringVar(&o.keyID, "key-id", "", "the `ID` of the recovery key that is meant, as another device or the sheet shows it")
	flags.BoolVar(&o.x25519, "x25519", false, "make a key for age before 1.3, without post-quantum protection")
	flags.BoolVar(&o.weak, "weak", false, "accept a weak passphrase")
	cmd.MarkFlagsMutuallyExclusive("passphrase-file", "identity", "shares")
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

// listClouds lists the cloud folders found on this machine.
func (s *session) listClouds(ctx context.Context) error {
	found := s.device.CloudFolders(ctx)
	out := jsonClouds{Version: jsonVersion, Folders: []jsonCloud{}}
	var rows [][]string
	for _, f := range found {
		out.Folders = append(out.Folders, jsonCloud{f.Service, f.Path})
		rows = append(rows, []string{f.Service, term.Escape(f.Path)})
	}
	if s.json {
		return s.printJSON(out)
	}
	if len(rows) == 0 {
		s.say("no cloud folder was found; use any folder, or rclone:REMOTE:PATH")
		return nil
	}
	if err := s.printColumns([]term.Column{{Name: "SERVICE"}, {Name: "FOLDER", Fit: term.Wrap}}, rows); err != nil {
		return err
	}
	s.say("auth backup enable FOLDER, with one of these or a new folder in it")
	return nil
}

func (s *session) enable(ctx context.Context, location string, o enableOptions) error {
	options, err := s.enableOptions(ctx, o)
	if err != nil {
		return err
	}
	enabled, err := s.device.Enable(ctx, location, options)
	s.sayReport(enabled.Report)
	if err != nil && !as[*device.StaleError](err) {
		return err
	}
	return cmp.Or(s.sayEnabled(enabled), err)
}

// enableOptions returns the options of the flags. The passphrase is asked for later, when
// it is needed.
func (s *session) enableOptions(ctx context.Context, o enableOptions) (device.EnableOptions, error) {
	s.answers.weak = o.weak
	source, err := s.keySource(ctx, o.sourceOptions)
	return device.EnableOptions{KeySource: source, X25519: o.x25519, Weak: o.weak}, err
}

// identityFiles reads identity files. Where one is standard input, and that is a terminal,
// the recovery key on a sheet is asked for, once the location is there.
func (c *cli) identityFiles(ctx context.Context, paths []string) ([]device.IdentityFile, error) {
	var list []device.IdentityFile
	for _, path := range paths {
		file := device.IdentityFile{
			Name:      inputName(path),
			PublicKey: func() ([]byte, error) { return c.readFile(ctx, path+".pub", maxText) },
		}
		if path == "-" && c.asking() && term.IsTerminal(c.In) {
			file.Ask = c.typeKey
		} else {
			var err error
			if file.Data, err = c.readIdentity(ctx, path); err != nil {
				return nil, err
			}
		}
		list = append(list, file)
	}
	return list, nil
}

func (s *session) sayEnabled(e device.Enabled) error {
	if s.json {
		return s.printJSON(jsonEnabled{
			jsonVersion, e.Location, e.ID, e.Recipient, e.Joined, s.answers.made, e.File,
		})
	}
	verb := "is on"
	if e.Joined {
		verb = "joined the location"
	}
	s.say("backup %s: every change goes to %s", verb, term.Escape(e.Location))
	if e.File == "" {
		s.say("the first account makes the first backup")
	}
	if e.Local && e.File != "" {
		s.say("the backup is in the folder; your cloud client has to upload it")
	}
	return nil
}

func newBackupDisable(c *cli) *cobra.Command {
	return c.command(spec{
		use:   "disable",
		short: "Turn backup off",
		long: `Turn backup off. Nothing is deleted, neither at the location nor here. auth backup
enable LOCATION turns it on again.`,
		exit:    "0 done, or it was off; 6 keyring",
		example: `  auth backup disable`,
		run: func(ctx context.Context, s *session, _ []string) error {
			location, err := s.device.Disable(ctx)
			switch {
			case err != nil:
				return err
			case s.json:
				return s.printJSON(jsonEnabled{Version: jsonVersion})
			case location == "":
				s.say("backup was off")
			default:
				s.say("backup is off; the files at %s stay", term.Escape(location))
			}
			return nil
		},
	})
}
