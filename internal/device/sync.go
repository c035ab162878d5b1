package device

import (
	"context"
	"fmt"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/vault"
)

// A Synced is what was merged from other devices.
type Synced struct {
	Report

	Devices []string // the names of the other devices
	Changes vault.MergeReport
	Skipped []backup.File // files that could not be used
}

// Sync merges what other devices wrote to the location, and backs the result up. A merge
// that would remove or replace much asks the [Asker] first. A backup that could not be made
// is a *[StaleError]; so is [ErrRotated], and then nothing was merged.
func (d *Device) Sync(ctx context.Context) (Synced, error) {
	e, loc, err := d.enrolled(ctx)
	if err != nil {
		return Synced{}, err
	}
	synced, inv, err := d.mergeLocation(ctx, e, loc, everything)
	if err != nil {
		return synced, err
	}
	return synced, asked(d.backUp(ctx, &synced.Report, order{when: d.whenLacking(loc, inv), look: true}))
}

// whenLacking is when to back up to a location that was read: in any case where the last
// backup is not there or not whole any more.
func (d *Device) whenLacking(loc location.Location, inv backup.Inventory) makeWhen {
	if d.backupState().lacks(loc, inv) {
		return again
	}
	return ifChanged
}

// A merging says what is merged of what other devices wrote.
type merging int

const (
	everything merging = iota
	// withoutPurges leaves out the records of what they erased for good: one of them may
	// be in other hands.
	withoutPurges
)

// mergeLocation merges the newest backups of all other devices into the vault. Where
// another key took the place of this device's, and the user has not decided otherwise, it
// merges and learns nothing: whoever has found the old key can go on writing under it.
func (d *Device) mergeLocation(ctx context.Context, e backup.Enrolment, loc location.Location, what merging) (Synced, backup.Inventory, error) {
	inv, err := d.read(ctx, backup.ReadNewest, loc, e.Keys())
	if err != nil {
		return Synced{Report: d.report()}, inv, err
	}
	if d.emptied(loc, inv.Entries) {
		return Synced{Report: d.report()}, inv, asked(d.stale(ctx, ErrEmptied))
	}
	if what == everything && d.readSuccessions(ctx, loc, inv.Entries, e).Replaced(e.Key.ID()) {
		synced := Synced{Report: d.report(), Skipped: inv.Skipped(false)}
		synced.add(Notice{Kind: NothingMerged})
		return synced, inv, nil
	}
	if err := d.learn(ctx, loc, inv); err != nil {
		return Synced{Report: d.report()}, inv, err
	}
	synced, err := d.merge(ctx, inv.Newest(time.Time{}, false), what)
	synced.Skipped = inv.Skipped(false)
	if err == nil {
		_ = d.noteMerged(ctx, nil, synced.Skipped)
	}
	return synced, inv, err
}

// merge merges backups into the vault, in one write. Nothing is backed up.
func (d *Device) merge(ctx context.Context, newest map[string][]backup.File, what merging) (Synced, error) {
	var synced Synced
	self, err := d.storage.vault.Device(ctx)
	if err != nil {
		return synced, err
	}
	for _, id := range devices(newest) {
		if id != self {
			synced.Devices = append(synced.Devices, deviceName(newest[id][0]))
		}
	}
	theirs := backup.Merge(newest)
	if theirs.ID == "" {
		return synced, nil // nothing is there to be merged
	}
	if what == withoutPurges {
		theirs = theirs.WithoutPurges()
	}
	state, err := d.Read(ctx)
	if err != nil {
		return synced, err
	}
	if err := d.confirmMerge(ctx, state, theirs); err != nil {
		return synced, err
	}
	err = d.write(ctx, update, func(tx *vault.Tx) error {
		synced.Changes = tx.Merge(theirs)
		return nil
	})
	synced.Report = d.report()
	for _, label := range synced.Changes.Ahead(d.o.Now()) {
		synced.add(Notice{Kind: StampAhead, Name: label})
	}
	if err == nil {
		// Where this note fails, status asks for a sync too many.
		_ = d.noteMerged(ctx, newest, nil)
	}
	return synced, err
}

// confirmMerge asks where a merge would remove, or give another secret to, more than
// five accounts or a fifth of them.
func (d *Device) confirmMerge(ctx context.Context, state, theirs *vault.State) error {
	_, report := vault.Merge(state, theirs)
	q := Question{Kind: MergeMany, Removed: len(report.Removed), Accounts: len(state.Accounts())}
	for _, r := range report.Replaced {
		if r.Here {
			q.Replaced++
		}
	}
	n := q.Removed + q.Replaced
	if n <= 5 && n*5 <= q.Accounts {
		return nil
	}
	if err := d.confirm(ctx, q); err != nil {
		return fmt.Errorf("not merged: %w", err)
	}
	return nil
}

// deviceName is what people call the device that wrote a file.
func deviceName(f backup.File) string {
	if f.Content.DeviceName != "" {
		return f.Content.DeviceName
	}
	return f.Content.Device
}
