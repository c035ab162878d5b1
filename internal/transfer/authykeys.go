package transfer

import (
	"context"
	"crypto/aes"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/base64"
	"fmt"

	"github.com/authcli/auth/internal/account"
)

// authyKeys derives the key of each salt once, with the passphrase of the call.
type authyKeys struct {
	ctx    context.Context
	source *Source
	keys   map[string][]byte
	tried  int
	failed int
}

// open decrypts one secret: base64 of AES-256-CBC with an IV of zeros, the key by
// PBKDF2-HMAC-SHA1 from the bytes of the salt's text. What comes out must be base32.
// The reason is about the token, the error about the file.
func (k *authyKeys) open(sealed, salt string, rounds number) (text string, reason, err error) {
	n := int64(authyRounds)
	if rounds.set {
		n = rounds.value
	}
	if rounds.bad {
		return "", ErrDamaged, nil
	}
	cost, err := pbkdf2Cost(sha1.New, n, 32)
	if err == nil && cost.unreasonable() {
		err = errUnreasonable()
	}
	if err != nil {
		return "", err, nil
	}
	data, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return "", ErrDamaged, nil
	}
	id := fmt.Sprintf("%d %s", n, salt)
	key := k.keys[id]
	if key == nil {
		if err := k.source.afford(k.ctx, cost); err != nil {
			return "", nil, err
		}
		passphrase, err := k.source.Passphrase(k.ctx)
		if err != nil {
			return "", nil, err
		}
		if key, err = pbkdf2.Key(sha1.New, passphrase, []byte(salt), int(n), 32); err != nil {
			return "", nil, err
		}
		k.keys[id] = key
	}
	k.tried++
	plain, err := openCBC(key, make([]byte, aes.BlockSize), data)
	if err == nil {
		_, err = account.ParseBase32(string(plain))
	}
	if err != nil {
		k.failed++
		return "", ErrWrongPassphrase, nil
	}
	return string(plain), nil, nil
}
