package cmd

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/transfer"
	"github.com/authcli/auth/internal/vault"
)

type importOptions struct {
	from           string
	passphraseFile string
	dryRun, reveal bool
	allowCost      bool
}

type jsonImport struct {
	Version  int           `json:"version"`
	DryRun   bool          `json:"dry_run"`
	Formats  []string      `json:"formats"`
	Accounts []jsonAccount `json:"accounts"`
	Skipped  []jsonSkip    `json:"skipped"`
	Dropped  []string      `json:"dropped"`
	Warnings []string      `json:"warnings"`
}

type jsonSkip struct {
	Row    string `json:"row"`
	Reason string `json:"reason"`
}

func newImport(c *cli) *cobra.Command {
	var o importOptions
	cmd := c.command(spec{
		use:   "import FILE...",
		short: "Move in from another authenticator",
		long: `Read the exports of other authenticators and password managers, including encrypted
ones, and images with QR codes. auth recognises a file by its content, not by its
name. Give files that belong together in one call. auth help formats lists every
format and how to export to it.

If a row is bad, auth names it with the reason and imports the rest. An import never
overwrites an account in the vault.`,
		exit: "0 done; 1 not readable; 2 usage, or nobody to ask for the passphrase; 5 some were\nkept or skipped, the rest is in; 6 keyring; 7 wrong passphrase, or damaged",
		example: `  auth import aegis-export.json
  auth import --dry-run Accounts.txt
  auth import export-1.png export-2.png`,
		args:     cobra.MinimumNArgs(1),
		complete: files,
		run:      func(ctx context.Context, s *session, args []string) error { return s.importFiles(ctx, args, o) },
	})
	flags := cmd.Flags()
	flags.StringVar(&o.from, "from", "", "take the files for a `FORMAT` instead of recognising it")
	flags.StringVar(&o.passphraseFile, "passphrase-file", "", "read the passphrase of the files from `FILE` or -")
	flags.BoolVar(&o.dryRun, "dry-run", false, "only show what would be imported")
	flags.BoolVar(&o.reveal, "reveal", false, "with --dry-run --json: print the secrets that were read")
	flags.BoolVar(&o.allowCost, "allow-cost", false, "allow a key that takes more than 512 MiB or a minute, as Ente's do")
	must(cmd.RegisterFlagCompletionFunc("from", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return formatNames(func(f transfer.Format) bool { return f.Read != nil }), cobra.ShellCompDirectiveNoFileComp
	}))
	return cmd
}

// formatNames returns the names of the formats that match.
func formatNames(fits func(transfer.Format) bool) []string {
	var names []string
	for _, f := range transfer.Formats() {
		if fits(f) {
			names = append(names, f.Name)
		}
	}
	return names
}

func (s *session) importFiles(ctx context.Context, paths []string, o importOptions) error {
	if o.reveal && (!o.dryRun || !s.json) {
		return usagef("--reveal goes with --dry-run --json")
	}
	paths, err := o.formatAmong(paths)
	if err != nil {
		return err
	}
	batch, err := s.readImport(ctx, paths, o)
	if errors.Is(err, transfer.ErrNoOTPData) {
		s.say("%s", message(err, nil)) // an answer, not a failure
		return nil
	}
	if err != nil {
		return err
	}
	return s.bringIn(ctx, batch, o)
}

// formatAmong takes a format that is named before the files, as in auth import aegis FILE.
func (o *importOptions) formatAmong(paths []string) ([]string, error) {
	format, known := transfer.Find(paths[0])
	switch {
	case !known || format.Read == nil || o.from != "" || isFile(paths[0]):
		return paths, nil
	case len(paths) == 1:
		return nil, hint.With(usagef("auth import needs a file of %s", format.Title),
			"auth import FILE recognises it by its content; auth help moving says how the app exports")
	}
	o.from = format.Name
	return paths[1:], nil
}

