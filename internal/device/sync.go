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
// that would remove much asks the [Asker] first. A backup that could not be made is a
// *[StaleError].
func (d *Device) Sync(ctx context.Context) (Synced, error) {
	e, loc, err := d.enrolled(ctx)
	if err != nil {
		return Synced{}, err
	}
	synced, err := d.mergeLocation(ctx, e, loc, mergeAsking)
	if err != nil {
		return synced, err
	}
	return synced, asked(d.backUp(ctx, &synced.Report, order{when: ifChanged}))
}

// A merging says whether a merge that would remove much is confirmed first.
type merging int

const (
	mergeAsking merging = iota
	mergeUnasked
)

// mergeLocation merges the newest backups of all other devices into the vault.
func (d *Device) mergeLocation(ctx context.Context, e backup.Enrolment, loc location.Location, how merging) (Synced, error) {
	inv, err := d.read(ctx, backup.TakeNewest, loc, e.Keys())
	if err != nil {
		return Synced{Report: d.report()}, err
	}
	if err := d.learn(ctx, loc, inv); err != nil {
		return Synced{Report: d.report()}, err
	}
	synced, err := d.merge(ctx, inv.Newest(time.Time{}, false), how)
	synced.Skipped = inv.Skipped(false)
	return synced, err
}

// merge merges backups into the vault, in one write. Nothing is backed up.
func (d *Device) merge(ctx context.Context, newest map[string][]backup.File, how merging) (Synced, error) {
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
	state, err := d.Read(ctx)
	if err != nil {
		return synced, err
	}
	if how == mergeAsking {
		if err := d.confirmMerge(ctx, state, theirs); err != nil {
			return synced, err
		}
	}
	err = d.write(ctx, update, func(tx *vault.Tx) error {
		synced.Changes = tx.Merge(theirs)
		return nil
	})
	synced.Report = d.report()
	for _, label := range synced.Changes.Ahead(d.o.Now()) {
		synced.add(Notice{Kind: StampAhead, Name: label})
	}
	return synced, err
}

// confirmMerge asks where a merge would remove more than five accounts or a fifth of them.
func (d *Device) confirmMerge(ctx context.Context, state, theirs *vault.State) error {
	_, report := vault.Merge(state, theirs)
	n, all := len(report.Removed), len(state.Accounts())
	if n == 0 || n <= 5 && n*5 <= all {
		return nil
	}
	if err := d.confirm(ctx, Question{Kind: MergeMany, Removed: n, Accounts: all}); err != nil {
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
