package transfer

import (
	"crypto/aes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
)

// Layout of RNCryptor's version 3: version, options, two salts, IV, ciphertext, HMAC.
const (
	rnHead   = 34
	rnRounds = 10_000 // of PBKDF2-HMAC-SHA1
)

// openRNCryptor opens RNCryptor's version 3 under a passphrase.
//
// Source: https://github.com/RNCryptor/RNCryptor-Spec/blob/master/RNCryptor-Spec-v3.md
func openRNCryptor(data []byte, passphrase string) ([]byte, error) {
	if len(data) < rnHead+aes.BlockSize+sha256.Size || data[0] != 3 || data[1] != 1 {
		return nil, ErrDamaged
	}
	body, sum := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	key, err1 := pbkdf2.Key(sha1.New, passphrase, data[2:10], rnRounds, 32)
	macKey, err2 := pbkdf2.Key(sha1.New, passphrase, data[10:18], rnRounds, 32)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, macKey)
	mac.Write(body)
	if !hmac.Equal(mac.Sum(nil), sum) {
		return nil, ErrWrongPassphrase
	}
	return openCBC(key, data[18:rnHead], body[rnHead:])
}
