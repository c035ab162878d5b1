package device

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/vault"
)

// A makeWhen says when a backup is made.
type makeWhen int

const (
	ifChanged   makeWhen = iota // unless the vault as it is has been backed up already
	always                      // in any case
	again                       // in any case: the last one is missing or altered
	evenEmptied                 // also where the location has been emptied since the last backup
)

// BackUp writes the vault as it is now to the location that backup is on to. Errors are
// [ErrBackupOff] and *[StaleError]; what went wrong is remembered until it goes right.
func (d *Device) BackUp(ctx context.Context) (Report, error) {
	if err := d.storage.unlock(ctx); err != nil {
		return d.report(), err
	}
	r := d.report()
	err := d.backUp(ctx, &r, order{when: always})
	if errors.Is(err, ErrBackupOff) || Gone(err) {
		return r, err
	}
	return r, asked(err)
}

// asked makes the error of a backup that was asked for.
func asked(err error) error {
	if err == nil {
		return nil
	}
	return &StaleError{err}
}

// catchUp backs up a change that was just made, where backup is on.
func (d *Device) catchUp(ctx context.Context, r *Report) {
	marker, _, err := vault.ReadMarker(d.o.State)
	if err != nil || marker.Location == "" {
		return
	}
	r.Stale = d.backUp(ctx, r, order{when: ifChanged})
}

// backUp makes a backup to the enrolled location, which it notes in the order.
func (d *Device) backUp(ctx context.Context, r *Report, o order) error {
	e, ok, err := d.enrolment(ctx)
	if err != nil {
		return d.stale(ctx, err)
	}
	if !ok || !e.On {
		return d.whyOff(ctx)
	}
	loc, err := d.openLocation(e.Location)
	if err != nil {
		return d.stale(ctx, err)
	}
	timed, cancel := context.WithTimeout(ctx, loc.Wait())
	defer cancel()
	release, err := d.lockBackups(ctx, loc) // which waits as long, and says for whom
	if err != nil {
		if b := d.backupState(); d.backedUp(ctx, b, loc) { // by another process, which was faster
			r.File = b.File
			return nil
		}
		return d.stale(ctx, err)
	}
	defer release()
	// Read again under the lock: another process may have changed the key.
	if e, _, err = d.enrolment(timed); err != nil {
		return d.stale(ctx, err)
	}
	o.enrolment, o.location = e, loc
	return d.backUpLocked(timed, r, o)
}

func (d *Device) backedUp(ctx context.Context, b backupState, loc location.Location) bool {
	state, err := d.storage.vault.Read(ctx)
	return err == nil && b.covers(state.Generation, loc.String())
}

// stale remembers why the backup could not be made, and since when.
func (d *Device) stale(ctx context.Context, reason error) error {
	if errors.Is(reason, context.Canceled) {
		return reason // given up, and nothing is wrong
	}
	err := d.changeBackupState(ctx, func(b *backupState) {
		if b.StaleSince.IsZero() {
			b.StaleSince = d.o.Now().UTC()
		}
		b.Reason, b.Rotated = reason.Error(), errors.Is(reason, ErrRotated) || errors.Is(reason, ErrTwoRotations)
	})
	return errors.Join(reason, err)
}

// An order is one backup to be made.
type order struct {
	enrolment backup.Enrolment
	location  location.Location
	when      makeWhen
	look      bool // at the keys of the location, also where nothing is to be backed up
	// oldFiles are hashes of the files under earlier keys that this device vouches for.
	oldFiles []string
	// lostFiles are hashes of the files of a lost device, for which it vouches no longer.
	lostFiles []string
	sealed    []string // names of the sealed keys that were written for it
}

// backUpLocked backs up under the lock of backups.
func (d *Device) backUpLocked(ctx context.Context, r *Report, o order) error {
	ctx, cancel := context.WithTimeout(ctx, o.location.Wait())
	defer cancel()
	// What the keyring or the state folder showed on the way is told with this backup.
	defer func() { r.Notices = append(r.Notices, d.report().Notices...) }()
	if err := d.runOrder(ctx, r, o); err != nil {
		return d.stale(ctx, err)
	}
	return nil
}

