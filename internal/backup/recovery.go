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

// macInfo is the HKDF info of the key that backups of a location are signed with.
const macInfo = "auth backup mac v1"

// A RecoveryKey is the age identity that opens everything in a location. It prints
// as nothing; [RecoveryKey.Text] is the only way out.
type RecoveryKey struct{ p **recoveryKey }

type recoveryKey struct {
	text      string
	identity  age.Identity
	recipient age.Recipient
	public    string
}

// ErrRecoveryKey is the error of a text that is no recovery key.
var ErrRecoveryKey = errors.New("not a recovery key (AGE-SECRET-KEY-…)")

// NewRecoveryKey makes a recovery key: post-quantum hybrid (ML-KEM-768 and X25519,
// which age reads from 1.3 on), or plain X25519, which every age reads.
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

// ParseRecoveryKey reads a recovery key from the text of an identity file: one
// AGE-SECRET-KEY line among comments. The error is [ErrRecoveryKey], and holds
// nothing of the text.
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

// Text returns the key as a line of an identity file: whoever has it opens every backup.
func (k RecoveryKey) Text() string { return (*k.p).text }

// Recipient returns the public half, to which backups are encrypted.
func (k RecoveryKey) Recipient() string { return (*k.p).public }

// Identity returns the key as age takes it.
func (k RecoveryKey) Identity() Identity { return (*k.p).identity }

// ID names the key without opening anything: 16 hexadecimal digits of the SHA-256
// of its recipient.
func (k RecoveryKey) ID() string {
	sum := sha256.Sum256([]byte((*k.p).public))
	return hex.EncodeToString(sum[:8])
}

// Quantum reports whether the key is post-quantum hybrid.
func (k RecoveryKey) Quantum() bool { return strings.HasPrefix((*k.p).text, "AGE-SECRET-KEY-PQ-") }

// String does not show the key.
func (k RecoveryKey) String() string { return "(recovery key)" }

// Format does not show the key, whatever the verb.
func (k RecoveryKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("(recovery key)")) }

// mac returns the signature of a payload: HMAC-SHA256 over all its bytes, under a
// key that HKDF-SHA256 derives from the identity's text. age proves no sender;
// this proves that the writer held the recovery key.
func (k RecoveryKey) mac(payload []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, []byte((*k.p).text), nil, macInfo, sha256.Size)
	if err != nil {
		return nil, err
	}
	m := hmac.New(sha256.New, key)
	m.Write(payload)
	return m.Sum(nil), nil
}
