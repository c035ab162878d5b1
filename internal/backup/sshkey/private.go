package sshkey

import (
	"bytes"
	"encoding/asn1"
	"encoding/pem"
	"math/big"

	"filippo.io/age"
)

// ParseIdentity reads an SSH private key in PEM: as OpenSSH writes it now
// (PROTOCOL.key), in PKCS #1 or in PKCS #8. The error is [ErrKey], for one under a
// passphrase too.
func ParseIdentity(data []byte) (age.Identity, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, ErrKey
	}
	switch block.Type {
	case "OPENSSH PRIVATE KEY":
		return parseOpenSSH(block.Bytes)
	case "RSA PRIVATE KEY":
		return parsePKCS1(block.Bytes) // which an encrypted one is not
	case "PRIVATE KEY":
		return parsePKCS8(block.Bytes)
	}
	return nil, ErrKey
}

const openSSHMagic = "openssh-key-v1\x00"

// parseOpenSSH reads the format that the file PROTOCOL.key of OpenSSH describes.
func parseOpenSSH(data []byte) (age.Identity, error) {
	data, ours := bytes.CutPrefix(data, []byte(openSSHMagic))
	r := reader{rest: data}
	cipher, kdf := string(r.bytes()), string(r.bytes())
	r.bytes() // options of the key derivation
	if keys := r.uint32(); !ours || cipher != "none" || kdf != "none" || keys != 1 {
		return nil, ErrKey
	}
	r.bytes() // the public key
	private := reader{rest: r.bytes()}
	check, again := private.uint32(), private.uint32() // tell a wrong passphrase
	if !r.done() || check != again {
		return nil, ErrKey
	}
	switch kind := string(private.bytes()); kind {
	case ed25519Type:
		public, both := private.bytes(), private.bytes()
		if !padded(&private) || len(both) != 64 || !bytes.Equal(public, both[32:]) {
			return nil, ErrKey
		}
		return newEd25519Identity(both[:32], public)
	case rsaType:
		n, e, d := private.number(), private.number(), private.number()
		private.number() // of the Chinese remainder theorem
		p, q := private.number(), private.number()
		if !padded(&private) {
			return nil, ErrKey
		}
		return newRSAIdentity(n, e, d, p, q)
	}
	return nil, ErrKey
}

// padded reads the comment, and the bytes 1, 2, 3… up to a multiple of eight.
func padded(r *reader) bool {
	r.bytes()
	for i, b := range r.rest {
		if int(b) != i+1 || i > 7 {
			return false
		}
	}
	return !r.bad
}

// parsePKCS1 reads an RSA key (RFC 8017, appendix A.1.2) of two primes.
func parsePKCS1(der []byte) (age.Identity, error) {
	var key struct {
		Version           int
		N, E, D, P, Q     *big.Int
		DP, DQ, Remainder *big.Int
	}
	if rest, err := asn1.Unmarshal(der, &key); err != nil || len(rest) > 0 || key.Version != 0 {
		return nil, ErrKey
	}
	for _, n := range []*big.Int{key.N, key.E, key.D, key.P, key.Q} {
		if n.Sign() <= 0 {
			return nil, ErrKey
		}
	}
	return newRSAIdentity(key.N, key.E, key.D, key.P, key.Q)
}

// parsePKCS8 reads a private key of either kind (RFC 5208; RFC 8410, section 7).
func parsePKCS8(der []byte) (age.Identity, error) {
	var key struct {
		Version   int
		Algorithm struct {
			ID         asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Private []byte
	}
	if _, err := asn1.Unmarshal(der, &key); err != nil {
		return nil, ErrKey
	}
	switch key.Algorithm.ID.String() {
	case "1.2.840.113549.1.1.1":
		return parsePKCS1(key.Private)
	case "1.3.101.112":
		var seed []byte
		if rest, err := asn1.Unmarshal(key.Private, &seed); err != nil || len(rest) > 0 {
			return nil, ErrKey
		}
		return newEd25519Identity(seed, nil)
	}
	return nil, ErrKey
}
