package transfer

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"

	"golang.org/x/crypto/argon2"

	"github.com/authcli/auth/internal/account"
)

const (
	protonSalt  = 16 // bytes
	protonNonce = 12 // bytes
	// Argon2id.
	protonPasses = 2
	protonMemory = 19 << 10 // KiB
	protonAAD    = "proton.authenticator.export.v1"
)

// proton is the export of Proton Authenticator.
//
// Source: proton-authenticator in github.com/ProtonMail, crate authenticator_common.
func proton() Format {
	return Format{
		Name: "proton", Title: "Proton Authenticator", Extension: ".json",
		Detect: func(s *Source) bool {
			o := s.Object()
			return hasKeys(o, "salt", "content") || anyHas(o["entries"], "content") || hasKeys(o, "version") && string(o["entries"]) == "[]"
		},
		Read: readProton, Write: writeProton, Encrypted: true,
		Holds: Holds{
			Types:     []account.Type{account.TOTP, account.Steam},
			MinDigits: 5, MaxDigits: 9, MaxPeriod: 1<<16 - 1, Note: true, Plain: true, Sealed: true, Refuse: steamLike,
		},
		Notes: "Settings → Export, with a password or without.",
	}
}

type protonEntry struct {
	Content struct {
		URI  loose `json:"uri"`
		Type loose `json:"entry_type"`
		Name loose `json:"name"`
	} `json:"content"`
	Note loose `json:"note"`
}

func readProton(ctx context.Context, s *Source) (Batch, error) {
	var file struct {
		Salt    string            `json:"salt"`
		Content string            `json:"content"`
		Entries []json.RawMessage `json:"entries"`
	}
	if err := s.JSON(&file); err != nil {
		return Batch{}, err
	}
	if file.Content != "" {
		if err := s.affordArgon2(ctx, protonPasses, protonMemory, 1); err != nil {
			return Batch{}, err
		}
		phrase, err := s.Passphrase(ctx)
		if err != nil {
			return Batch{}, err
		}
		plain, err := openProton(file.Salt, file.Content, phrase)
		if err != nil {
			return Batch{}, err
		}
		if err := s.inner(s.Name, plain).JSON(&file); err != nil {
			return Batch{}, err
		}
	}
	var b Batch
	each(&b, file.Entries, func(i int, e protonEntry) {
		name := rowName(i, "", string(e.Content.Name))
		a, err := readURI(&b, name, string(e.Content.URI))
		if err == nil && a.Name == "" && string(e.Content.Name) != a.Issuer {
			a.Name = string(e.Content.Name)
		}
		a.Note = string(e.Note)
		b.add(name, a, err)
	})
	return b, nil
}

// protonKey derives the key of an export from its passphrase.
func protonKey(phrase string, salt []byte) []byte {
	return argon2.IDKey([]byte(phrase), salt, protonPasses, protonMemory, 1, 32)
}

func openProton(salt64, content64, phrase string) ([]byte, error) {
	salt, err1 := base64.StdEncoding.DecodeString(salt64)
	content, err2 := base64.StdEncoding.DecodeString(content64)
	if err1 != nil || err2 != nil || len(content) < protonNonce {
		return nil, ErrDamaged
	}
	return openGCM(protonKey(phrase, salt), content[:protonNonce], content[protonNonce:], []byte(protonAAD))
}

func writeProton(accounts []account.Account, o WriteOptions) (Output, error) {
	entries := []any{}
	var dropped []Skip
	for i, a := range accounts {
		id, err := newUUID(o.Rand)
		if err != nil {
			return Output{}, err
		}
		content := map[string]any{"uri": a.URI(), "entry_type": "Totp", "name": a.Name}
		if a.Type == account.Steam {
			content["uri"], content["entry_type"] = "steam://"+a.Secret.Base32(), "Steam"
			if a.Issuer != "Steam" || a.Name == "Steam" {
				dropped = append(dropped, Skip{rowName(i, a.Issuer, a.Name), "label"})
			}
		}
		e := map[string]any{"id": id, "content": content, "note": nil}
		if a.Note != "" {
			e["note"] = a.Note
		}
		entries = append(entries, e)
	}
	out, err := writeJSON(map[string]any{"version": 1, "entries": entries})
	if err == nil && o.Passphrase != "" {
		out, err = sealProton(out.Data, o)
	}
	out.Dropped = dropped
	return out, err
}

func sealProton(plain []byte, o WriteOptions) (Output, error) {
	random := make([]byte, protonSalt+protonNonce)
	if _, err := io.ReadFull(o.Rand, random); err != nil {
		return Output{}, err
	}
	salt, nonce := random[:protonSalt], random[protonSalt:]
	sealed, err := sealGCM(protonKey(o.Passphrase, salt), nonce, plain, []byte(protonAAD))
	if err != nil {
		return Output{}, err
	}
	b64 := base64.StdEncoding.EncodeToString
	return writeJSON(map[string]any{"version": 1, "salt": b64(salt), "content": b64(append(nonce, sealed...))})
}
