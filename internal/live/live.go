// Package live is the view that "auth" without a command shows on a terminal: every account with its code and the
// seconds that are left.
//
// The package draws and takes keys. It holds no secret: what it shows are labels, and the codes of the rows that are on
// the screen, which it asks for when they are needed and forgets when they are not. Reading the vault, changing it and
// copying are functions that the caller gives. [Run] prints through Bubble Tea, which no other package imports; [Converse]
// appends lines for a screen reader.
//
// While a person types a filter, every key is a letter of it. Otherwise letters are acts (d removes, m moves), so typing
// filters only after "/": a letter that filters in one moment and removes in the next would be a trap.
package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"
)

// An Account is one row: what is shown of an account, and no secret.
type Account struct {
	ID           string
	Issuer, Name string
	Label        string // with the number of several that share it
	Alias        string
	Tags         []string
	Digits       int  // of a code; 0 where it is not known
	Counter      bool // codes go by a counter (HOTP), not by the time
	Unverified   bool // the account is here without its secret
	Exposed      bool // a device that was lost had the secret
}

// A Code is a code at an instant, and the one that comes after it. Both are empty where there is none.
type Code struct {
	Text, Next string
	// Text is valid until Until, exclusive, and Next from then until NextUntil.
	Until, NextUntil time.Time
	// Least is how long a code has to be valid to be copied or printed. Otherwise the next one is waited for.
	Least time.Duration
}

// A Source is where a new account comes from.
type Source int

// The sources.
const (
	Typed     Source = iota // the secret that is typed, or an otpauth URI
	File                    // the QR codes of an image file, whose name is typed
	Screen                  // the QR codes that are on the screen
	Clipboard               // what was copied: an image, a URI or a secret
)

// Fields are what a person types about an account: for a change the new values, for a new account also its secret.
type Fields struct {
	From         Source
	Secret       string // base32, or an otpauth URI; of another source than Typed, and for a change, empty
	File         string // the name of the image file, as it was typed or dropped
	Issuer, Name string
	Alias, Tags  string // tags with commas between them: a tag may have spaces
}

// Options are the values and functions that the view works with. The functions may be called from any goroutine, one at
// a time. Their errors are shown, so they must not have a secret in them; Words turns one into a line.
type Options struct {
	In  io.Reader
	Out io.Writer
	// Environ says what the terminal can do: TERM, COLORTERM, NO_COLOR.
	Environ []string
	Now     func() time.Time

	Accounts []Account // in their order
	Hide     bool      // codes are hidden until their row is selected
	Words    func(error) string

	// Generation returns the number of the vault's last change that this machine knows of. It is called every second.
	Generation func() uint64
	// Load returns the accounts in their order, anew.
	Load func(ctx context.Context) ([]Account, error)
	// Codes returns the codes of accounts at an instant. Accounts without one then are left out.
	Codes func(ctx context.Context, ids []string, at time.Time) (map[string]Code, error)
	// Closed reports whether the keyring cannot be read at the moment, as one that is locked. It asks nobody. It is called
	// every second, beside the other functions, and what it reports is looked at with Load. Nil where it cannot be told.
	Closed func(ctx context.Context) bool
	// Notices returns what the user should know of this device, a line each, and how its backup stands, in a few words.
	Notices func(ctx context.Context) (lines []string, standing string)

	// Advance advances the counter of an account, stores it, and returns the code of the counter that it had.
	Advance func(ctx context.Context, id string) (code string, err error)
	// Copy puts a text on the clipboard, and returns a line that says for how long. Nil where there is no clipboard.
	Copy func(ctx context.Context, text string) (notice string, err error)

	// The acts return a line that says what was done, or what there is to say about its backup.
	Add    func(ctx context.Context, f Fields) (said string, err error)
	Edit   func(ctx context.Context, id string, f Fields) (said string, err error)
	Move   func(ctx context.Context, id, before string) (said string, err error) // before is an id; empty for the end
	Remove func(ctx context.Context, id string) (said string, err error)
	Undo   func(ctx context.Context, id string) (said string, err error) // of Remove

	// QR returns the QR code of an account, drawn in lines of the same width. It has the secret.
	QR func(ctx context.Context, id string) (drawing string, err error)
}

// ErrCrashed is returned by [Run] after a panic. The terminal is restored.
var ErrCrashed = errors.New("the live view crashed")

// Run shows the view until the user leaves it, and restores the terminal however it ends. It returns the code that the
// user wants printed; empty for none. If ctx ends or the user presses Ctrl-C, the error is that of ctx or
// [context.Canceled].
func Run(ctx context.Context, o Options) (printed string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := newModel(ctx, o)
	if err := run(ctx, m, o.In, o.Out, o.Environ); err != nil {
		return "", err
	}
	return m.printed, nil
}

// run shows a model until it ends, and restores the terminal. Signals end ctx, in one place for every command.
func run(ctx context.Context, m tea.Model, in io.Reader, out io.Writer, environ []string) error {
	program := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out),
		tea.WithEnvironment(environ), tea.WithoutSignalHandler(), tea.WithFPS(framesPerSecond))
	_, err := program.Run()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, tea.ErrProgramPanic):
		return ErrCrashed
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, tea.ErrInterrupted):
		return context.Canceled
	default:
		return fmt.Errorf("show the live view: %w", err)
	}
}

// framesPerSecond is how often the screen is drawn at most. Seconds change once a second, and a key may wait for a
// thirtieth of one.
const framesPerSecond = 30
