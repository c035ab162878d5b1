package qr

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/gif"
	"io"
)

var errGIF = errors.New("gif: the blocks do not follow one another")

// gifParts cuts a GIF (GIF89a specification, 1990) into its frames. What comes
// after damage is left out, unless there is nothing before it.
func gifParts(data []byte) ([]part, error) {
	if len(data) < 13 {
		return nil, io.ErrUnexpectedEOF
	}
	header := 13
	if data[10]&0x80 != 0 {
		header += 3 << (data[10]&7 + 1)
	}
	var parts []part
	control := []byte(nil)
	at := header
	for at < len(data) && data[at] != 0x3b {
		start := at
		switch data[at] {
		case 0x21: // extension
			at = skipSubBlocks(data, at+2)
			if at > 0 && data[start+1] == 0xf9 {
				control = data[start:at]
			}
		case 0x2c: // image
			if at+10 > len(data) {
				at = -1
				break
			}
			body := at + 10
			if data[at+9]&0x80 != 0 {
				body += 3 << (data[at+9]&7 + 1)
			}
			at = skipSubBlocks(data, body+1)
			if at < 0 {
				break
			}
			parts = append(parts, gifPart(data[:header], control, data[start:at], len(parts) < MaxFrames))
			control = nil
		default:
			at = -1
		}
		if at < 0 {
			if len(parts) == 0 {
				return nil, errGIF
			}
			return parts, nil
		}
	}
	if len(parts) == 0 {
		return nil, errNoFrame
	}
	return parts, nil
}

// gifPart makes a GIF of one frame.
func gifPart(header, control, frame []byte, wanted bool) part {
	if !wanted {
		return part{}
	}
	p := part{x: int(frame[1]) | int(frame[2])<<8, y: int(frame[3]) | int(frame[4])<<8}
	if len(control) > 3 {
		switch control[3] >> 2 & 7 {
		case 2:
			p.dispose = disposeBackground
		case 3:
			p.dispose = disposePrevious
		}
	}
	p.decode = func(ctx context.Context) (image.Image, error) {
		whole := io.MultiReader(bytes.NewReader(header), bytes.NewReader(control), bytes.NewReader(frame), bytes.NewReader([]byte{0x3b}))
		return gif.Decode(guarded{ctx, whole})
	}
	return p
}

// skipSubBlocks returns where the blocks that begin at a place end; -1 where
// the data ends first.
func skipSubBlocks(data []byte, at int) int {
	for at < len(data) {
		n := int(data[at])
		at += n + 1
		if n == 0 {
			return at
		}
	}
	return -1
}
