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
	"errors"
	"io"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/twofish"
)

// maxPlain is how many bytes a database may unpack to, with its attachments, of which
// nothing is kept.
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
	plain, err := d.decrypt(key[:], bytes.Clone(d.body))
	if err != nil {
		return nil, ErrPassphrase // a bad padding: the only sign there is
	}
	start := d.fields[fieldStart]
	if len(plain) < len(start) || subtle.ConstantTimeCompare(plain[:len(start)], start) != 1 {
		return nil, ErrPassphrase
	}
	data := plain[:0] // the blocks move together, in place
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
	r, err := d.unpack(data)
	if err != nil {
		return nil, err
	}
	return readEntries(r, d.header, d.stream, d.streamK)
}

// open4 opens the body of KDBX 4: the header's hash, which [Parse] has looked at, and
// its HMAC, then blocks with an HMAC each.
func (d *Database) open4(secret []byte) ([]Entry, error) {
	base := sha512.Sum512(append(bytes.Clone(secret), 1))
	if !hmac.Equal(blockMAC(base[:], 1<<64-1, d.header), d.body[32:64]) {
		return nil, ErrPassphrase
	}
	data := make([]byte, 0, len(d.body))
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
	r, err := d.unpack(data)
	if err != nil {
		return nil, err
	}
	return readInner(r, d.header)
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

// decrypt decrypts data in their place.
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
		stream.XORKeyStream(data, data)
		return data, nil
	case cipherTwofish:
		block, err = twofish.NewCipher(key)
	default:
		block, err = aes.NewCipher(key)
	}
	if err != nil || len(data) == 0 || len(data)%block.BlockSize() != 0 {
		return nil, ErrDamaged
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(data, data)
	pad := int(data[len(data)-1])
	if pad < 1 || pad > block.BlockSize() {
		return nil, ErrDamaged
	}
	return data[:len(data)-pad], nil
}

// unpack returns a reader of what data unpack to.
func (d *Database) unpack(data []byte) (io.Reader, error) {
	var r io.Reader = bytes.NewReader(data)
	if d.zipped {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, ErrDamaged
		}
		r = z
	}
	return &bounded{r: r, left: maxPlain}, nil
}

// A bounded reader gives [ErrTooBig] behind so many bytes, and [ErrDamaged] for what
// goes wrong before.
type bounded struct {
	r    io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, ErrTooBig
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	if err != nil && err != io.EOF {
		err = ErrDamaged
	}
	return n, err
}

// maxField is how many bytes a field of the inner header may have that is kept.
const maxField = 1 << 10

// readInner splits the inner header of KDBX 4, which holds the attachments too, from
// the XML.
func readInner(r io.Reader, header []byte) ([]Entry, error) {
	var stream uint64
	var key []byte
	for {
		var head [5]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, cut(err)
		}
		id, size := head[0], int64(binary.LittleEndian.Uint32(head[1:]))
		if id > 2 {
			if _, err := io.CopyN(io.Discard, r, size); err != nil {
				return nil, cut(err)
			}
			continue
		}
		if size > maxField {
			return nil, ErrDamaged
		}
		field := make([]byte, size)
		if _, err := io.ReadFull(r, field); err != nil {
			return nil, cut(err)
		}
		switch id {
		case 0:
			return readEntries(r, header, uint32(stream), key)
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

// cut returns what it means that a header ends with err.
func cut(err error) error {
	if errors.Is(err, ErrTooBig) {
		return ErrTooBig
	}
	return ErrDamaged
}
