package sqlite

import (
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf16"
)

// Encodings of texts, the header's number for them; 0 is an empty database's.
const (
	utf16le = 2
	utf16be = 3
)

// A Row holds the values of one row by the lower-case name of their column: nil,
// int64, float64, string or []byte. Columns that were added after the row was
// written are absent; what default they have is not looked up.
type Row map[string]any

// Text returns a value as a text: a number in decimal, NULL and absent as "".
func (r Row) Text(column string) string {
	switch v := r[column].(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return ""
}

// Int returns a value as an integer, and whether it is one: NULL, absent and a
// text that is no number are not.
func (r Row) Int(column string) (int64, bool) {
	switch v := r[column].(type) {
	case int64:
		return v, true
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}

// values decodes a record (section 2.1): a header of serial types, then the values.
// Blobs and their kin refer to the record's bytes.
func (d *DB) values(record []byte) ([]any, error) {
	length, n := varint(record)
	if n == 0 || length < uint64(n) || length > uint64(len(record)) {
		return nil, ErrDamaged
	}
	types, body := record[n:length], record[length:]
	var values []any
	for len(types) > 0 {
		serial, n := varint(types)
		if n == 0 {
			return nil, ErrDamaged
		}
		types = types[n:]
		size := serialSize(serial)
		if size < 0 || size > int64(len(body)) || len(values) == maxColumns {
			return nil, ErrDamaged
		}
		values = append(values, d.value(serial, body[:size]))
		body = body[size:]
	}
	return values, nil
}

// serialSize returns how many bytes a value of a serial type has, or -1.
func serialSize(serial uint64) int64 {
	switch {
	case serial < 10:
		return int64([...]byte{0, 1, 2, 3, 4, 6, 8, 8, 0, 0}[serial])
	case serial < 12 || serial > math.MaxInt64:
		return -1
	}
	return int64(serial-12) / 2
}

func (d *DB) value(serial uint64, b []byte) any {
	switch {
	case serial == 0:
		return nil
	case serial <= 6:
		v := int64(int8(b[0]))
		for _, c := range b[1:] {
			v = v<<8 | int64(c)
		}
		return v
	case serial == 7:
		return math.Float64frombits(binary.BigEndian.Uint64(b))
	case serial <= 9:
		return int64(serial - 8)
	case serial%2 == 0:
		return b
	}
	return d.text(b)
}

func (d *DB) text(b []byte) string {
	var order binary.ByteOrder = binary.LittleEndian
	switch d.encoding {
	case utf16le:
	case utf16be:
		order = binary.BigEndian
	default:
		return string(b)
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}
