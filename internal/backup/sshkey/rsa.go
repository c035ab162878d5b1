package sshkey

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"

	"filippo.io/age"
)

const (
	rsaType  = "ssh-rsa"
	rsaLabel = "age-encryption.org/v1/ssh-rsa"

	minRSA = 2048  // bits
	maxRSA = 16384 // more only costs time
)

// An rsaRecipient encrypts with RSA-OAEP (RFC 8017, section 7.1) over SHA-256.
type rsaRecipient struct {
	blob []byte // the public key as SSH encodes it
	key  *rsa.PublicKey
}

func newRSARecipient(blob []byte, n, e *big.Int, whole bool) (age.Recipient, error) {
	if !whole || n.BitLen() < minRSA || n.BitLen() > maxRSA || e.BitLen() > 31 || e.Bit(0) == 0 || e.Cmp(big.NewInt(3)) < 0 {
		return nil, ErrKey
	}
	return &rsaRecipient{blob, &rsa.PublicKey{N: n, E: int(e.Int64())}}, nil
}

// Wrap encrypts a file key.
func (r *rsaRecipient) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	body, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, r.key, fileKey, []byte(rsaLabel))
	if err != nil {
		return nil, err
	}
	return []*age.Stanza{{Type: rsaType, Args: []string{fingerprint(r.blob)}, Body: body}}, nil
}

// An rsaIdentity decrypts what an rsaRecipient encrypts.
type rsaIdentity struct {
	blob []byte
	key  *rsa.PrivateKey
}

func newRSAIdentity(n, e, d, p, q *big.Int) (age.Identity, error) {
	if n.BitLen() > maxRSA || e.BitLen() > 31 {
		return nil, ErrKey
	}
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: n, E: int(e.Int64())}, D: d, Primes: []*big.Int{p, q},
	}
	key.Precompute()
	if key.Validate() != nil {
		return nil, ErrKey
	}
	return &rsaIdentity{encode([]byte(rsaType), mpint(e), mpint(n)), key}, nil
}

// Unwrap decrypts the file key.
func (i *rsaIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	return unwrapFirst(stanzas, rsaType, i.blob, 1, func(s *age.Stanza) ([]byte, error) {
		fileKey, err := rsa.DecryptOAEP(sha256.New(), nil, i.key, s.Body, []byte(rsaLabel))
		if err != nil {
			return nil, age.ErrIncorrectIdentity
		}
		return fileKey, nil
	})
}
