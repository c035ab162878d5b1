package cmd

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/manual"
)

// backupFolder is what auth calls its folder in a cloud's.
const backupFolder = "auth"

// moveIn brings accounts in: from backups of another device, from another app, or the
// first one by hand.
func (s *session) moveIn(ctx context.Context) error {
	type choice struct {
		words string
		do    func(context.Context) error
	}
	var choices []choice
	for _, dir := range s.device.CloudBackups(ctx) {
		choices = append(choices, choice{"backups of auth in " + dir, func(ctx context.Context) error {
			return s.restore(ctx, restoreOptions{RestoreOptions: device.RestoreOptions{From: dir}})
		}})
	}
	for _, guide := range manual.Guides() {
		choices = append(choices, choice{guide.Short, func(ctx context.Context) error { return s.moveFrom(ctx, guide) }})
	}
	choices = append(choices,
		choice{"another app, or a file or QR code that is on this machine", func(ctx context.Context) error {
			s.say("auth help formats lists the formats that can be read")
			return s.askFiles(ctx)
		}},
		choice{"a backup of auth, which another device made", s.askBackup},
		choice{"none yet: add the first one now", func(ctx context.Context) error { return s.add(ctx, addOptions{kind: "totp"}, newAdd(s.cli).Flags()) }},
		choice{"later", func(context.Context) error { return nil }},
	)
	options := make([]string, len(choices))
	for i, c := range choices {
		options[i] = c.words
	}
	n, err := s.Prompt.Choose(ctx, "Where are your accounts now?", options)
	if err != nil {
		return err
	}
	return choices[n].do(ctx)
}

// moveFrom shows how an app gives its accounts, and reads them.
func (s *session) moveFrom(ctx context.Context, guide manual.Topic) error {
	s.say("%s", strings.TrimRight(guide.BeforeImport().Text(cmp.Or(pageColumns(s.Err), pageWidth)), "\n"))
	s.say("")
	s.say("The whole guide: auth help %s %s", movingTopic, guide.Name)
	return s.askFiles(ctx)
}

// askFiles asks for files and imports them, until the answer is empty.
func (s *session) askFiles(ctx context.Context) error {
	prompt := "Path of the file or image (empty: go on without): "
	for {
		text, err := s.askPath(ctx, prompt)
		if err != nil || text == "" {
			return err
		}
		err = s.importFiles(ctx, s.typedPaths(text), importOptions{})
		switch {
		case err == nil || as[exitCode](err):
			prompt = "Another file or image (empty: go on): "
		case codeOf(err) == codeInterrupted:
			return err
		default:
			s.sayFault(err)
		}
	}
}

// askPath asks for a path, without spaces around it; empty where there is none. A secret is
// not taken for one, since an error would repeat it.
func (s *session) askPath(ctx context.Context, prompt string) (string, error) {
	for {
		text, err := s.Prompt.Line(ctx, prompt)
		if text = strings.TrimSpace(text); err != nil || !secretAmong(strings.Fields(text)) {
			return text, err
		}
		s.say("auth: this looks like a secret, and a path is asked for here")
	}
}

// typedPaths returns the paths in a line: one, or several files between spaces.
func (c *cli) typedPaths(text string) []string {
	one := c.typedPath(text)
	if isFile(one) {
		return []string{one}
	}
	var several []string
	for word := range strings.FieldsSeq(text) {
		path := c.typedPath(word)
		if !isFile(path) {
			return []string{one}
		}
		several = append(several, path)
	}
	return several
}

// askBackup asks for a location or a backup file, and restores it.
func (s *session) askBackup(ctx context.Context) error {
	text, err := s.askPath(ctx, "Folder, file or rclone:REMOTE:PATH of the backups (empty: go on without): ")
	if err != nil || text == "" {
		return err
	}
	return s.restore(ctx, restoreOptions{RestoreOptions: device.RestoreOptions{From: s.typedPath(text)}})
}

// chooseLocation asks where backups go, and turns backup on.
func (s *session) chooseLocation(ctx context.Context) error {
	s.say("Backups are encrypted files in a folder that leaves this machine: that of")
	s.say("a cloud, or a USB stick.")
	var options, locations []string
	for _, dir := range s.device.CloudBackups(ctx) {
		options, locations = append(options, dir+" (has backups of auth)"), append(locations, dir)
	}
	for _, f := range s.device.CloudFolders(ctx) {
		dir := filepath.Join(f.Path, backupFolder)
		if !slices.Contains(locations, dir) {
			options, locations = append(options, f.Service+": "+dir), append(locations, dir)
		}
	}
	for _, remote := range s.device.Remotes(ctx) {
		name := "rclone:" + remote + ":" + backupFolder
		options, locations = append(options, name), append(locations, name)
	}
	options = append(options, "another folder", "later")
	n, err := s.Prompt.Choose(ctx, "Where to?", options)
	if err != nil {
		return err
	}
	var where string
	switch {
	case n < len(locations):
		where = locations[n]
	case n == len(locations):
		text, err := s.askPath(ctx, "Folder, or rclone:REMOTE:PATH (empty: later): ")
		if err != nil || text == "" {
			return err
		}
		where = s.typedPath(text)
	default:
		return nil
	}
	return s.enable(ctx, where, enableOptions{})
}

// offerSheet writes the recovery key as a page.
func (s *session) offerSheet(ctx context.Context) error {
	yes, err := s.Prompt.Confirm(ctx, "Write a page that opens the backups too, to print and to lock away?")
	if err != nil || !yes {
		return err
	}
	path := filepath.Join(s.home(), "auth-recovery.pdf")
	text, err := s.Prompt.Line(ctx, fmt.Sprintf("File (empty: %s): ", path))
	if err != nil {
		return err
	}
	if text = strings.TrimSpace(text); text != "" {
		path = s.typedPath(text)
	}
	return s.writeSheet(ctx, path, false)
}

// offerDrill practises a restore.
func (s *session) offerDrill(ctx context.Context) error {
	yes, err := s.Prompt.Confirm(ctx, "Practise a restore, with the passphrase that you wrote down?")
	if err != nil || !yes {
		return err
	}
	s.answers.file = ""
	drill, err := s.device.Drill(ctx, device.KeySource{})
	s.sayReport(drill.Report)
	if err != nil {
		return err
	}
	return s.sayDrill(drill)
}
