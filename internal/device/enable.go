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
		return Enabled{}, locationError(loc, err)
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
	if mine != nil {
		held = mine.Keys().All()
		order := d.readSuccessions(ctx, loc, entries, *mine)
		current := order.Current(mine.Key.ID())
		if key, ok := mine.Returnable(current); ok {
			return d.returnTo(ctx, loc, *mine, key, order)
		}
		// A device that turns backup on again does so with its own key. What else lies there
		// it is told then.
		if current == mine.Key.ID() && (!mine.On || len(d.otherKeys(ctx, loc, entries, *mine, order)) == 0) {
			return *mine, nil, nil
		}
	}
	found, err := d.openKey(ctx, loc, entries, held, from)
	if err != nil {
		return e, nil, err
	}
	switch {
	case found.superseded && mine != nil:
		return d.joinSuperseded(ctx, loc, entries, *mine, found)
	case found.superseded:
		return e, nil, backup.ErrSuperseded
	case mine == nil:
		return d.adoptEqual(ctx, loc, found, backup.Enrolment{Key: found.key}, nil)
	default:
		return d.moveTo(ctx, loc, *mine, found)
	}
}

// joinSuperseded is join for a key that was opened and has a successor. It may lead to a
// key that is held.
func (d *Device) joinSuperseded(ctx context.Context, loc location.Location, entries []location.Entry, mine backup.Enrolment, found opened) (
	e backup.Enrolment, oldFiles []string, err error,
) {
	current := found.successions.Current(mine.Key.ID())
	if key, ok := mine.Returnable(current); ok {
		return d.returnTo(ctx, loc, mine, key, found.successions)
	}
	if current != mine.Key.ID() {
		return e, nil, backup.ErrSuperseded
	}
	return d.takeIn(ctx, loc, entries, mine, found)
}

// takeIn returns the enrolment with a key that was opened and lost against the present one,
// as a key before. What lies under the key of an older one of two rotations is history that
// counts. What lies under a key that was rotated away is named, and not merged; such a key
// is taken in only where nothing else lies there that may be joined, since the device that
// made its successor is gone, and that one's sealed key has never arrived.
func (d *Device) takeIn(ctx context.Context, loc location.Location, entries []location.Entry, mine backup.Enrolment, found opened) (
	e backup.Enrolment, oldFiles []string, err error,
) {
	e = mine.Moved(mine.Key)
	own, err := d.read(ctx, backup.ReadNewest, loc, mine.Keys())
	if err != nil {
		return mine, nil, err
	}
	by := opened{key: mine.Key, inventory: own, successions: found.successions}
	var counts []backup.RecoveryKey
	for _, key := range append(found.equal, found.key) {
		e.AddOldKey(key)
		away, err := d.rotatedAway(ctx, loc, key.ID(), by)
		if err != nil {
			return mine, nil, err
		}
		if !away {
			counts = append(counts, key)
		}
	}
	if len(counts) == 0 && len(d.otherKeys(ctx, loc, entries, e, found.successions)) > 0 {
		return mine, nil, backup.ErrSuperseded
	}
	if len(counts) > 0 {
		inv, err := d.read(ctx, backup.ReadInventory, loc, backup.Keys{Current: counts})
		if err != nil {
			return mine, nil, err
		}
		oldFiles = vouchable(inv, "")
	}
	return e, oldFiles, nil
}

// moveTo returns this device's enrolment in a location with another key of it, and the
// files under other keys that are known to be ours.
func (d *Device) moveTo(ctx context.Context, loc location.Location, mine backup.Enrolment, to opened) (e backup.Enrolment, oldFiles []string, err error) {
	if !to.fits() && !to.successions.Connected(mine.Key.ID(), to.key.ID()) {
		return e, nil, ErrForeignKey // what is left of an act that was cut short
	}
	// Where the key was rotated away, somebody may have found it: only what this device
	// wrote itself is known to be ours then. It supersedes that, unless its vault went back
	// since.
	if b := d.backupState(); b.wrote(loc) {
		oldFiles = []string{backup.HashOfName(b.File)}
	}
	away, err := d.rotatedAway(ctx, loc, mine.Key.ID(), to)
	if err != nil {
		return e, nil, err
	}
	if !away {
		inv, err := d.read(ctx, backup.ReadInventory, loc, mine.Keys())
		if err != nil {
			return e, nil, err
		}
		oldFiles = append(oldFiles, vouchable(inv, "")...)
	}
	e = mine.Moved(to.key)
	if err := d.succeed(ctx, &e, to.successions, mine.Key.ID()); err != nil {
		return e, nil, err
	}
	return d.adoptEqual(ctx, loc, to, e, oldFiles)
}

// returnTo is moveTo for a key that is held.
func (d *Device) returnTo(ctx context.Context, loc location.Location, mine backup.Enrolment, key backup.RecoveryKey, order backup.SuccessionOrder) (
	e backup.Enrolment, oldFiles []string, err error,
) {
	inv, err := d.read(ctx, backup.ReadNewest, loc, backup.Keys{Current: []backup.RecoveryKey{key}})
	if err != nil {
		return e, nil, err
	}
	return d.moveTo(ctx, loc, mine, opened{key: key, inventory: inv, successions: order})
}

// rotatedAway reports whether the key of an id was rotated away, so that somebody may have
// found it. Successions alone do not tell: whoever has found it can delete them, and sign
// others. The backups under the key by do, which that person cannot write: they list the
// keys before it, and no sealed key of one that was rotated away as in use. What this device
// has learned under the old key counts for nothing.
func (d *Device) rotatedAway(ctx context.Context, loc location.Location, id string, by opened) (bool, error) {
	theirs := backup.Enrolment{Key: by.key}
	if err := d.learnKeys(ctx, loc, &theirs, by.inventory); err != nil {
		return false, err
	}
	_, joined := theirs.Returnable(id)
	return by.successions.Rotated(id) || theirs.Keys().Has(id) && !joined, nil
}

// succeed records that the devices of another key are to join the one of an enrolment,
// unless a succession connects the two already.
func (d *Device) succeed(ctx context.Context, e *backup.Enrolment, known backup.SuccessionOrder, old string) error {
	known = slices.Concat(known, e.Successions).At(d.o.Now())
	if known.Connected(old, e.Key.ID()) {
		return nil
	}
	state, err := d.storage.vault.Read(ctx)
	if err != nil {
		return err
	}
	stamp := known.After(d.o.Now(), state.Clock)
	e.Succeed(backup.Succession{Old: old, New: e.Key.ID(), Stamp: stamp, Joined: true})
	return nil
}

// adoptEqual completes a new enrolment by the other keys that the same secret opened:
// they become keys before, their devices are to join this one's key, and the files under
// them are known to be ours.
func (d *Device) adoptEqual(ctx context.Context, loc location.Location, found opened, e backup.Enrolment, oldFiles []string) (backup.Enrolment, []string, error) {
	if len(found.equal) > 0 {
		for _, key := range found.equal {
			e.AddOldKey(key)
			if err := d.succeed(ctx, &e, found.successions, key.ID()); err != nil {
				return e, nil, err
			}
		}
		inv, err := d.read(ctx, backup.ReadInventory, loc, backup.Keys{Current: found.equal})
		if err != nil {
			return e, nil, err
		}
		oldFiles = append(oldFiles, vouchable(inv, "")...)
	}
	if !found.fits() && len(found.inventory.Files) > 0 && len(e.OldKeys) == 0 {
		return e, nil, ErrForeignKey
	}
	return e, oldFiles, d.learnKeys(ctx, loc, &e, found.inventory)
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
