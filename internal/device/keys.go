package device

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
)

// A Rekeyed is a recovery key that was sealed anew, or a new one.
type Rekeyed struct {
	Report
	Key
}

// Reseal encrypts the recovery key with a new passphrase. The old one no longer opens the
// files at the location. If only the backup after it fails, it returns a *[StaleError].
func (d *Device) Reseal(ctx context.Context, weak bool) (Rekeyed, error) {
	e, loc, err := d.enrolled(ctx)
	if err != nil {
		return Rekeyed{}, err
	}
	sealing, err := d.newPassphrase(ctx, weak)
	if err != nil {
		return Rekeyed{}, err
	}
	var unknown []Notice
	// Which of the sealed keys are under a passphrase, only their headers say.
	for i, sealed := range e.Sealed {
		if sealed.Retired {
			continue
		}
		data, err := d.sealedData(ctx, loc, sealed.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			unknown = append(unknown, Notice{Kind: SealedKeyGone, Name: sealed.Name})
		case err != nil:
			return Rekeyed{}, err
		}
		if under, err := backup.UnderPassphrase(data); err == nil && under {
			e.Sealed[i].Retired = true
		}
	}
	o := order{enrolment: e, location: loc, when: always}
	if err := d.seal(ctx, &o, sealing); err != nil {
		return Rekeyed{}, err
	}
	report, err := d.enrol(ctx, o)
	report.Notices = append(unknown, report.Notices...)
	return Rekeyed{report, keyOf(o.enrolment)}, err
}

// sealedData returns a sealed key: this device's copy, or what lies at the location.
func (d *Device) sealedData(ctx context.Context, loc location.Location, name string) ([]byte, error) {
	if data, err := d.sealedCopy(name); err == nil {
		return data, nil
	}
	return loc.Read(ctx, name)
}

// AddRecipients seals the recovery key for further keys: SSH, age, or of a plugin. All
// programs of plugins are looked for before one is run. Errors are *[InputError],
// *[backup.PluginError] and those of the [backup.PluginPerson].
func (d *Device) AddRecipients(ctx context.Context, recipients []string) (Rekeyed, error) {
	e, loc, err := d.enrolled(ctx)
	if err != nil {
		return Rekeyed{}, err
	}
	var sealings []backup.Sealing
	for _, text := range recipients {
		r, err := d.plugins().ParseRecipient(ctx, text)
		if fault, ok := errors.AsType[*backup.PluginError](err); ok {
			return Rekeyed{}, fault
		}
		if err != nil {
			return Rekeyed{}, &InputError{"recipient", err}
		}
		sealings = append(sealings, backup.SealTo(r))
	}
	o := order{enrolment: e, location: loc, when: always}
	for _, sealing := range sealings {
		if err := d.seal(ctx, &o, sealing); err != nil {
			d.withdraw(ctx, o)
			return Rekeyed{}, err
		}
	}
	report, err := d.enrol(ctx, o)
	return Rekeyed{report, keyOf(o.enrolment)}, err
}

// Rotate replaces the recovery key, for example after a laptop was lost. It first merges
// the backups of other devices, while it can read them. Then it backs up under the new
// key. Where another device is said to have changed the key, the [Asker] confirms it first;
// otherwise the error wraps [ErrRotated] or [ErrTwoRotations].
func (d *Device) Rotate(ctx context.Context, o EnableOptions) (Rekeyed, error) {
	e, loc, err := d.enrolled(ctx)
	if err != nil {
		return Rekeyed{}, err
	}
	if err := d.confirmReplacing(ctx, loc, e); err != nil {
		return Rekeyed{}, err
	}
	merged, _, err := d.mergeLocation(ctx, e, loc, withoutPurges)
	merged.addSkipped(merged.Skipped)
	if err != nil {
		return Rekeyed{Report: merged.Report}, err
	}
	rekeyed, err := d.replaceKey(ctx, loc, o, "")
	rekeyed.Notices = append(merged.Notices, rekeyed.Notices...)
	return rekeyed, err
}

