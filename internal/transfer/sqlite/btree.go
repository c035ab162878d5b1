package sqlite

import "encoding/binary"

// Kinds of b-tree pages (section 1.6).
const (
	interiorTable = 0x05
	leafTable     = 0x0d
)

// maxDepth is more than any tree of 2^32 pages has.
const maxDepth = 20

// A walk visits the cells of one table's b-tree in the order of their rowids.
type walk struct {
	db   *DB
	seen map[uint32]bool
	// payload is how many bytes may still come: more than the file has come from cells
	// that share them, which no honest file has.
	payload int
	// budget is how much memory the rows that are still to come may take.
	budget int
	cell   func(rowid int64, values []any) error
}

func (d *DB) walk(root uint32, cell func(rowid int64, values []any) error) error {
	w := walk{db: d, seen: map[uint32]bool{}, cell: cell, budget: MaxTable}
	w.payload = len(d.file) + len(d.logged)*d.pageSize
	return w.page(root, 0)
}

func (w *walk) page(number uint32, depth int) error {
	page, err := w.db.page(number)
	if err != nil {
		return err
	}
	if w.seen[number] || depth > maxDepth {
		return ErrDamaged
	}
	w.seen[number] = true
	header := 0
	if number == 1 {
		header = headerSize
	}
	kind, pointers := page[header], header+8
	switch kind {
	case leafTable:
	case interiorTable:
		pointers += 4
	case 0x02, 0x0a:
		return ErrUnsupported // an index: a table without rowids
	default:
		return ErrDamaged
	}
	cells := int(binary.BigEndian.Uint16(page[header+3:]))
	if pointers+2*cells > w.db.usable {
		return ErrDamaged
	}
	for i := range cells {
		at := int(binary.BigEndian.Uint16(page[pointers+2*i:]))
		if at < pointers+2*cells || at >= w.db.usable {
			return ErrDamaged
		}
		cell := page[at:w.db.usable]
		switch {
		case kind == leafTable:
			err = w.leaf(cell)
		case len(cell) < 4:
			err = ErrDamaged
		default:
			err = w.page(binary.BigEndian.Uint32(cell), depth+1)
		}
		if err != nil {
			return err
		}
	}
	if kind == interiorTable {
		return w.page(binary.BigEndian.Uint32(page[header+8:]), depth+1)
	}
	return nil
}

// leaf reads the cell of one row: the length of its record, its rowid, and the
// record or the part of it that does not overflow.
func (w *walk) leaf(cell []byte) error {
	length, n := varint(cell)
	rowid, m := varint(cell[n:])
	if n == 0 || m == 0 || length == 0 || length > uint64(w.payload) {
		return ErrDamaged
	}
	w.payload -= int(length)
	if w.budget -= rowSize + textFactor*int(length); w.budget < 0 {
		return ErrTooBig
	}
	record, err := w.record(cell[n+m:], int(length))
	if err != nil {
		return err
	}
	values, err := w.db.values(record)
	if err != nil {
		return err
	}
	if w.budget -= valueSize * len(values); w.budget < 0 {
		return ErrTooBig
	}
	return w.cell(int64(rowid), values)
}

// record returns a record of the given length that begins in cell, following the
// chain of overflow pages (section 1.6, "Cell Payload Overflow Pages").
func (w *walk) record(cell []byte, length int) ([]byte, error) {
	usable := w.db.usable
	local := length
	if most := usable - 35; length > most {
		least := (usable-12)*32/255 - 23
		local = least + (length-least)%(usable-4)
		if local > most {
			local = least
		}
	}
	if local == length {
		if length > len(cell) {
			return nil, ErrDamaged
		}
		return cell[:length], nil
	}
	if local+4 > len(cell) {
		return nil, ErrDamaged
	}
	record := append(make([]byte, 0, length), cell[:local]...)
	next := binary.BigEndian.Uint32(cell[local:])
	// Each page adds at least one byte, so a chain that is a ring ends too.
	for len(record) < length {
		page, err := w.db.page(next)
		if err != nil {
			return nil, err
		}
		next = binary.BigEndian.Uint32(page)
		record = append(record, page[4:min(usable, 4+length-len(record))]...)
	}
	return record, nil
}

// varint reads a variable-length integer and returns it with its length, which is
// 0 when b ends too early.
func varint(b []byte) (uint64, int) {
	var v uint64
	for i := range min(len(b), 9) {
		if i == 8 {
			return v<<8 | uint64(b[i]), 9
		}
		v = v<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}
