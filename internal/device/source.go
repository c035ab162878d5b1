package device

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/vault"
)

// A source is what is restored from: a file's content, or a whole location.
type source struct {
	state     *vault.State // nil: the trash of this vault
	created   time.Time
	devices   []DeviceDate
	skipped   []backup.File
	location  location.Location // nil for a file
	key       backup.RecoveryKey
	inventory backup.Inventory
}

// openSource opens what the options name: nothing is the trash, a folder or a remote is
// a location, anything else a file.
func (d *Device) openSource(ctx context.Context, o RestoreOptions) (source, error) {
	path := o.From
	if rest, found := strings.CutPrefix(path, "~/"); found { // quoted, so that no shell has read it
		path = filepath.Join(d.o.Home, rest)
	}
	if path == "" {
		if !o.At.IsZero() {
			return source{}, ErrAtFile
		}
		return source{}, nil
	}
	folder, err := d.isFolder(ctx, path)
	switch {
	case err != nil:
		return source{}, err
	case strings.HasPrefix(path, "rclone:"), path == d.marker.Location, folder:
		return d.openLocationSource(ctx, path, o)
	case !o.At.IsZero():
		return source{}, ErrAtFile
	default:
		content, err := d.openBackupFile(ctx, path, o.Identities)
		return source{state: content.State, created: content.Created}, err
	}
}

// isFolder reports whether a path is one, by a look that does not wait for ever.
func (d *Device) isFolder(ctx context.Context, path string) (bool, error) {
	loc, err := d.openLocation(path)
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
func (d *Device) openLocationSource(ctx context.Context, path string, o RestoreOptions) (source, error) {
	loc, err := d.openLocation(path)
	if err != nil {
		return source{}, err
	}
	keys, err := d.locationKeys(ctx, loc, o)
	if err != nil {
		return source{}, err
	}
	from := source{location: loc, key: keys[0]}
	read := backup.TakeNewest
	if !o.At.IsZero() {
		read = backup.Take
	}
	if from.inventory, err = d.read(ctx, read, loc, keys); err != nil {
		return source{}, err
	}
	newest := from.inventory.Newest(o.At, o.AcceptUnsigned)
	from.skipped = from.inventory.Skipped(o.AcceptUnsigned)
	if len(newest) == 0 {
		if !o.At.IsZero() {
			return from, at(loc, ErrNothingThatOld)
		}
		return from, at(loc, ErrNothingUsable)
	}
	for _, id := range devices(newest) {
		for _, f := range newest[id] {
			from.devices = append(from.devices, DeviceDate{id, f.Content.DeviceName, f.Content.Created})
		}
	}
	from.state = backup.Merge(newest)
	return from, nil
}

// locationKeys returns the keys to read a location with: this device's own where it
// takes part in it and no other is named; otherwise what the passphrase or a file opens.
func (d *Device) locationKeys(ctx context.Context, loc location.Location, o RestoreOptions) ([]backup.RecoveryKey, error) {
	if !o.Fresh && len(o.Identities) == 0 {
		if err := d.storage.unlock(ctx); err != nil {
			return nil, err
		}
		if e, ok, err := d.enrolment(ctx); err == nil && ok && e.Location == loc.String() {
			return e.Keys(), nil
		}
	}
	entries, err := list(ctx, loc)
	if err != nil {
		return nil, err
	}
	key, err := d.openKey(ctx, loc, entries, nil, o.Identities)
	return []backup.RecoveryKey{key}, err
}

// openBackupFile reads and decrypts a backup file.
func (d *Device) openBackupFile(ctx context.Context, path string, files []IdentityFile) (backup.Content, error) {
	data, err := d.o.ReadFile(ctx, path, backup.MaxBytes)
	if err != nil {
		return backup.Content{}, err
	}
	ids, err := d.identitiesFor(ctx, data, files)
	if err != nil {
		return backup.Content{}, fmt.Errorf("%s: %w", path, err)
	}
	content, err := backup.Open(data, ids...)
	if err != nil {
		return content, fmt.Errorf("%s: %w", path, err)
	}
	return content, nil
}

// identitiesFor returns what is to open a backup file: its passphrase, or the files.
func (d *Device) identitiesFor(ctx context.Context, data []byte, files []IdentityFile) ([]backup.Identity, error) {
	under, err := backup.UnderPassphrase(data)
	switch {
	case err != nil:
		return nil, err
	case under && len(files) > 0:
		return nil, ErrUnderPassphrase
	case under:
		passphrase, err := d.o.Asker.Passphrase(ctx, Purpose{Kind: OpenBackupFile})
		if err != nil {
			return nil, err
		}
		id, err := backup.PassphraseIdentity(passphrase)
		return []backup.Identity{id}, err
	case len(files) == 0:
		return nil, backup.ErrNeedsKey
	}
	var ids []backup.Identity
	for _, file := range files {
		more, err := d.identities(ctx, file)
		if err != nil {
			return nil, err
		}
		ids = append(ids, more...)
	}
	return ids, nil
}
