package cmd

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/passphrase"
	"github.com/authcli/auth/internal/qr"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/transfer"
)

type exportOptions struct {
	format, to       string
	passphraseFile   string
	queries          []string
	plaintext, force bool
	weak             bool
}

type jsonExport struct {
	Version  int        `json:"version"`
	Format   string     `json:"format"`
	Files    []string   `json:"files"`
	Accounts int        `json:"accounts"`
	Skipped  []jsonSkip `json:"skipped"`
	Dropped  []jsonSkip `json:"dropped"`
}

func newExport(c *cli) *cobra.Command {
	var o exportOptions
	names := formatNames(func(f transfer.Format) bool { return f.Write != nil })
	cmd := c.command(spec{
		use:   "export FORMAT --to FILE",
		short: "Move out to another authenticator",
		long: `Write the accounts in a format of another program. The export is encrypted with a
passphrase if the format allows it. Otherwise it is plain text and needs --plaintext.
auth names everything that the format cannot express. Device-bound accounts are left
out. Formats that use QR codes are drawn in the terminal or written as PNG files.

Formats: ` + strings.Join(names, ", "),
		exit: "0 done; 1 not written; 2 usage; 3 no such account; 4 several match; 5 the file\nexists, or some were left out; 6 keyring",
		example: `  auth export aegis --to aegis.json
  auth export --format otpauth --plaintext --to -
  auth export --format google --plaintext`,
		args: func(_ *cobra.Command, args []string) error { return exportArguments(&o, args) },
		complete: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		run: func(ctx context.Context, s *session, _ []string) error {
			return s.export(ctx, o)
		},
	})
	flags := cmd.Flags()
	flags.StringVar(&o.format, "format", "", "the `FORMAT` to write, as the argument")
	flags.StringVar(&o.to, "to", "", "write to `FILE` or -")
	flags.StringVar(&o.passphraseFile, "passphrase-file", "", "read the passphrase from `FILE` or -")
	flags.StringArrayVar(&o.queries, "account", nil, "export only the account that `QUERY` names; may be repeated")
	flags.BoolVar(&o.plaintext, "plaintext", false, "write secrets in plain text")
	flags.BoolVar(&o.weak, "weak", false, "accept a weak passphrase")
	flags.BoolVar(&o.force, "force", false, "replace the file")
	cmd.MarkFlagsMutuallyExclusive("plaintext", "passphrase-file")
	must(cmd.RegisterFlagCompletionFunc("format", fixed(names...)))
	return cmd
}

// exportArguments takes the format from the arguments. A file's name among them is refused:
// an output has one way to be named.
func exportArguments(o *exportOptions, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case o.format != "":
		return usagef("the format is named twice: %s, %s", o.format, args[0])
	case len(args) > 1:
		return hint.With(usagef("auth export takes one format, and was given %s", count(len(args), "argument")), "auth export FORMAT --to FILE")
	}
	o.format = args[0]
	return nil
}

func (s *session) export(ctx context.Context, o exportOptions) error {
	const lists = "auth export --help lists the formats"
	format, found := transfer.Find(o.format)
	switch {
	case o.format == "":
		return hint.With(usagef("auth export needs a format: auth export FORMAT --to FILE"), lists)
	case !found || format.Write == nil:
		return hint.With(usagef("no format %q is written", term.Escape(o.format)), lists)
	}
	o.format = format.Name
	if o.to == "" && format.Extension != "" { // a format without files is QR codes, which are drawn
		name := strings.Trim(format.Name, "+") + format.Extension
		return hint.With(usagef("auth export %s needs a file to write to", format.Name), "auth export "+format.Name+" --to "+name)
	}
	if _, err := os.Lstat(o.to); err == nil && o.to != "-" && !o.force {
		return fmt.Errorf("%w: %s", errExists, o.to)
	}
	if s.json && o.to == "-" {
		return usagef("--json and --to - both write to standard output")
	}
	if !o.plaintext && !format.Holds.Sealed {
		return hint.With(usagef("%s is plain text and includes the secrets", format.Title), "confirm it with --plaintext, or choose a format with a passphrase")
	}
	accounts, err := s.toExport(ctx, o)
	if err != nil {
		return err
	}
	options := transfer.WriteOptions{Rand: rand.Reader, Now: s.Now()}
	if !o.plaintext {
		if options.Passphrase, err = s.exportPassphrase(ctx, o); err != nil {
			return err
		}
	}
	out, err := transfer.Write(o.format, accounts, options)
	if err != nil {
		return err
	}
	files, err := s.writeExport(ctx, out, o)
	if err != nil {
		return err
	}
	return s.sayExported(out, len(accounts), files, o)
}

