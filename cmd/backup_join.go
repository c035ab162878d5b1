package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

// join opens the key of a location that has backups. Where this device has another
// key there already, that one is kept to read its own history with.
func (s *session) join(ctx context.Context, loc location.Location, old backup.Enrolment, enrolled bool, o enableOptions) (backup.Enrolment, error) {
	same, rotated := enrolled && old.Location == loc.String(), false
	skip := map[string]bool{}
	if same {
		entries, err := list(ctx, loc)
		if err != nil {
			return old, err
		}
		var others int
		if others, rotated = otherKeys(entries, old); others == 0 {
			return old, nil
		}
		for _, key := range old.Keys() {
			skip[key.ID()] = true
		}
	}
	key, err := s.openLocation(ctx, loc, skip, o.passphraseFile, o.identities)
	if err != nil {
		return old, err
	}
	e := backup.Enrolment{Key: key}
	if same {
		e.OldKeys, e.Sealed = append([]backup.RecoveryKey{old.Key}, old.OldKeys...), old.Sealed
		if err := s.ownOldFiles(ctx, loc, old, rotated); err != nil {
			return old, err
		}
	}
	inv, err := s.take(ctx, loc, e.Keys())
	if err != nil {
		return old, err
	}
	if !slices.ContainsFunc(inv.Files, func(f backup.File) bool { return f.Key == key.ID() }) && len(inv.Files) > 0 && !same {
		return old, hint.With(fmt.Errorf("%w", errNoKey), "the key that was opened fits none of the backups there")
	}
	return e, s.learnSealed(ctx, loc, &e, inv)
}

// ownOldFiles remembers which files under the key so far are known to be ours: only
// those are read as history later. Where the key was rotated away, somebody may have
// found it, and only what this device wrote itself is known.
func (s *session) ownOldFiles(ctx context.Context, loc location.Location, old backup.Enrolment, rotated bool) error {
	inv, err := s.take(ctx, loc, old.Keys())
	if err != nil {
		return err
	}
	text, _, err := s.vault.Item(ctx, vault.WrittenItem)
	if err != nil {
		return err
	}
	written := backup.ParseWritten(text)
	hashes := inv.OldFiles
	for _, f := range inv.Files {
		if f.State == backup.Good && f.Key == old.Key.ID() && (!rotated || written.Has(f.Hash)) {
			hashes = append(hashes, f.Hash)
		}
	}
	return s.rememberOldFiles(hashes)
}

// rememberOldFiles adds to the files under old keys that are known to be ours.
func (s *session) rememberOldFiles(hashes []string) error {
	b := s.readBackupState()
	before := len(b.OldFiles)
	for _, hash := range hashes {
		if !slices.Contains(b.OldFiles, hash) {
			b.OldFiles = append(b.OldFiles, hash)
		}
	}
	if len(b.OldFiles) == before {
		return nil
	}
	return s.writeBackupState(b)
}

// openLocation opens a recovery key of a location: with the key in a file, the
// recovery key itself or a further one, or with the passphrase, asked for once.
func (s *session) openLocation(ctx context.Context, loc location.Location, skip map[string]bool, passphraseFile string, identityFiles []string) (backup.RecoveryKey, error) {
	entries, err := list(ctx, loc)
	if err != nil {
		return backup.RecoveryKey{}, err
	}
	sealed, err := s.readSealed(ctx, loc, entries, skip)
	if err != nil {
		return backup.RecoveryKey{}, err
	}
	if len(sealed) == 0 && !slices.ContainsFunc(entries, func(e location.Entry) bool { return filepath.Ext(e.Name) == ".age" }) {
		return backup.RecoveryKey{}, at(loc, errNoBackups)
	}
	for _, file := range identityFiles {
		text, err := s.readFile(ctx, file, maxText)
		if err != nil {
			return backup.RecoveryKey{}, err
		}
		if key, err := s.openWith(text, sealed); err == nil {
			return key, nil
		} else if !errors.Is(err, backup.ErrWrongKey) {
			return backup.RecoveryKey{}, fmt.Errorf("%s: %w", term.Escape(file), err)
		}
	}
	if len(identityFiles) > 0 {
		return backup.RecoveryKey{}, backup.ErrWrongKey
	}
	if len(sealed) == 0 {
		return backup.RecoveryKey{}, hint.With(errNoKey, "its recovery-….age files are gone; --identity FILE takes the recovery key itself, from paper")
	}
	passphrase, err := s.passphraseFrom(ctx, passphraseFile, "Recovery passphrase: ", "--passphrase-file")
	if err != nil {
		return backup.RecoveryKey{}, err
	}
	id, err := backup.PassphraseIdentity(passphrase)
	if err != nil {
		return backup.RecoveryKey{}, err
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
	return backup.RecoveryKey{}, first
}

// openWith takes text for the recovery key itself, or for a key that opens a sealed one.
func (s *session) openWith(text []byte, sealed [][]byte) (backup.RecoveryKey, error) {
	ids, err := backup.ParseIdentities(text)
	if err != nil {
		return backup.RecoveryKey{}, usageError{err}
	}
	for _, data := range sealed {
		if key, err := backup.UnsealKey(data, ids...); err == nil {
			return key, nil
		}
	}
	if key, err := backup.ParseRecoveryKey(string(text)); err == nil {
		return key, nil
	}
	return backup.RecoveryKey{}, backup.ErrWrongKey
}

// readSealed reads the sealed keys among a location's entries, but those of the keys in skip.
func (s *session) readSealed(ctx context.Context, loc location.Location, entries []location.Entry, skip map[string]bool) ([][]byte, error) {
	var keys [][]byte
	var first error
	for _, e := range entries {
		id, ok := backup.SealedKeyID(e.Name)
		if !ok || skip[id] {
			continue
		}
		data, err := []byte(nil), location.ErrNotDownloaded
		if !e.Missing {
			data, err = loc.Read(ctx, e.Name)
		}
		if err != nil {
			first = cmp.Or(first, fmt.Errorf("read %s: %w", e.Name, err))
			continue // another may do
		}
		keys = append(keys, data)
	}
	if len(keys) > 0 {
		first = nil
	}
	return keys, first
}
