package slip39

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

const (
	rounds         = 4
	baseIterations = 2500 // of PBKDF2 in each round, times two to the exponent
)

// encrypt encrypts a secret, whose length is even, by a Feistel network.
func encrypt(secret, passphrase []byte, s set) []byte {
	return feistel(secret, passphrase, s, []byte{0, 1, 2, 3})
}

// decrypt is the inverse of [encrypt].
func decrypt(secret, passphrase []byte, s set) []byte {
	return feistel(secret, passphrase, s, []byte{3, 2, 1, 0})
}

func feistel(secret, passphrase []byte, s set, order []byte) []byte {
	left, right := secret[:len(secret)/2], secret[len(secret)/2:]
	for _, round := range order[:rounds] {
		left, right = right, xor(left, roundKey(round, passphrase, s, right))
	}
	return slices.Concat(right, left)
}

// roundKey returns as many bytes as half has.
func roundKey(round byte, passphrase []byte, s set, half []byte) []byte {
	var salt []byte
	if !s.extendable {
		salt = binary.BigEndian.AppendUint16([]byte("shamir"), uint16(s.id))
	}
	password := string(append([]byte{round}, passphrase...))
	key, err := pbkdf2.Key(sha256.New, password, append(salt, half...), baseIterations<<s.exponent, len(half))
	if err != nil {
		panic(err) // only for a length that no share has
	}
	return key
}