// confirmReplacing asks whether to replace a key that another device is said to have changed
// already. Whoever has held the key can say so, and that is no reason to keep it. Without an
// answer the key stays: of two new keys made apart one has to join the other. Nobody is
// asked where there is no key to join.
func (d *Device) confirmReplacing(ctx context.Context, loc location.Location, e backup.Enrolment) error {
	entries, err := list(ctx, loc)
	if err != nil {
		return err
	}
	order := d.readSuccessions(ctx, loc, entries, e)
	changed := outdated(order, e.Key.ID())
	if changed == nil || !d.canJoin(ctx, loc, entries, e, order) {
		return nil
	}
	if err := d.confirm(ctx, Question{Kind: ReplaceKey, Err: changed}); err != nil {
		return fmt.Errorf("%w: %w", changed, err)
	}
	return nil
}

// replaceKey makes a new recovery key and writes everything under it. What others wrote
// has been merged. The files of the device lost, if any, are not vouched for: only
// [Device.Lose] takes them, where it is done over. The key that is returned is empty
// unless it is in use.
func (d *Device) replaceKey(ctx context.Context, loc location.Location, o EnableOptions, lost string) (Rekeyed, error) {
	e, _, err := d.enrolment(ctx) // with what the merge has learned
	if err != nil {
		return Rekeyed{}, err
	}
	inv, err := d.read(ctx, backup.ReadInventory, loc, e.Keys())
	if err != nil {
		return Rekeyed{}, err
	}
	if d.emptied(loc, inv.Entries) {
		return Rekeyed{}, asked(d.stale(ctx, ErrEmptied))
	}
	// The location's backups list more than fits the item of the enrolment.
	if err := d.learnKeys(ctx, loc, &e, inv); err != nil {
		return Rekeyed{}, err
	}
	state, err := d.storage.vault.Read(ctx)
	if err != nil {
		return Rekeyed{}, err
	}
	// The first backup under the new key is what tells the others of it.
	if len(state.Accounts()) == 0 && holdsFiles(inv.Entries) {
		return Rekeyed{}, asked(d.stale(ctx, backup.ErrEmpty))
	}
	ofLost := func(f backup.File) bool { return lost != "" && f.Device() == lost }
	theirs := backup.Inventory{Files: slices.DeleteFunc(slices.Clone(inv.Files), func(f backup.File) bool { return !ofLost(f) })}
	inv.Files = slices.DeleteFunc(inv.Files, ofLost)
	sealing, err := d.newPassphrase(ctx, o.Weak)
	if err != nil {
		return Rekeyed{}, err
	}
	key, err := backup.NewRecoveryKey(o.X25519)
	if err != nil {
		return Rekeyed{}, err
	}
	stamp := d.readSuccessions(ctx, loc, inv.Entries, e).After(d.o.Now(), state.Clock)
	next := order{
		enrolment: e.Rotated(key, stamp), location: loc, when: always,
		oldFiles: vouchable(inv, ""), lostFiles: vouchable(theirs, ""),
	}
	if err := d.seal(ctx, &next, sealing); err != nil {
		return Rekeyed{}, err
	}
	report, err := d.enrol(ctx, next)
	if err != nil && !errors.As(err, new(*StaleError)) {
		return Rekeyed{Report: report}, err
	}
	return Rekeyed{report, keyOf(next.enrolment)}, err
}

// canJoin reports whether the key that is to be used in place of this device's may be used
// again, or may be opened. If the device that made it is gone and its sealed keys have never arrived,
// nobody can ever join it, and another rotation is the way out: it is the newer one.
func (d *Device) canJoin(ctx context.Context, loc location.Location, entries []location.Entry, e backup.Enrolment, order backup.SuccessionOrder) bool {
	_, returnable := e.Returnable(order.Current(e.Key.ID()))
	replaced := backup.NamedReplaced(entries)
	return returnable || slices.ContainsFunc(d.otherKeys(ctx, loc, entries, e, order), func(id string) bool { return !replaced[id] })
}

