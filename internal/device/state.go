package device

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/authcli/auth/internal/atomicfile"
	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/vault"
)

// A backupState is what this device remembers of its last backup, in the state folder:
// nothing secret and, but for Vouched, Lost, Sheet and Schedule, nothing that could not be found out
// again. Only this file reads and writes it.
type backupState struct {
	Version    int       `json:"version"`
	Location   string    `json:"location"`
	Generation uint64    `json:"generation"` // of the vault that is backed up
	File       string    `json:"file"`
	Bytes      int64     `json:"bytes,omitempty"` // its size
	Time       time.Time `json:"time,omitzero"`
	StaleSince time.Time `json:"stale_since,omitzero"`
	Reason     string    `json:"reason,omitempty"`
	Rotated    bool      `json:"rotated,omitempty"`    // the reason is ErrRotated
	OtherKeys  int       `json:"other_keys,omitempty"` // sealed keys of keys that are not held
	// Vouched are hashes of files under earlier keys that this device vouches for. Backups
	// list them, and the first under a new key may fail, or be lost.
	Vouched []string `json:"vouched,omitempty"`
	// Lost are hashes of the files of lost devices that were there when the key was replaced.
	// No backup vouches for them, and only [Device.Lose] takes them.
	Lost []string `json:"lost,omitempty"`

	// Merged says what was merged of other devices, by their ids.
	Merged map[string]mergedDevice `json:"merged,omitempty"`

	Drill drillState `json:"drill,omitzero"`
	// Checked is the last code that was checked.
	Checked checkedCode `json:"checked,omitzero"`
	Sheet   sheetState  `json:"sheet,omitzero"`

	Schedule scheduleState `json:"schedule,omitzero"`
}

// next returns what is remembered after a backup: what it says of it, and what is not about
// backups.
func (b backupState) next(made backupState) backupState {
	made.Drill, made.Merged, made.Checked, made.Schedule = b.Drill, b.Merged, b.Checked, b.Schedule
	return made
}

// A sheetState is the last sheet that this device made.
type sheetState struct {
	Key  string    `json:"key"` // the id of the key on it
	Time time.Time `json:"time"`
	Void bool      `json:"void,omitempty"` // this device backs up to another key now
}

// A drillState is when the last drill was, and how it ended.
type drillState struct {
	Time     time.Time `json:"time"`
	Location string    `json:"location"`
	Failed   string    `json:"failed,omitempty"` // why
}

const (
	stateVersion = 1
	stateFile    = "backup.json"
	stateLock    = "backup.json.lock"
)

// backupState returns the record. It is empty if the file is missing or damaged; the next
// backup writes the file again.
func (d *Device) backupState() backupState {
	var b backupState
	data, err := atomicfile.Read(filepath.Join(d.o.State, stateFile))
	if err != nil || json.Unmarshal(data, &b) != nil {
		return backupState{}
	}
	return b
}

// changeBackupState changes what is remembered, as it is now, under the file's own
// lock. The lock is held for no longer than that, whoever writes to the location.
func (d *Device) changeBackupState(ctx context.Context, change func(*backupState)) error {
	// What has happened is noted also where the caller has run out of time.
	release, err := vault.LockFile(context.WithoutCancel(ctx), d.o.State, stateLock, d.o.Holder, lockWait)
	if err != nil {
		return err
	}
	defer release()
	b := d.backupState()
	change(&b)
	b.Version = stateVersion
	data, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(d.o.State, stateFile), append(data, '\n'))
}

// vouch remembers files under earlier keys that this device vouches for, and those of a
// lost device, for which it does not.
func (d *Device) vouch(ctx context.Context, hashes, lost []string) error {
	if len(hashes)+len(lost) == 0 {
		return nil
	}
	return d.changeBackupState(ctx, func(b *backupState) {
		b.Lost = union(b.Lost, lost)
		b.Vouched = slices.DeleteFunc(union(b.Vouched, hashes), func(hash string) bool { return hasHash(lost, hash) })
	})
}

// SheetMade remembers that the recovery key of an id was printed.
func (d *Device) SheetMade(ctx context.Context, key string) error {
	return d.changeBackupState(ctx, func(b *backupState) {
		b.Sheet = sheetState{Key: key, Time: d.o.Now().UTC()}
	})
}

// under returns the state of the sheet where this device backs up to the key of an id.
func (s sheetState) under(key string) sheetState {
	s.Void = s.Key != "" && s.Key != key
	return s
}

// union returns two lists as one, sorted.
func union(a, b []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}

// hasHash reports whether a hash is in a list. On both sides it may be the short one of a
// file's name.
func hasHash(list []string, hash string) bool {
	return hash != "" && slices.ContainsFunc(list, func(h string) bool { return strings.HasPrefix(h, hash) || strings.HasPrefix(hash, h) })
}

// wrote reports whether the last backup is known and went to a location.
func (b backupState) wrote(loc location.Location) bool {
	return b.File != "" && b.Location == loc.String()
}

// lies reports whether the location lists the last backup with the right size.
func (b backupState) lies(entries []location.Entry) bool {
	return slices.ContainsFunc(entries, func(e location.Entry) bool {
		return e.Name == b.File && (e.Size < 0 || b.Bytes == 0 || e.Size == b.Bytes)
	})
}

// lacks reports whether the last backup went to a location that was read, and is not
// there or not whole any more.
func (b backupState) lacks(loc location.Location, inv backup.Inventory) bool {
	whole := func(f backup.File) bool { return f.Name == b.File && f.State == backup.Good }
	return b.wrote(loc) && !slices.ContainsFunc(inv.Files, whole)
}

// covers reports whether a vault's generation has been backed up to a location.
func (b backupState) covers(generation uint64, location string) bool {
	return b.Generation >= generation && b.StaleSince.IsZero() && b.Location == location
}
