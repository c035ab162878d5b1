// Package sqlite reads the rows of small SQLite databases that lie in memory: the
// stores of authenticator apps. It reads tables with a rowid and replays a
// write-ahead log; it knows no SQL, no indexes and writes nothing.
//
// Its input is hostile: it panics on no bytes, never visits a page twice in one
// walk, and what it returns of a table takes no more than [MaxTable] of memory, however
// often rows share their bytes. Errors hold nothing of the
// content.
//
// Source: https://www.sqlite.org/fileformat2.html
package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// Errors of this package.
var (
	ErrNotSQLite   = errors.New("not an SQLite database")
	ErrDamaged     = errors.New("the SQLite database is damaged")
	ErrUnsupported = errors.New("the SQLite database uses a feature that is not supported")
	ErrNoTable     = errors.New("the SQLite database has no such table")
	ErrTooBig      = errors.New("a table of the SQLite database is too big")
)

// MaxTable is how many bytes of memory the rows of a table may take.
const MaxTable = 64 << 20

const (
	// Bytes of memory of a row and of each of its values besides what they hold: a map
	// of interfaces. UTF-16 becomes longer, and a text is there once more while it is
	// converted.
	rowSize    = 400
	valueSize  = 100
	textFactor = 3
	// maxColumns of a table is SQLite's own limit (SQLITE_MAX_COLUMN), and so are the
	// values of a record.
	maxColumns = 2000
	maxSQL     = 64 << 10 // bytes of a CREATE TABLE statement that is read
)

const magic = "SQLite format 3\x00"

// headerSize is the length of the file header in page 1 (section 1.3).
const headerSize = 100

// A DB is an opened database.
type DB struct {
	file     []byte
	logged   map[uint32][]byte // pages that the write-ahead log replaces
	pageSize int
	usable   int // bytes of a page without the reserved ones at its end
	encoding uint32
	tables   []table
}

// Is reports whether file begins like an SQLite database.
func Is(file []byte) bool { return bytes.HasPrefix(file, []byte(magic)) }

// Open reads the header and the schema of a database file. The write-ahead log, the
// file beside it that ends in -wal, may be nil; what it committed is replayed, and
// what it did not is ignored, as is a log that does not belong to the file.
// DB keeps references to both; they must not change.
// Errors are [ErrNotSQLite], [ErrDamaged], [ErrUnsupported] and [ErrTooBig].
func Open(file, wal []byte) (*DB, error) {
	d := &DB{file: file}
	if len(file) > 0 && !Is(file) {
		return nil, ErrNotSQLite
	}
	if len(file) >= headerSize {
		d.pageSize = pageSize(uint32(binary.BigEndian.Uint16(file[16:])))
	}
	d.replay(wal)
	if d.pageSize == 0 {
		return nil, ErrDamaged
	}
	first, err := d.page(1)
	if err != nil {
		return nil, err
	}
	if !Is(first) {
		return nil, ErrDamaged
	}
	// A read version above 2 (write-ahead log) is for readers newer than this one.
	if first[19] > 2 {
		return nil, ErrUnsupported
	}
	d.usable = d.pageSize - int(first[20])
	d.encoding = binary.BigEndian.Uint32(first[56:])
	if d.usable < 480 || d.encoding > utf16be {
		return nil, ErrDamaged
	}
	if err := d.readSchema(); err != nil {
		return nil, err
	}
	return d, nil
}

// pageSize returns the size of a page that a header means by n, or 0.
func pageSize(n uint32) int {
	if n == 1 {
		return 1 << 16
	}
	if n < 512 || n > 1<<16 || n&(n-1) != 0 {
		return 0
	}
	return int(n)
}

// page returns page n, counted from 1.
func (d *DB) page(n uint32) ([]byte, error) {
	if p, found := d.logged[n]; found {
		return p, nil
	}
	start := (int64(n) - 1) * int64(d.pageSize)
	if n == 0 || start+int64(d.pageSize) > int64(len(d.file)) {
		return nil, ErrDamaged
	}
	return d.file[start : start+int64(d.pageSize)], nil
}
