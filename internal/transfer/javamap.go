package transfer

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// Marks of Java's serialization protocol (Java Object Serialization Specification,
// section 6.4.2).
const (
	javaMagic      = "\xac\xed\x00\x05"
	javaNull       = 0x70
	javaReference  = 0x71
	javaClass      = 0x72
	javaObject     = 0x73
	javaString     = 0x74
	javaBlock      = 0x77
	javaEnd        = 0x78
	javaLongString = 0x7c
	javaHandles    = 0x7e0000 // the number of the first handle
)

// javaHashMap is the class with its name and version, as it lies in a file.
const javaHashMap = "\x00\x11java.util.HashMap\x05\x07\xda\xc1\xc3\x16\x60\xd1"

// maxPairs is how many entries a map may have; an account has two, and there is one
// for the key.
const maxPairs = 2*maxAccounts + 1

// A javaPair is one entry of a map.
type javaPair struct{ Key, Value string }

// readJavaMap reads a serialized java.util.HashMap<String, String>, in the order of
// the file; entries that are null are left out. Nothing else is read: not a class is
// looked up. The error is [ErrDamaged].
// A map has at most maxPairs entries, and a text maxToken bytes.
//
// The texts that come out are together no longer than twice the file, however often
// it refers to one of them.
func readJavaMap(data []byte) ([]javaPair, error) {
	r := javaReader{data: data, budget: 2 * len(data)}
	r.expect(javaMagic)
	r.expect(string([]byte{javaObject, javaClass}))
	r.expect(javaHashMap)
	r.take(1) // flags
	skip := 0
	for range binary.BigEndian.Uint16(r.take(2)) {
		// Android once wrote the load factor alone, Java the threshold too.
		switch r.take(1)[0] {
		case 'F', 'I':
			skip += 4
		default:
			return nil, ErrDamaged
		}
		r.take(int(binary.BigEndian.Uint16(r.take(2))))
	}
	r.expect(string([]byte{javaEnd, javaNull}))
	r.take(skip)
	r.expect(string([]byte{javaBlock, 8}))
	r.take(4) // capacity
	size := binary.BigEndian.Uint32(r.take(4))
	r.handles = make([]*string, 2) // the class and the map
	if size > maxPairs {
		r.bad = true
	}
	var pairs []javaPair
	for i := uint32(0); i < size && !r.bad; i++ {
		key, value := r.text(), r.text()
		if key != nil && value != nil {
			pairs = append(pairs, javaPair{*key, *value})
		}
	}
	r.expect(string([]byte{javaEnd}))
	if r.bad {
		return nil, ErrDamaged
	}
	return pairs, nil
}

// A javaReader takes bytes from the front of data until they do not suffice; then it
// is bad and gives zeros.
type javaReader struct {
	data    []byte
	handles []*string
	budget  int
	bad     bool
}

func (r *javaReader) take(n int) []byte {
	if n > len(r.data) || n < 0 {
		r.bad, r.data = true, nil
		return make([]byte, min(max(n, 0), 8))
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *javaReader) expect(want string) {
	if string(r.take(len(want))) != want {
		r.bad, r.data = true, nil
	}
}

// text reads a string, a reference to one, or null.
func (r *javaReader) text() *string {
	var text *string
	switch mark := r.take(1)[0]; mark {
	case javaString:
		text = r.newText(uint64(binary.BigEndian.Uint16(r.take(2))))
	case javaLongString:
		text = r.newText(binary.BigEndian.Uint64(r.take(8)))
	case javaReference:
		handle := int64(binary.BigEndian.Uint32(r.take(4))) - javaHandles
		if handle < 0 || handle >= int64(len(r.handles)) || r.handles[handle] == nil {
			r.bad = true
			return nil
		}
		text = r.handles[handle]
	case javaNull:
		return nil
	default:
		r.bad = true
		return nil
	}
	if text != nil {
		if r.budget -= len(*text); r.budget < 0 {
			r.bad = true
		}
	}
	return text
}

func (r *javaReader) newText(size uint64) *string {
	if size > uint64(min(len(r.data), maxToken)) || len(r.handles) > 2*maxPairs {
		r.bad, r.data = true, nil
		return nil
	}
	text := modifiedUTF8(r.take(int(size)))
	r.handles = append(r.handles, &text)
	return &text
}

// modifiedUTF8 decodes Java's own UTF-8: zero is two bytes, and what lies beyond 16
// bits is a pair of surrogates with three bytes each.
func modifiedUTF8(b []byte) string {
	ascii := true
	for _, c := range b {
		ascii = ascii && c < 0x80
	}
	if ascii {
		return string(b)
	}
	units := make([]uint16, 0, len(b))
	for len(b) > 0 {
		switch {
		case b[0] < 0x80:
			units, b = append(units, uint16(b[0])), b[1:]
		case b[0]&0xe0 == 0xc0 && len(b) > 1:
			units, b = append(units, uint16(b[0]&0x1f)<<6|uint16(b[1]&0x3f)), b[2:]
		case b[0]&0xf0 == 0xe0 && len(b) > 2:
			units, b = append(units, uint16(b[0]&0x0f)<<12|uint16(b[1]&0x3f)<<6|uint16(b[2]&0x3f)), b[3:]
		default:
			units, b = append(units, 0xfffd), b[1:]
		}
	}
	return strings.ToValidUTF8(string(utf16.Decode(units)), "\ufffd")
}
