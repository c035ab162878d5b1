package cmd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

// job returns what a backup of this device needs beside the vault.
func (s *session) job(ctx context.Context, loc location.Location, e backup.Enrolment) (backup.Job, error) {
	job := backup.Job{
		Location: loc, Enrolment: e, DeviceName: s.Hostname(), OldFiles: s.readBackupState().OldFiles, Now: s.Now(), SealedBytes: s.sealedBytes,
		Record: func(w backup.Written) error { return s.vault.SetItem(ctx, vault.WrittenItem, w.Encode()) },
	}
	var err error
	if job.Device, err = s.vault.Device(ctx); err != nil {
		return job, err
	}
	text, _, err := s.vault.Item(ctx, vault.WrittenItem)
	job.Written = backup.ParseWritten(text)
	return job, err
}

// mend backs up what is not backed up yet, and puts back what is missing at the location.
func (s *session) mend(ctx context.Context) error {
	if _, err := s.backUp(ctx, catchUp); err != nil {
		return err
	}
	e, loc, err := s.enrolled(ctx)
	if err != nil {
		return err
	}
	release, err := s.lockBackup(ctx, loc)
	if err != nil {
		return err
	}
	defer release()
	job, err := s.job(ctx, loc, e)
	if err != nil {
		return err
	}
	job.Thorough = true
	if job.Entries, err = list(ctx, loc); err != nil {
		return err
	}
	done, err := job.Mend(ctx)
	return errors.Join(s.mended(ctx, e, done, nil), err)
}

// mended says what was put back at the location, or could not be, and keeps what was
// learned of its sealed keys.
func (s *session) mended(ctx context.Context, e backup.Enrolment, done backup.Done, err error) error {
	for _, name := range done.PutBack {
		s.warn("%s was missing or altered at the location: put back", term.Escape(name))
	}
	if err != nil {
		s.warn("%s", message(err, nil))
	}
	if done.Sealed == nil || slices.Equal(done.Sealed, e.Sealed) {
		return nil
	}
	e.Sealed = done.Sealed
	return s.setEnrolment(ctx, e)
}

// otherKeys counts the sealed keys at a location that belong to keys which are not
// held. Where they have taken the place of ours the key was rotated.
func otherKeys(entries []location.Entry, e backup.Enrolment) (others int, rotated bool) {
	held := map[string]bool{}
	for _, key := range e.Keys() {
		held[key.ID()] = true
	}
	ours := false
	for _, entry := range entries {
		id, ok := backup.SealedKeyID(entry.Name)
		switch {
		case !ok:
		case id == e.Key.ID():
			ours = true
		case !held[id]:
			others++
		}
	}
	return others, others > 0 && !ours
}

// sealedBytes returns this device's copy of a sealed key.
func (s *session) sealedBytes(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(s.places.state, "sealed", filepath.Base(name)))
}

func (s *session) keepSealed(name string, data []byte) error {
	dir := filepath.Join(s.places.state, "sealed")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return create(filepath.Join(dir, filepath.Base(name)), true, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

// learn keeps what the backups at the location say of its keys.
func (s *session) learn(ctx context.Context, loc location.Location, inv backup.Inventory) error {
	release, err := s.lockBackup(ctx, loc)
	if err != nil {
		return err
	}
	defer release()
	e, ok, err := s.enrolment(ctx)
	if err != nil || !ok {
		return err
	}
	before, err := e.Encode()
	if err != nil {
		return err
	}
	if err := s.learnSealed(ctx, loc, &e, inv); err != nil {
		return err
	}
	if err := s.rememberOldFiles(inv.OldFiles); err != nil {
		return err
	}
	if after, err := e.Encode(); err != nil || after == before {
		return err
	}
	return s.setEnrolment(ctx, e)
}

// learnSealed keeps copies of the location's sealed keys that backups list, so that
// this device can put them back, and notes which are retired. Only where no backup says
// which there are, those that lie there are taken for them. It learns the keys before
// the current one, too.
func (s *session) learnSealed(ctx context.Context, loc location.Location, e *backup.Enrolment, inv backup.Inventory) error {
	for _, f := range inv.Files {
		if f.State != backup.Good || f.Key != e.Key.ID() {
			continue
		}
		for _, sealed := range f.Content.Sealed {
			e.AddSealed(sealed)
		}
		for _, text := range f.Content.OldKeys {
			if key, err := backup.ParseRecoveryKey(text); err == nil {
				e.AddOldKey(key)
			}
		}
	}
	if len(e.Sealed) == 0 {
		for _, entry := range inv.Sealed {
			if id, _ := backup.SealedKeyID(entry.Name); id != e.Key.ID() || entry.Missing {
				continue
			}
			data, err := loc.Read(ctx, entry.Name)
			if err != nil {
				return err
			}
			e.AddSealed(backup.SealedKey{Name: entry.Name, Hash: backup.HashOf(data)})
		}
	}
	for _, sealed := range e.Sealed {
		if _, err := s.sealedBytes(sealed.Name); err == nil || sealed.Retired {
			continue
		}
		data, err := loc.Read(ctx, sealed.Name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && backup.HashOf(data) != sealed.Hash {
			continue // another device has a copy, and puts it back
		}
		if err != nil {
			return err
		}
		if err := s.keepSealed(sealed.Name, data); err != nil {
			return err
		}
	}
	return nil
}
