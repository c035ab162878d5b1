package sshkey

import (
	"encoding/binary"
	"math/big"
)

// A reader takes apart what SSH encodes (RFC 4251, section 5). After a mistake
// everything that it reads is empty, and done reports it.
type reader struct {
	rest []byte
	bad  bool
}

// uint32 reads four bytes.
func (r *reader) uint32() uint32 {
	if r.bad || len(r.rest) < 4 {
		r.bad = true
		return 0
	}
	n := binary.BigEndian.Uint32(r.rest)
	r.rest = r.rest[4:]
	return n
}

// bytes reads a string: its length in four bytes, and that many.
func (r *reader) bytes() []byte {
	n := r.uint32()
	if r.bad || uint64(n) > uint64(len(r.rest)) {
		r.bad = true
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// number reads an mpint that is not negative.
func (r *reader) number() *big.Int {
	b := r.bytes()
	if len(b) > 0 && b[0] >= 0x80 {
		r.bad = true
	}
	return new(big.Int).SetBytes(b)
}

// done reports whether all was well and nothing is left.
func (r *reader) done() bool { return !r.bad && len(r.rest) == 0 }

// encode is the opposite of reader.bytes, for several strings.
func encode(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(p)))
		out = append(out, p...)
	}
	return out
}

// mpint is a number as SSH encodes it within a string: with a zero before a first
// byte that would make it negative.
func mpint(n *big.Int) []byte {
	b := n.Bytes()
	if len(b) > 0 && b[0] >= 0x80 {
		return append([]byte{0}, b...)
	}
	return b
}
