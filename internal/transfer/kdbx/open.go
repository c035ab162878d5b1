package kdbx

import (
	"bytes"
	"compress/gzip"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"io"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/twofish"
)

// maxPlain is how many bytes a database may unpack to; with attachments they run to
// tens of megabytes, without to two.
const maxPlain = 256 << 20

// Names of outer ciphers in a file.
const (
	cipherAES      = "\x31\xc1\xf2\xe6\xbf\x71\x43\x50\xbe\x58\x05\x21\x6a\xfc\x5a\xff"
	cipherTwofish  = "\xad\x68\xf2\x9f\x57\x6f\x4b\xb9\xa3\x6a\xd4\x7a\xf9\x65\x34\x6c"
	cipherChaCha20 = "\xd6\x03\x8a\x2b\x8b\x6f\x4c\xb5\xa5\x24\x33\x9a\x31\xdb\xb5\x9a"
)

// ivSize returns how long the IV of a cipher is, or 0 for an unknown cipher.
func ivSize(name string) int {
	switch name {
	case cipherAES, cipherTwofish:
		return 16
	case cipherChaCha20:
		return chacha20.NonceSize
	}
	return 0
}

// open3 opens the body of KDBX 3: 32 bytes that the header repeats, then blocks with
// a hash each.
func (d *Database) open3(secret []byte) ([]Entry, error) {
	key := sha256.Sum256(secret)
	plain, err := d.decrypt(key[:], d.body)
	if err != nil {
		return nil, ErrPassphrase // a bad padding: the only sign there is
	}
	start := d.fields[fieldStart]
	if len(plain) < len(start) || subtle.ConstantTimeCompare(plain[:len(start)], start) != 1 {
		return nil, ErrPassphrase
	}
	var data []byte
	for b := plain[len(start):]; ; {
		if len(b) < 40 {
			return nil, ErrDamaged
		}
		sum, size := b[4:36], binary.LittleEndian.Uint32(b[36:])
		if b = b[40:]; size == 0 {
			break
		}
		if uint64(size) > uint64(len(b)) {
			return nil, ErrDamaged
		}
		if got := sha256.Sum256(b[:size]); !bytes.Equal(got[:], sum) {
			return nil, ErrDamaged
		}
		data, b = append(data, b[:size]...), b[size:]
	}
	if data, err = d.unpack(data); err != nil {
		return nil, err
	}
	return readEntries(data, d.header, d.stream, d.streamK)
}

// open4 opens the body of KDBX 4: the header's hash, which [Parse] has looked at, and
// its HMAC, then blocks with an HMAC each.
func (d *Database) open4(secret []byte) ([]Entry, error) {
	base := sha512.Sum512(append(bytes.Clone(secret), 1))
	if !hmac.Equal(blockMAC(base[:], 1<<64-1, d.header), d.body[32:64]) {
		return nil, ErrPassphrase
	}
	var data []byte
	for b, i := d.body[64:], uint64(0); ; i++ {
		if len(b) < 36 {
			return nil, ErrDamaged
		}
		sum, size := b[:32], binary.LittleEndian.Uint32(b[32:])
		if uint64(size) > uint64(len(b)-36) {
			return nil, ErrDamaged
		}
		index := binary.LittleEndian.AppendUint64(nil, i)
		if !hmac.Equal(blockMAC(base[:], i, index, b[32:36+size]), sum) {
			return nil, ErrDamaged
		}
		data, b = append(data, b[36:36+size]...), b[36+size:]
		if size == 0 {
			break
		}
	}
	key := sha256.Sum256(secret)
	data, err := d.decrypt(key[:], data)
	if err != nil {
		return nil, err
	}
	if data, err = d.unpack(data); err != nil {
		return nil, err
	}
	return readInner(data, d.header)
}

// blockMAC returns the HMAC of a block, whose key is made from the block's number.
func blockMAC(base []byte, block uint64, parts ...[]byte) []byte {
	key := sha512.Sum512(append(binary.LittleEndian.AppendUint64(nil, block), base...))
	mac := hmac.New(sha256.New, key[:])
	for _, p := range parts {
		mac.Write(p)
	}
	return mac.Sum(nil)
}

func (d *Database) decrypt(key, data []byte) ([]byte, error) {
	iv := d.fields[fieldIV]
	var block cipher.Block
	var err error
	switch d.cipher {
	case cipherChaCha20:
		stream, err := chacha20.NewUnauthenticatedCipher(key, iv)
		if err != nil {
			return nil, ErrDamaged
		}
		out := make([]byte, len(data))
		stream.XORKeyStream(out, data)
		return out, nil
	case cipherTwofish:
		block, err = twofish.NewCipher(key)
	default:
		block, err = aes.NewCipher(key)
	}
	if err != nil || len(data) == 0 || len(data)%block.BlockSize() != 0 {
		return nil, ErrDamaged
	}
	out := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, data)
	pad := int(out[len(out)-1])
	if pad < 1 || pad > block.BlockSize() || pad > len(out) {
		return nil, ErrDamaged
	}
	return out[:len(out)-pad], nil
}

func (d *Database) unpack(data []byte) ([]byte, error) {
	if !d.zipped {
		return data, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, ErrDamaged
	}
	out, err := io.ReadAll(io.LimitReader(r, maxPlain+1))
	switch {
	case err != nil:
		return nil, ErrDamaged
	case len(out) > maxPlain:
		return nil, ErrTooBig
	}
	return out, nil
}

// readInner splits the inner header of KDBX 4 from the XML.
func readInner(data, header []byte) ([]Entry, error) {
	var stream uint64
	var key []byte
	for {
		if len(data) < 5 {
			return nil, ErrDamaged
		}
		id, size := data[0], binary.LittleEndian.Uint32(data[1:])
		if data = data[5:]; uint64(size) > uint64(len(data)) {
			return nil, ErrDamaged
		}
		field := data[:size]
		data = data[size:]
		switch id {
		case 0:
			return readEntries(data, header, uint32(stream), key)
		case 1:
			var ok bool
			if stream, ok = number(field); !ok {
				return nil, ErrDamaged
			}
		case 2:
			key = field
		}
	}
}
