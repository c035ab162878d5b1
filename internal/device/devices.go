package device

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/vault"
)

// A DeviceDate is a device that backs up to a location.
type DeviceDate struct {
	ID, Name string    // the name is empty where it is not known: only a backup's content says it
	Created  time.Time // when its newest backup was written, by its own clock
	This     bool      // it is this device
	Newer    bool      // it has newer backups than those that were merged here
}

// A mergedDevice is what was merged of another device: the newest of its backups.
type mergedDevice struct {
	Name       string    `json:"name,omitempty"`
	Generation uint64    `json:"generation"`
	Time       time.Time `json:"time"`
}

// SettingName is the setting that says what this device is called in backups.
const SettingName = "device.name"

// name returns what this device is called in backups: by its user, or else as its machine.
func (d *Device) name() string {
	settings, err := d.Settings()
	if err != nil {
		return d.o.Name
	}
	return cmp.Or(settings[SettingName], d.o.Name)
}

// SetName sets what this device is called in backups; empty is the machine's name. Other
// devices learn it from a backup, which is made at once where backup is on.
func (d *Device) SetName(ctx context.Context, name string) (Report, error) {
	if err := d.keepSetting(SettingName, name); err != nil || d.marker.Location == "" {
		return d.report(), err
	}
	if err := d.storage.unlock(ctx); err != nil {
		return d.report(), err
	}
	r := d.report()
	r.Stale = d.backUp(ctx, &r, order{when: always})
	return r, nil
}

// self returns the id of this device without changing anything; empty if it is not known.
// The last backup has it in its name, so that the keyring is rarely asked.
func (d *Device) self(ctx context.Context, b backupState) string {
	if n, ok := backup.ParseFileName(b.File); ok {
		return n.Device
	}
	who, err := vault.ReadDevice(ctx, d.storage.vault.Keyring())
	if err != nil {
		return ""
	}
	return who.ID
}

// devicesIn returns the devices that have backups among the files of a location, this one
// first, then by their last backup. It knows them by the names of the files, so that
// nothing has to be read or opened: it costs no more than the list.
func (b backupState) devicesIn(entries []location.Entry, self, name string) []DeviceDate {
	byID := map[string]*DeviceDate{}
	for _, e := range entries {
		n, ok := backup.ParseFileName(e.Name)
		if !ok {
			continue
		}
		seen := byID[n.Device]
		merged := b.Merged[n.Device]
		if seen == nil {
			seen = &DeviceDate{ID: n.Device, Name: merged.Name, This: n.Device == self}
			byID[n.Device] = seen
		}
		if n.Time.After(seen.Created) {
			seen.Created = n.Time
		}
		if !seen.This && (n.Generation > merged.Generation || n.Time.After(merged.Time)) {
			seen.Newer = true
		}
	}
	var list []DeviceDate
	for _, seen := range byID {
		if seen.This {
			seen.Name = name
		}
		list = append(list, *seen)
	}
	sortDates(list)
	return list
}

// sortDates puts this device first, and the others by their last backup.
func sortDates(list []DeviceDate) {
	slices.SortFunc(list, func(x, y DeviceDate) int {
		switch {
		case x.This:
			return -1
		case y.This:
			return 1
		}
		return cmp.Or(y.Created.Compare(x.Created), cmp.Compare(x.ID, y.ID))
	})
}

// dateOf returns the device of its newest files; newest is not empty.
func dateOf(newest []backup.File, self string) DeviceDate {
	date := DeviceDate{ID: newest[0].Content.Device, Name: newest[0].Content.DeviceName, This: newest[0].Content.Device == self}
	for _, f := range newest {
		if f.Content.Created.After(date.Created) {
			date.Created = f.Content.Created
		}
	}
	return date
}

// noteMerged remembers what was merged of other devices, so that [Device.Status] can say
// which have written since. Of the files that were skipped it notes those that can never be
// merged.
func (d *Device) noteMerged(ctx context.Context, newest map[string][]backup.File, skipped []backup.File) error {
	if len(newest) == 0 && len(skipped) == 0 {
		return nil
	}
	return d.changeBackupState(ctx, func(b *backupState) {
		if b.Merged == nil {
			b.Merged = map[string]mergedDevice{}
		}
		for id, files := range newest {
			for _, f := range files {
				b.note(id, f.Content.DeviceName, f.Content.Generation, f.Content.Created)
			}
		}
		for _, f := range skipped {
			n, ok := backup.ParseFileName(f.Name)
			if ok && (f.State == backup.Foreign || f.State == backup.Unsigned) {
				b.note(n.Device, "", n.Generation, n.Time)
			}
		}
	})
}

func (b *backupState) note(id, name string, generation uint64, at time.Time) {
	have := b.Merged[id]
	b.Merged[id] = mergedDevice{cmp.Or(name, have.Name), max(have.Generation, generation), latest(have.Time, at)}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
