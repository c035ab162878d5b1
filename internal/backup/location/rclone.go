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

// RcloneError is a failed run of rclone. It is wrapped in [ErrGone], [ErrFull],
// [ErrReadOnly] or [ErrTimeout] if rclone's message says so.
type RcloneError struct {
	Code int // Exit code; -1 if a signal ended rclone.
	// Message is the last line of rclone's stderr, escaped and cut to 300 bytes. Parts that
	// quote rclone's configuration are removed.
	Message string
}

func (e *RcloneError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("rclone failed (exit code %d)", e.Code)
	}
	return fmt.Sprintf("rclone: %s (exit code %d)", e.Message, e.Code)
}

// notFound is rclone's exit code for a missing folder (lib/exitcode).
const notFound = 3

func isCode(err error, code int) bool {
	var failed *RcloneError
	return errors.As(err, &failed) && failed.Code == code
}

// maxStderr is how much of the end of rclone's stderr is kept, in bytes.
const maxStderr = 16 << 10

// rclone runs the user's rclone and returns its stdout. It uses no shell, and rclone's
// stdin is empty. When the context ends, rclone and its children are killed.
func (r *remoteLocation) rclone(ctx context.Context, command []string, names ...string) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, contextError(ctx)
	}
	program, err := r.program()
	if err != nil {
		return nil, err
	}
	var args []string
	args = append(args, command...)
	// rclone must not prompt or draw progress. Its timeouts are shorter than RemoteWait, so
	// that it can still report what it waited for.
	args = append(args, "--ask-password=false", "--progress=false", "--contimeout=10s", "--timeout=15s", "--retries=1", "--low-level-retries=2", "--")
	args = append(args, names...)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append([]string{}, r.o.Env...) // A nil Env would inherit ours.
	out, stderr := &head{max: MaxFile}, &tail{max: maxStderr}
	cmd.Stdout, cmd.Stderr = out, stderr
	cmd.WaitDelay = time.Second // A child of rclone may keep the pipes open.
	isolate(cmd)
	err = run(ctx, cmd)
	switch {
	case ctx.Err() != nil:
		return nil, contextError(ctx)
	case out.over:
		return nil, fmt.Errorf("%w: at most %d bytes", ErrTooBig, MaxFile)
	case err == nil:
		return out.kept.Bytes(), nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return nil, fmt.Errorf("run rclone: %w", cause(err))
	}
	return nil, explain(exit.ExitCode(), stderr.String(), !slices.Contains([]string{"lsjson", "cat"}, command[0]))
}

// run is cmd.Run with a limit. After the context ends it waits until rclone is killed, so
// that rclone does not outlive this process. It gives up soon after, because a process
// that is stuck in the kernel cannot be killed.
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
		return contextError(ctx)
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

// explain returns the error of a failed run. It finds the reason in rclone's stderr,
// because the exit codes say little.
func explain(code int, stderr string, writes bool) error {
	err := &RcloneError{Code: code, Message: lastLine(stderr)}
	stderr = strings.ToLower(stderr)
	has := func(words ...string) bool {
		for _, word := range words {
			if strings.Contains(stderr, word) {
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

// head keeps the first max bytes. It refuses more, which ends the writer.
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
