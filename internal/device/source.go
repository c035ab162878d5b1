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
	state    *vault.State // nil: the trash of this vault
	created  time.Time
	devices  []DeviceDate
	newest   map[string][]backup.File // by device
	skipped  []backup.File
	location location.Location // nil for a file
	opened   opened
}

// openSource opens the source that the options name. A folder or a remote is a location,
// and anything else is a file. Without a name, the source is the trash.
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
		from, err := d.openLocationSource(ctx, path, o)
		return from, d.nearby(ctx, path, err)
	case !o.At.IsZero():
		return source{}, ErrAtFile
	default:
		content, err := d.openBackupFile(ctx, path, o.Identities)
		return source{state: content.State, created: content.Created}, d.nearby(ctx, path, err)
	}
}

// isFolder reports whether a path is a folder. It does not wait for ever.
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
	from := source{location: loc}
	var keys backup.Keys
	if from.opened, keys, err = d.openForReading(ctx, loc, o); err != nil {
		return source{}, err
	}
	inv := from.opened.inventory
	if !o.At.IsZero() || len(from.opened.equal) > 0 {
		read := backup.ReadNewest
		if !o.At.IsZero() {
			read = backup.ReadInventory
		}
		if inv, err = d.read(ctx, read, loc, keys); err != nil {
			return source{}, err
		}
	}
	newest := inv.Newest(o.At, o.AcceptUnsigned)
	from.skipped = inv.Skipped(o.AcceptUnsigned)
	if len(newest) == 0 {
		if oldest := oldest(inv); !o.At.IsZero() && !oldest.IsZero() {
			return from, locationError(loc, &NothingThatOldError{oldest})
		}
		return from, locationError(loc, ErrNothingUsable)
	}
	for _, id := range devices(newest) {
		for _, f := range newest[id] {
			from.devices = append(from.devices, DeviceDate{ID: id, Name: f.Content.DeviceName, Created: f.Content.Created})
		}
	}
	from.newest, from.state = newest, backup.Merge(newest)
	return from, nil
}

// oldest returns when the oldest good file of an inventory was written.
func oldest(inv backup.Inventory) (at time.Time) {
	for _, f := range inv.Files {
		if f.State == backup.Good && (at.IsZero() || f.Content.Created.Before(at)) {
			at = f.Content.Created
		}
	}
	return at
}

// openForReading opens a location: with this device's own key where it takes part in it
// and nothing else is named, otherwise with what the options name or the passphrase. The
// inventory is that of the newest files.
func (d *Device) openForReading(ctx context.Context, loc location.Location, o RestoreOptions) (opened, backup.Keys, error) {
	if !o.Fresh && len(o.Identities) == 0 && o.KeyID == "" {
		if err := d.storage.unlock(ctx); err != nil && !Gone(err) {
			return opened{}, backup.Keys{}, err
		}
		if e, ok, err := d.enrolment(ctx); err == nil && ok && e.Location == loc.String() {
			inv, err := d.read(ctx, backup.ReadNewest, loc, e.Keys())
			return opened{key: e.Key, inventory: inv}, e.Keys(), err
		}
	}
	entries, err := list(ctx, loc)
	if err != nil {
		return opened{}, backup.Keys{}, err
	}
	found, err := d.openKey(ctx, loc, entries, nil, o.KeySource)
	if err != nil {
		return opened{}, backup.Keys{}, err
	}
	return found, found.keys(), nil
}

// openBackupFile reads and decrypts a backup file.
func (d *Device) openBackupFile(ctx context.Context, path string, files []IdentityFile) (backup.Content, error) {
	data, err := d.o.ReadFile(ctx, path, backup.MaxBytes)
	if err != nil {
		return backup.Content{}, err
	}
	if backup.Beside(filepath.Base(path), data) {
		return backup.Content{}, fmt.Errorf("%s: %w", path, ErrBeside)
	}
	content, err := d.openContent(ctx, data, files)
	if err != nil {
		return content, fmt.Errorf("%s: %w", path, err)
	}
	return content, nil
}

// openContent decrypts a backup file with its passphrase, or with the given files.
func (d *Device) openContent(ctx context.Context, data []byte, files []IdentityFile) (content backup.Content, err error) {
	under, err := backup.UnderPassphrase(data)
	switch {
	case err != nil:
		return content, err
	case under && len(files) > 0:
		return content, ErrUnderPassphrase
	case under:
		err = d.tryPassphrases(ctx, OpenBackupFile, func(id backup.Identity) error {
			content, err = backup.Open(data, id)
			return err
		})
		return content, err
	case len(files) == 0:
		return content, backup.ErrNeedsKey
	}
	var ids []backup.Identity
	for _, file := range files {
		more, err := d.identities(ctx, file)
		if err != nil {
			return content, err
		}
		ids = append(ids, more...)
	}
	return backup.Open(data, ids...)
}
