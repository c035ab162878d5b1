package keyedarchive

import (
	"encoding/binary"
	"math"
	"strings"
	"unicode/utf16"
)

// Kinds of objects in a binary property list: the upper four bits of their first byte.
const (
	kindInt   = 0x1
	kindReal  = 0x2
	kindData  = 0x4
	kindASCII = 0x5
	kindUTF16 = 0x6
	kindUID   = 0x8
	kindArray = 0xa
	kindDict  = 0xd
)

const (
	plistMagic = "bplist00"
	trailer    = 32 // bytes at the end
	// Objects may be told to hold one and the same text or member any number of times,
	// so that what one of them costs is bounded.
	maxText    = 64 << 10 // bytes
	maxMembers = 100
)

// A plist is a binary property list whose objects are decoded when they are asked
// for, one by one: however they refer to each other, nothing is walked or copied
// that nobody asks for.
type plist struct {
	data    []byte // without the trailer
	offsets []byte
	offset  int // bytes of an offset
	ref     int // bytes of a reference
	objects uint64
}

// An object is one object, its references still numbers.
type object struct {
	kind   byte
	number float64 // of int, real and UID
	raw    []byte  // of data and strings; the references of containers
	count  int     // of the elements of a container; a dict has keys, then values
}

func readPlist(data []byte) (*plist, uint64, error) {
	if len(data) < len(plistMagic)+trailer || string(data[:len(plistMagic)]) != plistMagic {
		return nil, 0, ErrFormat
	}
	end := data[len(data)-trailer:]
	p := &plist{data: data[:len(data)-trailer], offset: int(end[6]), ref: int(end[7]), objects: binary.BigEndian.Uint64(end[8:])}
	top, table := binary.BigEndian.Uint64(end[16:]), binary.BigEndian.Uint64(end[24:])
	if p.offset < 1 || p.offset > 8 || p.ref < 1 || p.ref > 8 || table > uint64(len(p.data)) {
		return nil, 0, ErrFormat
	}
	p.offsets = p.data[table:]
	if p.objects > uint64(len(p.offsets)/p.offset) {
		return nil, 0, ErrFormat
	}
	return p, top, nil
}

// at returns object n; what cannot be read, or is of no use here, is one of kind 0.
func (p *plist) at(n uint64) object {
	if n >= p.objects {
		return object{}
	}
	start := bigEndian(p.offsets[n*uint64(p.offset):][:p.offset])
	if start >= uint64(len(p.data)) {
		return object{}
	}
	b := p.data[start:]
	kind, low := b[0]>>4, int(b[0]&0xf)
	b = b[1:]
	switch kind {
	case kindInt, kindReal:
		if low > 4 || len(b) < 1<<low {
			return object{}
		}
		return numberObject(kind, b[:1<<low])
	case kindUID:
		if low > 7 || len(b) < low+1 {
			return object{}
		}
		return object{kind: kind, number: float64(bigEndian(b[:low+1]))}
	}
	count, b, ok := length(low, b)
	size := p.elementSize(kind)
	if !ok || size == 0 || count > len(b)/size {
		return object{}
	}
	return object{kind: kind, count: count, raw: b[:count*size]}
}

// elementSize returns how many bytes an element of an object has, 0 for other kinds.
func (p *plist) elementSize(kind byte) int {
	switch kind {
	case kindData, kindASCII:
		return 1
	case kindUTF16:
		return 2
	case kindArray:
		return p.ref
	case kindDict:
		return 2 * p.ref
	}
	return 0
}

// numberObject decodes 1, 2, 4, 8 or 16 bytes of an integer, which is signed from 8
// on, or 4 or 8 of a real number.
func numberObject(kind byte, b []byte) object {
	switch {
	case kind == kindReal && len(b) == 4:
		return object{kind: kind, number: float64(math.Float32frombits(binary.BigEndian.Uint32(b)))}
	case kind == kindReal && len(b) == 8:
		return object{kind: kind, number: math.Float64frombits(binary.BigEndian.Uint64(b))}
	case kind == kindReal:
		return object{}
	case len(b) >= 8:
		return object{kind: kind, number: float64(int64(binary.BigEndian.Uint64(b[len(b)-8:])))}
	}
	return object{kind: kind, number: float64(bigEndian(b))}
}

// length reads the count of an object: in its first byte, or as an integer behind it.
func length(low int, b []byte) (int, []byte, bool) {
	if low < 0xf {
		return low, b, true
	}
	if len(b) == 0 || b[0]>>4 != kindInt || b[0]&0xf > 3 || len(b) < 1+1<<(b[0]&0xf) {
		return 0, nil, false
	}
	size := 1 << (b[0] & 0xf)
	n := bigEndian(b[1 : 1+size])
	return int(min(n, math.MaxInt32)), b[1+size:], true
}

func bigEndian(b []byte) uint64 {
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// element returns what a container refers to at i.
func (p *plist) element(o object, i int) object {
	return p.at(bigEndian(o.raw[i*p.ref:][:p.ref]))
}

// member returns the value of a key of a dictionary, or an object of kind 0.
func (p *plist) member(o object, key string) object {
	if o.kind != kindDict || o.count > maxMembers {
		return object{}
	}
	for i := range o.count {
		if p.element(o, i).is(key) {
			return p.element(o, o.count+i)
		}
	}
	return object{}
}

// is reports whether o is this string; it is for keys, and does not copy.
func (o object) is(key string) bool {
	return o.kind == kindASCII && string(o.raw) == key || o.kind == kindUTF16 && o.count <= len(key) && o.text() == key
}

func (o object) text() string {
	if len(o.raw) > maxText {
		return ""
	}
	switch o.kind {
	case kindASCII:
		return strings.ToValidUTF8(string(o.raw), "\ufffd")
	case kindUTF16:
		units := make([]uint16, o.count)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(o.raw[2*i:])
		}
		return string(utf16.Decode(units))
	}
	return ""
}
