package sqlite

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/binary"
	"errors"
)

// ErrPassphrase is returned for an encrypted database whose first page does not
// verify: the passphrase is wrong, or the file is none of SQLCipher's.
var ErrPassphrase = errors.New("wrong passphrase, or not an SQLCipher database")

// CipherRounds is how many iterations of PBKDF2-HMAC-SHA1 [Decrypt] costs.
const CipherRounds = 64_000

// Parameters of SQLCipher 3 (its documentation, "Security Design").
const (
	cipherPage     = 1024
	cipherSalt     = 16
	cipherReserve  = 48 // 16 of IV, 20 of HMAC-SHA1, 12 of padding
	cipherHMACMask = 0x3a
)

// MaybeCipher reports whether file could be an SQLCipher 3 database: it has no
// mark, since its header is encrypted too, but it is made of whole pages.
func MaybeCipher(file []byte) bool {
	return len(file) >= cipherPage && len(file)%cipherPage == 0 && !Is(file)
}

// Decrypt returns the plain database of an SQLCipher 3 file: pages of 1024 bytes,
// AES-256-CBC with an IV and an HMAC-SHA1 each, keys by PBKDF2-HMAC-SHA1. The
// first 16 bytes of the file are the salt.
// Errors are [ErrNotSQLite], [ErrPassphrase] and, when a page but the first does
// not verify, [ErrDamaged].
func Decrypt(file, passphrase []byte) ([]byte, error) {
	if !MaybeCipher(file) {
		return nil, ErrNotSQLite
	}
	salt := file[:cipherSalt]
	key, err := pbkdf2.Key(sha1.New, string(passphrase), salt, CipherRounds, 32)
	if err != nil {
		return nil, err
	}
	masked := make([]byte, cipherSalt)
	for i, b := range salt {
		masked[i] = b ^ cipherHMACMask
	}
	macKey, err := pbkdf2.Key(sha1.New, string(key), masked, 2, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(file))
	mac := hmac.New(sha1.New, macKey)
	for at, number := 0, uint32(1); at < len(file); at, number = at+cipherPage, number+1 {
		page, out := file[at:at+cipherPage], plain[at:at+cipherPage]
		if number == 1 {
			page, out = page[cipherSalt:], out[copy(out, magic):]
		}
		end := len(page) - cipherReserve
		iv, sum := page[end:end+aes.BlockSize], page[end+aes.BlockSize:][:sha1.Size]
		mac.Reset()
		mac.Write(page[:end+aes.BlockSize])
		mac.Write(binary.LittleEndian.AppendUint32(nil, number))
		switch {
		case hmac.Equal(mac.Sum(nil), sum):
		case number == 1:
			return nil, ErrPassphrase
		default:
			return nil, ErrDamaged
		}
		cipher.NewCBCDecrypter(block, iv).CryptBlocks(out[:end], page[:end])
	}
	return plain, nil
}
