package device

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
)

// readWait is how long a location may take to be read from end to end.
const readWait = 5 * time.Minute

// A reader is [backup.ReadInventory] or [backup.ReadNewest].
type reader func(context.Context, location.Location, backup.Keys) (backup.Inventory, error)

// read reads a location with the keys that are held and those that its backups hold.
func (d *Device) read(ctx context.Context, read reader, loc location.Location, keys backup.Keys) (backup.Inventory, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(d.o.LocationWait, readWait))
	defer cancel()
	inv, err := read(ctx, loc, keys)
	return inv, locationError(loc, err)
}

// A Backups is what lies at a location.
type Backups struct {
	Report

	Files  []backup.File
	Newest map[string]bool // names of the files that hold a device's newest state
	// Devices are those that wrote them, this one first.
	Devices []DeviceDate
	// Gone is the last backup of this device where it is missing or altered there.
	Gone string
}

// Backups reads every backup at the location.
func (d *Device) Backups(ctx context.Context) (Backups, error) {
	e, loc, err := d.enrolled(ctx)
	if err != nil {
		return Backups{}, err
	}
	inv, err := d.read(ctx, backup.ReadInventory, loc, e.Keys())
	b := Backups{Report: d.report(), Files: inv.Files, Newest: map[string]bool{}}
	known := d.backupState()
	unread := func(f backup.File) bool {
		return f.Name == known.File && (f.State == backup.NotDownloaded || f.State == backup.Unreadable)
	}
	if err == nil && known.lacks(loc, inv) && !slices.ContainsFunc(inv.Files, unread) {
		b.Gone = known.File
	}
	b.Devices = known.devicesIn(inv.Entries, d.self(ctx, known), d.name())
	for id, files := range inv.Newest(time.Time{}, false) {
		for _, f := range files {
			b.Newest[f.Name] = true
		}
		for i := range b.Devices {
			if b.Devices[i].ID == id {
				b.Devices[i].Name = dateOf(files, "").Name
			}
		}
	}
	return b, err
}

// Verify reads every backup at the location, backs up what is not backed up yet, and
// puts back what is missing of the sealed keys. What could not be put back is a
// *[StaleError].
func (d *Device) Verify(ctx context.Context) (Backups, error) {
	b, err := d.Backups(ctx)
	if err != nil {
		return b, err
	}
	_, loc, err := d.enrolled(ctx)
	if err != nil {
		return b, err
	}
	if err := d.backUp(ctx, &b.Report, order{when: d.whenLacking(loc, backup.Inventory{Files: b.Files})}); err != nil {
		return b, asked(err)
	}
	return b, asked(d.mend(ctx, &b.Report))
}

// Skipped returns the files that could not be used.
func (b Backups) Skipped() []backup.File { return backup.Inventory{Files: b.Files}.Skipped(false) }

// learn keeps what the backups at the location say of its keys.
func (d *Device) learn(ctx context.Context, loc location.Location, inv backup.Inventory) error {
	release, err := d.lockBackups(ctx, loc)
	if err != nil {
		return err
	}
	defer release()
	e, ok, err := d.enrolment(ctx)
	if err != nil || !ok {
		return err
	}
	before, err := e.Encode()
	if err != nil {
		return err
	}
	if err := d.learnKeys(ctx, loc, &e, inv); err != nil {
		return err
	}
	if after, err := e.Encode(); err != nil || after == before {
		return err
	}
	return d.setEnrolment(ctx, e)
}

// learnKeys notes the sealed keys that the location's backups list, which of them are
// retired, and the keys before the current one. It keeps copies of the sealed keys, so
// that this device can put them back. Only where no backup says which there are, those
// that lie there are taken for them.
func (d *Device) learnKeys(ctx context.Context, loc location.Location, e *backup.Enrolment, inv backup.Inventory) error {
	for _, f := range inv.Files {
		if f.State != backup.Good || f.Key != e.Key.ID() {
			continue
		}
		e.LearnSealed(f.Content.Sealed)
		for _, text := range f.Content.OldKeys {
			if key, err := backup.ParseRecoveryKey(text); err == nil {
				e.AddOldKey(key)
			}
		}
	}
	if len(e.Sealed) == 0 {
		for _, entry := range sealedOf(inv.Sealed, e.Key.ID()) {
			if entry.Missing {
				continue
			}
			data, err := loc.Read(ctx, entry.Name)
			if err != nil {
				return err
			}
			e.LearnSealed([]backup.SealedKey{{Name: entry.Name, Hash: backup.HashOf(data)}})
		}
	}
	return d.copySealed(ctx, loc, *e)
}

// copySealed keeps copies of the sealed keys in use that this device has none of.
func (d *Device) copySealed(ctx context.Context, loc location.Location, e backup.Enrolment) error {
	for _, sealed := range e.Sealed {
		if _, err := d.sealedCopy(sealed.Name); err == nil || sealed.Retired {
			continue
		}
		data, err := loc.Read(ctx, sealed.Name)
		none := errors.Is(err, fs.ErrNotExist) || errors.Is(err, location.ErrNotFile) || errors.Is(err, location.ErrTooBig)
		if none || err == nil && backup.HashOf(data) != sealed.Hash {
			continue // another device has a copy, and puts it back
		}
		if err != nil {
			return err
		}
		if err := d.keepSealed(sealed.Name, data); err != nil {
			return err
		}
	}
	return nil
}

// devices returns the ids of the devices in newest, sorted.
func devices(newest map[string][]backup.File) []string { return slices.Sorted(maps.Keys(newest)) }
