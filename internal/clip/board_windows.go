package clip

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// windowsClipboard is the clipboard of Windows. It is owned by the system and not by a
// process, so nothing has to serve it.
//
// Source: Microsoft, "Using the Clipboard" and "Clipboard Formats".
type windowsClipboard struct {
	user32, kernel32 *windows.LazyDLL
}

func windowsBoard() (board, error) {
	return &windowsClipboard{user32: windows.NewLazySystemDLL("user32.dll"), kernel32: windows.NewLazySystemDLL("kernel32.dll")}, nil
}

const (
	unicodeText = 13 // CF_UNICODETEXT
	moveable    = 2  // GMEM_MOVEABLE
	patience    = 2 * time.Second
)

// open runs do while the clipboard is ours. Another program may hold it for a moment.
func (c *windowsClipboard) open(ctx context.Context, do func() error) error {
	runtime.LockOSThread() // the clipboard belongs to a thread
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		ok, _, err := c.user32.NewProc("OpenClipboard").Call(0)
		if ok != 0 {
			break
		}
		select {
		case <-ctx.Done():
			return &FailedError{Windows, fmt.Sprintf("another program holds the clipboard: %v", err)}
		case <-time.After(glance):
		}
	}
	defer func() { _, _, _ = c.user32.NewProc("CloseClipboard").Call() }()
	return do()
}

func (c *windowsClipboard) put(ctx context.Context, text string) (*holder, error) {
	units, err := windows.UTF16FromString(text)
	if err != nil {
		return nil, err
	}
	err = c.open(ctx, func() error {
		if ok, _, err := c.user32.NewProc("EmptyClipboard").Call(); ok == 0 {
			return err
		}
		// First what keeps the text out of histories and other machines: watchers wake up
		// when the clipboard is closed, and see all of it.
		for _, name := range []string{"ExcludeClipboardContentFromMonitorProcessing", "CanIncludeInClipboardHistory", "CanUploadToCloudClipboard"} {
			format, err := c.format(name)
			if err == nil {
				err = c.set(format, make([]byte, 4))
			}
			if err != nil {
				return err
			}
		}
		return c.set(unicodeText, unsafe.Slice((*byte)(unsafe.Pointer(&units[0])), 2*len(units)))
	})
	return nil, err
}

// format returns the number of a format that goes by a name.
func (c *windowsClipboard) format(name string) (uintptr, error) {
	word, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	format, _, err := c.user32.NewProc("RegisterClipboardFormatW").Call(uintptr(unsafe.Pointer(word)))
	if format == 0 {
		return 0, err
	}
	return format, nil
}

// set gives the clipboard one format of its content. The memory is the system's afterwards.
func (c *windowsClipboard) set(format uintptr, data []byte) error {
	handle, _, err := c.kernel32.NewProc("GlobalAlloc").Call(moveable, uintptr(len(data)))
	if handle == 0 {
		return err
	}
	free := func() { _, _, _ = c.kernel32.NewProc("GlobalFree").Call(handle) }
	at, _, err := c.kernel32.NewProc("GlobalLock").Call(handle)
	if at == 0 {
		free()
		return err
	}
	copy(memory(at, len(data)), data)
	_, _, _ = c.kernel32.NewProc("GlobalUnlock").Call(handle)
	if ok, _, err := c.user32.NewProc("SetClipboardData").Call(format, handle); ok == 0 {
		free()
		return err
	}
	return nil
}

// memory is n bytes of the system's at an address. The detour keeps vet from taking the
// address for a mistake: it is none of Go's memory.
func memory(at uintptr, n int) []byte {
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&at))), n)
}

// get returns one format of the clipboard's content. The clipboard is open.
func (c *windowsClipboard) get(format uintptr, limit int) ([]byte, error) {
	handle, _, err := c.user32.NewProc("GetClipboardData").Call(format)
	if handle == 0 {
		return nil, err
	}
	at, _, err := c.kernel32.NewProc("GlobalLock").Call(handle)
	if at == 0 {
		return nil, err
	}
	defer func() { _, _, _ = c.kernel32.NewProc("GlobalUnlock").Call(handle) }()
	size, _, _ := c.kernel32.NewProc("GlobalSize").Call(handle)
	if size > uintptr(limit) {
		return nil, errTooMuch
	}
	return bytes.Clone(memory(at, int(size))), nil
}

// text returns the text of the clipboard. The clipboard is open.
func (c *windowsClipboard) text() (string, error) {
	data, err := c.get(unicodeText, 2*maxText)
	if err != nil || len(data) < 2 {
		return "", err
	}
	return windows.UTF16ToString(unsafe.Slice((*uint16)(unsafe.Pointer(&data[0])), len(data)/2)), nil
}

func (c *windowsClipboard) holds(ctx context.Context, text string) (there bool, err error) {
	err = c.open(ctx, func() error {
		held, err := c.text()
		there = err == nil && held == text
		return err
	})
	return there, err
}

// clear looks once more: nobody can copy anything while the clipboard is open here.
func (c *windowsClipboard) clear(ctx context.Context, text string) error {
	return c.open(ctx, func() error {
		if held, err := c.text(); err != nil || held != text {
			return err
		}
		if ok, _, err := c.user32.NewProc("EmptyClipboard").Call(); ok == 0 {
			return err
		}
		return nil
	})
}
