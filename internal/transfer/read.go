package transfer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/authcli/auth/internal/account"
)

// Bounds of what is read.
const (
	MaxFile     = 256 << 20 // bytes of a file: archives with attachments are large
	maxPlain    = 64 << 20  // bytes of a file that is no archive
	maxInside   = 64 << 20  // bytes of one file inside an archive, and of all of them
	maxEntries  = 100_000   // files inside an archive
	maxMembers  = 10_000    // and those that are looked at
	maxAccounts = 100_000   // of a call, read or skipped
	maxTexts    = 64 << 20  // bytes of issuers, names, tags and notes of a call
	maxTags     = 100       // of an account
	maxLabel    = 4 << 10   // bytes of an issuer, a name or a tag
	minSecret   = 5         // bytes of a secret; half of the shortest that is usual (Google's 16 letters)
)

// Unnamed is the name of an account that comes with neither issuer nor name.
const Unnamed = "unnamed"

// ReadOptions are what [Read] needs besides the files. The zero value recognises
// formats and has no passphrase.
type ReadOptions struct {
	// Format is the name of a format to insist on, instead of recognising it.
	Format string
	// Passphrase asks for the passphrase of the files. It is called at most once, and
	// only for a file that needs it.
	Passphrase func(ctx context.Context) (string, error)
	// AllowCost asks whether the key of a file may cost more than [MaxMemory] and
	// [MaxWork]. It is called at most once, unless the answer is no or an error; after
	// a yes the call may take four GiB and ten minutes. Nil means no.
	AllowCost func(ctx context.Context, file string, c Cost) (bool, error)
}

// Read reads files of any formats. Files that belong together (parts of a migration,
// a database and its -wal, maFiles and their manifest) are given in one call, in any
// order.
//
// Images are not read here: give the texts of an image's QR codes as one File, a
// text a line; see [IsImage]. The error is a *[FileError], or about the call as a
// whole ([ErrUnknownFormat] for a bad name). A file without one-time passwords is
// [ErrNoOTPData] only where no other file has any; else it is a warning.
func Read(ctx context.Context, files []File, o ReadOptions) (Batch, error) {
	if o.Format != "" {
		if f, found := Find(o.Format); !found {
			return Batch{}, fmt.Errorf("%w: %s", ErrUnknownFormat, o.Format)
		} else if f.Read == nil {
			return Batch{}, fmt.Errorf("%w: %s", ErrCannotRead, o.Format)
		}
	}
	c := newCall(o)
	var all Batch
	var empty error
	for _, file := range files { // all of them are in memory already
		if !(&Source{call: c}).take(len(file.Data)) {
			return Batch{}, &FileError{Name: file.Name, Err: c.over}
		}
	}
	for i, file := range files {
		s := &Source{File: file, Others: slices.Concat(files[:i], files[i+1:]), call: c}
		b, err := read(ctx, s)
		switch {
		case isNoData(err):
			empty = &FileError{Name: file.Name, Err: err}
			all.Warnings = append(all.Warnings, empty.Error())
		case err != nil:
			return Batch{}, &FileError{Name: file.Name, Err: err}
		}
		all.merge(b)
		if all.full() {
			return Batch{}, &FileError{Name: file.Name, Err: errTooMany()}
		}
	}
	all.finish()
	if empty != nil && len(all.Accounts) == 0 && len(all.Skipped) == 0 {
		return Batch{}, empty
	}
	return all, nil
}

// ReadTexts reads what QR codes say and what a user pastes: otpauth URIs, steam:// and
// motp:// ones, and Google's otpauth-migration in any number of parts. A text that is
// none of these is skipped with its number. Missing parts are named in the warnings.
func ReadTexts(texts []string) (Batch, error) {
	var b Batch
	for i, text := range texts {
		readText(&b, fmt.Sprintf("text %d", i+1), text)
	}
	if b.full() {
		return Batch{}, errTooMany()
	}
	b.finish()
	return b, nil
}

// read recognises one file and reads it.
func read(ctx context.Context, s *Source) (Batch, error) {
	if err := ctx.Err(); err != nil {
		return Batch{}, err
	}
	// What is decoded of this file is gone when the next is read.
	left := s.shared().memory
	defer func() { s.call.memory = left }()
	limit := maxPlain
	if isZip(s) {
		limit = MaxFile
	}
	if len(s.Data) > limit {
		return Batch{}, fmt.Errorf("%w: more than %d MiB", ErrTooBig, limit>>20)
	}
	// What is read with another file of the call is nothing by itself.
	if isLog(s) || isSteamCompanion(s) {
		return Batch{}, nil
	}
	f, err := recognise(s)
	var b Batch
	if err == nil && s.call.over == nil {
		b, err = f.Read(ctx, s)
	}
	switch {
	case s.call.over != nil:
		return Batch{}, s.call.over
	case err != nil && (!isNoData(err) || f.Read == nil):
		return Batch{}, err
	case b.full():
		return Batch{}, errTooMany()
	}
	if len(b.Accounts)+len(b.Skipped) == 0 {
		b.Skipped = unread(s)
	}
	if len(b.Formats) == 0 {
		b.Formats = []string{f.Name}
	}
	if len(b.Accounts)+len(b.Skipped) == 0 {
		return Batch{}, ErrNoOTPData
	}
	return b, nil
}