// withCompanions adds files that belong to the given ones and lie beside them. The log of
// a SQLite database may hold its newest rows. Steam's encrypted maFiles cannot be
// decrypted without their manifest.
func withCompanions(paths []string) []string {
	all := slices.Clone(paths)
	for _, path := range paths {
		beside := []string{path + "-wal"}
		if strings.EqualFold(filepath.Ext(path), ".maFile") {
			beside = append(beside, manifests(filepath.Dir(path))...)
		}
		for _, companion := range beside {
			if path != "-" && isFile(companion) && !slices.Contains(all, companion) {
				all = append(all, companion)
			}
		}
	}
	return all
}

// Limits for the folder of a maFile.
const (
	maxManifests = 16
	maxManifest  = 1 << 20 // bytes
)

// manifests returns the manifests of Steam accounts in a folder, even if a browser or a
// person renamed them.
func manifests(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // reading the file itself reports the error
	}
	var found []string
	for _, e := range entries {
		name := strings.ToLower(e.Name())
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxManifest ||
			!strings.Contains(name, "manifest") || !strings.HasSuffix(name, ".json") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if data, err := os.ReadFile(path); err == nil && transfer.IsSteamManifest(data) && len(found) < maxManifests {
			found = append(found, path)
		}
	}
	return found
}

// readImport reads the files. It reads images by their QR codes.
func (s *session) readImport(ctx context.Context, paths []string, o importOptions) (transfer.Batch, error) {
	var files []transfer.File
	for _, path := range withCompanions(paths) {
		data, err := s.readFile(ctx, path, transfer.MaxFile)
		if err != nil {
			return transfer.Batch{}, err
		}
		if len(data) == 0 {
			return transfer.Batch{}, fmt.Errorf("%s is empty", inputName(path))
		}
		if transfer.IsImage(data) || isDocument(data) {
			read, err := s.scanImage(ctx, path, data)
			if err != nil {
				return transfer.Batch{}, err
			}
			if len(read.texts) == 0 {
				return transfer.Batch{}, noCode(path, read.seen)
			}
			data = []byte(strings.Join(read.texts, "\n") + "\n")
		}
		files = append(files, transfer.File{Name: filepath.ToSlash(path), Data: data})
	}
	// Deriving a key can take half a minute. Nothing else here takes long.
	const reading = "reading"
	stop := s.working(reading, time.Second)
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(transfer.MaxMemory)) // keeps garbage within the reader's limit
	batch, err := transfer.Read(ctx, files, transfer.ReadOptions{
		Format: o.from,
		AllowCost: func(ctx context.Context, file string, c transfer.Cost) (bool, error) {
			if o.allowCost || !s.choosing() {
				return o.allowCost, nil
			}
			stop()
			defer func() { stop = s.working(reading, time.Second) }()
			return s.Prompt.Confirm(ctx, fmt.Sprintf("Deriving the key of %s takes %v. Go on?", term.Escape(inputName(file)), c))
		},
		Passphrase: func(ctx context.Context) (string, error) {
			stop()
			defer func() { stop = s.working(reading, time.Second) }()
			return s.passphraseFrom(ctx, o.passphraseFile, "Passphrase of the export: ", "--passphrase-file")
		},
	})
	stop()
	if no, ok := errors.AsType[*transfer.NotExportableError](err); ok {
		err = hint.With(err, no.Do)
	}
	if errors.Is(err, transfer.ErrUnknownFormat) && o.from != "" {
		err = usageError{err}
	}
	return batch, err
}

