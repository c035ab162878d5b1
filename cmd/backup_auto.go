package cmd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/vault"
)

// A backupState is what this device remembers of its last backup, in the state
// folder: nothing secret, and nothing that could not be found out again.
type backupState struct {
	Version    int       `json:"version"`
	Location   string    `json:"location"`
	Generation uint64    `json:"generation"` // of the vault that is backed up
	File       string    `json:"file"`
	Time       time.Time `json:"time,omitzero"`
	StaleSince time.Time `json:"stale_since,omitzero"`
	Reason     string    `json:"reason,omitempty"`
	OtherKeys  int       `json:"other_keys,omitempty"` // sealed keys of keys that are not held
	OldFiles   []string  `json:"old_files,omitempty"`  // hashes of files under keys before the current one
}

func (s *session) backupStatePath() string { return filepath.Join(s.places.state, "backup.json") }

// readBackupState returns what is remembered; nothing where there is no file or a
// damaged one, which the next backup writes anew.
func (s *session) readBackupState() backupState {
	var b backupState
	data, err := os.ReadFile(s.backupStatePath())
	if err != nil || json.Unmarshal(data, &b) != nil {
		return backupState{}
	}
	return b
}

func (s *session) writeBackupState(b backupState) error {
	b.Version = jsonVersion
	data, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return create(s.backupStatePath(), true, func(f *os.File) error {
		_, err := f.Write(append(data, '\n'))
		return err
	})
}

// location reads what a user calls a location.
func (s *session) location(text string) (patient, error) {
	dir, err := os.Getwd()
	if err != nil {
		return patient{}, err
	}
	loc, err := location.Parse(text, location.Options{
		Dir: dir, Home: s.home(), Temp: s.places.state, LookPath: s.LookPath, Env: s.Environ(),
	})
	if errors.Is(err, location.ErrInvalid) {
		return patient{}, usageError{err}
	}
	if err != nil {
		return patient{}, err
	}
	return patient{loc, s.patience(loc)}, nil
}

// enrolment returns how this device takes part in a location; ok is false where
// it does not.
func (s *session) enrolment(ctx context.Context) (e backup.Enrolment, ok bool, err error) {
	text, ok, err := s.vault.Item(ctx, vault.EnrolmentItem)
	if err != nil || !ok {
		return e, false, err
	}
	e, err = backup.ParseEnrolment(text)
	return e, err == nil, err
}

func (s *session) setEnrolment(ctx context.Context, e backup.Enrolment) error {
	text, err := e.Encode()
	if err != nil {
		return err
	}
	if err := s.vault.SetItem(ctx, vault.EnrolmentItem, text); err != nil {
		return err
	}
	at := ""
	if e.On {
		at = e.Location
	}
	return s.vault.SetLocation(ctx, at)
}

// backUpAfterChange backs the change that was just made up, where backup is on. A
// change never fails because its backup did: one line says so.
func (s *session) backUpAfterChange(ctx context.Context) {
	marker, _, err := vault.ReadMarker(s.places.state)
	if err != nil || marker.Location == "" {
		return
	}
	if _, err := s.backUp(ctx, catchUp); err != nil {
		s.warn("the backup is stale: %s (auth status)", message(err, nil))
	}
}

// How a backup is to be made.
type backupHow int

const (
	catchUp backupHow = iota // unless the vault as it is has been backed up already
	anew                     // in any case
	refill                   // and also where the location has been emptied
)

// backUp writes the vault as it is now to the enrolled location. What went wrong is
// remembered until it goes right.
func (s *session) backUp(ctx context.Context, how backupHow) (backup.Done, error) {
	e, ok, err := s.enrolment(ctx)
	if err != nil {
		return backup.Done{}, s.stale(err)
	}
	if !ok || !e.On {
		return backup.Done{}, errBackupOff
	}
	loc, err := s.location(e.Location)
	if err != nil {
		return backup.Done{}, s.stale(err)
	}
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, s.patience(loc))
	defer cancel()
	release, err := s.lockBackup(ctx, loc)
	if err != nil {
		if s.backedUp(outer, loc) { // by whoever was faster
			return backup.Done{File: s.readBackupState().File}, nil
		}
		return backup.Done{}, s.stale(err)
	}
	defer release()
	// Read again under the lock: another process may have changed the key.
	if e, _, err = s.enrolment(ctx); err != nil {
		return backup.Done{}, s.stale(err)
	}
	done, err := s.backUpLocked(ctx, loc, e, how)
	if err != nil && !errors.Is(err, context.Canceled) {
		return done, s.stale(err)
	}
	return done, err
}