func (d *Device) runOrder(ctx context.Context, r *Report, o order) error {
	loc := o.location
	state, err := d.storage.vault.Read(ctx)
	if err != nil {
		return err
	}
	key := o.enrolment.Key.ID()
	b := d.backupState()
	covered := o.when == ifChanged && b.covers(state.Generation, loc.String())
	if covered && !o.look {
		r.File = b.File
		return nil
	}
	entries, err := list(ctx, loc)
	if err != nil {
		return err
	}
	if len(state.Records) == 0 && !holdsFiles(entries) {
		// The first account makes the first file. Until then there is nothing to lose.
		return d.changeBackupState(ctx, func(b *backupState) {
			*b = b.next(backupState{Location: loc.String(), Generation: state.Generation, Sheet: b.Sheet.under(key)})
		})
	}
	successions := d.readSuccessions(ctx, loc, entries, o.enrolment)
	switch {
	case successions.Replaced(key):
		return outdated(successions, key)
	case covered:
		r.File = b.File
		return d.lookAtKeys(ctx, loc, entries, o.enrolment, successions)
	case o.when != evenEmptied && d.emptied(loc, entries):
		return ErrEmptied
	}
	job, err := d.job(ctx, loc, o.enrolment)
	if err != nil {
		return err
	}
	job.Generation, job.State, job.Entries, job.OldFiles = state.Generation, state, entries, slices.Concat(o.oldFiles, b.Vouched)
	job.Thorough = o.when != ifChanged
	done, err := d.run(ctx, r, job)
	if done.File == "" {
		return cmp.Or(outdated(successions, key), err)
	}
	r.took(done)
	if o.when == again || b.wrote(loc) && !b.lies(entries) {
		r.add(Notice{Kind: WrittenAgain, Name: b.File})
	}
	err = errors.Join(err, putSuccessions(ctx, loc, entries, o.enrolment))
	if err := d.tookMending(ctx, r, o.enrolment, done, err); err != nil {
		return err
	}
	err = d.changeBackupState(ctx, func(b *backupState) {
		*b = b.next(backupState{
			Location: loc.String(), Generation: state.Generation, File: done.File, Bytes: int64(done.Bytes), Sheet: b.Sheet.under(key),
			Time: d.o.Now().UTC(), OtherKeys: len(d.otherKeys(ctx, loc, entries, o.enrolment, successions)),
			Vouched: b.Vouched, Lost: b.Lost,
		})
	})
	if err == nil { // the backup counts, also where this device has to join another key
		err = outdated(successions, key)
	}
	return err
}

// readSuccessions returns the successions that this device knows of: its own, which may
// not have come to the location yet, and what the location says.
func (d *Device) readSuccessions(ctx context.Context, loc location.Location, entries []location.Entry, e backup.Enrolment) backup.SuccessionOrder {
	return slices.Concat(backup.ReadSuccessions(ctx, loc, entries, e.Keys().All(), e.Key.ID()), e.Successions).At(d.o.Now())
}

// outdated returns the error of a key that is not the one to use any more. It names the
// file that says so: whoever held the key before can write one.
func outdated(order backup.SuccessionOrder, key string) error {
	switch {
	case order.Replaced(key):
		return fmt.Errorf("%w, says %s", ErrRotated, order.Evidence(key))
	case order.Current(key) != key:
		return fmt.Errorf("%w, says %s", ErrTwoRotations, order.Evidence(key))
	default:
		return nil
	}
}

// lookAtKeys notes what has changed about the keys at a location that holds the vault as
// it is.
func (d *Device) lookAtKeys(ctx context.Context, loc location.Location, entries []location.Entry, e backup.Enrolment, order backup.SuccessionOrder) error {
	others := len(d.otherKeys(ctx, loc, entries, e, order))
	var err error
	if d.backupState().OtherKeys != others {
		err = d.changeBackupState(ctx, func(b *backupState) { b.OtherKeys = others })
	}
	return errors.Join(err, outdated(order, e.Key.ID()))
}

