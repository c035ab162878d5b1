package keyring

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// maxSnapshot is the most bytes that the sections of a snapshot may have, packed or not.
const maxSnapshot = 256 << 20

// maxSections is the most sections of a snapshot. A vault has one for 128 accounts, so that its
// bytes are at their limit before. Each takes memory when a snapshot is read, however short it is.
const maxSections = 1 << 14

// text is the encoding of bytes in items: keyrings promise to keep text only.
var text = base64.RawURLEncoding.Strict()

// compress compresses each section by itself, so that one can be read without the others.
// D-Bus libraries take time for each byte, and macOS and Windows limit how many there may
// be. More than maxSections are [ErrTooBig].
func compress(sections [][]byte) ([][]byte, error) {
	if len(sections) > maxSections {
		return nil, fmt.Errorf("%w: %d sections, at most %d", ErrTooBig, len(sections), maxSections)
	}
	compressed := make([][]byte, len(sections))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0)) // a compressor has about a megabyte
	for i, section := range sections {
		group.Go(func() error {
			var out bytes.Buffer
			w, err := flate.NewWriter(&out, flate.DefaultCompression)
			if err != nil {
				return err
			}
			if _, err := w.Write(section); err != nil {
				return err
			}
			if err := w.Close(); err != nil {
				return err
			}
			compressed[i] = out.Bytes()
			return nil
		})
	}
	return compressed, group.Wait()
}

// decompress returns a section of up to limit bytes. More is [ErrTooBig].
func decompress(compressed []byte, limit int) ([]byte, error) {
	r := bytes.NewReader(compressed)
	var buffer bytes.Buffer
	buffer.Grow(min(4*len(compressed), limit)) // seldom more comes out: secrets do not compress
	_, err := buffer.ReadFrom(io.LimitReader(flate.NewReader(r), int64(limit)+1))
	data := buffer.Bytes()
	switch {
	case err != nil:
		return nil, err
	case len(data) > limit:
		return nil, ErrTooBig
	case r.Len() != 0:
		return nil, errors.New("bytes after its end")
	}
	return data, nil
}

// pack makes one piece of compressed sections. Before them it has a table: how many
// there are, and the bytes of each, as numbers of [binary.AppendUvarint].
func pack(compressed [][]byte) []byte {
	packed := binary.AppendUvarint(nil, uint64(len(compressed)))
	for _, section := range compressed {
		packed = binary.AppendUvarint(packed, uint64(len(section)))
	}
	return append(packed, bytes.Join(compressed, nil)...)
}

// unpack returns the compressed sections of a packed snapshot. ok is false unless they are
// all of it, and no more than maxSections.
func unpack(packed []byte) (compressed [][]byte, ok bool) {
	count, n := binary.Uvarint(packed)
	if n <= 0 || count > maxSections || count > uint64(len(packed)-n) { // each takes a byte in the table
		return nil, false
	}
	packed = packed[n:]
	lengths := make([]uint64, count)
	for i := range lengths {
		if lengths[i], n = binary.Uvarint(packed); n <= 0 {
			return nil, false
		}
		packed = packed[n:]
	}
	compressed = make([][]byte, count)
	for i, length := range lengths {
		if length > uint64(len(packed)) {
			return nil, false
		}
		compressed[i], packed = packed[:length], packed[length:]
	}
	return compressed, len(packed) == 0
}

// A content identifies one whole packed snapshot.
type content struct {
	format     int // that of the packed snapshot, and of the records that name it
	generation uint64
	length     int // bytes of the packed snapshot
	sum        [sha256.Size]byte
}

func contentOf(generation uint64, packed []byte) content {
	return content{
		format: formatVersion, generation: generation, length: len(packed), sum: sumOf(formatVersion, generation, packed),
	}
}

// sumOf returns a SHA-256 over the format, the generation and the packed snapshot, so that
// a snapshot is never taken for one of another generation.
func sumOf(format int, generation uint64, packed []byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(fmt.Appendf(nil, "auth snapshot %d\n", format), generation))
	h.Write(packed)
	h.Sum(sum[:0])
	return sum
}

// open checks a packed snapshot against what it should be, and returns its compressed
// sections.
func (c content) open(packed []byte) (compressed [][]byte, why string) {
	switch {
	case len(packed) != c.length:
		return nil, "it has another length than it says"
	case sumOf(c.format, c.generation, packed) != c.sum:
		return nil, "its hash does not match"
	case c.format == 1:
		return [][]byte{packed}, "" // one section, and no table
	}
	compressed, ok := unpack(packed)
	if !ok {
		return nil, "it does not unpack"
	}
	return compressed, ""
}
