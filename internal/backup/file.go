package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
)

// Seal encrypts a payload to an ordinary age file. Errors of a plugin's recipient are those
// of [Plugins.ParseIdentity].
func Seal(payload []byte, s Sealing) ([]byte, error) {
	recipients, err := s.recipients()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, recipients...)
	if locked, ok := errors.AsType[lockedError](err); ok {
		return nil, locked
	}
	if err != nil {
		return nil, fmt.Errorf("encrypt the backup: %w", err)
	}
	if _, err := w.Write(payload); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Unseal decrypts a whole age file. If the file is cut or altered anywhere, Unseal
// returns none of it. Errors wrap [ErrForeign], [ErrDamaged], [ErrTooBig],
// [ErrWorkFactor] or [ErrWrongKey], or say why an identity of an [IdentityFile] could
// not be used.
func Unseal(data []byte, identities ...age.Identity) ([]byte, error) {
	if len(data) > MaxBytes {
		return nil, ErrTooBig
	}
	if _, err := UnderPassphrase(data); err != nil {
		return nil, err
	}
	r, err := age.Decrypt(dearmor(data), identities...)
	if err != nil {
		if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
			if fault, ok := errors.AsType[*PluginError](err); ok {
				return nil, fault
			}
			return nil, ErrWrongKey
		}
		if _, ok := errors.AsType[lockedError](err); ok {
			return nil, err
		}
		return nil, fmt.Errorf("%w: its header is altered", ErrDamaged)
	}
	payload, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%w: it is cut short or altered", ErrDamaged)
	}
	if len(payload) > MaxBytes {
		return nil, ErrTooBig
	}
	return payload, nil
}

// Open decrypts a backup and reads it. Errors are those of [Unseal] and [Decode].
func Open(data []byte, identities ...age.Identity) (Content, error) {
	payload, err := Unseal(data, identities...)
	if err != nil {
		return Content{}, err
	}
	return Decode(payload)
}
