package kdbx

import (
	"crypto/cipher"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/salsa20/salsa"
)

// Numbers of the streams that protect single values of the XML.
const (
	streamNone     = 0
	streamSalsa20  = 2
	streamChaCha20 = 3
)

// salsaNonce is the one nonce of all KeePass files.
const salsaNonce = "\xe8\x30\x09\x4b\x97\x20\x5d\x2a"

// newStream returns the stream that protected values are decrypted with, in the
// order in which they stand in the document.
func newStream(id uint32, key []byte) (cipher.Stream, error) {
	switch id {
	case streamNone:
		return nothing{}, nil
	case streamSalsa20:
		s := &salsaStream{key: sha256.Sum256(key)}
		copy(s.counter[:8], salsaNonce)
		return s, nil
	case streamChaCha20:
		sum := sha512.Sum512(key)
		return chacha20.NewUnauthenticatedCipher(sum[:32], sum[32:44])
	}
	return nil, ErrUnsupported
}

type nothing struct{}

func (nothing) XORKeyStream(dst, src []byte) { copy(dst, src) }

// A salsaStream is Salsa20 that goes on where it stopped: the package of
// golang.org/x/crypto begins at a whole block each time.
type salsaStream struct {
	key     [32]byte
	counter [16]byte // nonce, then the number of the next block
	block   [64]byte
	left    []byte // what is left of block
}

func (s *salsaStream) XORKeyStream(dst, src []byte) {
	for i, b := range src {
		if len(s.left) == 0 {
			var zero [64]byte
			salsa.XORKeyStream(s.block[:], zero[:], &s.counter, &s.key)
			binary.LittleEndian.PutUint64(s.counter[8:], binary.LittleEndian.Uint64(s.counter[8:])+1)
			s.left = s.block[:]
		}
		dst[i], s.left = b^s.left[0], s.left[1:]
	}
}