// toExport returns the accounts that the flags name, or all accounts.
func (s *session) toExport(ctx context.Context, o exportOptions) ([]account.Account, error) {
	state, err := s.device.Read(ctx)
	if err != nil {
		return nil, err
	}
	s.sayEmpty(state)
	var accounts []account.Account
	if len(o.queries) == 0 {
		for _, a := range state.Accounts() {
			accounts = append(accounts, a.Account)
		}
		return accounts, nil
	}
	for _, query := range o.queries {
		a, err := s.findBy(ctx, state, query, false, "auth export --account")
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, a.Account)
	}
	return accounts, nil
}

func (s *session) exportPassphrase(ctx context.Context, o exportOptions) (string, error) {
	if o.passphraseFile == "" && s.asking() {
		text, err := s.askNew(ctx, "Passphrase for the export: ", o.weak, longerOrWeak)
		if err == nil && text == "" {
			err = usagef("the passphrase is empty")
		}
		return text, err
	}
	text, err := s.passphraseFrom(ctx, o.passphraseFile, "", "--passphrase-file")
	if err == nil && !o.weak && passphrase.Weak(text) {
		err = hint.With(device.ErrWeak, longerOrWeak)
	}
	return text, err
}

// writeExport writes an export and returns the names of the written files.
func (s *session) writeExport(ctx context.Context, out transfer.Output, o exportOptions) ([]string, error) {
	if out.Texts == nil {
		switch o.to {
		case "":
			return nil, missing("a place to write to", "--to FILE, or --to -")
		case "-":
			return nil, s.print(string(out.Data))
		}
		return []string{o.to}, create(ctx, o.to, o.force, out.Data)
	}
	if o.to == "" || o.to == "-" {
		if s.json {
			return nil, usagef("the QR codes and the JSON would both go to standard output; --to FILE writes the QR codes to files")
		}
		return nil, s.drawQR("auth export --format "+o.format+" --plaintext", out.Texts...)
	}
	var files []string
	for i, text := range out.Texts {
		path := o.to
		if len(out.Texts) > 1 {
			extension := filepath.Ext(path)
			path = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(path, extension), i+1, extension)
		}
		var png bytes.Buffer
		if err := qr.PNG(&png, text, qrScale); err != nil {
			return files, err
		}
		if err := create(ctx, path, o.force, png.Bytes()); err != nil {
			return files, err
		}
		files = append(files, path)
	}
	return files, nil
}

func (s *session) sayExported(out transfer.Output, total int, files []string, o exportOptions) error {
	j := jsonExport{
		Version: jsonVersion, Format: o.format, Files: append([]string{}, files...), Accounts: total - len(out.Skipped),
		Skipped: []jsonSkip{}, Dropped: []jsonSkip{},
	}
	for _, skip := range out.Skipped {
		j.Skipped = append(j.Skipped, jsonSkip(skip))
		s.warn("left out %s: %s", term.Escape(skip.Row), term.Escape(skip.Reason))
	}
	for _, drop := range out.Dropped {
		j.Dropped = append(j.Dropped, jsonSkip(drop))
		s.warn("%s: the format has no place for: %s", term.Escape(drop.Row), term.Escape(drop.Reason))
	}
	if s.json {
		if err := s.printJSON(j); err != nil {
			return err
		}
	} else if len(files) > 0 {
		s.say("exported %s to %s", count(j.Accounts, "account"), term.Escape(strings.Join(files, ", ")))
	}
	if len(out.Skipped) > 0 {
		return exitCode(codePartly)
	}
	return nil
}
