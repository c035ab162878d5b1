package clip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

const (
	// maxTime is how long one program may take. On a desktop that lets only the window in
	// front read, it may wait for one.
	maxTime = 3 * time.Second
	// maxText bounds a text of the clipboard, maxImage an image, maxWords what a program
	// says of an error, in bytes.
	maxText  = 1 << 20
	maxImage = 64 << 20
	maxWords = 300
)

var errTooMuch = errors.New("it is too large")

// A program is one run of a program of the system.
type program struct {
	name  string
	args  []string
	in    string
	env   []string      // beside those of all
	limit int           // of its output in bytes; 0 for maxText
	time  time.Duration // 0 for maxTime
	// forks says that the program goes on in the background: nothing that it prints can
	// be waited for.
	forks bool
}

// run runs a program to its end and returns what it printed. The error is a [*FailedError],
// or that of ctx.
func (s System) run(ctx context.Context, p program) ([]byte, error) {
	path, err := s.LookPath(p.name)
	if err != nil {
		return nil, &FailedError{p.name, "it is not installed"}
	}
	if p.limit == 0 {
		p.limit = maxText
	}
	if p.time == 0 {
		p.time = maxTime
	}
	limited, cancel := context.WithTimeout(ctx, p.time)
	defer cancel()
	out, words := &bounded{limit: p.limit}, &bounded{limit: maxWords, cut: true}
	cmd := s.command(limited, path, p)
	if !p.forks {
		cmd.Stdout, cmd.Stderr = out, words
	}
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case out.over:
		return nil, &FailedError{p.name, errTooMuch.Error()}
	case limited.Err() != nil:
		return nil, &lateError{&FailedError{p.name, fmt.Sprintf("it did not answer within %v", p.time)}}
	case err != nil:
		return nil, &FailedError{p.name, reason(err, words.data, p.in)}
	}
	return out.data, nil
}

// A lateError is a [*FailedError] of a program that was ended because it took too long.
type lateError struct{ failed *FailedError }

func (e *lateError) Error() string { return e.failed.Error() }

func (e *lateError) Unwrap() error { return e.failed }

// late reports whether an error says that time ran out, so that another try may do it.
func late(err error) bool {
	_, slow := errors.AsType[*lateError](err)
	return slow || errors.Is(err, context.DeadlineExceeded)
}

func (s System) command(ctx context.Context, path string, p program) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, p.args...)
	cmd.Env = slices.Concat(s.Environ, p.env)
	cmd.Stdin = strings.NewReader(p.in)
	cmd.WaitDelay = time.Second
	return cmd
}

// reason is the first line of what a program said, or how it ended. A line with a part of
// its input is not passed on.
func reason(err error, words []byte, in string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(bytes.ToValidUTF8(words, nil))), "\n")
	if line == "" || in != "" && strings.Contains(string(words), strings.TrimSpace(in)) {
		return err.Error()
	}
	return line
}

// bounded is a buffer that takes so much. What is more is dropped if cut is set, and an
// error otherwise.
type bounded struct {
	data  []byte
	limit int
	cut   bool
	over  bool
}

func (b *bounded) Write(p []byte) (int, error) {
	room := b.limit - len(b.data)
	if len(p) <= room {
		b.data = append(b.data, p...)
		return len(p), nil
	}
	if b.cut {
		b.data = append(b.data, p[:room]...)
		return len(p), nil
	}
	b.over = true
	return 0, errTooMuch
}
