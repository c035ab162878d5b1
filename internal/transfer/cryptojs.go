package transfer

import (
	"crypto/md5"
	"encoding/base64"
	"errors"
	"strings"
)

var errNotHex = errors.New("the secret is not hexadecimal")

// openCryptoJS decrypts what CryptoJS.AES.encrypt(text, passphrase) returns: base64 of
// "Salted__", eight bytes of salt and AES-256-CBC, key and IV from OpenSSL's
// EVP_BytesToKey with one round of MD5. It has no authentication.
func openCryptoJS(text, phrase string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(data) < 32 || string(data[:8]) != "Salted__" {
		return nil, ErrDamaged
	}
	var key, block []byte
	for len(key) < 48 {
		sum := md5.Sum(append(append(block, phrase...), data[8:16]...))
		block = sum[:]
		key = append(key, block...)
	}
	return openCBC(key[:32], key[32:48], data[16:])
}
