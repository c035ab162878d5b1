package device

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/vault"
)

// A Lost is what was done about a device that is gone.
type Lost struct {
	Rekeyed

	Device  string          // its id
	Merged  bool            // what the other devices wrote is here, and what of its own was to be
	Exposed []vault.Account // accounts here whose secret it held
	Removed int             // how many of its backups were deleted
}

// Lose does what has to be done when a device is gone, once the [Asker] has confirmed it:
// it merges what the others wrote, and of that device what it wrote until since, without
// anything that it erased; it marks every account as exposed whose secret that device
// held; it makes a new recovery key; and it deletes that device's backups. since is zero
// where everything that it wrote counts. Its files that cannot be read are as with
// [Device.Forget].
//
// After an error, the Lost says what was done before it: Merged, Exposed, the ID of the key
// once that is a new one, and Removed. Doing it again finishes it, and makes another key:
// that device may have joined the location under the one of the first time, and no file
// would tell.
func (d *Device) Lose(ctx context.Context, name string, since time.Time, o EnableOptions) (Lost, error) {
	e, loc, err := d.enrolled(ctx)
	if err != nil {
		return Lost{}, err
	}
	left, err := d.findTraces(ctx, loc, e, name)
	if err != nil {
		return Lost{}, err
	}
	lost := Lost{Device: left.device}
	if err := d.confirm(ctx, Question{Kind: LoseDevice, Device: left.which}); err != nil {
		return lost, err
	}
	if err := d.confirmReplacing(ctx, loc, e); err != nil {
		return lost, err
	}
	if err := d.learn(ctx, loc, left.counted); err != nil {
		return lost, err
	}
	merged, err := d.merge(ctx, left.until(since), withoutPurges)
	lost.Report = merged.Report
	lost.addSkipped(left.unusable)
	if err != nil {
		return lost, err
	}
	lost.Merged = true
	var exposed []vault.Account
	var unmerged []backup.File
	err = d.write(ctx, update, func(tx *vault.Tx) error {
		exposed, unmerged = heldBy(left.held(), tx.State), left.unmerged(since, tx.State)
		tx.Expose(exposed, left.name)
		return nil
	})
	if err != nil {
		return lost, err
	}
	lost.Exposed = exposed
	lost.addSkipped(unmerged)
	met := lost.Notices
	lost.Rekeyed, err = d.replaceKey(ctx, loc, o, left.device)
	lost.Notices = append(met, lost.Notices...)
	if err != nil {
		return lost, err
	}
	lost.Removed, err = removeFiles(ctx, loc, left.without(unmerged), left.device)
	return lost, err
}

// traces are what a device that is gone has left at a location.
type traces struct {
	device string // its id
	name   string
	which  DeviceDate
	// counted is the location as it is read today. all has with it the files under earlier
	// keys for which no backup vouches: that device's are among them where an earlier try
	// was cut short, since a new key vouches for none of them.
	counted, all backup.Inventory
	there        []string      // hashes of files that were there when an earlier try made a new key
	unusable     []backup.File // its files that can never be used, and those of others that cannot be now
}

// findTraces finds what another device, named by its id or name, has left.
func (d *Device) findTraces(ctx context.Context, loc location.Location, e backup.Enrolment, name string) (traces, error) {
	inv, err := d.read(ctx, backup.ReadInventory, loc, e.Keys())
	if err != nil {
		return traces{}, err
	}
	left := traces{counted: inv, all: inv, there: d.backupState().Lost}
	if slices.ContainsFunc(inv.Files, func(f backup.File) bool { return f.State == backup.OldKey }) {
		left.all, err = d.read(ctx, backup.ReadInventory, loc, backup.Keys{Current: e.Keys().All()})
		if err != nil {
			return traces{}, err
		}
	}
	newest := left.all.Newest(time.Time{}, false)
	maps.Copy(newest, inv.Newest(time.Time{}, false)) // what counts says what a device is called
	if left.which, err = d.findDevice(ctx, newest, name); err != nil {
		return traces{}, err
	}
	left.device = left.which.ID
	left.name = deviceName(newest[left.device][0])
	if left.unusable, err = unusable(loc, left.all, left.device); err != nil {
		return traces{}, err
	}
	for _, f := range inv.Skipped(false) {
		if f.Device() != left.device {
			left.unusable = append(left.unusable, f)
		}
	}
	return left, nil
}

// until returns what is to be merged: the newest files of the other devices, and of the one
// that is gone those until since.
func (l traces) until(since time.Time) map[string][]backup.File {
	newest := l.counted.Newest(time.Time{}, false)
	delete(newest, l.device)
	own := backup.Inventory{Files: slices.DeleteFunc(slices.Clone(l.all.Files), func(f backup.File) bool { return !l.trusted(f) })}
	if files := own.Newest(since, false)[l.device]; len(files) > 0 {
		newest[l.device] = files
	}
	return newest
}

// trusted reports whether a file counts, or was there when an earlier try made a new key.
// One that came later may be of somebody who has found the key before.
func (l traces) trusted(f backup.File) bool {
	counts := func(c backup.File) bool { return c.Name == f.Name && c.Hash == f.Hash && c.State == backup.Good }
	return slices.ContainsFunc(l.counted.Files, counts) || hasHash(l.there, f.Hash)
}

// held returns what the device had when it wrote last, whoever vouches for it.
func (l traces) held() *vault.State {
	newest := slices.Concat(l.counted.Newest(time.Time{}, false)[l.device], l.all.Newest(time.Time{}, false)[l.device])
	return backup.Merge(map[string][]backup.File{l.device: newest})
}

// unmerged returns the device's newest files until since that were not merged because they
// cannot be trusted, and whose content is not here in any other way. They are not deleted.
func (l traces) unmerged(since time.Time, here *vault.State) []backup.File {
	var files []backup.File
	for _, f := range l.all.Newest(since, false)[l.device] {
		if !l.trusted(f) && !here.Contains(f.Content.State.WithoutPurges()) {
			f.State, f.Err = backup.OldKey, backup.ErrOldKey
			files = append(files, f)
		}
	}
	return files
}

// without returns all files but some.
func (l traces) without(some []backup.File) backup.Inventory {
	return backup.Inventory{Files: slices.DeleteFunc(slices.Clone(l.all.Files), func(f backup.File) bool {
		return slices.ContainsFunc(some, func(s backup.File) bool { return s.Name == f.Name })
	})}
}

// heldBy returns the live accounts whose present secret another state has, or had.
func heldBy(other, here *vault.State) []vault.Account {
	secrets := map[string]bool{}
	for _, a := range other.Accounts() {
		secrets[vault.Hash(a.Credential)] = true
	}
	for _, t := range other.Trash {
		secrets[vault.Hash(t.Credential)] = true
	}
	var list []vault.Account
	for _, a := range here.Accounts() {
		if hash := vault.Hash(a.Credential); hash != "" && secrets[hash] {
			list = append(list, a)
		}
	}
	return list
}
