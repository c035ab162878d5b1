package location

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

// RcloneError is an rclone that ended with an error, and what it said last. It
// is wrapped in [ErrGone], [ErrFull], [ErrReadOnly] or [ErrTimeout] where its
// words say as much.
type RcloneError struct {
	Code    int    // Its exit code; -1 where a signal ended it.
	Message string // The last line of its stderr, escaped, at most 300 bytes, without what it quoted of its configuration.
}

func (e *RcloneError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("rclone failed (exit code %d)", e.Code)
	}
	return fmt.Sprintf("rclone: %s (exit code %d)", e.Message, e.Code)
}

// notFound is rclone's exit code for a folder that is not there (lib/exitcode).
const notFound = 3

func isCode(err error, code int) bool {
	var failed *RcloneError
	return errors.As(err, &failed) && failed.Code == code
}

// maxSaid is how much of rclone's stderr is kept: its end.
const maxSaid = 16 << 10

// rclone runs the user's rclone with the arguments as they are, no shell and
// nothing to read from, and returns its stdout. It and what it started are
// killed when the context ends.
func (r *remoteLocation) rclone(ctx context.Context, command []string, names ...string) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	program, err := r.program()
	if err != nil {
		return nil, err
	}
	var args []string
	args = append(args, command...)
	// The time-outs are below the deadline of a remote, so that rclone can say what it waits for. It must neither ask nor draw.
	args = append(args, "--ask-password=false", "--progress=false", "--contimeout=10s", "--timeout=15s", "--retries=1", "--low-level-retries=2", "--")
	args = append(args, names...)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append([]string{}, r.o.Env...) // Never nil, which would be our own.
	out, said := &head{max: MaxFile}, &tail{max: maxSaid}
	cmd.Stdout, cmd.Stderr = out, said
	cmd.WaitDelay = time.Second // For a child that keeps the pipes open.
	alone(cmd)
	err = run(ctx, cmd)
	switch {
	case ctx.Err() != nil:
		return nil, ended(ctx)
	case out.over:
		return nil, fmt.Errorf("%w: at most %d bytes", ErrTooBig, MaxFile)
	case err == nil:
		return out.kept.Bytes(), nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return nil, fmt.Errorf("run rclone: %w", cause(err))
	}
	return nil, explain(exit.ExitCode(), said.String(), !slices.Contains([]string{"lsjson", "cat"}, command[0]))
}

// run is cmd.Run. Once the context ends it waits until the kill has had its
// effect, so that our own end does not leave rclone behind, but no longer than
// that takes: one that is stuck in the kernel cannot be killed.
func run(ctx context.Context, cmd *exec.Cmd) error {
	done := make(chan error, 1)
	go func() { done <- cmd.Run() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stuck := time.NewTimer(cmd.WaitDelay + time.Second)
	defer stuck.Stop()
	select {
	case err := <-done:
		return err
	case <-stuck.C:
		return ended(ctx)
	}
}

func (r *remoteLocation) program() (string, error) {
	if r.o.LookPath == nil {
		return "", ErrRcloneMissing
	}
	program, err := r.o.LookPath("rclone")
	if err != nil {
		return "", ErrRcloneMissing
	}
	return program, nil
}

// explain finds the reason in what rclone said: its exit codes tell little.
func explain(code int, said string, writes bool) error {
	err := &RcloneError{Code: code, Message: lastLine(said)}
	said = strings.ToLower(said)
	has := func(words ...string) bool {
		for _, word := range words {
			if strings.Contains(said, word) {
				return true
			}
		}
		return false
	}
	switch {
	case code == notFound, has("didn't find section in config file"):
		return fmt.Errorf("%w: %w", ErrGone, err)
	case has("no space left on device", "remaining disk space", "not enough space", "quota exceeded", "quotaexceeded", "insufficient storage", "insufficient_space"):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case writes && has("read-only file system", "permission denied", "403 forbidden", "insufficientpermissions"):
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	case has("i/o timeout", "context deadline exceeded", "tls handshake timeout", "timeout awaiting response headers"):
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return err
}

// head keeps the first max bytes and refuses more, which ends who writes them.
type head struct {
	kept bytes.Buffer
	max  int
	over bool
}

func (h *head) Write(p []byte) (int, error) {
	if h.kept.Len()+len(p) > h.max {
		h.over = true
		return 0, ErrTooBig
	}
	return h.kept.Write(p)
}

// tail keeps the last max bytes.
type tail struct {
	kept []byte
	max  int
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - t.max; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.kept) }
