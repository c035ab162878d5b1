package device

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
)

// An IdentityFile is a file of keys, as [backup.IdentityFile] takes it: recovery keys, or
// keys that open sealed ones.
type IdentityFile struct {
	Name      string
	Data      []byte
	PublicKey func() ([]byte, error) // returns the content of FILE.pub
}

// identities returns the keys in a file. The passphrase of a file is asked for when it
// is needed. An error is an *[InputError] where it is the file's.
func (d *Device) identities(ctx context.Context, file IdentityFile) ([]backup.Identity, error) {
	ids, err := backup.IdentityFile{
		Data: file.Data, PublicKey: file.PublicKey,
		Passphrase: func() (string, error) {
			return d.o.Asker.Passphrase(ctx, Purpose{Kind: OpenIdentity, Name: file.Name})
		},
	}.Identities()
	return ids, about(file, err)
}

// about names the file that an error of its content is about.
func about(file IdentityFile, err error) error {
	if errors.Is(err, backup.ErrIdentityFile) || errors.Is(err, backup.ErrIdentityPassphrase) {
		return &InputError{file.Name, err}
	}
	return err
}

// openKey opens a recovery key of a location, but none of those that are held already:
// with the given files, or with the passphrase.
func (d *Device) openKey(ctx context.Context, loc location.Location, entries []location.Entry, held map[string]bool, files []IdentityFile) (backup.RecoveryKey, error) {
	none := backup.RecoveryKey{}
	sealed, err := readSealed(ctx, loc, entries, held)
	if err != nil {
		return none, err
	}
	if len(sealed) == 0 && !slices.ContainsFunc(entries, func(e location.Entry) bool { return filepath.Ext(e.Name) == ".age" }) {
		return none, at(loc, ErrNoBackups)
	}
	if len(files) > 0 {
		return d.openWithFiles(ctx, files, sealed)
	}
	if len(sealed) == 0 {
		return none, ErrNoSealedKeys
	}
	passphrase, err := d.o.Asker.Passphrase(ctx, Purpose{Kind: OpenLocation})
	if err != nil {
		return none, err
	}
	id, err := backup.PassphraseIdentity(passphrase)
	if err != nil {
		return none, err
	}
	var first error
	for _, data := range sealed {
		key, err := backup.UnsealKey(data, id)
		if err == nil {
			return key, nil
		}
		// A damaged sealed key says more than a passphrase that does not fit it.
		if first == nil || errors.Is(first, backup.ErrWrongKey) {
			first = err
		}
	}
	return none, first
}

// openWithFiles returns the first recovery key that a file opens or is.
func (d *Device) openWithFiles(ctx context.Context, files []IdentityFile, sealed [][]byte) (backup.RecoveryKey, error) {
	for _, file := range files {
		ids, err := d.identities(ctx, file)
		if err != nil {
			return backup.RecoveryKey{}, err
		}
		key, err := backup.OpenSealed(sealed, ids...)
		if !errors.Is(err, backup.ErrWrongKey) {
			return key, about(file, err)
		}
	}
	return backup.RecoveryKey{}, backup.ErrWrongKey
}

// readSealed reads the sealed keys among a location's entries, but those of the keys in
// held. One that cannot be read is an error only where there is no other.
func readSealed(ctx context.Context, loc location.Location, entries []location.Entry, held map[string]bool) ([][]byte, error) {
	var keys [][]byte
	var first error
	for _, e := range entries {
		id, ok := backup.SealedKeyID(e.Name)
		if !ok || held[id] {
			continue
		}
		data, err := []byte(nil), location.ErrNotDownloaded
		if !e.Missing {
			data, err = loc.Read(ctx, e.Name)
		}
		if err != nil {
			first = cmp.Or(first, fmt.Errorf("read %s: %w", e.Name, err))
			continue
		}
		keys = append(keys, data)
	}
	if len(keys) > 0 {
		first = nil
	}
	return keys, first
}