// putSuccessions says at the location which keys took the place of others by this
// device's doing, where it does not say so yet.
func putSuccessions(ctx context.Context, loc location.Location, entries []location.Entry, e backup.Enrolment) error {
	for _, s := range e.Successions {
		if slices.ContainsFunc(entries, func(entry location.Entry) bool { return entry.Name == s.Name() }) {
			continue
		}
		held := e.Keys().All()
		i := slices.IndexFunc(held, func(k backup.RecoveryKey) bool { return k.ID() == s.Old })
		if i < 0 {
			continue
		}
		data, err := held[i].Succeed(s)
		if err != nil {
			return err
		}
		if err := loc.Create(ctx, s.Name(), data); err != nil && !errors.Is(err, location.ErrExists) {
			return err
		}
	}
	return nil
}

// otherKeys returns the ids of the keys at a location that are not held, by the names of
// their sealed keys, while backups lie there that no key opens which is held. A file that is
// only named as a sealed key does not count: anybody who can write there can make up names.
// A key that lost against the one in use, or that of a device which has yet to join it, is
// none: its backups come back with that device.
func (d *Device) otherKeys(ctx context.Context, loc location.Location, entries []location.Entry, e backup.Enrolment, order backup.SuccessionOrder) []string {
	var others []string
	for _, entry := range entries {
		id, ok := backup.SealedKeyID(entry.Name)
		if !ok || e.Keys().Has(id) || slices.Contains(others, id) || order.Lost(id, e.Key.ID()) {
			continue
		}
		if data, err := loc.Read(ctx, entry.Name); err == nil { // one that the cloud has yet to bring may be one
			if _, err = backup.UnderPassphrase(data); err != nil && !errors.Is(err, backup.ErrWorkFactor) {
				continue
			}
		}
		others = append(others, id)
	}
	if len(others) == 0 {
		return nil
	}
	inv, err := d.read(ctx, backup.ReadNewest, loc, e.Keys())
	if err == nil && !slices.ContainsFunc(inv.Files, func(f backup.File) bool { return f.State == backup.OtherKey }) {
		return nil
	}
	return others
}

// run runs a job, as another device where this one turns out to be a clone.
func (d *Device) run(ctx context.Context, r *Report, job backup.Job) (backup.Done, error) {
	done, err := job.Run(ctx)
	if !errors.Is(err, backup.ErrCloned) {
		return done, err
	}
	if job.Device, err = d.storage.vault.RenewDevice(ctx); err != nil {
		return done, err
	}
	r.add(Notice{Kind: NewDeviceID})
	job.Written = nil
	return job.Run(ctx)
}

// job returns what a backup of this device needs beside the vault.
func (d *Device) job(ctx context.Context, loc location.Location, e backup.Enrolment) (backup.Job, error) {
	v := d.storage.vault
	job := backup.Job{
		Location: loc, Enrolment: e, DeviceName: d.name(), Now: d.o.Now(), SealedBytes: d.sealedCopy,
		Record: func(w backup.Written) error { return v.SetItem(ctx, vault.WrittenItem, w.Encode()) },
	}
	var err error
	if job.Device, err = v.Device(ctx); err != nil {
		return job, err
	}
	text, _, err := v.Item(ctx, vault.WrittenItem)
	job.Written = backup.ParseWritten(text)
	return job, err
}

// mend puts back what is missing at the location.
func (d *Device) mend(ctx context.Context, r *Report) error {
	e, loc, err := d.enrolled(ctx)
	if err != nil {
		return err
	}
	release, err := d.lockBackups(ctx, loc)
	if err != nil {
		return err
	}
	defer release()
	job, err := d.job(ctx, loc, e)
	if err != nil {
		return err
	}
	job.Thorough = true
	if job.Entries, err = list(ctx, loc); err != nil {
		return err
	}
	done, err := job.Mend(ctx)
	return errors.Join(d.tookMending(ctx, r, e, done, nil), err)
}

// tookMending takes over what was put back at the location, or could not be, and keeps
// what was learned of its sealed keys. The lock of backups is held.
func (d *Device) tookMending(ctx context.Context, r *Report, e backup.Enrolment, done backup.Done, err error) error {
	for _, name := range done.PutBack {
		r.add(Notice{Kind: PutBack, Name: name})
	}
	if err != nil {
		r.add(Notice{Kind: NotMended, Err: err})
	}
	if done.Sealed == nil || slices.Equal(done.Sealed, e.Sealed) {
		return nil
	}
	e.Sealed = done.Sealed
	return d.setEnrolment(ctx, e)
}
