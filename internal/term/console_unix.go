//go:build unix

package term

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// pollInterval is how long a read waits before it checks whether the context has ended.
const pollInterval = 50 * time.Millisecond

// console is the controlling terminal, open for one question.
type console struct {
	fd  int
	out *os.File
}

// openConsole opens the controlling terminal, or returns an error that wraps [ErrNoTerminal].
func openConsole() (*console, error) {
	// unix.Open and not os.OpenFile: the runtime's poller refuses terminals on macOS, and a descriptor outside the poller
	// reads the same way everywhere.
	fd, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: open /dev/tty: %w", ErrNoTerminal, err)
	}
	return &console{fd: fd, out: os.NewFile(uintptr(fd), "/dev/tty")}, nil
}

func (c *console) close() { c.out.Close() }

func (c *console) columns() int { return columnsOf(c.fd) }

// raw stops echo, line editing and signals of keys, and returns what puts them back.
func (c *console) raw() (restore func(), err error) {
	state, err := term.MakeRaw(c.fd)
	if err != nil {
		return nil, err
	}
	return func() { _ = term.Restore(c.fd, state) }, nil
}

// readByte waits for a byte until ctx ends. The error is [ErrInterrupted] for the end of ctx and for a terminal that hung
// up.
func (c *console) readByte(ctx context.Context) (byte, error) {
	for ctx.Err() == nil {
		ready, err := readable(c.fd)
		if err != nil {
			return 0, fmt.Errorf("wait for the terminal: %w", err)
		}
		if !ready {
			continue
		}
		var b [1]byte
		switch n, err := unix.Read(c.fd, b[:]); {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
		case err != nil, n == 0:
			return 0, ErrInterrupted // EIO and end of file: the terminal has gone.
		default:
			return b[0], nil
		}
	}
	return 0, ErrInterrupted
}

// readable waits for input, up to pollInterval. It is select and not poll, which macOS does not support for terminals.
func readable(fd int) (bool, error) {
	if fd >= unix.FD_SETSIZE {
		return false, errors.New("too many open files")
	}
	var set unix.FdSet
	set.Zero()
	set.Set(fd)
	timeout := unix.NsecToTimeval(pollInterval.Nanoseconds())
	n, err := unix.Select(fd+1, &set, nil, nil, &timeout)
	if errors.Is(err, unix.EINTR) {
		return false, nil
	}
	return n > 0, err
}
