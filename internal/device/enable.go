package device

import (
	"context"
	"errors"
	"slices"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/vault"
)

// EnableOptions say how a location's recovery key is made or opened.
type EnableOptions struct {
	KeySource // opens the key of a location that has one

	X25519 bool // a new key that age before 1.3 can use
	Weak   bool // a weak passphrase will do
}

// An Enabled is a location that backup is on to.
type Enabled struct {
	Report

	Key
	Joined bool // others back up there already
	Local  bool // the location is a folder
}

// Enable turns backup on to a location. It makes a recovery key for a new location, and
// joins one that has backups with its key. If only the first backup fails, it returns a
// *[StaleError], and backup is on. If the vault is empty, the first account makes the
// first backup.
func (d *Device) Enable(ctx context.Context, name string, o EnableOptions) (Enabled, error) {
	loc, err := d.openLocation(name)
	if err != nil {
		return Enabled{}, err
	}
	state, err := d.Read(ctx)
	if err != nil {
		return Enabled{}, err
	}
	if state.Generation == 0 { // what the device is enrolled as lies beside a vault
		if err := d.write(ctx, renew, func(*vault.Tx) error { return nil }); err != nil {
			return Enabled{}, err
		}
	}
	if err := location.Prepare(ctx, loc); err != nil {
		return Enabled{}, at(loc, err)
	}
	entries, err := list(ctx, loc)
	if err != nil {
		return Enabled{}, err
	}
	old, ok, err := d.enrolment(ctx)
	if err != nil && !errors.Is(err, backup.ErrEnrolment) { // a damaged one is replaced
		return Enabled{}, err
	}
	enabled := Enabled{Local: loc.Local()}
	next := order{enrolment: old, location: loc, when: evenEmptied}
	here := ok && old.Location == loc.String()
	switch {
	case holdsBackups(entries):
		enabled.Joined = true
		var mine *backup.Enrolment
		if here {
			mine = &old
		}
		next.enrolment, next.oldFiles, err = d.join(ctx, loc, entries, mine, o.KeySource)
	case !here:
		next.enrolment = backup.Enrolment{}
		err = d.newLocation(ctx, &next, o)
	default: // turned off and on again, or the folder was emptied: our copies go back
	}
	if err != nil {
		return enabled, err
	}
	next.enrolment.Location, next.enrolment.On = loc.String(), true
	sheet := d.backupState().Sheet
	enabled.Report, err = d.enrol(ctx, next)
	enabled.Key = keyOf(next.enrolment)
	if !sheet.Void && d.backupState().Sheet.Void {
		enabled.add(Notice{Kind: SheetVoid})
	}
	return enabled, err
}

// enrol stores a changed enrolment and backs up under it. Only after that backup it
// removes the sealed keys that the enrolment lists as retired. Other devices learn the
// changes from the backup. If the backup fails, it returns a *[StaleError].
func (d *Device) enrol(ctx context.Context, o order) (Report, error) {
	release, err := d.lockBackups(ctx, o.location)
	if err != nil {
		d.withdraw(ctx, o)
		return d.report(), err
	}
	defer release()
	err = d.vouch(ctx, o.oldFiles, o.lostFiles)
	if err == nil {
		err = d.setEnrolment(ctx, o.enrolment)
	}
	if err != nil {
		if !errors.Is(err, keyring.ErrUnsettled) {
			d.withdraw(ctx, o)
		}
		return d.report(), err
	}
	r := d.report()
	return r, asked(d.backUpLocked(ctx, &r, o))
}

// newLocation makes a recovery key for an order to an empty location, and seals it.
func (d *Device) newLocation(ctx context.Context, next *order, o EnableOptions) error {
	if len(o.Identities) > 0 {
		return ErrNewLocation
	}
	sealing, err := d.newPassphrase(ctx, o.Weak)
	if err != nil {
		return err
	}
	if next.enrolment.Key, err = backup.NewRecoveryKey(o.X25519); err != nil {
		return err
	}
	return d.seal(ctx, next, sealing)
}

// join opens the key of a location that has backups. mine is the enrolment that this
// device has there already, or nil: its key is kept then, to read history with. What is
// returned beside the enrolment are files under other keys that are known to be ours.
func (d *Device) join(ctx context.Context, loc location.Location, entries []location.Entry, mine *backup.Enrolment, from KeySource) (
	e backup.Enrolment, oldFiles []string, err error,
) {
	var held []backup.RecoveryKey
	replaced := false
	if mine != nil {
		held = mine.Keys().All()
		order := backup.ReadSuccessions(ctx, loc, entries, held)
		replaced = order.Replaced(mine.Key.ID())
		if others := otherKeys(entries, *mine, order); others == 0 && order.Current(mine.Key.ID()) == mine.Key.ID() {
			return *mine, nil, nil
		}
	}
	found, err := d.openKey(ctx, loc, entries, held, from)
	if err != nil {
		return e, nil, err
	}
	if found.superseded {
		return e, nil, backup.ErrSuperseded
	}
	e.Key = found.key
	if mine != nil {
		e.OldKeys, e.Sealed = held, mine.Sealed
		// Where the key was rotated away, somebody may have found it: only what this
		// device wrote itself is known to be ours then, and it supersedes that anyway.
		if !replaced {
			inv, err := d.read(ctx, backup.ReadInventory, loc, mine.Keys())
			if err != nil {
				return e, nil, err
			}
			oldFiles = vouchable(inv, "")
		}
	}
	return d.adoptEqual(ctx, loc, found, e, oldFiles)
}

// adoptEqual completes a new enrolment by the other keys that the same secret opened:
// they become keys before, and the files under them are known to be ours.
func (d *Device) adoptEqual(ctx context.Context, loc location.Location, found opened, e backup.Enrolment, oldFiles []string) (backup.Enrolment, []string, error) {
	if len(found.equal) > 0 {
		for _, key := range found.equal {
			e.AddOldKey(key)
		}
		inv, err := d.read(ctx, backup.ReadInventory, loc, backup.Keys{Current: found.equal})
		if err != nil {
			return e, nil, err
		}
		oldFiles = append(oldFiles, vouchable(inv, "")...)
	}
	inv := found.inventory
	fits := slices.ContainsFunc(inv.Files, func(f backup.File) bool { return f.Key == found.key.ID() })
	if !fits && len(inv.Files) > 0 && len(e.OldKeys) == 0 {
		return e, nil, ErrForeignKey
	}
	return e, oldFiles, d.learnKeys(ctx, loc, &e, inv)
}

// vouchable returns the hashes of the files that are here and ours, but those under the
// key of an id. One that cannot be read now, since the cloud has not brought it or not
// all of it, is known by the hash in its name, and counts when those bytes are there.
func vouchable(inv backup.Inventory, but string) []string {
	var hashes []string
	for _, f := range inv.Files {
		switch f.State {
		case backup.Good:
			if f.Key != but {
				hashes = append(hashes, f.Hash)
			}
		case backup.NotDownloaded, backup.Unreadable, backup.Damaged, backup.Foreign:
			if hash := backup.HashOfName(f.Name); hash != "" {
				hashes = append(hashes, hash)
			}
		}
	}
	return hashes
}
