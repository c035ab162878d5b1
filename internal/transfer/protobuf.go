package transfer

import (
	"encoding/binary"
	"errors"
)

// The wire format of protocol buffers, as much of it as Google's migration has. The
// library for it costs every start of the program a fifth of a millisecond: it hashes
// the executable at its initialisation.
//
// Source: protobuf.dev/programming-guides/encoding.

var errNotProto = errors.New("the migration data are cut short or damaged")

// fields calls f for every field of a message. value is a varint; bytes are a text,
// bytes or a message. Fields of other kinds are passed over.
func fields(data []byte, f func(number int, value uint64, bytes []byte)) error {
	for len(data) > 0 {
		tag, n := binary.Uvarint(data)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29-1 {
			return errNotProto
		}
		data = data[n:]
		var value uint64
		var bytes []byte
		var size int
		switch tag & 7 {
		case 0:
			if value, size = binary.Uvarint(data); size <= 0 {
				return errNotProto
			}
		case 1:
			size = 8
		case 2:
			length, n := binary.Uvarint(data)
			if n <= 0 || length > uint64(len(data)-n) {
				return errNotProto
			}
			size = n + int(length)
			bytes = data[n:size]
		case 5:
			size = 4
		default: // groups, which are older than the format
			return errNotProto
		}
		if size > len(data) {
			return errNotProto
		}
		data = data[size:]
		f(int(tag>>3), value, bytes)
	}
	return nil
}

func appendVarint(b []byte, number int, value uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(number)<<3), value)
}

func appendBytes(b []byte, number int, value []byte) []byte {
	return append(binary.AppendUvarint(binary.AppendUvarint(b, uint64(number)<<3|2), uint64(len(value))), value...)
}
