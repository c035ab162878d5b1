package backup

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
)

// macInfo is the HKDF info string of the signing key of a location's backups.
const macInfo = "auth backup mac v1"

// A RecoveryKey is the age identity that decrypts everything in a location. Printing it
// does not reveal it; only [RecoveryKey.Text] does.
type RecoveryKey struct{ p **recoveryKey }

type recoveryKey struct {
	text      string
	identity  age.Identity
	recipient age.Recipient
	public    string
}

// ErrRecoveryKey is returned for a text that is not a recovery key.
var ErrRecoveryKey = errors.New("not a recovery key (AGE-SECRET-KEY-…)")

// NewRecoveryKey generates a recovery key. It is a post-quantum hybrid key (ML-KEM-768
// with X25519), which needs age 1.3 or later. If x25519 is true, it is a plain X25519
// key, which every version of age reads.
func NewRecoveryKey(x25519 bool) (RecoveryKey, error) {
	if x25519 {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			return RecoveryKey{}, err
		}
		return ParseRecoveryKey(id.String())
	}
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return RecoveryKey{}, err
	}
	return ParseRecoveryKey(id.String())
}

// ParseRecoveryKey parses the text of an identity file: one AGE-SECRET-KEY line, and any
// comments. The error is [ErrRecoveryKey], which contains nothing from the text.
func ParseRecoveryKey(text string) (RecoveryKey, error) {
	var key string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if key != "" {
			return RecoveryKey{}, ErrRecoveryKey
		}
		key = strings.ToUpper(line)
	}
	k := &recoveryKey{text: key}
	if id, err := age.ParseX25519Identity(key); err == nil {
		k.identity, k.recipient, k.public = id, id.Recipient(), id.Recipient().String()
	} else if id, err := age.ParseHybridIdentity(key); err == nil {
		k.identity, k.recipient, k.public = id, id.Recipient(), id.Recipient().String()
	} else {
		return RecoveryKey{}, ErrRecoveryKey
	}
	return RecoveryKey{&k}, nil
}

// IsZero reports whether there is no key.
func (k RecoveryKey) IsZero() bool { return k.p == nil }

// Text returns the key as a line of an identity file. It is secret: it opens every backup.
func (k RecoveryKey) Text() string { return (*k.p).text }

// Recipient returns the public key that backups are encrypted to.
func (k RecoveryKey) Recipient() string { return (*k.p).public }

// Identity returns the key as an age identity.
func (k RecoveryKey) Identity() Identity { return (*k.p).identity }

// ID returns the public id of the key: the first 16 hexadecimal digits of the SHA-256 of
// its recipient.
func (k RecoveryKey) ID() string {
	sum := sha256.Sum256([]byte((*k.p).public))
	return hex.EncodeToString(sum[:8])
}

// Quantum reports whether the key is post-quantum hybrid.
func (k RecoveryKey) Quantum() bool { return strings.HasPrefix((*k.p).text, hybridBegin) }

// String does not show the key.
func (k RecoveryKey) String() string { return "(recovery key)" }

// Format does not show the key, whatever the verb.
func (k RecoveryKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("(recovery key)")) }

// mac returns the signature of a payload. It is HMAC-SHA256 over all bytes, with a key
// that HKDF-SHA256 derives from the text of the identity. age does not authenticate the
// sender; the signature proves that the writer held the recovery key.
func (k RecoveryKey) mac(payload []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, []byte((*k.p).text), nil, macInfo, sha256.Size)
	if err != nil {
		return nil, err
	}
	m := hmac.New(sha256.New, key)
	m.Write(payload)
	return m.Sum(nil), nil
}
