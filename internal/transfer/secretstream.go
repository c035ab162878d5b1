package transfer

import (
	"crypto/subtle"
	"encoding/binary"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/poly1305"
)

// Sizes of libsodium's crypto_secretstream_xchacha20poly1305.
const (
	streamHeader = 24
	streamBlock  = 64 // of ChaCha20
	streamExtra  = 1 + poly1305.TagSize
)

// openSecretStream opens the one message of a stream that was closed, or not, after
// it: a tag byte, the ciphertext, a MAC. The tag is encrypted as the first byte of a
// block of its own and the whole block is under the MAC.
//
// The error is [ErrDamaged] for impossible sizes and [ErrWrongPassphrase] where the
// MAC does not fit.
//
// Source: crypto_secretstream_xchacha20poly1305_pull in libsodium.
func openSecretStream(key, header, data []byte) ([]byte, error) {
	if len(key) != chacha20.KeySize || len(header) != streamHeader || len(data) < streamExtra {
		return nil, ErrDamaged
	}
	subkey, err := chacha20.HChaCha20(key, header[:16])
	if err != nil {
		return nil, ErrDamaged
	}
	nonce := append(binary.LittleEndian.AppendUint32(nil, 1), header[16:]...)
	stream, err := chacha20.NewUnauthenticatedCipher(subkey, nonce)
	if err != nil {
		return nil, ErrDamaged
	}
	// Block 0 is the key of the MAC, block 1 hides the tag, the message follows.
	var first, tag [streamBlock]byte
	stream.XORKeyStream(first[:], first[:])
	tag[0] = data[0]
	stream.XORKeyStream(tag[:], tag[:])
	tag[0] = data[0]
	sealed, sum := data[1:len(data)-poly1305.TagSize], data[len(data)-poly1305.TagSize:]

	var macKey [32]byte
	copy(macKey[:], first[:])
	mac := poly1305.New(&macKey)
	mac.Write(tag[:])
	mac.Write(sealed)
	// The padding is what libsodium computes, which is not to a multiple of 16.
	mac.Write(make([]byte, (16-streamBlock+len(sealed))&15))
	mac.Write(binary.LittleEndian.AppendUint64(nil, 0)) // no additional data
	mac.Write(binary.LittleEndian.AppendUint64(nil, uint64(streamBlock+len(sealed))))
	if subtle.ConstantTimeCompare(mac.Sum(nil), sum) != 1 {
		return nil, ErrWrongPassphrase
	}
	plain := make([]byte, len(sealed))
	stream.XORKeyStream(plain, sealed)
	return plain, nil
}
