// Package term is the person at the terminal: questions with and without echo, text of others made safe to show, and
// tables.
//
// Questions are asked on the controlling terminal (/dev/tty; CONIN$ and CONOUT$ on Windows), never on standard input or
// output, so that both stay free for data. Whatever ends a question — an answer, Ctrl-C, a signal, a cancelled context —
// leaves the terminal as it was found. Nothing typed at a Secret prompt is shown or kept.
package term

import (
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/term"
)

var (
	// ErrNoTerminal is returned by a prompt where the process has no controlling terminal.
	ErrNoTerminal = errors.New("no terminal to ask on")
	// ErrInterrupted is returned by a prompt that ended without an answer: Ctrl-C or Ctrl-\, SIGINT, SIGTERM or SIGHUP,
	// a terminal that went away, or a context that ended. It is a [context.Canceled] too.
	ErrInterrupted error = interrupted{}
	// ErrTooLong is returned for an answer of more than 65,536 bytes: it is refused, never cut.
	ErrTooLong = errors.New("answer is too long")
)

type interrupted struct{}

func (interrupted) Error() string { return "interrupted" }

func (interrupted) Is(target error) bool { return target == context.Canceled }

// Prompter asks the person at the controlling terminal. Prompts are one line each, and text in them that could steer the
// terminal is shown escaped, as by [Escape].
//
// Each method returns [ErrNoTerminal] where there is nobody to ask, [ErrInterrupted] when the question was given up, and
// [io.EOF] for Ctrl-D on an empty line: the person declined to answer.
type Prompter interface {
	// Secret asks without echo. The answer is what was typed, byte for byte, without the line's end; it can be empty.
	Secret(ctx context.Context, prompt string) (string, error)
	// Line asks with echo. The answer can be empty.
	Line(ctx context.Context, prompt string) (string, error)
	// Word asks with echo, and wipes the line when it is answered. complete returns what completes the line so far, or
	// nothing. It is shown behind the cursor, and becomes part of the answer with Tab, space or Enter.
	Word(ctx context.Context, prompt string, complete func(line string) string) (string, error)
	// Confirm asks a question that only y or yes answers with true; an empty answer is no.
	Confirm(ctx context.Context, question string) (bool, error)
	// Choose lists the options, numbered from 1, and returns the index, from 0, of the chosen one. It asks until the
	// answer is one of the numbers.
	Choose(ctx context.Context, question string, options []string) (int, error)
	// Available reports whether there is a controlling terminal to ask on.
	Available() bool
}

// System returns the prompter on the controlling terminal of this process. The terminal is opened anew for each
// question, so that making a Prompter costs nothing and holds nothing.
func System() Prompter { return prompter{open: openConsole} }

// OpenTerminal opens the controlling terminal for writing what is not a question, such as a sequence that nobody sees. The
// error wraps [ErrNoTerminal].
func OpenTerminal() (io.WriteCloser, error) {
	console, err := openConsole()
	if err != nil {
		return nil, err
	}
	return openTerminal{console}, nil
}

type openTerminal struct{ *console }

func (t openTerminal) Write(p []byte) (int, error) { return t.out.Write(p) }

func (t openTerminal) Close() error {
	t.close()
	return nil
}

// IsTerminal reports whether v, a stream of the process, is an [*os.File] that is a terminal.
func IsTerminal(v any) bool {
	f, ok := v.(*os.File)
	if !ok || f == nil {
		return false
	}
	// Not f.Fd: it would switch a file in non-blocking mode back to blocking.
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	terminal := false
	if err := raw.Control(func(fd uintptr) { terminal = term.IsTerminal(int(fd)) }); err != nil {
		return false
	}
	return terminal
}

// Width returns the columns of the terminal v, a stream of the process, and 0 where it is none.
func Width(v any) int {
	f, ok := v.(*os.File)
	if !ok || f == nil {
		return 0
	}
	raw, err := f.SyscallConn() // not f.Fd, as in IsTerminal
	if err != nil {
		return 0
	}
	width := 0
	err = raw.Control(func(fd uintptr) {
		if columns, _, err := term.GetSize(int(fd)); err == nil {
			width = columns
		}
	})
	if err != nil {
		return 0
	}
	return width
}
