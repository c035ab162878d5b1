package clip

import (
	"context"
	"errors"
)

// macSet copies standard input as a password manager does: other devices of the user do not get
// it (Universal Clipboard), and histories of the clipboard leave out what is marked as concealed.
// pbcopy can say neither, and calling AppKit from Go would need cgo. Without arguments a method
// is called by its name alone.
//
// Source: Apple, JavaScript for Automation Release Notes, "Objective-C Bridge"; NSPasteboard,
// prepareForNewContents(with:), where 1 is NSPasteboardContentsCurrentHostOnly; nspasteboard.org,
// "Identifying and Handling Transient or Special Data on the Clipboard".
const macSet = `ObjC.import('AppKit')
const data = $.NSFileHandle.fileHandleWithStandardInput.readDataToEndOfFile
const text = $.NSString.alloc.initWithDataEncoding(data, $.NSUTF8StringEncoding)
const board = $.NSPasteboard.generalPasteboard
board.prepareForNewContentsWithOptions(1)
board.setStringForType($(''), 'org.nspasteboard.ConcealedType')
if (!board.setStringForType(text, $.NSPasteboardTypeString)) throw new Error('the pasteboard did not take it')`

// macBoard is the clipboard of macOS. Where scripts may not run, pbcopy sets it without the
// marks.
type macBoard struct {
	programBoard

	marked program
}

func (s System) macBoard() board {
	return &macBoard{
		programBoard{s: s, set: program{name: "pbcopy"}, read: program{name: "pbpaste"}, empty: program{name: "pbcopy"}},
		program{name: "osascript", args: []string{"-l", "JavaScript", "-e", macSet}},
	}
}

func (b *macBoard) put(ctx context.Context, text string) (*holder, error) {
	p := b.marked
	p.in = text
	_, err := b.s.run(ctx, p)
	if _, failed := errors.AsType[*FailedError](err); failed {
		return b.programBoard.put(ctx, text)
	}
	return nil, err
}
