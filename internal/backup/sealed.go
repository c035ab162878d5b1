package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

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

// Bounds on the sealed keys that are taken from somewhere else. A backup is signed with the
// recovery key, which a thief may hold too.
const (
	// maxSealed is how many sealed keys in use are learned from backups. Each has 92 bytes in
	// the enrolment. Its item has 2,500 bytes on Windows, of which the key, the successions
	// and a location need up to 1,000. More sealed keys still open the location. This device
	// just does not put them back.
	maxSealed = 16
	// maxListed is how many sealed keys a backup lists at most, and how many earlier keys.
	// Twenty years of monthly rotations stay below it.
	maxListed = 256
)

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

// sealedName matches the names of [RecoveryKey.Seal]. The last group is what a sync client
// added.
var sealedName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^` + sealedPrefix + `([0-9a-f]{16})-[0-9a-f]{8}(.*)\.age$`)
})

// SealedKeyID returns the id of the recovery key in a sealed key's file, taken from the
// file's name. It also accepts the name of a conflict copy, which is the name with something
// that a sync client added. ok is false if the name is not that of a sealed key.
func SealedKeyID(name string) (id string, ok bool) {
	m := sealedName().FindStringSubmatch(name)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// ours reports whether auth itself gives files such names and hashes. Files of a location
// are read, written and removed by what a backup lists, so that everything else is left
// alone: a path, or the name of somebody's own file.
func (k SealedKey) ours() bool {
	m := sealedName().FindStringSubmatch(k.Name)
	hash, err := hex.DecodeString(k.Hash)
	return m != nil && m[2] == "" && err == nil && len(hash) == sha256.Size/2
}

// listedSealed returns the sealed keys of a list in a backup or an enrolment without those
// that are none, and of too many the last, which are the newest.
func listedSealed(list []SealedKey) []SealedKey {
	list = slices.DeleteFunc(slices.Clone(list), func(k SealedKey) bool { return !k.ours() })
	return list[max(0, len(list)-maxListed):]
}

// isSealed reports whether a file may be meant as a sealed key, and not as a backup.
func isSealed(name string) bool {
	return strings.HasPrefix(name, sealedPrefix) && strings.HasSuffix(name, ".age")
}

// isBackup reports whether a file of a location may be a backup. Every other age file
// may be one: sync clients rename files, so only the content tells.
func isBackup(name string) bool {
	return strings.HasSuffix(name, ".age") && !isSealed(name) && !isSuccession(name)
}