// once returns ask with its first answer kept.
func once(ask func(context.Context) (string, error)) func(context.Context) (string, error) {
	if ask == nil {
		return nil
	}
	var asked bool
	var phrase string
	var err error
	return func(ctx context.Context) (string, error) {
		if !asked {
			asked = true
			phrase, err = ask(ctx)
		}
		return phrase, err
	}
}

// add takes one row: the account, or the reason why there is none.
func (b *Batch) add(row string, a account.Account, err error) {
	if b.full() {
		return
	}
	if err == nil && !a.NeedsVerification() {
		err = a.Validate()
	}
	if err == nil {
		a.Issuer, a.Name, a.Note = account.Clean(a.Issuer), account.Clean(a.Name), account.Clean(a.Note)
		if a.Label() == "" {
			a.Name = Unnamed
		}
		slices.Sort(a.Tags)
		a.Tags = slices.Compact(a.Tags)
		err = tooLong(a)
	}
	if err != nil {
		b.skip(row, err.Error())
		return
	}
	if n := len(a.Secret.Reveal()); n > 0 && n < minSecret && a.Type != account.MOTP {
		b.warn("%s: its secret is of %d bits, fewer than any that a service gives out; is it whole?", row, 8*n)
	}
	b.texts += len(a.Issuer) + len(a.Name) + len(a.Note)
	for _, tag := range a.Tags {
		b.texts += 16 + len(tag)
	}
	b.Accounts = append(b.Accounts, a)
}

// tooLong returns why an account is beyond the bounds, or nil. A note may be as long as
// all texts of a call are.
func tooLong(a account.Account) error {
	switch {
	case len(a.Issuer) > maxLabel || len(a.Name) > maxLabel:
		return fmt.Errorf("%w: a label of more than %d bytes", ErrTooBig, maxLabel)
	case len(a.Tags) > maxTags || slices.ContainsFunc(a.Tags, func(tag string) bool { return len(tag) > maxLabel }):
		return fmt.Errorf("%w: more than %d tags, or one of more than %d bytes", ErrTooBig, maxTags, maxLabel)
	}
	return nil
}

// addTags appends names to the tags of an account, of which there are never many more
// than [Batch.add] takes.
func addTags(a *account.Account, names ...string) {
	for _, name := range names {
		if len(a.Tags) > maxTags {
			return
		}
		if name = account.Clean(name); name != "" {
			a.Tags = append(a.Tags, name)
		}
	}
}

func (b *Batch) skip(row, reason string) {
	if b.full() {
		return
	}
	if len(row) > 2*maxLabel {
		row = account.Clean(row[:2*maxLabel]) + "…"
	}
	b.texts += len(row)
	b.Skipped = append(b.Skipped, Skip{Row: row, Reason: reason})
}

func (b *Batch) warn(format string, args ...any) {
	if b.full() {
		return
	}
	w := fmt.Sprintf(format, args...)
	b.texts += len(w)
	b.Warnings = append(b.Warnings, w)
}

// full reports whether the batch holds more than a call may give. It takes no more
// then: readers may stop, and those that do not cost nothing but time.
func (b *Batch) full() bool {
	return len(b.Accounts)+len(b.Skipped) > maxAccounts || len(b.Warnings) > maxAccounts || b.texts > maxTexts
}

func errTooMany() error {
	return fmt.Errorf("%w: more than %d accounts, or %d MiB of their texts", ErrTooBig, maxAccounts, maxTexts>>20)
}

// dropIcon notes that there was an icon, which is not kept.
func (b *Batch) dropIcon() {
	if !slices.Contains(b.Dropped, icons) {
		b.Dropped = append(b.Dropped, icons)
	}
}

const icons = "icons"

func (b *Batch) merge(c Batch) {
	b.Formats = append(b.Formats, c.Formats...)
	b.Accounts = append(b.Accounts, c.Accounts...)
	b.Skipped = append(b.Skipped, c.Skipped...)
	b.Dropped = append(b.Dropped, c.Dropped...)
	b.Warnings = append(b.Warnings, c.Warnings...)
	b.parts = append(b.parts, c.parts...)
	b.texts += c.texts
}

// finish names the parts of a migration that are missing, and sorts what is a set.
func (b *Batch) finish() {
	b.Warnings = append(b.Warnings, missingParts(b.parts)...)
	b.parts = nil
	for _, set := range []*[]string{&b.Formats, &b.Dropped} {
		slices.Sort(*set)
		*set = slices.Compact(*set)
	}
}

// rowName returns how row i, counted from 0, is called: by its label if it has one.
func rowName(i int, issuer, name string) string {
	if label := account.JoinLabel(account.Clean(issuer), account.Clean(name)); label != "" {
		return label
	}
	return fmt.Sprintf("row %d", i+1)
}

// IsImage reports whether data begins like a PNG, JPEG, GIF, WebP or BMP file.
func IsImage(data []byte) bool {
	head := string(data[:min(len(data), 16)])
	for _, magic := range []string{"\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "GIF87a", "GIF89a", "BM"} {
		if strings.HasPrefix(head, magic) && (magic != "BM" || len(head) == 16 && head[6:10] == "\x00\x00\x00\x00") {
			return true
		}
	}
	return strings.HasPrefix(head, "RIFF") && len(head) >= 12 && head[8:12] == "WEBP"
}
