package transfer

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"

	"golang.org/x/crypto/scrypt"
)

// Parameters of the slots that are written; Aegis' own defaults.
const (
	aegisN       = 1 << 15
	aegisR       = 8
	aegisP       = 1
	aegisKeySize = 32
)

type aegisHeader struct {
	Slots  few[aegisSlot] `json:"slots"`
	Params *aegisParams   `json:"params"`
}

type aegisParams struct {
	Nonce string `json:"nonce"`
	Tag   string `json:"tag"`
}

type aegisSlot struct {
	Type      int         `json:"type"` // 1 is a password
	UUID      string      `json:"uuid"`
	Key       string      `json:"key"`
	KeyParams aegisParams `json:"key_params"`
	N         int64       `json:"n,omitempty"`
	R         int64       `json:"r,omitempty"`
	P         int64       `json:"p,omitempty"`
	Salt      string      `json:"salt,omitempty"`
	Repaired  bool        `json:"repaired"`
	IsBackup  bool        `json:"is_backup"`
}

// openAegis tries the passphrase on each password slot.
func openAegis(ctx context.Context, s *Source, h aegisHeader, sealed string) ([]byte, error) {
	body, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || h.Params == nil {
		return nil, ErrDamaged
	}
	nonce, tag, err := h.Params.decode()
	if err != nil {
		return nil, err
	}
	tried := 0
	for _, slot := range h.Slots {
		if slot.Type != 1 {
			continue
		}
		tried++
		if err := s.affordScrypt(ctx, slot.N, slot.R, slot.P); err != nil {
			return nil, err
		}
		phrase, err := s.Passphrase(ctx)
		if err != nil {
			return nil, err
		}
		master, err := slot.open(phrase)
		if errors.Is(err, ErrWrongPassphrase) {
			continue
		}
		if err != nil {
			return nil, err
		}
		plain, err := openGCM(master, nonce, append(body, tag...), nil)
		if err != nil {
			return nil, ErrDamaged // the master key was authentic
		}
		return plain, nil
	}
	if tried == 0 {
		return nil, &NotExportableError{
			What: "an Aegis vault that only the fingerprint of its phone opens",
			Do:   "Set a password in Aegis and export again.",
		}
	}
	return nil, ErrWrongPassphrase
}

func (p aegisParams) decode() (nonce, tag []byte, err error) {
	nonce, err1 := hex.DecodeString(p.Nonce)
	tag, err2 := hex.DecodeString(p.Tag)
	if err1 != nil || err2 != nil || len(nonce) != 12 || len(tag) != 16 {
		return nil, nil, ErrDamaged
	}
	return nonce, tag, nil
}

// open returns the master key in a password slot.
func (slot aegisSlot) open(phrase string) ([]byte, error) {
	salt, err1 := hex.DecodeString(slot.Salt)
	sealed, err2 := hex.DecodeString(slot.Key)
	if err1 != nil || err2 != nil || len(sealed) != aegisKeySize {
		return nil, ErrDamaged
	}
	nonce, tag, err := slot.KeyParams.decode()
	if err != nil {
		return nil, err
	}
	key, err := scrypt.Key([]byte(phrase), salt, int(slot.N), int(slot.R), int(slot.P), aegisKeySize)
	if err != nil {
		return nil, ErrDamaged
	}
	return openGCM(key, nonce, append(sealed, tag...), nil)
}

// sealAegis encrypts the database with a new master key, and that with the passphrase.
func sealAegis(plain []byte, o WriteOptions) (aegisHeader, string, error) {
	random := make([]byte, aegisKeySize+32+12+12)
	if _, err := io.ReadFull(o.Rand, random); err != nil {
		return aegisHeader{}, "", err
	}
	master, salt, keyNonce, nonce := random[:32], random[32:64], random[64:76], random[76:88]
	id, err := newUUID(o.Rand)
	if err != nil {
		return aegisHeader{}, "", err
	}
	key, err := scrypt.Key([]byte(o.Passphrase), salt, aegisN, aegisR, aegisP, aegisKeySize)
	if err != nil {
		return aegisHeader{}, "", err
	}
	sealedKey, err := sealGCM(key, keyNonce, master, nil)
	if err != nil {
		return aegisHeader{}, "", err
	}
	body, err := sealGCM(master, nonce, plain, nil)
	if err != nil {
		return aegisHeader{}, "", err
	}
	split := func(nonce, sealed []byte) ([]byte, aegisParams) {
		at := len(sealed) - 16
		return sealed[:at], aegisParams{Nonce: hex.EncodeToString(nonce), Tag: hex.EncodeToString(sealed[at:])}
	}
	keyText, keyParams := split(keyNonce, sealedKey)
	bodyText, params := split(nonce, body)
	slot := aegisSlot{
		Type: 1, UUID: id, Key: hex.EncodeToString(keyText), KeyParams: keyParams,
		N: aegisN, R: aegisR, P: aegisP, Salt: hex.EncodeToString(salt), Repaired: true,
	}
	return aegisHeader{Slots: few[aegisSlot]{slot}, Params: &params}, base64.StdEncoding.EncodeToString(bodyText), nil
}
