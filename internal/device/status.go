package device

import (
	"context"
	"errors"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/vault"
)

// A Status is the state of the vault and its backup.
type Status struct {
	Keyring  string
	Unlocked time.Time // until when the file keyring is unlocked; zero where it is not
	State    *vault.State
	Backup   BackupStatus
	Sync     ScheduleStatus
}

// A BackupStatus is the state of the backup.
type BackupStatus struct {
	On         bool
	Location   string
	File       string // the last one
	Generation uint64 // of the vault that it holds
	Last       time.Time
	OtherKeys  int // sealed keys at the location that belong to keys which are not held

	Stale  bool
	Since  time.Time // zero where it is not known
	Reason StaleReason
	Text   string // why, where the reason is NotMade

	Drill DrillStatus
	// VoidSheet is when the last sheet was made, where this device backs up to another key
	// now; zero otherwise.
	VoidSheet time.Time
	// Sheet is when this device made a sheet of the key that it backs up to; zero for never.
	Sheet time.Time

	// Devices are those that have backups at the location, this one first. What is known of
	// them without opening a file.
	Devices []DeviceDate

	Unseen error // why the location could not be looked at; nil where it was
}

// A DrillStatus says when a restore was practised last, and how that ended.
type DrillStatus struct {
	Time   time.Time // zero for never, at this location
	Failed string    // why; empty where everything came back
	Due    bool      // one is due: the last one is long ago, or failed, or there was none
}

// A StaleReason is why the backup is stale.
type StaleReason int

// The reasons.
const (
	NotMade      StaleReason = iota + 1 // the last backup could not be made
	KeyRotated                          // another device has changed the key
	Changed                             // the vault has changed since
	OtherKeysLie                        // the location holds backups under a key that is not held
	LastGone                            // the last backup is missing or altered at the location
)

// lookWait is how long status waits for the location.
const lookWait = 3 * time.Second

// Status reads the vault and returns its state and that of its backup.
func (d *Device) Status(ctx context.Context) (Status, error) {
	state, err := d.Read(ctx)
	if err != nil {
		return Status{}, err
	}
	if d.marker.Location == "" {
		return d.statusWith(state, BackupStatus{}), nil
	}
	loc, err := d.openLocation(d.marker.Location)
	var entries []location.Entry
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, lookWait)
		defer cancel()
		entries, err = list(ctx, loc)
	}
	return d.statusWith(state, d.backupStatus(ctx, state.Generation, entries, err)), nil
}

func (d *Device) statusWith(state *vault.State, b BackupStatus) Status {
	return Status{
		Keyring: d.storage.kind, Unlocked: d.storage.unlockedUntil(), State: state, Backup: b, Sync: d.ScheduleStatus(),
	}
}

// backupStatus says how the backup stands, with what lies at the location or why that
// could not be seen.
func (d *Device) backupStatus(ctx context.Context, generation uint64, entries []location.Entry, unseen error) BackupStatus {
	s := BackupStatus{On: d.marker.Location != "", Location: d.marker.Location, Unseen: unseen}
	if !s.On {
		return s
	}
	b := d.backupState()
	if b.Sheet.Void {
		s.VoidSheet = b.Sheet.Time
	} else {
		s.Sheet = b.Sheet.Time
	}
	if b.Drill.Location == s.Location {
		s.Drill = DrillStatus{Time: b.Drill.Time, Failed: b.Drill.Failed}
	}
	s.Drill.Due = s.Drill.Failed != "" || d.o.Now().Sub(s.Drill.Time) > DrillEvery
	if b.Location == s.Location {
		s.File, s.Generation, s.OtherKeys, s.Last = b.File, b.Generation, b.OtherKeys, b.Time
	}
	s.Devices = b.devicesIn(entries, d.self(ctx, b), d.name())
	switch {
	case !b.StaleSince.IsZero() && b.Rotated:
		s.Reason, s.Since, s.Text = KeyRotated, b.StaleSince, b.Reason
	case !b.StaleSince.IsZero():
		s.Reason, s.Since, s.Text = NotMade, b.StaleSince, b.Reason
	case s.Generation < generation:
		s.Reason = Changed
	case unseen == nil && s.File != "" && !b.lies(entries):
		s.Reason = LastGone
	case s.OtherKeys > 0:
		s.Reason = OtherKeysLie
	}
	s.Stale = s.Reason != 0
	return s
}

