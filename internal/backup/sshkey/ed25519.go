package sshkey

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"
	"slices"

	"filippo.io/age"
	"golang.org/x/crypto/chacha20poly1305"
)

const (
	ed25519Type  = "ssh-ed25519"
	ed25519Label = "age-encryption.org/v1/ssh-ed25519"
)

// An ed25519Recipient encrypts to the X25519 key that belongs to an Ed25519 one.
type ed25519Recipient struct {
	blob   []byte // the public key as SSH encodes it
	theirs *ecdh.PublicKey
}

func newEd25519Recipient(blob, key []byte, whole bool) (age.Recipient, error) {
	u, ok := montgomery(key)
	if !whole || !ok {
		return nil, ErrKey
	}
	theirs, err := ecdh.X25519().NewPublicKey(u)
	if err != nil {
		return nil, ErrKey
	}
	return &ed25519Recipient{blob, theirs}, nil
}

// montgomery turns a public key of Ed25519 into that of X25519, u = (1+y)/(1-y)
// (RFC 7748, section 4.1). It refuses what is not on the curve
// -x² + y² = 1 + dx²y², where (y²-1)/(dy²+1) is no square, and the neutral point.
// All of it is public, so math/big may take its time.
func montgomery(key []byte) (u []byte, ok bool) {
	if len(key) != ed25519.PublicKeySize {
		return nil, false
	}
	one := big.NewInt(1)
	p := new(big.Int).Sub(new(big.Int).Lsh(one, 255), big.NewInt(19))
	over := func(a, b *big.Int) *big.Int {
		inverse := new(big.Int).ModInverse(b, p)
		if inverse == nil {
			return nil
		}
		return inverse.Mod(inverse.Mul(inverse, a), p)
	}
	littleEndian := slices.Clone(key)
	littleEndian[31] &= 0x7f // the sign of x
	slices.Reverse(littleEndian)
	y := new(big.Int).SetBytes(littleEndian)

	d := over(big.NewInt(-121665), big.NewInt(121666)) // RFC 8032, section 5.1
	y2 := new(big.Int).Mul(y, y)
	x2 := over(new(big.Int).Sub(y2, one), new(big.Int).Add(new(big.Int).Mul(d, y2), one))
	if x2 == nil || big.Jacobi(x2, p) < 0 {
		return nil, false
	}
	n := over(new(big.Int).Add(one, y), new(big.Int).Sub(one, y))
	if n == nil {
		return nil, false
	}
	u = n.FillBytes(make([]byte, 32))
	slices.Reverse(u)
	return u, true
}

// Wrap encrypts a file key.
func (r *ed25519Recipient) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	ephemeral, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	shared, err := ephemeral.ECDH(r.theirs)
	if err != nil {
		return nil, err
	}
	ours := ephemeral.PublicKey()
	key, err := wrappingKey(shared, r.blob, ours, r.theirs)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		return nil, err
	}
	return []*age.Stanza{{
		Type: ed25519Type,
		Args: []string{fingerprint(r.blob), text.EncodeToString(ours.Bytes())},
		Body: aead.Seal(nil, make([]byte, aead.NonceSize()), fileKey, nil), //nolint:gosec // the key is used once
	}}, nil
}

// wrappingKey derives the key of the file key from a shared secret, which is
// bound to the SSH key by a tweak first.
func wrappingKey(shared, blob []byte, ephemeral, recipient *ecdh.PublicKey) ([]byte, error) {
	tweak, err := hkdf.Key(sha256.New, nil, blob, ed25519Label, 32)
	if err != nil {
		return nil, err
	}
	scalar, err := ecdh.X25519().NewPrivateKey(tweak)
	if err != nil {
		return nil, err
	}
	point, err := ecdh.X25519().NewPublicKey(shared)
	if err != nil {
		return nil, err
	}
	if shared, err = scalar.ECDH(point); err != nil {
		return nil, err
	}
	salt := slices.Concat(ephemeral.Bytes(), recipient.Bytes())
	return hkdf.Key(sha256.New, shared, salt, ed25519Label, chacha20poly1305.KeySize)
}

// An ed25519Identity decrypts what an ed25519Recipient encrypts.
type ed25519Identity struct {
	blob   []byte
	secret *ecdh.PrivateKey
}

// newEd25519Identity returns the identity of a seed (RFC 8032). A public key that
// is given with it has to be its own.
func newEd25519Identity(seed, public []byte) (age.Identity, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, ErrKey
	}
	own := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	if public != nil && !bytes.Equal(public, own) {
		return nil, ErrKey
	}
	hash := sha512.Sum512(seed)
	secret, err := ecdh.X25519().NewPrivateKey(hash[:32]) // RFC 8032, section 5.1.5
	if err != nil {
		return nil, ErrKey
	}
	return &ed25519Identity{encode([]byte(ed25519Type), own), secret}, nil
}

// Unwrap decrypts the file key.
func (i *ed25519Identity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	return unwrapFirst(stanzas, ed25519Type, i.blob, 2, func(s *age.Stanza) ([]byte, error) {
		share, err := text.DecodeString(s.Args[1])
		if err != nil {
			return nil, err
		}
		ephemeral, err := ecdh.X25519().NewPublicKey(share)
		if err != nil {
			return nil, err
		}
		shared, err := i.secret.ECDH(ephemeral)
		if err != nil {
			return nil, err
		}
		key, err := wrappingKey(shared, i.blob, ephemeral, i.secret.PublicKey())
		if err != nil {
			return nil, err
		}
		aead, err := chacha20poly1305.New(key)
		if err != nil {
			return nil, err
		}
		fileKey, err := aead.Open(nil, make([]byte, aead.NonceSize()), s.Body, nil)
		if err != nil {
			return nil, age.ErrIncorrectIdentity
		}
		return fileKey, nil
	})
}
