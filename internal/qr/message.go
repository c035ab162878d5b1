package qr

import "strings"

// message is what the codewords of one symbol say (ISO/IEC 18004 section 7.4).
type message struct {
	text string
	// A text may be spread over up to 16 symbols (section 8, structured
	// append): part of parts, and the exclusive or of all bytes of the whole.
	part, parts int
	parity      byte
}

type bitReader struct {
	data []byte
	at   int // bits
}

func (r *bitReader) left() int { return 8*len(r.data) - r.at }

// read returns the next n bits, up to 24; false past the end.
func (r *bitReader) read(n int) (int, bool) {
	if n > r.left() {
		return 0, false
	}
	value := 0
	for ; n > 0; n-- {
		value = value<<1 | int(r.data[r.at/8]>>(7-r.at%8)&1)
		r.at++
	}
	return value, true
}

// Segment modes (table 2).
const (
	modeEnd          = 0
	modeNumeric      = 1
	modeAlphanumeric = 2
	modeAppend       = 3
	modeByte         = 4
	modeFNC1First    = 5
	modeECI          = 7
	modeKanji        = 8
	modeFNC1Second   = 9
	modeHanzi        = 13 // GB/T 18284
)

const alphanumerics = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// countBits is the width of the count of a segment (table 3), by mode and range of versions.
func countBits(mode int, v version) int {
	group := 0
	switch {
	case v >= 27:
		group = 2
	case v >= 10:
		group = 1
	}
	switch mode {
	case modeNumeric:
		return [3]int{10, 12, 14}[group]
	case modeAlphanumeric:
		return [3]int{9, 11, 13}[group]
	case modeByte:
		return [3]int{8, 16, 16}[group]
	}
	return [3]int{8, 10, 12}[group]
}

// parseMessage reads the segments of a message. Whatever does not follow the
// grammar to its end makes it fail: half a text is a wrong text.
func parseMessage(data []byte, v version) (message, bool) {
	var m message
	var pieces []piece
	r := &bitReader{data: data}
	charset := charsetUnknown
	fnc1 := false
	for r.left() >= 4 {
		mode, _ := r.read(4)
		if mode == modeEnd {
			break
		}
		ok := true
		switch mode {
		case modeFNC1First:
			fnc1 = true
		case modeFNC1Second:
			fnc1 = true
			_, ok = r.read(8)
		case modeAppend:
			ok = m.readAppend(r)
		case modeECI:
			charset, ok = readECI(r)
		case modeHanzi:
			if subset, more := r.read(4); !more || subset != 1 {
				return message{}, false
			}
			fallthrough
		case modeNumeric, modeAlphanumeric, modeByte, modeKanji:
			count, more := r.read(countBits(mode, v))
			if !more {
				return message{}, false
			}
			p := piece{charset: charsetASCII}
			switch mode {
			case modeByte:
				p.charset = charset
			case modeKanji:
				p.charset = charsetShiftJIS
			case modeHanzi:
				p.charset = charsetGB18030
			}
			if p.bytes, ok = readSegment(r, mode, count, fnc1); ok {
				pieces = append(pieces, p)
			}
		default:
			ok = false
		}
		if !ok {
			return message{}, false
		}
	}
	var ok bool
	m.text, ok = joinPieces(pieces)
	return m, ok && m.text != ""
}

func (m *message) readAppend(r *bitReader) bool {
	header, ok := r.read(16)
	m.part, m.parts, m.parity = header>>12, header>>8&15+1, byte(header)
	return ok && m.part < m.parts
}

// readSegment returns the bytes of a segment of count characters.
func readSegment(r *bitReader, mode, count int, fnc1 bool) ([]byte, bool) {
	switch mode {
	case modeNumeric:
		return readNumeric(r, count)
	case modeAlphanumeric:
		return readAlphanumeric(r, count, fnc1)
	case modeByte:
		if 8*count > r.left() {
			return nil, false
		}
		out := make([]byte, count)
		for i := range out {
			b, _ := r.read(8)
			out[i] = byte(b)
		}
		return out, true
	}
	var out []byte
	for range count {
		n, ok := r.read(13)
		if !ok {
			return nil, false
		}
		if mode == modeKanji {
			n = n/0xc0<<8 | n%0xc0
			if n < 0x1f00 {
				n += 0x8140
			} else {
				n += 0xc140
			}
		} else if n = n/0x60<<8 | n%0x60; n < 0xa00 {
			n += 0xa1a1
		} else {
			n += 0xa6a1
		}
		out = append(out, byte(n>>8), byte(n))
	}
	return out, true
}

func readNumeric(r *bitReader, count int) ([]byte, bool) {
	var out []byte
	for count > 0 {
		digits := min(count, 3)
		n, ok := r.read(1 + 3*digits)
		limit := [4]int{1, 10, 100, 1000}[digits]
		if !ok || n >= limit {
			return nil, false
		}
		for limit /= 10; limit > 0; limit /= 10 {
			out = append(out, byte('0'+n/limit%10))
		}
		count -= digits
	}
	return out, true
}

func readAlphanumeric(r *bitReader, count int, fnc1 bool) ([]byte, bool) {
	var out []byte
	for ; count > 1; count -= 2 {
		n, ok := r.read(11)
		if !ok || n >= 45*45 {
			return nil, false
		}
		out = append(out, alphanumerics[n/45], alphanumerics[n%45])
	}
	if count == 1 {
		n, ok := r.read(6)
		if !ok || n >= 45 {
			return nil, false
		}
		out = append(out, alphanumerics[n])
	}
	if fnc1 { // section 7.4.8.2: % separates fields there, %% is a percent sign
		text := strings.NewReplacer("%%", "%", "%", "\x1d").Replace(string(out))
		return []byte(text), true
	}
	return out, true
}

// readECI returns the character set that an extended channel interpretation names.
func readECI(r *bitReader) (charset, bool) {
	n, ok := r.read(8)
	switch {
	case n&0x80 == 0:
	case n&0xc0 == 0x80:
		var low int
		low, ok = r.read(8)
		n = n&0x3f<<8 | low
	case n&0xe0 == 0xc0:
		var low int
		low, ok = r.read(16)
		n = n&0x1f<<16 | low
	default:
		return 0, false
	}
	return charset(n), ok
}
