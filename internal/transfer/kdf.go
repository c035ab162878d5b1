package transfer

import (
	"crypto/aes"
	"crypto/cipher"
)

// openGCM decrypts AES-GCM with a tag at the end of data. A tag that does not fit is
// [ErrWrongPassphrase], since keys come from passphrases.
func openGCM(key, nonce, data, aad []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, ErrDamaged
	}
	if len(nonce) == 0 {
		return nil, ErrDamaged
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, len(nonce))
	if err != nil || len(data) < gcm.Overhead() {
		return nil, ErrDamaged
	}
	plain, err := gcm.Open(nil, nonce, data, aad)
	if err != nil {
		return nil, ErrWrongPassphrase
	}
	return plain, nil
}

// sealGCM encrypts with AES-GCM, the tag at the end.
func sealGCM(key, nonce, plain, aad []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, len(nonce))
	if err != nil {
		return nil, err
	}
	return gcm.Seal(nil, nonce, plain, aad), nil
}

// openCBC decrypts AES-CBC and takes the PKCS #7 padding off. Data that are no whole
// blocks are [ErrDamaged]; a bad padding is [ErrWrongPassphrase], which is all that
// CBC can tell. One wrong key in 256 passes: the caller looks at what comes out.
func openCBC(key, iv, data []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil || len(iv) != aes.BlockSize || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, ErrDamaged
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > aes.BlockSize {
		return nil, ErrWrongPassphrase
	}
	for _, b := range plain[len(plain)-pad:] {
		if int(b) != pad {
			return nil, ErrWrongPassphrase
		}
	}
	return plain[:len(plain)-pad], nil
}
