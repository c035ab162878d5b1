// Package transfer reads the exports of other authenticators and password managers,
// and writes what they read.
//
// It guarantees: a file is recognised by its content, never by its name; one bad row
// never loses the batch, it is named with the reason; what the vocabulary of auth
// cannot hold is kept as tag or note, or named; time and memory are bounded whatever
// a file asks for (see [MaxMemory] and [MaxWork]); no error, label of a row or warning
// holds a secret. It refuses to guess: parameters no code could be right with are a
// reason to skip a row.
//
// Each format has one file, with both directions in it, and one line in the ordered
// list of formats.go; help, completion and docs/formats.md come from that list. To
// add a format: a function that returns its [Format], a line in the list, a file in
// testdata/formats/NAME with what is to come out of it beside it in FILE.want.json
// (testdata/make.py writes those of the formats that are text). What readers share:
//
//	source.go  one file with the others of its call and the passphrase
//	row.go     fields of an entry, in any spelling, to an account
//	login.go   the one-time-password field of a password manager's item
//	json.go    JSON of loose shapes: numbers as texts, signed bytes
//	prefs.go   Android's shared preferences
//	zip.go     archives, whose members are recognised in their turn
//	kdf.go     ciphers, and the padding of CBC
//	budget.go  what a call may take of memory and of key derivation
package transfer

import (
	"context"
	"errors"

	"github.com/authcli/auth/internal/account"
)

// Errors of [Read] and [Write], to be told apart with [errors.Is].
var (
	// ErrUnknownFormat: no format recognises the file, or none has the name given.
	ErrUnknownFormat = errors.New("unknown format")
	// ErrNeedsPassphrase: the file is encrypted and there is no passphrase.
	ErrNeedsPassphrase = errors.New("the file is encrypted and needs its passphrase")
	// ErrWrongPassphrase: the passphrase does not open the file. Formats without
	// authentication cannot tell it from damage.
	ErrWrongPassphrase = errors.New("wrong passphrase")
	// ErrDamaged: the file is of the format and cannot be read.
	ErrDamaged = errors.New("the file is damaged")
	// ErrTooBig: the file, or what it asks for, is beyond the bounds of this package.
	ErrTooBig = errors.New("too big")
	// ErrNoOTPData: a whole and valid file in which there is no one-time password. It
	// is an answer, not a failure.
	ErrNoOTPData = errors.New("the file is valid and holds no one-time password data")
	// ErrNotExportable: the maker of the file keeps the secrets to itself, or the
	// file must go through another program first. See [NotExportableError].
	ErrNotExportable = errors.New("the file cannot be read outside of the program that made it")
	// ErrCannotRead and ErrCannotWrite: the format goes in the other direction only.
	ErrCannotRead  = errors.New("the format can be written but not read")
	ErrCannotWrite = errors.New("the format can be read but not written")
)

// A NotExportableError says what a file is that cannot be read, and what to do
// instead. It is an [ErrNotExportable].
type NotExportableError struct {
	What string // "a backup that only Bitwarden can open"
	Do   string // a sentence of advice
}

func (e *NotExportableError) Error() string { return e.What }

// Is reports whether target is [ErrNotExportable].
func (e *NotExportableError) Is(target error) bool { return target == ErrNotExportable }

// A FileError says which file of a call an error is about.
type FileError struct {
	Name string // as given in [File.Name]
	Err  error
}

func (e *FileError) Error() string { return e.Name + ": " + e.Err.Error() }
func (e *FileError) Unwrap() error { return e.Err }

// A Format is one file format of one program.
type Format struct {
	Name  string // of --format and --from: "aegis"
	Title string // of documents: "Aegis Authenticator"
	// Extension of a file that is written, with its dot; empty where none is written.
	Extension string
	// Detect reports whether the file is of this format, by its content. It is cheap,
	// asks for nothing, and is called on hostile files. Formats that have no mark of
	// their own stand at the end of the list.
	Detect func(s *Source) bool
	// Read reads a file that Detect has claimed or the user insists on; nil where the
	// format is only written. A batch of nothing becomes [ErrNoOTPData].
	Read func(ctx context.Context, s *Source) (Batch, error)
	// Write writes accounts that Holds can express, and that have a secret; nil where
	// the format is only read.
	Write func(accounts []account.Account, o WriteOptions) (Output, error)
	// Encrypted says that files under a passphrase are read.
	Encrypted bool
	// Holds says what the format can express. Only formats that are written have it.
	Holds Holds
	// Notes of docs/formats.md: how the export is made, what is particular.
	Notes string
}

// A File is one file of an import, whole in memory.
type File struct {
	// Name is for messages, and for files that belong together (database and -wal,
	// manifest and maFile, a pass entry in its folder). It never decides the format.
	Name string
	Data []byte // at most MaxFile bytes
}

// A Skip is a row that did not come in or go out, and why.
type Skip struct {
	Row    string // label of the account, or "row 3"; never a secret
	Reason string
}

// A Batch is what was read. The accounts have no ID.
type Batch struct {
	Formats  []string // names of the formats met, sorted
	Accounts []account.Account
	Skipped  []Skip
	// Dropped names what was in the files and has no place in auth: "icons". Sorted.
	Dropped []string
	// Warnings are about accounts that came in: "GitHub:alice: the counter is missing and starts at 0".
	Warnings []string

	parts []part // of Google's migration, until finish
	texts int    // bytes of all that a file has put into the batch
}
