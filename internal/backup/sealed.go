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

// A SealedKey names a file of a location with the recovery key, encrypted with a
// passphrase or to further keys. The file never changes: a new passphrase makes a new file.
type SealedKey struct {
	Name    string `json:"name"`
	Hash    string `json:"hash"`              // [HashOf] its bytes
	Retired bool   `json:"retired,omitempty"` // must not be put back
}

// HashOf returns the first 32 hexadecimal digits of the SHA-256 of data.
func HashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

// Seal encrypts the recovery key as a new sealed key. It returns its name and hash, and
// the bytes of its file.
func (k RecoveryKey) Seal(s Sealing) (SealedKey, []byte, error) {
	text := "# The recovery key of backups of auth. It opens every one of them.\n" + k.Text() + "\n"
	data, err := Seal([]byte(text), s)
	if err != nil {
		return SealedKey{}, nil, err
	}
	name := fmt.Sprintf("%s%s-%s.age", sealedPrefix, k.ID(), vault.NewID()[:8])
	return SealedKey{Name: name, Hash: HashOf(data)}, data, nil
}

// UnsealKey decrypts the file of a sealed key. Errors are those of [Unseal] and
// [ErrRecoveryKey].
func UnsealKey(data []byte, identities ...Identity) (RecoveryKey, error) {
	text, err := Unseal(data, identities...)
	if err != nil {
		return RecoveryKey{}, err
	}
	return ParseRecoveryKey(string(text))
}

// SealedKeyID returns the id of the recovery key in a sealed key's file, taken from the
// file's name. ok is false if the name is not that of a sealed key.
func SealedKeyID(name string) (id string, ok bool) {
	if !isSealed(name) {
		return "", false
	}
	id, _, ok = strings.Cut(strings.TrimPrefix(name, sealedPrefix), "-")
	return id, ok
}

// isSealed reports whether a file has the name of a sealed key.
func isSealed(name string) bool {
	return strings.HasPrefix(name, sealedPrefix) && strings.HasSuffix(name, ".age")
}

// isBackup reports whether a file of a location may be a backup. Every other age file
// may be one: sync clients rename files, so only the content tells.
func isBackup(name string) bool {
	return strings.HasSuffix(name, ".age") && !isSealed(name) && !isSuccession(name)
}
