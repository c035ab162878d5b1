package sqlite

import (
	"encoding/binary"
	"maps"
)

// Sizes in a write-ahead log (section 4.1).
const (
	walHeader   = 32
	frameHeader = 24
)

// replay takes the pages of all committed transactions from a write-ahead log.
// A frame counts when its salts are the header's and its checksum, which runs on
// from frame to frame, is right; the first that is not ends the log: what follows
// is left over from before the log was begun anew.
func (d *DB) replay(wal []byte) {
	if len(wal) < walHeader {
		return
	}
	// The last bit of the magic number is the byte order of the checksums.
	var order binary.ByteOrder = binary.LittleEndian
	switch binary.BigEndian.Uint32(wal) {
	case 0x377f0682:
	case 0x377f0683:
		order = binary.BigEndian
	default:
		return
	}
	size := pageSize(binary.BigEndian.Uint32(wal[8:]))
	if size == 0 || d.pageSize != 0 && d.pageSize != size {
		return
	}
	sum := walSum{order: order}
	sum.add(wal[:24])
	if !sum.is(wal[24:]) {
		return
	}
	salts := string(wal[16:24])
	pending := map[uint32][]byte{}
	for frames := wal[walHeader:]; len(frames) >= frameHeader+size; frames = frames[frameHeader+size:] {
		header, page := frames[:frameHeader], frames[frameHeader:frameHeader+size]
		sum.add(header[:8])
		sum.add(page)
		if string(header[8:16]) != salts || !sum.is(header[16:]) {
			return
		}
		pending[binary.BigEndian.Uint32(header)] = page
		if binary.BigEndian.Uint32(header[4:]) == 0 {
			continue // not the last frame of its transaction
		}
		if d.logged == nil {
			d.logged = map[uint32][]byte{}
		}
		maps.Copy(d.logged, pending)
		clear(pending)
		d.pageSize = size
	}
}

// A walSum is the running checksum of section 4.2.
type walSum struct {
	order  binary.ByteOrder
	s0, s1 uint32
}

func (w *walSum) add(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		w.s0 += w.order.Uint32(b) + w.s1
		w.s1 += w.order.Uint32(b[4:]) + w.s0
	}
}

func (w *walSum) is(b []byte) bool {
	return binary.BigEndian.Uint32(b) == w.s0 && binary.BigEndian.Uint32(b[4:]) == w.s1
}
