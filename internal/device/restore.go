package device

import (
	"context"
	"errors"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/vault"
)

// RestoreOptions say what to restore, and from where.
type RestoreOptions struct {
	backup.Options
	KeySource

	// From is a location or a file. Empty is the location that backup is on to; with
	// Deleted it is the trash of this vault.
	From           string
	At             time.Time // take a location back to what it was then; zero for now
	Fresh          bool      // open the location as on a new machine, whatever key is held
	AcceptUnsigned bool
	DryRun         bool
	// StayOn enrols this device in the location although it has accounts of its own, or
	// was not restored whole.
	StayOn bool
}

// A Restored is what a restore brought back.
type Restored struct {
	Report

	Steps   []backup.Step
	Created time.Time // when the backup file was written; zero for a location
	Devices []DeviceDate
	Skipped []backup.File
	// Superseded says that a newer key has taken the place of the one that opened the
	// location: what lies under that one was not restored.
	Superseded bool
	// From is the location that was restored; empty for a file and the trash.
	From string
	// BackupTo is where backup is on to from now on; empty for nowhere.
	BackupTo string
}

// Restore restores accounts in one write, and overwrites only what the options name. If a
// whole location was restored into an empty vault, backup to it stays on. Otherwise the
// [Asker] decides, unless backup is on already. A lost or damaged vault is replaced by a
// new one. If Restore returns an error, the result has what was restored before it.
func (d *Device) Restore(ctx context.Context, o RestoreOptions) (Restored, error) {
	if o.From == "" && !o.Deleted {
		if o.From = d.marker.Location; o.From == "" {
			return Restored{}, ErrNoSource
		}
	}
	from, err := d.openSource(ctx, o)
	restored := Restored{Created: from.created, Devices: from.devices, Skipped: from.skipped, Superseded: from.opened.superseded}
	if err != nil {
		return restored, err
	}
	if from.location != nil {
		restored.From = from.location.String()
	}
	o.Restamp = !o.At.IsZero()
	if from.state == nil && len(o.Accounts) == 0 {
		o.Accounts = o.Replace // an exchange with the trash does not ask for the rest of it
	}
	empty := false
	apply := func(tx *vault.Tx) error {
		state := from.state
		var earlier []backup.Step
		if state == nil {
			state = &vault.State{Trash: tx.TrashOf(), Clock: tx.Clock}
			earlier = earlierSecrets(tx.State, o.Options)
		}
		empty = len(tx.Records) == 0
		restored.Steps, err = backup.Restore(tx, state, o.Options)
		if err == nil {
			restored.Steps = append(restored.Steps, earlier...)
		}
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
		restored.Steps = nil // none of them was written
		return restored, err
	case from.location == nil:
		d.catchUp(ctx, &restored.Report)
		return restored, nil
	default:
		whole := empty && len(o.Accounts) == 0
		if whole {
			// Where this note fails, status asks for a sync too many.
			_ = d.noteMerged(ctx, from.newest, from.skipped)
		}
		return restored, d.enrolRestored(ctx, from, restoreChoice{whole, o.StayOn}, &restored)
	}
}

// earlierSecrets returns a step for each secret in the trash whose account has another one
// now, where the whole trash is asked for: with those of removed accounts they are all that
// the trash holds.
func earlierSecrets(state *vault.State, o backup.Options) []backup.Step {
	if len(o.Accounts) > 0 {
		return nil
	}
	var steps []backup.Step
	for _, d := range state.Superseded() {
		a := vault.Account{Account: d.Account(), Shown: d.Account().Label()}
		if here, err := state.Find("id:"+d.ID, true); err == nil {
			a.Shown = here.Shown
		}
		steps = append(steps, backup.Step{Account: a, Outcome: backup.Earlier})
	}
	return steps
}

// A restoreChoice is what decides whether a restore turns backup on.
type restoreChoice struct {
	whole bool // the vault was empty, and everything was restored
	asked bool // the user asked for it
}

// enrolRestored turns backup on after a location was restored. A device that is enrolled already
// keeps its location. A device whose empty vault was restored whole is enrolled in this
// one. Any other device is enrolled only if its user agrees.
func (d *Device) enrolRestored(ctx context.Context, from source, choice restoreChoice, restored *Restored) error {
	e, ok, err := d.enrolment(ctx)
	if err != nil && !errors.Is(err, backup.ErrEnrolment) {
		return err
	}
	name := from.location.String()
	switch {
	case ok && e.On && (e.Location != name || !choice.asked && e.Key.ID() == from.opened.key.ID()):
		restored.BackupTo = e.Location
		d.catchUp(ctx, &restored.Report)
		return nil
	case from.opened.superseded:
		return nil // nobody is enrolled on a key that has a successor
	case !choice.whole && !choice.asked && (!ok || !e.On):
		yes, err := d.o.Asker.Confirm(ctx, Question{Kind: StayOn, Name: name})
		if err != nil || !yes {
			return err
		}
	}
	restored.BackupTo = name
	return d.enrolIn(ctx, from, &restored.Report)
}

// enrolIn enrols this device in a location whose key is known, and backs up to it.
func (d *Device) enrolIn(ctx context.Context, from source, r *Report) error {
	loc, key := from.location, from.opened.key
	release, err := d.lockBackups(ctx, loc)
	if err != nil {
		return err
	}
	defer release()
	e, ok, err := d.enrolment(ctx)
	if err != nil && !errors.Is(err, backup.ErrEnrolment) {
		return err
	}
	var oldFiles []string
	switch {
	case !ok || e.Location != loc.String():
		e, oldFiles, err = d.adoptEqual(ctx, loc, from.opened, backup.Enrolment{Key: key}, nil)
	case e.Key.ID() != key.ID(): // it was rotated, or the location has two
		e, oldFiles, err = d.moveTo(ctx, loc, e, from.opened)
	default:
		e, oldFiles, err = d.adoptEqual(ctx, loc, from.opened, e, nil)
	}
	if err != nil {
		return err
	}
	e.Location, e.On = loc.String(), true
	if err := d.vouch(ctx, oldFiles, nil); err != nil {
		return err
	}
	if err := d.setEnrolment(ctx, e); err != nil {
		return err
	}
	r.Stale = d.backUpLocked(ctx, r, order{enrolment: e, location: loc, when: ifChanged, oldFiles: oldFiles})
	return nil
}
