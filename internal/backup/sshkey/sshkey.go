// Package sshkey encrypts age files to SSH keys and decrypts them: the recipient
// types ssh-ed25519 and ssh-rsa of age (its package agessh is the description),
// for keys without a passphrase.
//
// It is here, and not agessh itself, because that brings a whole SSH client with
// it, which every start of auth would have to initialise: a fifth of what auth
// takes beyond an empty program. Its tests hold it against agessh, both ways.
//
// It refuses what agessh refuses: other kinds of keys, RSA below 2048 bits, points
// that are not on the curve. Nothing of a key is ever in an error.
package sshkey

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"filippo.io/age"
)

// ErrKey is the error of a text that is no SSH key that can be used here.
var ErrKey = errors.New("not an ssh-ed25519 or ssh-rsa key without a passphrase")

// text is how age writes bytes in the arguments of a stanza.
var text = base64.RawStdEncoding.Strict()

// ParseRecipient reads a line of an SSH public key: type, base64, and perhaps a
// comment. The error is [ErrKey].
func ParseRecipient(line string) (age.Recipient, error) {
	words := strings.Fields(line)
	if len(words) < 2 {
		return nil, ErrKey
	}
	blob, err := base64.StdEncoding.DecodeString(words[1])
	if err != nil {
		return nil, ErrKey
	}
	r := reader{rest: blob}
	switch kind := string(r.bytes()); {
	case kind != words[0]:
		return nil, ErrKey
	case kind == ed25519Type:
		return newEd25519Recipient(blob, r.bytes(), r.done())
	case kind == rsaType:
		e, n := r.number(), r.number()
		return newRSARecipient(blob, n, e, r.done())
	}
	return nil, ErrKey
}

// fingerprint names a public key, as SSH encodes it, in a stanza: a hint only.
func fingerprint(blob []byte) string {
	sum := sha256.Sum256(blob)
	return text.EncodeToString(sum[:4])
}

// unwrapFirst tries the stanzas of one kind and key. One that unwrap does not open
// may be another key's with the same fingerprint.
func unwrapFirst(stanzas []*age.Stanza, kind string, blob []byte, arguments int, unwrap func(*age.Stanza) ([]byte, error)) ([]byte, error) {
	for _, s := range stanzas {
		if s.Type != kind {
			continue
		}
		if len(s.Args) != arguments {
			return nil, errors.New("a stanza of type " + kind + " is malformed")
		}
		if s.Args[0] != fingerprint(blob) {
			continue
		}
		if key, err := unwrap(s); !errors.Is(err, age.ErrIncorrectIdentity) {
			return key, err
		}
	}
	return nil, age.ErrIncorrectIdentity
}
