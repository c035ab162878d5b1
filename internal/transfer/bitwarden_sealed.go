package transfer

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"strings"

	"golang.org/x/crypto/argon2"
)

// bitwardenIterations are of PBKDF2, as Bitwarden sets them for new accounts.
const bitwardenIterations = 600_000

// bitwardenSealed are the members of an export under a password. Texts are
// "2.IV|CIPHERTEXT|MAC": AES-256-CBC, HMAC-SHA256 over IV and ciphertext.
type bitwardenSealed struct {
	Salt        string `json:"salt"`
	KDF         int    `json:"kdfType"` // 0 is PBKDF2-HMAC-SHA256, 1 is Argon2id
	Iterations  int64  `json:"kdfIterations"`
	Memory      int64  `json:"kdfMemory"` // MiB
	Parallelism int64  `json:"kdfParallelism"`
	Validation  string `json:"encKeyValidation_DO_NOT_EDIT"`
	Data        string `json:"data"`
}

// bitwardenKeys are the key of the cipher and that of the MAC.
type bitwardenKeys struct{ enc, mac []byte }

// afford takes the price of the keys.
func (f bitwardenSealed) afford(ctx context.Context, s *Source) error {
	switch f.KDF {
	case 0:
		return s.affordPBKDF2(ctx, sha256.New, f.Iterations, 32)
	case 1:
		if f.Memory > maxAllowedMemory>>20 {
			return errUnreasonable()
		}
		return s.affordArgon2(ctx, f.Iterations, f.Memory<<10, f.Parallelism)
	}
	return ErrDamaged
}

func (f bitwardenSealed) open(phrase string) ([]byte, error) {
	keys, err := f.keys(phrase)
	if err != nil {
		return nil, err
	}
	// The validation text is there to tell a wrong password from a damaged file.
	if f.Validation != "" {
		if _, err := keys.open(f.Validation); err != nil {
			return nil, err
		}
		plain, err := keys.open(f.Data)
		if err != nil {
			return nil, ErrDamaged
		}
		return plain, nil
	}
	return keys.open(f.Data)
}

func (f bitwardenSealed) keys(phrase string) (bitwardenKeys, error) {
	var key []byte
	switch f.KDF {
	case 0:
		// The salt is the base64 text itself.
		var err error
		if key, err = pbkdf2.Key(sha256.New, phrase, []byte(f.Salt), int(f.Iterations), 32); err != nil {
			return bitwardenKeys{}, ErrDamaged
		}
	case 1:
		salt := sha256.Sum256([]byte(f.Salt))
		key = argon2.IDKey([]byte(phrase), salt[:], uint32(f.Iterations), uint32(f.Memory<<10), uint8(f.Parallelism), 32)
	default:
		return bitwardenKeys{}, ErrDamaged
	}
	enc, err := hkdf.Expand(sha256.New, key, "enc", 32)
	if err != nil {
		return bitwardenKeys{}, err
	}
	mac, err := hkdf.Expand(sha256.New, key, "mac", 32)
	return bitwardenKeys{enc, mac}, err
}

func (k bitwardenKeys) open(text string) ([]byte, error) {
	kind, rest, _ := strings.Cut(text, ".")
	parts := strings.Split(rest, "|")
	if kind != "2" || len(parts) != 3 {
		return nil, ErrDamaged
	}
	var bytes [3][]byte
	for i, part := range parts {
		var err error
		if bytes[i], err = base64.StdEncoding.DecodeString(part); err != nil {
			return nil, ErrDamaged
		}
	}
	if !hmac.Equal(k.sum(bytes[0], bytes[1]), bytes[2]) {
		return nil, ErrWrongPassphrase
	}
	plain, err := openCBC(k.enc, bytes[0], bytes[1])
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}

func (k bitwardenKeys) sum(iv, data []byte) []byte {
	mac := hmac.New(sha256.New, k.mac)
	mac.Write(iv)
	mac.Write(data)
	return mac.Sum(nil)
}

func (k bitwardenKeys) seal(plain []byte, rand io.Reader) (string, error) {
	iv := make([]byte, aes.BlockSize)
	if _, err := io.ReadFull(rand, iv); err != nil {
		return "", err
	}
	block, err := aes.NewCipher(k.enc)
	if err != nil {
		return "", err
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	data := append(append([]byte{}, plain...), []byte(strings.Repeat(string(rune(pad)), pad))...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	b64 := base64.StdEncoding.EncodeToString
	return "2." + b64(iv) + "|" + b64(data) + "|" + b64(k.sum(iv, data)), nil
}

func sealBitwarden(plain []byte, o WriteOptions) (Output, error) {
	salt := make([]byte, 16)
	if _, err := io.ReadFull(o.Rand, salt); err != nil {
		return Output{}, err
	}
	f := bitwardenSealed{Salt: base64.StdEncoding.EncodeToString(salt), Iterations: bitwardenIterations}
	keys, err := f.keys(o.Passphrase)
	if err != nil {
		return Output{}, err
	}
	id, err := newUUID(o.Rand)
	if err != nil {
		return Output{}, err
	}
	if f.Validation, err = keys.seal([]byte(id), o.Rand); err != nil {
		return Output{}, err
	}
	if f.Data, err = keys.seal(plain, o.Rand); err != nil {
		return Output{}, err
	}
	return writeJSON(map[string]any{
		"encrypted": true, "passwordProtected": true, "salt": f.Salt, "kdfType": f.KDF, "kdfIterations": f.Iterations,
		"kdfMemory": nil, "kdfParallelism": nil, "encKeyValidation_DO_NOT_EDIT": f.Validation, "data": f.Data,
	})
}