// An Examination is what was seen by looking closely, with what is wrong about it.
type Examination struct {
	StateDir  string
	Marker    vault.Marker
	Marked    bool
	MarkerErr error

	Keyring    KeyringSeen
	KeyringErr error

	State    *vault.State // nil where it cannot be read
	StateErr error

	Clock ClockSeen

	Location    *LocationSeen // nil where backup is off
	LocationErr error
	Backup      BackupStatus
}

// A KeyringSeen is the keyring that the vault lies in.
type KeyringSeen struct {
	Kind string

	Dir               string    // of the file keyring
	Exists, Protected bool      // the file keyring is there, and its key under a passphrase
	Unlocked          time.Time // until when it needs none; zero where it is not unlocked

	Collection, Service string // of the system keyring
	Locked              bool
}

// A LocationSeen is the location that backup is on to.
type LocationSeen struct {
	Name           string
	Files          int
	ConflictCopies []string
}

// Examine looks closely at the folders, the keyring, the vault and the location. It
// changes nothing.
func (d *Device) Examine(ctx context.Context) (x Examination) {
	x = Examination{StateDir: d.o.State, Marker: d.marker, Marked: d.marked}
	_, _, x.MarkerErr = vault.ReadMarker(d.o.State)
	x.Keyring, x.KeyringErr = d.examineKeyring(ctx)
	x.State, x.StateErr = d.Read(ctx)
	var entries []location.Entry
	defer func() { x.Clock = d.clock(ctx, x.State, entries) }()
	if d.marker.Location == "" {
		return x
	}
	x.Location, entries, x.LocationErr = d.examineLocation(ctx)
	if x.StateErr == nil {
		x.Backup = d.backupStatus(ctx, x.State.Generation, entries, x.LocationErr)
	}
	return x
}

// KeyringClosed reports whether the system keyring cannot be read at the moment: it has to be
// unlocked, or it is gone. It asks nobody and starts nothing. The keyrings of macOS and Windows
// tell it only when they are read.
func (d *Device) KeyringClosed(ctx context.Context) bool {
	seen, err := d.examineKeyring(ctx)
	return seen.Locked || errors.Is(err, keyring.ErrUnavailable)
}

func (d *Device) examineKeyring(ctx context.Context) (KeyringSeen, error) {
	s := d.storage
	seen := KeyringSeen{Kind: s.kind, Dir: d.o.Data, Service: d.o.Service}
	switch {
	case s.file != nil:
		var err error
		if seen.Exists = s.file.Exists(); seen.Exists {
			seen.Protected, err = s.file.Protected()
			seen.Unlocked = s.unlockedUntil()
		}
		return seen, err
	case s.system == nil:
		return seen, nil
	}
	wait, err := d.keyringWait(s.kind)
	if err != nil {
		return seen, err
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	seen.Collection, seen.Locked, err = s.keyring.Collection(ctx)
	return seen, err
}

func (d *Device) examineLocation(ctx context.Context) (*LocationSeen, []location.Entry, error) {
	seen := &LocationSeen{Name: d.marker.Location}
	loc, err := d.openLocation(d.marker.Location)
	if err != nil {
		return seen, nil, err
	}
	entries, err := list(ctx, loc)
	seen.Files = len(entries)
	for _, e := range entries {
		if n, ok := backup.ParseFileName(e.Name); ok && n.String() != e.Name {
			seen.ConflictCopies = append(seen.ConflictCopies, e.Name)
		}
	}
	return seen, entries, err
}

// A CloudFolder is a folder that a cloud's client carries away.
type CloudFolder = location.Found

// cloudFolders returns the folders of clouds that were found on a machine.
func cloudFolders(ctx context.Context, o location.DetectOptions) []CloudFolder {
	ctx, cancel := context.WithTimeout(ctx, location.FolderWait)
	defer cancel()
	return location.Detect(ctx, o)
}
