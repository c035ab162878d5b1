package term

import (
	"bytes"
	"io"
	"strings"
	"unicode"

	"github.com/clipperhouse/displaywidth"
)

// maxAnswer is the longest answer in bytes: far above any secret or URI, and a bound on what a stray paste can fill.
const maxAnswer = 64 << 10

// The keys that an editor knows, as a raw terminal sends them.
const (
	ctrlC         = 0x03
	ctrlD         = 0x04
	backspace     = 0x08
	ctrlU         = 0x15
	ctrlW         = 0x17
	ctrlBackslash = 0x1c // Ctrl-\, SIGQUIT on a terminal that is not raw.
	escape        = 0x1b
	del           = 0x7f
)

// editor turns the bytes of a raw terminal into one line, with the keys that a terminal's own line editing has.
type editor struct {
	echo bool // Whether feed returns what to show; without it nothing typed is ever returned.
	text []byte

	complete  func(line string) string // What completes the line; nil where nothing does.
	suggested string                   // What complete gave, and the screen shows behind the cursor if it has room.
	room      int                      // How many columns the line has; one more row begins behind them.

	esc     escState
	tooLong bool // The rest of a line that is too long is read and dropped, so that no shell runs it.
}

// escState says where in an escape sequence (an arrow key, the marks around a paste) the input is.
type escState int

const (
	escNone   escState = iota
	escStart           // After ESC.
	escInside          // After ESC [ or ESC O, up to a final byte.
)

// feed takes one byte. It returns what to show for it, and whether the line is complete. The error is [ErrInterrupted],
// [io.EOF] or [ErrTooLong].
func (e *editor) feed(b byte) (show string, done bool, err error) {
	if e.inEscape(b) {
		return "", false, nil
	}
	switch b {
	case '\r', '\n':
		if e.tooLong {
			return "", false, ErrTooLong
		}
		return "", true, nil
	case ctrlC, ctrlBackslash:
		return "", false, ErrInterrupted
	case ctrlD:
		if len(e.text) == 0 && !e.tooLong {
			return "", false, io.EOF
		}
		return "\a", false, nil
	case backspace, del:
		return e.erase(lastCluster(e.text)), false, nil
	case ctrlU:
		e.tooLong = false
		return e.erase(len(e.text)), false, nil
	case ctrlW:
		kept := bytes.TrimRightFunc(e.text, unicode.IsSpace)
		kept = bytes.TrimRightFunc(kept, func(r rune) bool { return !unicode.IsSpace(r) })
		return e.erase(len(e.text) - len(kept)), false, nil
	case escape:
		e.esc = escStart
		return "", false, nil
	}
	if b < ' ' && b != '\t' {
		return "\a", false, nil
	}
	if len(e.text) == maxAnswer {
		e.tooLong = true
		return "", false, nil
	}
	e.text = append(e.text, b)
	if !e.echo {
		return "", false, nil
	}
	if b == '\t' {
		return " ", false, nil
	}
	return string([]byte{b}), false, nil
}

// feedSuggesting is feed, with what completes the line shown behind the cursor.
func (e *editor) feedSuggesting(b byte) (show string, done bool, err error) {
	if e.complete == nil {
		return e.feed(b)
	}
	before := e.suggested
	hide := ""
	if e.fits() {
		hide = strings.Repeat(" ", len(before)) + strings.Repeat("\b", len(before))
	}
	e.suggested = ""
	if before != "" && e.esc == escNone && bytes.IndexByte([]byte("\r\n\t "), b) >= 0 {
		e.text = append(e.text, before...)
		hide = before
		if b == '\t' {
			return before + e.suggest(), false, nil
		}
	}
	show, done, err = e.feed(b)
	if !done && err == nil {
		show += e.suggest()
	}
	return hide + show, done, err
}

// suggest returns what shows the completion of the line, with the cursor before it.
func (e *editor) suggest() string {
	if e.complete == nil {
		return ""
	}
	if e.suggested = Escape(e.complete(string(e.text))); !e.fits() {
		return ""
	}
	return e.suggested + strings.Repeat("\b", len(e.suggested))
}

// fits reports whether what completes the line stands on its row. A backspace does not go
// back to the row above.
func (e *editor) fits() bool { return columns(e.text)+len(e.suggested) <= e.room }

// inEscape reports whether b belongs to an escape sequence, which a line cannot hold. If an ESC starts no sequence, only
// the ESC is dropped: the byte after it is text.
func (e *editor) inEscape(b byte) bool {
	switch e.esc {
	case escNone:
	case escStart:
		e.esc = escNone
		if b == '[' || b == 'O' {
			e.esc = escInside
			return true
		}
	case escInside:
		if b == ctrlC || b == '\r' || b == '\n' {
			e.esc = escNone
			return false
		}
		if b >= '@' && b <= '~' {
			e.esc = escNone
		}
		return true
	}
	return false
}

// erase drops the last n bytes of the line and returns what wipes them from the screen.
func (e *editor) erase(n int) string {
	before := columns(e.text)
	e.text = e.text[:len(e.text)-n]
	if !e.echo {
		return ""
	}
	return strings.Repeat("\b \b", max(before-columns(e.text), 0))
}

// columns returns how many columns the line takes; a tab is shown as a space.
func columns(text []byte) int {
	return width(string(text)) + bytes.Count(text, []byte{'\t'})
}

// lastCluster returns the length in bytes of the last grapheme cluster: what somebody sees as one letter.
func lastCluster(text []byte) (n int) {
	clusters := displaywidth.BytesGraphemes(text)
	for clusters.Next() {
		n = len(clusters.Value())
	}
	return n
}
