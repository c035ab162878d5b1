package transfer

import (
	"context"
	"encoding/base64"
	"strings"

	"golang.org/x/crypto/argon2"
)

// enteSealed is the encrypted export of Ente Auth: a list of URIs under a passphrase.
// The plain export is such a list.
//
// Source: "Authenticator export" in the docs of github.com/ente-io/ente, and
// libsodium's documentation of secretstream.
func enteSealed() Format {
	return Format{
		Name: "ente-encrypted", Title: "Ente Auth, encrypted export", Encrypted: true,
		Detect: func(s *Source) bool { return hasKeys(s.Object(), "kdfParams", "encryptedData", "encryptionNonce") },
		Read:   readEnte,
		Notes:  "Settings → Data → Export codes → Encrypted. Deriving the key may take 1 GiB of memory, as in the app: `auth` asks first, or is told by `--allow-cost`.",
	}
}

func readEnte(ctx context.Context, s *Source) (Batch, error) {
	var file struct {
		KDF struct {
			MemLimit number `json:"memLimit"` // bytes
			OpsLimit number `json:"opsLimit"`
			Salt     loose  `json:"salt"`
		} `json:"kdfParams"`
		Data  loose `json:"encryptedData"`
		Nonce loose `json:"encryptionNonce"`
	}
	if err := s.JSON(&file); err != nil {
		return Batch{}, err
	}
	salt, err1 := base64.StdEncoding.DecodeString(string(file.KDF.Salt))
	header, err2 := base64.StdEncoding.DecodeString(string(file.Nonce))
	data, err3 := base64.StdEncoding.DecodeString(strings.TrimSpace(string(file.Data)))
	time, memory := file.KDF.OpsLimit, file.KDF.MemLimit
	if err1 != nil || err2 != nil || err3 != nil || time.bad || memory.bad || len(salt) < 8 ||
		len(header) != streamHeader || len(data) < streamExtra {
		return Batch{}, ErrDamaged
	}
	if err := s.affordArgon2(ctx, time.value, memory.value/1024, 1); err != nil {
		return Batch{}, err
	}
	passphrase, err := s.Passphrase(ctx)
	if err != nil {
		return Batch{}, err
	}
	key := argon2.IDKey([]byte(passphrase), salt, uint32(time.value), uint32(memory.value/1024), 1, 32)
	plain, err := openSecretStream(key, header, data)
	if err != nil {
		return Batch{}, err
	}
	b, err := readLines(s.inner(s.Name, plain))
	b.Formats = []string{"ente"}
	return b, err
}