// lockBackup takes the lock under which the location is written to and the enrolment
// changed. A command that holds it may take it again.
func (s *session) lockBackup(ctx context.Context, loc location.Location) (release func(), err error) {
	if s.backupLocked {
		return func() {}, nil
	}
	unlock, err := vault.LockFile(ctx, s.places.state, "backup.lock", s.command, s.patience(loc))
	if err != nil {
		return nil, err
	}
	s.backupLocked = true
	return func() { s.backupLocked = false; unlock() }, nil
}

// backedUp reports whether the vault as it is now has been backed up.
func (s *session) backedUp(ctx context.Context, loc location.Location) bool {
	state, err := s.vault.Read(ctx)
	b := s.readBackupState()
	return err == nil && b.Generation >= state.Generation && b.StaleSince.IsZero() && b.Location == loc.String()
}

// stale remembers why the backup could not be made, and since when.
func (s *session) stale(reason error) error {
	b := s.readBackupState()
	if b.StaleSince.IsZero() {
		b.StaleSince = s.Now().UTC()
	}
	b.Reason = message(reason, nil)
	if err := s.writeBackupState(b); err != nil {
		return errors.Join(reason, err)
	}
	return reason
}

func (s *session) backUpLocked(ctx context.Context, loc location.Location, e backup.Enrolment, how backupHow) (backup.Done, error) {
	state, err := s.vault.Read(ctx)
	if err != nil {
		return backup.Done{}, err
	}
	b := s.readBackupState()
	if how == catchUp && b.Generation >= state.Generation && b.StaleSince.IsZero() && b.Location == loc.String() {
		return backup.Done{File: b.File}, nil
	}
	entries, err := list(ctx, loc)
	if err != nil {
		return backup.Done{}, err
	}
	others, rotated := otherKeys(entries, e)
	switch {
	case rotated:
		return backup.Done{}, errRotated
	case how != refill && b.File != "" && b.Location == loc.String() && !holdsBackups(entries):
		// A disk that is not mounted leaves an empty folder, which nobody carries away.
		return backup.Done{}, errEmptied
	}
	job, err := s.job(ctx, loc, e)
	if err != nil {
		return backup.Done{}, err
	}
	job.Generation, job.State, job.Entries, job.Thorough = state.Generation, state, entries, how != catchUp
	done, err := job.Run(ctx)
	if errors.Is(err, backup.ErrCloned) {
		if job.Device, err = s.vault.RenewDevice(ctx); err != nil {
			return done, err
		}
		s.warn("another machine writes backups under this one's id (a clone, or an old image): this one takes a new id and goes on; auth sync brings both together")
		job.Written = nil
		done, err = job.Run(ctx)
	}
	if done.File == "" {
		return done, err
	}
	if err := s.mended(ctx, e, done, err); err != nil {
		return done, err
	}
	return done, s.writeBackupState(backupState{
		Location: loc.String(), Generation: state.Generation, File: done.File, Time: s.Now().UTC(),
		OtherKeys: others, OldFiles: b.OldFiles,
	})
}

// take reads a whole location with the keys that are held and those that its
// backups hold.
func (s *session) take(ctx context.Context, loc location.Location, keys []backup.RecoveryKey) (backup.Inventory, error) {
	return s.takeBy(ctx, backup.Take, loc, keys)
}

func (s *session) takeBy(ctx context.Context, take func(context.Context, location.Location, []string, ...backup.RecoveryKey) (backup.Inventory, error),
	loc location.Location, keys []backup.RecoveryKey,
) (backup.Inventory, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.Patience, readWait))
	defer cancel()
	inv, err := take(ctx, loc, s.readBackupState().OldFiles, keys...)
	return inv, at(loc, err)
}

// list lists a location; its errors name it.
func list(ctx context.Context, loc location.Location) ([]location.Entry, error) {
	entries, err := loc.List(ctx)
	return entries, at(loc, err)
}

// at names the location that an error is about.
func at(loc location.Location, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", loc, err)
}

// describe is a file of a location that was skipped, in words.
func describe(f backup.File) string {
	what := string(f.State)
	if f.Err != nil {
		what = message(f.Err, nil)
	}
	return fmt.Sprintf("%s: %s", term.Escape(f.Name), what)
}

// sortedDevices returns the ids of the devices in newest.
func sortedDevices(newest map[string][]backup.File) []string {
	var ids []string
	for id := range newest {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
