package device

import (
	"context"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/vault"
)

// RestoreOptions say what to restore, and from where.
type RestoreOptions struct {
	backup.Options

	// From is a location or a file. Empty is the location that backup is on to; with
	// Deleted it is the trash of this vault.
	From           string
	At             time.Time // take a location back to what it was then; zero for now
	Identities     []IdentityFile
	Fresh          bool // open the location as on a new machine, whatever key is held
	AcceptUnsigned bool
	DryRun         bool
}

// A Restored is what a restore brought back.
type Restored struct {
	Report

	Steps   []backup.Step
	Created time.Time // when the backup file was written; zero for a location
	Devices []DeviceDate
	Skipped []backup.File
	// Location is where backup is on to from now on, where a location was restored. It
	// is another one than that where this device took part in another already.
	Location string
	Enrolled bool // in the location that was restored
}

// A DeviceDate says when a device wrote a backup that was read.
type DeviceDate struct {
	ID, Name string
	Created  time.Time
}

// Restore brings accounts back in one write, and overwrites nothing that the options do
// not name. After a restore of a location backup to it stays on, unless backup is on to
// another one. A vault that is lost or damaged starts anew. With an error, what was
// brought back before it is in the result.
func (d *Device) Restore(ctx context.Context, o RestoreOptions) (Restored, error) {
	if o.From == "" && !o.Deleted {
		if o.From = d.marker.Location; o.From == "" {
			return Restored{}, ErrNoSource
		}
	}
	from, err := d.openSource(ctx, o)
	restored := Restored{Created: from.created, Devices: from.devices, Skipped: from.skipped}
	if err != nil {
		return restored, err
	}
	o.Anew = !o.At.IsZero()
	if from.state == nil && len(o.Accounts) == 0 {
		o.Accounts = o.Replace // an exchange with the trash does not ask for the rest of it
	}
	apply := func(tx *vault.Tx) error {
		state := from.state
		if state == nil {
			state = &vault.State{Trash: tx.TrashOf(), Clock: tx.Clock}
		}
		restored.Steps, err = backup.Restore(tx, state, o.Options)
		return err
	}
	if o.DryRun {
		err := d.preview(ctx, true, apply)
		restored.Report = d.report()
		return restored, err
	}
	how := update
	if o.From != "" {
		how = renew
	}
	err = d.write(ctx, how, apply)
	restored.Report = d.report()
	switch {
	case err != nil:
		return restored, err
	case from.location == nil:
		d.catchUp(ctx, &restored.Report)
		return restored, nil
	default:
		return restored, d.stayOn(ctx, from, &restored)
	}
}

// stayOn enrols this device in the location that it was restored from, so that backup
// stays on. One that takes part in another location goes on with that.
func (d *Device) stayOn(ctx context.Context, from source, restored *Restored) error {
	e, ok, err := d.enrolment(ctx)
	if err != nil {
		return err
	}
	if ok && e.On && e.Location != from.location.String() {
		restored.Location = e.Location
		d.catchUp(ctx, &restored.Report)
		return nil
	}
	restored.Location, restored.Enrolled = from.location.String(), true
	return d.enrolIn(ctx, from.location, from.key, from.inventory, &restored.Report)
}

// enrolIn enrols this device in a location whose key is known, and backs up to it.
func (d *Device) enrolIn(ctx context.Context, loc location.Location, key backup.RecoveryKey, inv backup.Inventory, r *Report) error {
	release, err := d.lockBackups(ctx, loc)
	if err != nil {
		return err
	}
	defer release()
	e, ok, err := d.enrolment(ctx)
	if err != nil {
		return err
	}
	switch {
	case !ok || e.Location != loc.String():
		e = backup.Enrolment{Key: key}
	case e.Key.ID() != key.ID(): // it was rotated, or the location has two
		e = backup.Enrolment{Key: key, OldKeys: e.Keys(), Sealed: e.Sealed}
	}
	e.Location, e.On = loc.String(), true
	if err := d.learnKeys(ctx, loc, &e, inv); err != nil {
		return err
	}
	if err := d.setEnrolment(ctx, e); err != nil {
		return err
	}
	r.Stale = d.backUpLocked(ctx, r, order{enrolment: e, location: loc, when: ifChanged})
	return nil
}
