package transfer

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// Marks of an encrypted member. archive/zip knows none of them.
const (
	flagLater   = 1 << 3 // sizes and CRC follow the data
	flagStrong  = 1 << 6 // PKWARE's own encryption
	methodAES   = 99
	extraAES    = 0x9901
	aesRounds   = 1000 // of PBKDF2
	aesCheck    = 2    // bytes that tell a wrong passphrase
	aesSumSize  = 10   // bytes of HMAC-SHA1 that are kept
	cryptHeader = 12   // bytes before the data of ZipCrypto
)

// openMember returns the content of an encrypted member, of at most limit bytes:
// ZipCrypto as PKZIP 2 had it (APPNOTE.TXT, section 6.1), or WinZip's AE-1 and AE-2
// (https://www.winzip.com/en/support/aes-encryption/). Both tell a wrong passphrase
// by a few bits only, so that a wrong CRC is taken for one too.
func openMember(ctx context.Context, s *Source, f *zip.File, limit int64) ([]byte, error) {
	if f.Flags&flagStrong != 0 {
		return nil, errPacked()
	}
	passphrase, err := s.Passphrase(ctx)
	if err != nil {
		return nil, err
	}
	// The raw bytes lie in the archive, which is in memory: they need no bound.
	raw, err := f.OpenRaw()
	if err != nil {
		return nil, ErrDamaged
	}
	data, err := io.ReadAll(raw)
	if err != nil {
		return nil, ErrDamaged
	}
	if f.Method == methodAES {
		if err := s.affordPBKDF2(ctx, sha1.New, aesRounds, 2*32+aesCheck); err != nil {
			return nil, err
		}
		return openWinZip(f, data, passphrase, limit)
	}
	return openZipCrypto(f, data, passphrase, limit)
}

func errPacked() error {
	return &NotExportableError{
		What: "an archive that is packed in a way that is not supported",
		Do:   "Unpack it, and give the files that are in it.",
	}
}

// unpackMember returns the content of a member that has been decrypted.
func unpackMember(method uint16, data []byte, limit int64) ([]byte, error) {
	switch method {
	case zip.Store:
		return readBounded(bytes.NewReader(data), limit)
	case zip.Deflate:
		return readBounded(flate.NewReader(bytes.NewReader(data)), limit)
	}
	return nil, errPacked()
}

// openWinZip decrypts salt, check, data and HMAC. The HMAC speaks for the data, so
// the CRC, which AE-2 leaves out, is not needed.
func openWinZip(f *zip.File, data []byte, passphrase string, limit int64) ([]byte, error) {
	strength, method, found := aesExtra(f.Extra)
	if !found || strength < 1 || strength > 3 {
		return nil, ErrDamaged
	}
	saltSize, keySize := 4+4*strength, 8+8*strength
	if len(data) < saltSize+aesCheck+aesSumSize {
		return nil, ErrDamaged
	}
	salt, check := data[:saltSize], data[saltSize:saltSize+aesCheck]
	sealed, sum := data[saltSize+aesCheck:len(data)-aesSumSize], data[len(data)-aesSumSize:]
	keys, err := pbkdf2.Key(sha1.New, passphrase, salt, aesRounds, 2*keySize+aesCheck)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(keys[2*keySize:], check) != 1 {
		return nil, ErrWrongPassphrase
	}
	mac := hmac.New(sha1.New, keys[keySize:2*keySize])
	mac.Write(sealed)
	if !hmac.Equal(mac.Sum(nil)[:aesSumSize], sum) {
		return nil, ErrDamaged
	}
	block, err := aes.NewCipher(keys[:keySize])
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(sealed))
	littleCTR(block, plain, sealed)
	return unpackMember(method, plain, limit)
}

// aesExtra finds strength and real method in the extra fields of a member.
func aesExtra(extra []byte) (strength int, method uint16, found bool) {
	for len(extra) >= 4 {
		id, size := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		if extra = extra[4:]; size > len(extra) {
			break
		}
		if id == extraAES && size >= 7 {
			return int(extra[4]), binary.LittleEndian.Uint16(extra[5:]), true
		}
		extra = extra[size:]
	}
	return 0, 0, false
}

// littleCTR is counter mode as WinZip has it: the counter is little-endian and begins
// with 1, where cipher.NewCTR's is big-endian.
func littleCTR(block cipher.Block, dst, src []byte) {
	var counter, stream [aes.BlockSize]byte
	for n := uint64(1); len(src) > 0; n++ {
		binary.LittleEndian.PutUint64(counter[:], n)
		block.Encrypt(stream[:], counter[:])
		done := subtle.XORBytes(dst, src, stream[:])
		dst, src = dst[done:], src[done:]
	}
}

// openZipCrypto decrypts a header of twelve bytes, of which the last is known, and
// the data.
func openZipCrypto(f *zip.File, data []byte, passphrase string, limit int64) ([]byte, error) {
	if len(data) < cryptHeader {
		return nil, ErrDamaged
	}
	c := newZipCrypto(passphrase)
	header := c.decrypt(data[:cryptHeader])
	want := byte(f.CRC32 >> 24)
	if f.Flags&flagLater != 0 {
		want = byte(f.ModifiedTime >> 8)
	}
	if header[cryptHeader-1] != want {
		return nil, ErrWrongPassphrase
	}
	plain, err := unpackMember(f.Method, c.decrypt(data[cryptHeader:]), limit)
	if errors.Is(err, ErrDamaged) || err == nil && crc32.ChecksumIEEE(plain) != f.CRC32 {
		return nil, ErrWrongPassphrase
	}
	return plain, err
}

// A zipCrypto is the state of PKWARE's old cipher. It is weak; nothing is ever
// encrypted with it here.
type zipCrypto struct{ k0, k1, k2 uint32 }

func newZipCrypto(passphrase string) *zipCrypto {
	c := &zipCrypto{0x12345678, 0x23456789, 0x34567890}
	for _, b := range []byte(passphrase) {
		c.update(b)
	}
	return c
}

func (c *zipCrypto) update(b byte) {
	c.k0 = crc32.IEEETable[byte(c.k0)^b] ^ c.k0>>8
	c.k1 = (c.k1+c.k0&0xff)*134775813 + 1
	c.k2 = crc32.IEEETable[byte(c.k2)^byte(c.k1>>24)] ^ c.k2>>8
}

func (c *zipCrypto) decrypt(data []byte) []byte {
	out := make([]byte, len(data))
	for i, b := range data {
		t := c.k2&0xffff | 2
		out[i] = b ^ byte(t*(t^1)>>8)
		c.update(out[i])
	}
	return out
}
