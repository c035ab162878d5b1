package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

// A source is what is restored from: one file's content, or a whole location.
type source struct {
	state    *vault.State // nil: the trash of this vault
	created  time.Time
	devices  []jsonDevice
	skipped  []string
	location location.Location // nil for a file
	key      backup.RecoveryKey
	inv      backup.Inventory
}

// openSource opens what path names: nothing is the trash, a folder or a remote is a
// location, anything else a file.
func (s *session) openSource(ctx context.Context, path string, o restoreOptions) (source, error) {
	if rest, found := strings.CutPrefix(path, "~/"); found { // quoted, so that no shell has read it
		path = filepath.Join(s.home(), rest)
	}
	if path == "" {
		if o.at != "" {
			return source{}, usagef("--at goes back in a location; the trash has no dates")
		}
		return source{}, nil
	}
	folder, err := s.isFolder(ctx, path)
	switch {
	case err != nil:
		return source{}, err
	case strings.HasPrefix(path, "rclone:"), path == s.marker.Location, folder:
		return s.openLocationSource(ctx, path, o)
	case o.at != "":
		return source{}, usagef("--at goes back in a location; %s is a file", term.Escape(path))
	default:
		content, err := s.openBackup(ctx, path, o)
		if errors.Is(err, fs.ErrNotExist) {
			err = hint.With(err, "name a backup file, or the folder that holds recovery-….age; auth backup enable lists the cloud folders of this machine")
		}
		return source{state: content.State, created: content.Created}, err
	}
}

// isFolder reports whether a path is one, by a look that does not wait for ever.
func (s *session) isFolder(ctx context.Context, path string) (bool, error) {
	loc, err := s.location(path)
	if err != nil || !loc.Local() {
		return false, nil //nolint:nilerr // what is no folder may be a file
	}
	_, err = list(ctx, loc)
	switch {
	case errors.Is(err, location.ErrTimeout), ctx.Err() != nil:
		return false, err
	default:
		return !errors.Is(err, location.ErrNotFolder) && !errors.Is(err, location.ErrGone), nil
	}
}

// openLocationSource reads a location as the merge of its devices.
func (s *session) openLocationSource(ctx context.Context, path string, o restoreOptions) (source, error) {
	loc, err := s.location(path)
	if err != nil {
		return source{}, err
	}
	var at time.Time
	if o.at != "" {
		if at, err = parseInstant(o.at); err != nil {
			return source{}, err
		}
	}
	keys, err := s.locationKeys(ctx, loc, o)
	if err != nil {
		return source{}, err
	}
	from := source{location: loc, key: keys[0]}
	take := backup.TakeNewest
	if o.at != "" {
		take = backup.Take
	}
	if from.inv, err = s.takeBy(ctx, take, loc, keys); err != nil {
		return source{}, err
	}
	newest := from.inv.Newest(at, o.acceptUnsigned)
	for _, f := range from.inv.Skipped(o.acceptUnsigned) {
		from.skipped = append(from.skipped, describe(f))
	}
	if len(newest) == 0 {
		for _, line := range from.skipped {
			s.warn("skipped %s", line)
		}
		if o.at != "" {
			return source{}, hint.With(fmt.Errorf("%w: nothing at %s is that old", backup.ErrForeign, term.Escape(path)), "auth backup list shows the dates")
		}
		return source{}, fmt.Errorf("%s: %w", term.Escape(path), errNothingUsable)
	}
	for _, id := range sortedDevices(newest) {
		for _, f := range newest[id] {
			from.devices = append(from.devices, jsonDevice{id, f.Content.DeviceName, f.Content.Created.Format(time.RFC3339)})
		}
	}
	from.state = backup.Merge(newest)
	return from, nil
}

var errNothingUsable = errors.New("no backup there can be used")

// locationKeys returns the keys to read a location with: this device's own where it
// takes part in it and no other is named; otherwise what the passphrase or key opens.
func (s *session) locationKeys(ctx context.Context, loc location.Location, o restoreOptions) ([]backup.RecoveryKey, error) {
	if o.identityQR != "" {
		read, err := s.readImage(ctx, o.identityQR)
		if err != nil {
			return nil, err
		}
		for _, text := range read.texts {
			if key, err := backup.ParseRecoveryKey(text); err == nil {
				return []backup.RecoveryKey{key}, nil
			}
		}
		return nil, noCode(o.identityQR, read.seen)
	}
	if o.passphraseFile == "" && len(o.identities) == 0 {
		if err := s.ready(ctx); err != nil {
			return nil, err
		}
		if e, ok, err := s.enrolment(ctx); err == nil && ok && e.Location == loc.String() {
			return e.Keys(), nil
		}
	}
	key, err := s.openLocation(ctx, loc, nil, o.passphraseFile, o.identities)
	return []backup.RecoveryKey{key}, err
}

// openBackup reads and decrypts a backup file.
func (s *session) openBackup(ctx context.Context, path string, o restoreOptions) (backup.Content, error) {
	data, err := s.readFile(ctx, path, backup.MaxBytes)
	if err != nil {
		return backup.Content{}, err
	}
	name := term.Escape(path)
	under, err := backup.UnderPassphrase(data)
	if err != nil {
		return backup.Content{}, fmt.Errorf("%s: %w", name, err)
	}
	var ids []backup.Identity
	switch {
	case under && len(o.identities) > 0:
		return backup.Content{}, hint.With(usagef("%s is under a passphrase, not for a key", name), "leave out --identity")
	case under:
		passphrase, err := s.passphraseFrom(ctx, o.passphraseFile, "Passphrase of the backup: ", "--passphrase-file")
		if err != nil {
			return backup.Content{}, err
		}
		id, err := backup.PassphraseIdentity(passphrase)
		if err != nil {
			return backup.Content{}, err
		}
		ids = append(ids, id)
	case o.identityQR != "":
		keys, err := s.locationKeys(ctx, nil, o)
		if err != nil {
			return backup.Content{}, err
		}
		ids = append(ids, keys[0].Identity())
	case len(o.identities) == 0:
		return backup.Content{}, hint.With(fmt.Errorf("%s: %w", name, backup.ErrNeedsKey), "auth restore FILE --identity KEYFILE")
	}
	for _, file := range o.identities {
		more, err := s.readIdentities(ctx, file)
		if err != nil {
			return backup.Content{}, err
		}
		ids = append(ids, more...)
	}
	content, err := backup.Open(data, ids...)
	if err != nil {
		return content, fmt.Errorf("%s: %w", name, err)
	}
	return content, nil
}
