package term

import (
	"context"
	"fmt"
	"os"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/term"
)

// pollInterval is how long a read waits, in milliseconds, before it checks whether the context has ended.
const pollInterval = 50

// console is the console of this process, open for one question.
type console struct {
	in, out *os.File
	high    rune   // The first half of a surrogate pair whose second half has not come yet.
	pending []byte // UTF-8 of a key that has been read and not yet been returned.
}

// openConsole opens the console, or returns an error that wraps [ErrNoTerminal].
func openConsole() (*console, error) {
	in, err := os.OpenFile("CONIN$", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoTerminal, err)
	}
	out, err := os.OpenFile("CONOUT$", os.O_RDWR, 0)
	if err != nil {
		in.Close()
		return nil, fmt.Errorf("%w: %w", ErrNoTerminal, err)
	}
	return &console{in: in, out: out}, nil
}

func (c *console) close() {
	c.in.Close()
	c.out.Close()
}

func (c *console) columns() int { return columnsOf(int(c.out.Fd())) }

// raw stops echo, line editing and Ctrl-C as an event, and returns what puts them back.
func (c *console) raw() (restore func(), err error) {
	fd := int(c.in.Fd())
	state, err := term.MakeRaw(fd)
	if err != nil {
		return nil, err
	}
	return func() { _ = term.Restore(fd, state) }, nil
}

// readByte waits for a byte until ctx ends, which is [ErrInterrupted].
//
// It reads the console's key events: a ReadFile would wait for ever and could not be cancelled when ctx ends.
func (c *console) readByte(ctx context.Context) (byte, error) {
	for len(c.pending) == 0 {
		if ctx.Err() != nil {
			return 0, ErrInterrupted
		}
		event, err := windows.WaitForSingleObject(windows.Handle(c.in.Fd()), pollInterval)
		if err != nil {
			return 0, fmt.Errorf("wait for the console: %w", err)
		}
		if event != windows.WAIT_OBJECT_0 {
			continue
		}
		var record inputRecord
		if err := readConsoleInput(windows.Handle(c.in.Fd()), &record); err != nil {
			return 0, fmt.Errorf("read the console: %w", err)
		}
		c.key(&record)
	}
	b := c.pending[0]
	c.pending = c.pending[1:]
	return b, nil
}

// inputRecord is INPUT_RECORD of wincon.h with its KEY_EVENT_RECORD: 20 bytes.
type inputRecord struct {
	eventType   uint16
	_           uint16
	keyDown     int32
	repeatCount uint16
	keyCode     uint16
	scanCode    uint16
	char        uint16
	state       uint32
}

const (
	keyEvent = 0x0001
	vkMenu   = 0x12 // The Alt key: releasing it ends a character that was typed as Alt and digits.
)

// key adds the text of a key event to what is pending; other events and keys without text add nothing.
func (c *console) key(r *inputRecord) {
	if r.eventType != keyEvent || r.char == 0 || (r.keyDown == 0 && r.keyCode != vkMenu) {
		return
	}
	char := rune(r.char)
	if utf16.IsSurrogate(char) {
		if c.high == 0 {
			c.high = char
			return
		}
		char, c.high = utf16.DecodeRune(c.high, char), 0
	}
	for range max(r.repeatCount, 1) {
		c.pending = utf8.AppendRune(c.pending, char)
	}
}

// readConsoleInput reads one event, which must be there.
func readConsoleInput(h windows.Handle, record *inputRecord) error {
	proc := windows.NewLazySystemDLL("kernel32.dll").NewProc("ReadConsoleInputW")
	var read uint32
	ok, _, err := proc.Call(uintptr(h), uintptr(unsafe.Pointer(record)), 1, uintptr(unsafe.Pointer(&read)))
	if ok == 0 {
		return err
	}
	return nil
}
