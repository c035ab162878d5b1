package device_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/device"
)

// carried gives the backups in a folder the times that their names say, as a client does
// that carries files with their times, and moves those of one device by off.
func carried(t *testing.T, dir, id string, off time.Duration) {
	t.Helper()
	for _, name := range backupsIn(t, dir) {
		n, ok := backup.ParseFileName(name)
		if !ok {
			t.Fatal(name)
		}
		at := n.Time
		if n.Device == id {
			at = at.Add(off)
		}
		if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
}

// The clock is compared with what other clocks said. One witness alone may be the one that is
// wrong; two that agree are believed as far as both say it; and what only passes on a time
// that another one said is no witness.
func TestClock(t *testing.T) {
	t.Parallel()
	type scene struct {
		t    *testing.T
		m    *machine
		dir  string
		note func(behind time.Duration)
		// times moves the times that the folder has of the files of a device.
		times func(of *machine, off time.Duration)
	}
	elsewhere := func(s scene, ahead time.Duration) *machine {
		other := joined(s.t, s.dir)
		other.now = s.m.now
		other.later(ahead).add("theirs " + other.id())
		return other
	}
	for name, c := range map[string]struct {
		happens func(scene)
		kinds   []device.ClockKind // but stamps
		verdict device.ClockVerdict
		behind  time.Duration
	}{
		"nothing":                   {func(scene) {}, nil, device.ClockUncontradicted, 0},
		"others wrote before":       {func(s scene) { elsewhere(s, -time.Hour) }, nil, device.ClockUncontradicted, 0},
		"a minute is nothing":       {func(s scene) { elsewhere(s, time.Minute) }, nil, device.ClockUncontradicted, 0},
		"a code was right":          {func(s scene) { s.note(0) }, nil, device.ClockRight, 0},
		"a code was right long ago": {func(s scene) { s.note(0); s.m.later(25 * time.Hour) }, nil, device.ClockUncontradicted, 0},
		"the clock was set back":    {func(s scene) { s.m.later(-time.Hour) }, []device.ClockKind{device.ClockOwn}, device.ClockDoubtful, 0},
		"one other device":          {func(s scene) { elsewhere(s, 3*time.Hour) }, []device.ClockKind{device.ClockDevice}, device.ClockDoubtful, 0},
		"one other device that was merged": {
			func(s scene) { elsewhere(s, 3*time.Hour); s.m.sync() },
			[]device.ClockKind{device.ClockDevice},
			device.ClockDoubtful, 0,
		},
		"two other devices": {
			func(s scene) { elsewhere(s, 3*time.Hour); elsewhere(s, 2*time.Hour) },
			[]device.ClockKind{device.ClockDevice, device.ClockDevice},
			device.ClockWrong, 2 * time.Hour,
		},
		"two other devices, and a code was right": {
			func(s scene) { elsewhere(s, 3*time.Hour); elsewhere(s, 2*time.Hour); s.note(0) },
			[]device.ClockKind{device.ClockDevice, device.ClockDevice},
			device.ClockRight, 0,
		},
		"a device and its own file's time": {
			func(s scene) { other := elsewhere(s, 3*time.Hour); s.times(other, time.Second) },
			[]device.ClockKind{device.ClockDevice},
			device.ClockDoubtful, 0,
		},
		"a device and the location's own time": {
			func(s scene) { elsewhere(s, 3*time.Hour); s.times(s.m, 70*time.Minute) },
			[]device.ClockKind{device.ClockDevice, device.ClockLocation},
			device.ClockWrong, 70 * time.Minute,
		},
		"made-up names": {
			func(s scene) {
				for _, id := range []string{"0123456789abcdef", "fedcba9876543210"} {
					n := backup.FileName{Device: id, Time: s.m.now.Add(5 * time.Hour).Truncate(time.Second), Generation: 9, Hash: id}
					write(s.t, filepath.Join(s.dir, n.String()), "made up")
				}
			},
			nil, device.ClockUncontradicted, 0,
		},
		"the location had it before it was written": {
			func(s scene) { s.times(s.m, -70*time.Minute) },
			[]device.ClockKind{device.ClockLocation},
			device.ClockDoubtful, 0,
		},
		"the same, and a code of the past": {
			func(s scene) { s.times(s.m, -70*time.Minute); s.note(-71 * time.Minute) },
			[]device.ClockKind{device.ClockCode, device.ClockLocation},
			device.ClockWrong, -70 * time.Minute,
		},
		"a disk that keeps local time":   {func(s scene) { s.times(s.m, -time.Hour) }, nil, device.ClockUncontradicted, 0},
		"a code of the past, typed late": {func(s scene) { s.note(-5 * time.Minute) }, []device.ClockKind{device.ClockCode}, device.ClockDoubtful, 0},
		"a code of the future":           {func(s scene) { s.note(5 * time.Minute) }, []device.ClockKind{device.ClockCode}, device.ClockWrong, 5 * time.Minute},
		"a code of the future, long ago": {func(s scene) { s.note(5 * time.Minute); s.m.later(25 * time.Hour) }, nil, device.ClockUncontradicted, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, dir := enrolled(t)
			moved, off := "", time.Duration(0)
			c.happens(scene{t, m, dir, func(behind time.Duration) {
				if err := m.open().NoteCode(t.Context(), behind); err != nil {
					t.Fatal(err)
				}
			}, func(of *machine, by time.Duration) { moved, off = of.id(), by }})
			carried(t, dir, moved, off)
			seen := m.open().Clock(t.Context(), m.read())
			var kinds []device.ClockKind
			for _, sign := range seen.Signs {
				if sign.Kind != device.ClockStamp {
					kinds = append(kinds, sign.Kind)
				}
			}
			if seen.Verdict != c.verdict || seen.Behind != c.behind || !slices.Equal(kinds, c.kinds) {
				t.Errorf("%+v, want verdict %d, %v, of %v", seen, c.verdict, c.behind, c.kinds)
			}
			if x := m.open().Examine(t.Context()); x.Clock.Verdict != seen.Verdict || x.Clock.Behind != seen.Behind {
				t.Errorf("examined: %+v", x.Clock)
			}
		})
	}
}

// What was learned of the clock, and what was merged, is still known after the next backup.
func TestClockOutlivesBackup(t *testing.T) {
	t.Parallel()
	m, dir := enrolled(t)
	joined(t, dir).add("theirs")
	m.sync()
	if err := m.open().NoteCode(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	m.add("second")
	if seen := m.open().Clock(t.Context(), m.read()); seen.Verdict != device.ClockRight || !seen.Checked.Equal(m.now) {
		t.Errorf("%+v", seen)
	}
	for _, d := range m.status().Backup.Devices {
		if d.Newer {
			t.Errorf("%+v", d)
		}
	}
}