// bringIn adds the read accounts in one write. It never changes an existing account.
func (s *session) bringIn(ctx context.Context, batch transfer.Batch, o importOptions) error {
	out := jsonImport{
		Version: jsonVersion, DryRun: o.dryRun, Formats: batch.Formats,
		Skipped: []jsonSkip{}, Dropped: []string{}, Warnings: []string{},
	}
	out.Dropped, out.Warnings = append(out.Dropped, batch.Dropped...), append(out.Warnings, batch.Warnings...)
	for _, skip := range batch.Skipped {
		out.Skipped = append(out.Skipped, jsonSkip(skip))
	}
	var steps []imported
	apply := func(tx *vault.Tx) error {
		var err error
		steps, err = importInto(tx, batch.Accounts)
		return err
	}
	if o.dryRun {
		if err := s.device.Preview(ctx, apply); err != nil {
			return err
		}
	} else if err := s.change(ctx, apply); err != nil {
		return err
	}
	counts := map[string]int{}
	out.Accounts = make([]jsonAccount, len(steps))
	rows := make([][]string, len(steps))
	for i, step := range steps {
		counts[step.outcome]++
		out.Accounts[i] = result(step.account, step.outcome)
		if o.reveal {
			reveal(&out.Accounts[i], batch.Accounts[i])
		}
		rows[i] = []string{label(step.account), step.outcome}
	}
	if s.json {
		if err := s.printJSON(out); err != nil {
			return err
		}
	} else if err := s.printResults(rows); err != nil {
		return err
	}
	s.sayBatch(batch)
	s.sayImported(counts, o.dryRun)
	if counts[importKept] > 0 || len(batch.Skipped) > 0 {
		return exitCode(codePartly)
	}
	return nil
}

func (s *session) sayImported(counts map[string]int, dryRun bool) {
	verb := "imported"
	if dryRun {
		verb = "would import"
	}
	s.say("%s %s", verb, count(counts[importAdded]+counts[importBeside], "account"))
	if n := counts[importBeside]; n > 0 {
		s.say("%s a label with another of the same import; they are shown as label (1), label (2)", share(n))
	}
	if n := counts[importKept]; n > 0 {
		s.say("%s here with another secret: kept", wereKept(n))
	}
}

func share(n int) string {
	if n == 1 {
		return "1 account shares"
	}
	return fmt.Sprintf("%d accounts share", n)
}

// The outcomes of an import for one account.
const (
	importAdded  = "added"
	importBeside = "added beside" // another account of the same import has its label
	importHere   = "already here"
	importKept   = "kept" // the existing account has another secret
)

type imported struct {
	account vault.Account
	outcome string
}

// importInto adds accounts to tx by the rules of an import.
func importInto(tx *vault.Tx, accounts []account.Account) ([]imported, error) {
	steps := make([]imported, 0, len(accounts))
	fresh := map[string]bool{}
	for _, a := range accounts {
		if same, found := tx.Same(a); found {
			steps = append(steps, imported{same, importHere})
			continue
		}
		outcome := importAdded
		if others := tx.Labelled(a); len(others) > 0 {
			outcome = importBeside
			if !fresh[others[0].ID] {
				steps = append(steps, imported{others[0], importKept})
				continue
			}
		}
		added, err := tx.AddBeside(a)
		if err != nil {
			return nil, &accountError{vault.Account{Account: a, Shown: a.Label()}, err}
		}
		fresh[added.ID] = true
		steps = append(steps, imported{added, outcome})
	}
	return steps, nil
}

// reveal adds what was read of an account to j, including the secret.
func reveal(j *jsonAccount, a account.Account) {
	j.Issuer, j.Name, j.Label, j.Tags, j.Note = a.Issuer, a.Name, a.Label(), a.Tags, a.Note
	if a.NeedsVerification() {
		return
	}
	j.URI, j.Secret, j.SecretHex = a.URI(), a.Secret.Base32(), hex.EncodeToString(a.Secret.Reveal())
	j.PIN = string(a.PIN.Reveal())
	if a.Type == account.MOTP { // the secret of Mobile-OTP is a text, usually of hexadecimal digits
		j.SecretText = string(a.Secret.Reveal())
		j.SecretHex = ""
		if _, err := hex.DecodeString(j.SecretText); err == nil {
			j.SecretHex = strings.ToLower(j.SecretText)
		}
	}
	if a.Type == account.HOTP {
		j.Counter = &a.Counter
	}
}
