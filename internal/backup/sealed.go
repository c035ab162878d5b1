package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/authcli/auth/internal/vault"
)

// sealedPrefix begins the name of every sealed key in a location.
const sealedPrefix = "recovery-"

// A SealedKey names a file of a location that holds the recovery key under a
// passphrase or for a further key. It never changes: a new passphrase is a new file.
type SealedKey struct {
	Name    string `json:"name"`
	Hash    string `json:"hash"`              // [HashOf] its bytes
	Retired bool   `json:"retired,omitempty"` // never to be put back
}

// HashOf names bytes: 32 hexadecimal digits of their SHA-256.
func HashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

// Seal returns the recovery key as a sealed key, and the bytes of its file.
func (k RecoveryKey) Seal(s Sealing) (SealedKey, []byte, error) {
	text := "# The recovery key of backups of auth. It opens every one of them.\n" + k.Text() + "\n"
	data, err := Seal([]byte(text), s)
	if err != nil {
		return SealedKey{}, nil, err
	}
	name := fmt.Sprintf("%s%s-%s.age", sealedPrefix, k.ID(), vault.NewID()[:8])
	return SealedKey{Name: name, Hash: HashOf(data)}, data, nil
}

// UnsealKey opens the file of a sealed key. Errors are those of [Unseal] and [ErrRecoveryKey].
func UnsealKey(data []byte, identities ...Identity) (RecoveryKey, error) {
	text, err := Unseal(data, identities...)
	if err != nil {
		return RecoveryKey{}, err
	}
	return ParseRecoveryKey(string(text))
}

// SealedKeyID returns the id of the recovery key that a file of a location holds,
// by the file's name; ok is false for a file that is not named as a sealed key.
func SealedKeyID(name string) (id string, ok bool) {
	if !isSealed(name) {
		return "", false
	}
	id, _, ok = strings.Cut(strings.TrimPrefix(name, sealedPrefix), "-")
	return id, ok
}

// isSealed reports whether a file of a location is named as a sealed key.
func isSealed(name string) bool {
	return strings.HasPrefix(name, sealedPrefix) && strings.HasSuffix(name, ".age")
}

// isBackup reports whether a file of a location may be a backup: any other age
// file. Sync clients rename files; what the file says decides.
func isBackup(name string) bool {
	return strings.HasSuffix(name, ".age") && !isSealed(name) && !isSuccession(name)
}
