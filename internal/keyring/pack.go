package keyring

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
)

// maxSnapshot is the most bytes that a packed snapshot may unpack to.
const maxSnapshot = 256 << 20

// text is the encoding of bytes in items: keyrings promise to keep text only.
var text = base64.RawURLEncoding.Strict()

// pack compresses data. D-Bus libraries take time for each byte, and macOS and
// Windows limit how many there may be.
func pack(data []byte) ([]byte, error) {
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

func unpack(packed []byte) ([]byte, error) {
	r := bytes.NewReader(packed)
	var buffer bytes.Buffer
	buffer.Grow(4 * len(packed)) // seldom more comes out: secrets do not compress
	_, err := buffer.ReadFrom(io.LimitReader(flate.NewReader(r), maxSnapshot+1))
	data := buffer.Bytes()
	switch {
	case err != nil:
		return nil, err
	case r.Len() != 0:
		return nil, errors.New("bytes after its end")
	case len(data) > maxSnapshot:
		return nil, ErrTooBig
	}
	return data, nil
}

// A content identifies one whole packed snapshot.
type content struct {
	generation uint64
	length     int // bytes of the packed snapshot
	sum        [sha256.Size]byte
}

func contentOf(generation uint64, packed []byte) content {
	return content{generation: generation, length: len(packed), sum: sumOf(generation, packed)}
}

// sumOf returns a SHA-256 over the generation and the packed snapshot, so that a
// snapshot is never taken for one of another generation.
func sumOf(generation uint64, packed []byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64([]byte("auth snapshot 1\n"), generation))
	h.Write(packed)
	h.Sum(sum[:0])
	return sum
}

// open checks a packed snapshot against what it should be and unpacks it.
func (c content) open(packed []byte) (data []byte, why string) {
	switch {
	case len(packed) != c.length:
		return nil, "it has another length than it says"
	case sumOf(c.generation, packed) != c.sum:
		return nil, "its hash does not match"
	}
	data, err := unpack(packed)
	if err != nil {
		return nil, "it does not unpack"
	}
	return data, ""
}
