// Package kdbx reads KeePass databases: KDBX 3 and 4 under a passphrase, and the
// XML inside them, which KeePass also exports in the clear.
//
// It guarantees that nothing is run before its price is known (see [Database.KDF]),
// that a wrong passphrase is told apart from damage, and that what it unpacks is
// bounded. Entries in the recycle bin and old versions of entries are left out.
// Key files and hardware keys are not supported; a database that needs one says
// that the passphrase is wrong, since the file does not tell. Errors hold nothing
// of the content.
//
// Source: the KDBX 4 specification, https://keepass.info/help/kb/kdbx.html, and for
// KDBX 3 the reader of KeePassXC (src/format/Kdbx3Reader.cpp).
package kdbx

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// Errors of this package.
var (
	ErrNotKDBX     = errors.New("not a KeePass database")
	ErrVersion     = errors.New("the version of the KeePass database is not supported")
	ErrUnsupported = errors.New("the KeePass database uses a cipher or a key derivation that is not supported")
	ErrDamaged     = errors.New("the KeePass database is damaged")
	ErrPassphrase  = errors.New("wrong passphrase, or the KeePass database needs a key file too")
	ErrTooBig      = errors.New("the KeePass database unpacks to more than is reasonable")
)

// magic is the signature of KeePass 2 files; that of KeePass 1 ends otherwise.
const magic = "\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5"

// Fields of the outer header.
const (
	fieldEnd         = 0
	fieldCipher      = 2
	fieldCompression = 3
	fieldMasterSeed  = 4
	fieldSeed        = 5 // of AES-KDF, KDBX 3
	fieldRounds      = 6 // of AES-KDF, KDBX 3
	fieldIV          = 7
	fieldStreamKey   = 8  // KDBX 3
	fieldStart       = 9  // KDBX 3: 32 bytes that open the plain text
	fieldStreamID    = 10 // KDBX 3
	fieldKDF         = 11 // KDBX 4
)

// A Database is a file whose outer header has been read.
type Database struct {
	// KDF is what deriving the key will cost. Look at it before [Database.Open].
	KDF KDF

	major   uint16
	header  []byte // with its end field
	body    []byte // what follows it
	fields  map[byte][]byte
	cipher  string
	zipped  bool
	stream  uint32 // of KDBX 3; KDBX 4 has it inside
	streamK []byte
}

// Is reports whether file begins like a KeePass 2 database.
func Is(file []byte) bool { return bytes.HasPrefix(file, []byte(magic)) }

// Parse reads the outer header of a KDBX 3 or 4 file; the Database refers to file.
// Errors are [ErrNotKDBX], [ErrVersion], [ErrUnsupported] and [ErrDamaged].
func Parse(file []byte) (*Database, error) {
	if !Is(file) {
		return nil, ErrNotKDBX
	}
	if len(file) < 12 {
		return nil, ErrDamaged
	}
	d := &Database{major: binary.LittleEndian.Uint16(file[10:]), fields: map[byte][]byte{}}
	if d.major != 3 && d.major != 4 {
		return nil, ErrVersion
	}
	if err := d.readFields(file); err != nil {
		return nil, err
	}
	d.cipher = string(d.fields[fieldCipher])
	if ivSize(d.cipher) == 0 {
		return nil, ErrUnsupported
	}
	if len(d.fields[fieldMasterSeed]) != 32 || len(d.fields[fieldIV]) != ivSize(d.cipher) {
		return nil, ErrDamaged
	}
	switch compression, ok := number(d.fields[fieldCompression]); {
	case !ok:
		return nil, ErrDamaged
	case compression > 1:
		return nil, ErrUnsupported
	default:
		d.zipped = compression == 1
	}
	if d.major == 4 {
		// The hash of the header needs no key: it tells damage from a wrong passphrase,
		// before a damaged price is paid.
		sum := sha256.Sum256(d.header)
		if len(d.body) < 64 || !bytes.Equal(sum[:], d.body[:32]) {
			return nil, ErrDamaged
		}
		var err error
		d.KDF, err = readKDF(d.fields[fieldKDF])
		return d, err
	}
	rounds, ok := number(d.fields[fieldRounds])
	stream, ok2 := number(d.fields[fieldStreamID])
	if !ok || !ok2 || len(d.fields[fieldSeed]) != 32 || len(d.fields[fieldStart]) != 32 {
		return nil, ErrDamaged
	}
	d.KDF = KDF{Name: AES, Rounds: rounds, salt: d.fields[fieldSeed]}
	d.stream, d.streamK = uint32(stream), d.fields[fieldStreamKey]
	return d, nil
}

// readFields splits file into header fields and body.
func (d *Database) readFields(file []byte) error {
	size := 2 // bytes of a field's length
	if d.major == 4 {
		size = 4
	}
	for at := 12; ; {
		if len(file)-at < 1+size {
			return ErrDamaged
		}
		length, _ := number(file[at+1 : at+1+size])
		start := at + 1 + size
		if length > uint64(len(file)-start) {
			return ErrDamaged
		}
		id, end := file[at], start+int(length)
		if id == fieldEnd {
			d.header, d.body = file[:end], file[end:]
			return nil
		}
		d.fields[id] = file[start:end]
		at = end
	}
}

// number reads a little-endian number of 2, 4 or 8 bytes.
func number(b []byte) (uint64, bool) {
	switch len(b) {
	case 2:
		return uint64(binary.LittleEndian.Uint16(b)), true
	case 4:
		return uint64(binary.LittleEndian.Uint32(b)), true
	case 8:
		return binary.LittleEndian.Uint64(b), true
	}
	return 0, false
}

// Open derives the key, which takes as long as [Database.KDF] says, and returns the
// entries. Errors are [ErrPassphrase], [ErrDamaged], [ErrUnsupported] and [ErrTooBig].
func (d *Database) Open(passphrase []byte) ([]Entry, error) {
	single := sha256.Sum256(passphrase)
	composite := sha256.Sum256(single[:])
	transformed, err := d.KDF.derive(composite[:])
	if err != nil {
		return nil, err
	}
	secret := append(bytes.Clone(d.fields[fieldMasterSeed]), transformed...)
	if d.major == 4 {
		return d.open4(secret)
	}
	return d.open3(secret)
}
