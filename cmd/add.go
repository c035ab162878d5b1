package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/otp"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/transfer"
	"github.com/authcli/auth/internal/vault"
)

type addOptions struct {
	secretFile, uri string
	images          []string
	clipboard       bool
	screen, region  bool

	issuer, name, alias, note string
	tags                      []string
	kind, algorithm           string
	digits, period            int
	counter                   uint64
	deviceBound, replace      bool
}

func newAdd(c *cli) *cobra.Command {
	var o addOptions
	var cmd *cobra.Command
	cmd = c.command(spec{
		use:   "add [LABEL | IMAGE...]",
		short: "Add accounts from a secret, a URI or QR codes",
		long: `Add an account. auth asks for its secret, or reads it from a file. Without anything,
it asks for the label too. It can also read whole accounts from otpauth URIs, or from
QR codes in images (PNG, JPEG, GIF, WebP, BMP, TIFF). An image may have several codes. Google Authenticator's
export may have several parts. --screen reads the QR codes that are on the screen
now, --region those in a part of it that you choose. --clipboard reads what was copied: an image, URIs, or the secret of LABEL.

LABEL is issuer:name and is split at the first colon. --issuer and --name are
taken literally. Secrets are never arguments.

auth prints each added account with its current code, so that you can confirm it
with the issuer. An account that exists already is left alone. If one with the
same label has another secret, it is kept and named.`,
		exit: "0 done; 1 nothing to add in what was given; 2 usage; 5 some were kept or\nskipped; 6 keyring; 130 interrupted",
		example: `  auth add
  auth add github:alice
  auth add screenshot.png
  auth add --screen
  auth add github:alice --secret-file secret.txt
  auth add --uri uris.txt`,
		args:     cobra.ArbitraryArgs,
		complete: files,
		run: func(ctx context.Context, s *session, args []string) error {
			labels, err := o.imagesAmong(args)
			switch {
			case err != nil:
				return err
			case len(labels) > 1:
				return hint.With(usagef("auth add takes one label, and was given %d", len(labels)), "auth add --help")
			case len(labels) == 1:
				o.issuer, o.name = mergeLabel(labels[0], o.issuer, o.name, cmd.Flags())
			}
			if err := o.sources(cmd.Flags()); err != nil {
				return err
			}
			for _, image := range o.images {
				if slices.Contains(args, image) && !strings.ContainsAny(image, `./\`) {
					// It may have been meant as a label, by somebody who does not know that the file is here.
					s.say("%s is a file here: its QR codes are read", term.Escape(image))
				}
			}
			return s.add(ctx, o, cmd.Flags())
		},
	})
	flags := cmd.Flags()
	flags.StringVar(&o.secretFile, "secret-file", "", "read the secret (base32) from `FILE` or -")
	flags.StringVar(&o.uri, "uri", "", "read otpauth URIs, one a line, from `FILE` or -")
	flags.StringArrayVar(&o.images, "qr", nil, "read the QR codes of an `IMAGE` or -; may be repeated")
	flags.StringVar(&o.issuer, "issuer", "", "the `ISSUER`, taken literally")
	flags.StringVar(&o.name, "name", "", "the `NAME`, taken literally")
	flags.StringVar(&o.alias, "alias", "", "a short `WORD` of your own for it")
	flags.StringVar(&o.note, "note", "", "a `NOTE`")
	flags.StringSliceVar(&o.tags, "tag", nil, "a `TAG`; may be repeated")
	flags.StringVar(&o.kind, "type", "totp", "the `TYPE`: totp, hotp or steam")
	flags.StringVar(&o.algorithm, "algorithm", "", "the `ALGORITHM`: SHA1, SHA256 or SHA512")
	flags.IntVar(&o.digits, "digits", 0, "the number of digits of a code, 5 to 10")
	flags.IntVar(&o.period, "period", 0, "the `SECONDS` that a code is valid")
	flags.Uint64Var(&o.counter, "counter", 0, "the counter that the first code of type hotp is computed from")
	flags.BoolVar(&o.replace, "replace", false, "give an account that is here its new secret; the old one goes to the trash")
	flags.BoolVar(&o.deviceBound, "device-bound", false, "keep the secret on this device; backups have only the name")
	o.lookFlags(flags)
	cmd.MarkFlagsMutuallyExclusive(addSources()...)
	for _, name := range []string{"type", "algorithm", "digits", "period", "counter"} {
		cmd.MarkFlagsMutuallyExclusive("uri", name)
		cmd.MarkFlagsMutuallyExclusive("qr", name)
		cmd.MarkFlagsMutuallyExclusive("screen", name)
		cmd.MarkFlagsMutuallyExclusive("region", name)
	}
	must(cmd.RegisterFlagCompletionFunc("type", fixed("totp", "hotp", "steam")))
	must(cmd.RegisterFlagCompletionFunc("algorithm", fixed("SHA1", "SHA256", "SHA512")))
	return cmd
}

// imagesAmong takes the images from the arguments and returns the others, which are labels.
// After --qr every file is an image: "--qr one.png two.png" and "--qr *.png" mean that.
func (o *addOptions) imagesAmong(args []string) (labels []string, err error) {
	for _, arg := range args {
		switch {
		case len(o.images) > 0 && isFile(arg), isImage(arg):
			o.images = append(o.images, arg)
		case isFile(arg) && strings.ContainsAny(arg, `./\`) && arg != "-":
			return nil, hint.With(usagef("%s is a file, and not an image", arg),
				"auth import FILE reads the export of another app; auth add --uri FILE reads otpauth URIs")
		default:
			labels = append(labels, arg)
		}
	}
	return labels, nil
}

// addSources are the flags that say where accounts come from.
func addSources() []string {
	return []string{"secret-file", "uri", "qr", "clipboard", "screen", "region"}
}

// sources refuses flags that images among the arguments exclude, as --qr does.
func (o *addOptions) sources(flags *pflag.FlagSet) error {
	if len(o.images) == 0 {
		return nil
	}
	for _, name := range append(addSources(), "type", "digits", "period", "algorithm", "counter") {
		if name != "qr" && flags.Changed(name) {
			return hint.With(usagef("an image and --%s exclude each other", name), "auth add --help")
		}
	}
	return nil
}

// isImage reports whether an argument is an image: a file that begins as one, or a name
// that ends as one, also of a file that is not there. What has a colon is a label, unless
// it is a path.
func isImage(arg string) bool {
	if strings.Contains(arg, ":") && !strings.ContainsAny(arg, `/\`) {
		return false
	}
	switch strings.ToLower(filepath.Ext(arg)) {
	case ".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".heic":
		return true
	}
	info, err := os.Stat(arg)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(arg)
	if err != nil {
		return false
	}
	defer f.Close()
	const enough = 512 // bytes that tell an image
	head := make([]byte, enough)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false
	}
	return transfer.IsImage(head[:n]) || isDocument(head[:n])
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return path == "-" || err == nil && info.Mode().IsRegular()
}

// mergeLabel splits a LABEL argument. --issuer and --name override its parts.
func mergeLabel(text, issuer, name string, flags *pflag.FlagSet) (string, string) {
	i, n := account.SplitLabel(text)
	if flags.Changed("issuer") {
		i, n = issuer, account.Clean(text)
	}
	if flags.Changed("name") {
		n = name
		if !flags.Changed("issuer") {
			i = account.Clean(text)
		}
	}
	return i, n
}

func (s *session) add(ctx context.Context, o addOptions, flags *pflag.FlagSet) error {
	if err := s.askWhat(ctx, &o); err != nil {
		return err
	}
	batch, err := s.toAdd(ctx, o)
	if err != nil {
		return err
	}
	if err := o.adjust(batch.Accounts, flags); err != nil {
		return err
	}
	added, err := s.addAll(ctx, batch.Accounts, o.replace)
	if err == nil && added.kept > 0 && !o.deviceBound && s.choosing() {
		var yes bool
		if yes, err = s.Prompt.Confirm(ctx, "Give "+wereKeptHere(added.kept)+" the new secret? The old one goes to the trash."); err == nil && yes {
			added, err = s.addAll(ctx, batch.Accounts, true)
		}
	}
	if err != nil {
		return err
	}
	for _, line := range added.lines {
		s.say("%s", line)
	}
	if added.created && len(added.results) > 0 {
		s.say("the vault is new, in %s", term.Escape(s.places.state))
	}
	if added.first && s.device.Location() == "" {
		s.say("backup is off: auth backup enable LOCATION brings the accounts back when this machine is gone")
	}
	s.sayBatch(batch)
	if s.json {
		if err := s.printJSON(jsonAccounts(added.results...)); err != nil {
			return err
		}
	}
	if added.kept > 0 || len(batch.Skipped) > 0 {
		return exitCode(codePartly)
	}
	return nil
}

func wereKeptHere(n int) string {
	if n == 1 {
		return "the account that is here"
	}
	return fmt.Sprintf("the %d accounts that are here", n)
}

// An addition is the outcome of adding accounts.
type addition struct {
	results []jsonAccount
	lines   []string
	ids     []string
	kept    int  // accounts that exist with another secret; they were not changed
	first   bool // the vault was empty before
	created bool // the vault is new
}

// addAll adds accounts in one change. With replace, an account with another secret
// gets the new one.
func (s *session) addAll(ctx context.Context, accounts []account.Account, replace bool) (done addition, err error) {
	err = s.change(ctx, func(tx *vault.Tx) error {
		done = addition{first: len(tx.Records) == 0, created: tx.Generation == 0}
		for _, a := range accounts {
			if err := s.addOne(tx, a, replace, &done); err != nil {
				return err
			}
		}
		return nil
	})
	return done, err
}

func (s *session) addOne(tx *vault.Tx, a account.Account, replace bool, done *addition) error {
	if same, found := tx.Same(a); found {
		if replace {
			if err := describe(tx, same.ID, a); err != nil {
				return err
			}
		}
		done.results = append(done.results, result(same, "already here"))
		done.lines = append(done.lines, label(same)+" is already here")
		return nil
	}
	here := tx.Labelled(a)
	if a.Label() == transfer.Unnamed {
		here = nil // which says nothing about whose it is
	}
	if len(here) > 0 && (!replace || len(here) > 1 || slices.Contains(done.ids, here[0].ID)) {
		done.results = append(done.results, result(here[0], "kept"))
		done.lines = append(done.lines, fmt.Sprintf("%s was kept: it is here with another secret; "+
			"--replace gives it this one, or add it under another label (--issuer, --name)", label(here[0])))
		done.kept++
		return nil
	}
	if len(here) == 1 && a.DeviceBound && !here[0].DeviceBound {
		return hint.With(usagef("--device-bound is for a new account: %s goes into backups with its secret", label(here[0])),
			"auth remove "+queryWord(here[0])+", then auth add with --device-bound")
	}
	verb := "added"
	var now vault.Account
	var err error
	if len(here) == 1 {
		verb = "replaced"
		now, err = replaceOne(tx, here[0].ID, a)
	} else {
		now, err = tx.AddBeside(a)
	}
	if err != nil {
		return err
	}
	done.ids = append(done.ids, now.ID)
	j, line := s.added(now, verb)
	done.results, done.lines = append(done.results, j), append(done.lines, line)
	return nil
}

// replaceOne gives an account a new secret, and what else was said of it.
func replaceOne(tx *vault.Tx, id string, a account.Account) (vault.Account, error) {
	if err := tx.SetCredential(id, a.Credential, a.Counter); err != nil {
		return vault.Account{}, err
	}
	if err := describe(tx, id, a); err != nil {
		return vault.Account{}, err
	}
	return tx.Find("id:"+id, true)
}

// describe gives an account the alias, the note and the tags that were said. What was not
// said stays.
func describe(tx *vault.Tx, id string, a account.Account) error {
	if a.Alias != "" {
		if err := tx.SetAlias(id, a.Alias); err != nil {
			return err
		}
	}
	if a.Note != "" {
		if err := tx.SetNote(id, a.Note); err != nil {
			return err
		}
	}
	for _, tag := range a.Tags {
		if err := tx.SetTag(id, tag, true); err != nil {
			return err
		}
	}
	return nil
}

func result(a vault.Account, word string) jsonAccount {
	j := toJSON(a)
	j.Result = word
	return j
}

// added returns the line about a new account. It has the current code, so that the user
// can confirm the account with the issuer.
func (s *session) added(a vault.Account, verb string) (jsonAccount, string) {
	j, what := result(a, verb), verb+" "+label(a)
	if verb == "replaced" {
		what = "replaced the secret of " + label(a)
	}
	if a.NeedsVerification() {
		return j, what + ", which needs verification"
	}
	if a.Type == account.HOTP {
		return j, fmt.Sprintf("%s; auth code %s prints its first code", what, queryWord(a))
	}
	now := s.Now()
	code, err := otp.At(a.Credential, now)
	if err != nil {
		return j, what
	}
	w := withCode(a, code, now)
	j.Code, j.ValidUntil, j.Remaining = w.Code, w.ValidUntil, w.Remaining
	return j, fmt.Sprintf("%s; its code is %s for %d more seconds", what, code.Text, *w.Remaining)
}

// sayBatch reports the texts that could not be read, and the warnings about the others.
func (s *session) sayBatch(b transfer.Batch) {
	for _, line := range batchWords(b) {
		s.warn("%s", line)
	}
}

// batchWords says what of a batch is not an account, and what is odd about one.
func batchWords(b transfer.Batch) (lines []string) {
	for _, skip := range b.Skipped {
		lines = append(lines, "skipped "+term.Escape(skip.Row)+": "+term.Escape(skip.Reason))
	}
	for _, warning := range b.Warnings {
		lines = append(lines, term.Escape(warning))
	}
	for _, dropped := range b.Dropped {
		lines = append(lines, "left out: "+term.Escape(dropped))
	}
	return lines
}
