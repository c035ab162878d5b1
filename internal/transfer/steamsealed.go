package transfer

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"path"
	"strings"

	"golang.org/x/crypto/argon2"
)

const (
	steamRounds = 50_000 // of PBKDF2, Steam Desktop Authenticator
	steamArgon  = "Argon2idAes256"
)

// A steamManifest lies beside encrypted maFiles and holds salt and IV of each. The
// body of a maFile is base64 of AES-256-CBC.
//
// Source: FileEncryptor of Steam Desktop Authenticator, and src/encryption of
// github.com/dyc3/steamguard-cli.
type steamManifest struct {
	Entries []struct {
		Filename string `json:"filename"`
		// Steam Desktop Authenticator.
		IV   string `json:"encryption_iv"`
		Salt string `json:"encryption_salt"`
		// steamguard-cli.
		Encryption *steamSeal `json:"encryption"`
	} `json:"entries"`
}

// A steamSeal is how one maFile is encrypted.
type steamSeal struct {
	Scheme string `json:"scheme"`
	IV     string `json:"iv"`   // base64 of 16 bytes
	Salt   string `json:"salt"` // base64
}

// IsSteamManifest reports whether a file is a manifest of Steam accounts, which belongs
// to the maFiles beside it and is read in one call with them.
func IsSteamManifest(data []byte) bool {
	return isSteamManifest((&Source{File: File{Data: data}}).Object())
}

// isSteamManifest reports whether an object is a manifest: it has entries of files
// that belong to a Steam account each.
func isSteamManifest(object map[string]json.RawMessage) bool {
	var entries []map[string]json.RawMessage
	if json.Unmarshal(object["entries"], &entries) != nil || len(entries) == 0 {
		return false
	}
	first := entries[0]
	return hasKeys(first, "filename", "steamid") || hasKeys(first, "filename", "steam_id")
}

// seals returns how the files are encrypted, those of this name first: a download or a
// backup may have given the file another one. Folders are no part of a name here.
func (m steamManifest) seals(name string) (named, others []*steamSeal) {
	for _, e := range m.Entries {
		seal := e.Encryption
		if seal == nil && e.IV != "" && e.Salt != "" {
			seal = &steamSeal{IV: e.IV, Salt: e.Salt}
		}
		switch {
		case seal == nil:
		case baseName(e.Filename) == baseName(name):
			named = append(named, seal)
		default:
			others = append(others, seal)
		}
	}
	return named, others
}

// names reports whether the manifest has an entry for the file of this name.
func (m steamManifest) names(name string) bool {
	for _, e := range m.Entries {
		if baseName(e.Filename) == baseName(name) {
			return true
		}
	}
	return false
}

// baseName returns a name without its folders, of any system.
func baseName(name string) string { return path.Base(strings.ReplaceAll(name, `\`, "/")) }

// maxSeals is how many entries of manifests are tried on a file that none of them names.
const maxSeals = 16

// steamSealsOf returns how s may be encrypted, by the manifests of the same call, the
// likeliest first.
func steamSealsOf(s *Source) []*steamSeal {
	var first, rest []*steamSeal
	for _, f := range s.Others {
		o := s.inner(f.Name, f.Data)
		if !isSteamManifest(o.Object()) {
			continue
		}
		var m steamManifest
		if o.JSON(&m) == nil {
			named, others := m.seals(s.Name)
			first, rest = append(first, named...), append(rest, others...)
		}
	}
	if len(first) == 0 {
		first = rest[:min(len(rest), maxSeals)]
	}
	return first
}

// isSealedSteam reports whether s is an encrypted maFile: noise in base64, which a
// manifest knows, or which nothing but its name explains.
func isSealedSteam(s *Source) bool {
	if !isSealedText(s) {
		return false
	}
	for _, f := range s.Others {
		o := s.inner(f.Name, f.Data)
		var m steamManifest
		if isSteamManifest(o.Object()) && o.JSON(&m) == nil && m.names(s.Name) {
			return true
		}
	}
	return isMaFile(s.Name)
}

// readSealedSteam reads an encrypted maFile, or explains a manifest that came alone.
func readSealedSteam(ctx context.Context, s *Source) (Batch, error) {
	if isSteamManifest(s.Object()) {
		return Batch{}, &NotExportableError{
			What: "the manifest of Steam accounts, which holds none itself",
			Do:   "Give it in one call with the files that it names: `auth import manifest.json *.maFile`.",
		}
	}
	seals := steamSealsOf(s)
	if len(seals) == 0 {
		return Batch{}, &NotExportableError{
			What: "an encrypted maFile without the manifest that belongs to it",
			Do:   "Give the manifest.json of its folder in the same call: `auth import manifest.json *.maFile`.",
		}
	}
	data, err := sealedText(s)
	if err != nil {
		return Batch{}, ErrDamaged
	}
	passphrase, err := s.Passphrase(ctx)
	if err != nil {
		return Batch{}, err
	}
	failed := ErrDamaged // unless an entry was whole enough to try the passphrase
	for _, seal := range seals {
		iv, err1 := base64.StdEncoding.DecodeString(seal.IV)
		salt, err2 := base64.StdEncoding.DecodeString(seal.Salt)
		if err1 != nil || err2 != nil {
			continue
		}
		for _, k := range seal.keys() {
			if err := k.afford(ctx, s); err != nil {
				return Batch{}, err
			}
			plain, err := openCBC(k.derive(passphrase, salt), iv, data)
			if errors.Is(err, ErrDamaged) {
				break
			}
			failed = ErrWrongPassphrase
			if inner := s.inner(s.Name, plain); err == nil && inner.Object() != nil {
				return readSteam(ctx, inner)
			}
		}
	}
	return Batch{}, failed
}

// A steamKey is a key derivation: Argon2id, or PBKDF2 where it has no memory.
type steamKey struct {
	passes, memory uint32 // memory in KiB
	threads        uint8
}

// keys returns the derivations to be tried. steamguard-cli has had two sets of
// parameters under one name.
func (e *steamSeal) keys() []steamKey {
	if e.Scheme == steamArgon {
		return []steamKey{{3, 62_500, 4}, {3, 12 << 10, 12}}
	}
	return []steamKey{{}}
}

func (k steamKey) afford(ctx context.Context, s *Source) error {
	if k.memory == 0 {
		return s.affordPBKDF2(ctx, sha1.New, steamRounds, 32)
	}
	return s.affordArgon2(ctx, int64(k.passes), int64(k.memory), int64(k.threads))
}

func (k steamKey) derive(passphrase string, salt []byte) []byte {
	if k.memory == 0 {
		// The length of the key is right, so there is no error.
		key, _ := pbkdf2.Key(sha1.New, passphrase, salt, steamRounds, 32)
		return key
	}
	return argon2.IDKey([]byte(passphrase), salt, k.passes, k.memory, k.threads, 32)
}

// isSteamCompanion reports whether s is a manifest that came with a file it names, or
// with any maFile.
func isSteamCompanion(s *Source) bool {
	if !isSteamManifest(s.Object()) {
		return false
	}
	var m steamManifest
	if s.JSON(&m) != nil {
		return false
	}
	for _, f := range s.Others {
		if isMaFile(f.Name) || m.names(f.Name) {
			return true
		}
	}
	return false
}

func isMaFile(name string) bool { return strings.HasSuffix(strings.ToLower(name), ".mafile") }