// A Forgotten is a device whose backups were deleted.
type Forgotten struct {
	Report

	Device  string // its id
	Removed int    // how many of its backups
}

// Forget merges the newest backups of another device, named by its id or name, and
// deletes all that it wrote, once the [Asker] has confirmed it. While one of them cannot
// be read nothing happens; those that can never be used are left, and a [NotMerged] each.
// Nothing happens either where another key took the place of this device's, which is a
// *[StaleError] of [ErrRotated].
func (d *Device) Forget(ctx context.Context, name string) (Forgotten, error) {
	e, loc, err := d.enrolled(ctx)
	if err != nil {
		return Forgotten{}, err
	}
	inv, err := d.read(ctx, backup.ReadInventory, loc, e.Keys())
	if err != nil {
		return Forgotten{}, err
	}
	if order := d.readSuccessions(ctx, loc, inv.Entries, e); order.Replaced(e.Key.ID()) {
		return Forgotten{}, asked(d.stale(ctx, outdated(order, e.Key.ID())))
	}
	newest := inv.Newest(time.Time{}, false)
	which, err := d.findDevice(ctx, newest, name)
	if err != nil {
		return Forgotten{}, err
	}
	id := which.ID
	left, err := unusable(loc, inv, id)
	if err != nil {
		return Forgotten{}, err
	}
	if err := d.confirm(ctx, Question{Kind: ForgetDevice, Device: which}); err != nil {
		return Forgotten{}, err
	}
	merged, err := d.merge(ctx, map[string][]backup.File{id: newest[id]}, withoutPurges)
	forgotten := Forgotten{Report: merged.Report, Device: id}
	forgotten.addSkipped(left)
	if err != nil {
		return forgotten, err
	}
	// What its backups alone vouch for is vouched for by this device from now on.
	if err := d.backUp(ctx, &forgotten.Report, order{when: always, oldFiles: vouchable(inv, e.Key.ID())}); err != nil {
		return forgotten, asked(err)
	}
	forgotten.Removed, err = removeFiles(ctx, loc, inv, id)
	return forgotten, err
}

// unusable returns the files of a device that can never be used. One that can be read
// later is an error: it may be the newest.
func unusable(loc location.Location, inv backup.Inventory, device string) ([]backup.File, error) {
	var left []backup.File
	for _, f := range inv.Skipped(false) {
		switch {
		case f.Device() != device:
		case f.State == backup.NotDownloaded || f.State == backup.Unreadable:
			return nil, locationError(loc, fmt.Errorf("%s: %w", f.Name, f.Err))
		default:
			left = append(left, f)
		}
	}
	return left, nil
}

// findDevice returns another device that has backups, by its id or name.
func (d *Device) findDevice(ctx context.Context, newest map[string][]backup.File, name string) (DeviceDate, error) {
	self, err := d.storage.vault.Device(ctx)
	if err != nil {
		return DeviceDate{}, err
	}
	var found, others []DeviceDate
	for _, id := range devices(newest) {
		date := dateOf(newest[id], self)
		if id != name && !sameName(date.Name, name) {
			continue
		}
		found = append(found, date)
		if !date.This {
			others = append(others, date)
		}
	}
	switch {
	case len(others) == 0:
		return DeviceDate{}, &NoDeviceError{name, len(found) > 0}
	case len(others) > 1:
		return DeviceDate{}, &SeveralDevicesError{name, found}
	default:
		return others[0], nil
	}
}

// removeFiles deletes the files of one device.
func removeFiles(ctx context.Context, loc location.Location, inv backup.Inventory, device string) (removed int, err error) {
	for _, f := range inv.Files {
		if f.State != backup.Good || f.Content.Device != device {
			continue
		}
		if err := loc.Remove(ctx, f.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return removed, err
		}
		removed++
	}
	return removed, nil
}

// confirm asks a question; no is [ErrNotConfirmed].
func (d *Device) confirm(ctx context.Context, q Question) error {
	yes, err := d.o.Asker.Confirm(ctx, q)
	if err == nil && !yes {
		err = ErrNotConfirmed
	}
	return err
}
