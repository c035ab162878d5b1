package device

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"
)

// A Schedule is how this device syncs by itself.
type Schedule struct {
	Every   time.Duration
	Program string   // that the system runs
	Files   []string // that tell the system about it
}

// A ScheduleStatus says how this device syncs by itself, and how that went last.
type ScheduleStatus struct {
	Schedule

	On     bool      // the system was told to sync; otherwise somebody else may call it
	Last   time.Time // the last sync that went well; zero for none
	Tried  time.Time // the last one that nobody watched; zero for none
	Failed string    // why that one failed; empty where it went well, or another has since
	Since  time.Time // of the first failure after the last success

	// Gone is the first of the program and the files that is not there any more.
	Gone string
	// Overdue is set where no sync has been tried for so long that nothing seems to run it.
	Overdue bool
}

// Wrong reports whether the user has to do something.
func (s ScheduleStatus) Wrong() bool { return s.Failed != "" || s.Gone != "" || s.Overdue }

// patience is how much longer than its interval a sync may be away: a weekend with the machine off.
const patience = 3 * 24 * time.Hour

// scheduleState is what is remembered of syncs that nobody watches.
type scheduleState struct {
	Every   time.Duration `json:"every,omitempty"`
	Program string        `json:"program,omitempty"`
	Files   []string      `json:"files,omitempty"`
	Set     time.Time     `json:"set,omitzero"`

	Last   time.Time `json:"last,omitzero"`
	Tried  time.Time `json:"tried,omitzero"`
	Failed string    `json:"failed,omitempty"`
	Since  time.Time `json:"since,omitzero"`
}

func (s scheduleState) known() bool { return s.Every > 0 || !s.Tried.IsZero() }

// SetSchedule remembers what the system was told, for [Device.ScheduleStatus]. The zero value forgets it.
func (d *Device) SetSchedule(ctx context.Context, s Schedule) error {
	return d.changeBackupState(ctx, func(b *backupState) {
		if s.Every == 0 {
			b.Schedule = scheduleState{}
			return
		}
		b.Schedule.Every, b.Schedule.Program, b.Schedule.Files, b.Schedule.Set = s.Every, s.Program, s.Files, d.o.Now().UTC()
	})
}

// NoteSync remembers how a sync went: failed is why it failed, and empty where it went well. One that somebody watched
// counts only where it went well, and only on a device that syncs by itself too.
func (d *Device) NoteSync(ctx context.Context, failed string, watched bool) error {
	if watched && (failed != "" || !d.backupState().Schedule.known()) {
		return nil
	}
	now := d.o.Now().UTC()
	return d.changeBackupState(ctx, func(b *backupState) {
		s := &b.Schedule
		if !watched {
			s.Tried = now
		}
		switch {
		case failed == "":
			s.Last, s.Since = now, time.Time{}
		case s.Failed == "":
			s.Since = now
		}
		s.Failed = failed
	})
}

// ScheduleStatus says how this device syncs by itself. It reads neither the vault nor the location.
func (d *Device) ScheduleStatus() ScheduleStatus {
	b := d.backupState().Schedule
	s := ScheduleStatus{
		Schedule: Schedule{b.Every, b.Program, b.Files},
		On:       b.Every > 0, Last: b.Last, Tried: b.Tried, Failed: b.Failed, Since: b.Since,
	}
	if !s.On {
		return s
	}
	for _, path := range slices.Concat([]string{s.Program}, s.Files) {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			s.Gone = path
			break
		}
	}
	seen := b.Set
	if b.Tried.After(seen) {
		seen = b.Tried
	}
	s.Overdue = d.o.Now().Sub(seen) > b.Every+patience
	return s
}
