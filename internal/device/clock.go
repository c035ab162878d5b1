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

// A ClockSeen compares this machine's clock with what can be seen of others without a
// network. Nothing is ever computed from it: whoever can write to the location could shift
// a code.
type ClockSeen struct {
	Signs   []ClockSign
	Verdict ClockVerdict
	// Behind is how far this clock is behind at least, by the verdict; negative where it is
	// ahead.
	Behind time.Duration
	// Checked is when a code was last found right here; zero where that is not known, or
	// long ago.
	Checked time.Time
}

// A ClockVerdict is what all signs together say.
type ClockVerdict int

// The verdicts.
const (
	ClockUncontradicted ClockVerdict = iota // nothing that was seen says that it is wrong
	ClockRight                              // a code was right a short while ago
	ClockDoubtful                           // one other clock differs, and either may be wrong
	ClockWrong                              // several signs agree, or one that cannot be explained otherwise
)

// A ClockSign is something that another clock said and that this one contradicts.
type ClockSign struct {
	Kind   ClockKind
	Device DeviceDate // whose clock it was; only the id and the name
	File   string     // in the location
	At     time.Time  // what it said
	// Behind is how far this clock is behind that one at least; negative where it is ahead.
	Behind time.Duration
}

// A ClockKind says where a [ClockSign] comes from, the most trustworthy first.
type ClockKind int

// The kinds of signs. A moment that has passed only shows a clock that is behind: a time
// that lies in the future. Two of them show one that is ahead, too.
const (
	// ClockCode: a code that [Device.NoteCode] was told of is of another time. It comes from
	// a clock that is right by what it is for.
	ClockCode ClockKind = iota
	// ClockOwn: this device's last backup lies in the future. The clock was set back since;
	// it was ahead then, or is behind now.
	ClockOwn
	// ClockDevice: the last backup of another device lies in the future. It has the plain time
	// of that device, and a signature. Each device is a clock of its own.
	ClockDevice
	// ClockLocation: the location gave a file a time of its own, as a server does, and that
	// lies in the future, or before this device says that it wrote the file. A time that
	// agrees with the file's name was only carried along, and says nothing new. Nothing signs
	// it, so that whoever can write to the location makes one sign at most.
	ClockLocation
	// ClockStamp: a change in the vault is stamped in the future. Stamps never go back and
	// pass from device to device, so that one clock that was wrong once is enough.
	ClockStamp
)

const (
	// clockSlack is how far two clocks may differ before it is said: more than a service
	// forgives (RFC 6238, section 5.2, recommends one step).
	clockSlack = 2 * time.Minute
	// codeFor is how long a code that was checked speaks for the clock: it drifts, and is
	// set.
	codeFor = 24 * time.Hour
)

// A checkedCode is what the last code that was checked said of the clock.
type checkedCode struct {
	Time   time.Time     `json:"time"`
	Behind time.Duration `json:"behind,omitempty"` // zero where it was right
}

// NoteCode remembers that a code was right now, or is of a time by which this clock is
// behind; negative where it is ahead.
func (d *Device) NoteCode(ctx context.Context, behind time.Duration) error {
	return d.changeBackupState(ctx, func(b *backupState) {
		b.Checked = checkedCode{Time: d.o.Now().UTC(), Behind: behind}
	})
}

// Clock compares the clock with what is known of others by the vault and by the files at the
// location. It opens files only where a name lies in the future. It waits for the location as
// [Device.Status] does, and leaves out what it cannot see.
func (d *Device) Clock(ctx context.Context, state *vault.State) ClockSeen {
	var entries []location.Entry
	if d.marker.Location != "" {
		if loc, err := d.openLocation(d.marker.Location); err == nil {
			timed, cancel := context.WithTimeout(ctx, lookWait)
			defer cancel()
			entries, _ = list(timed, loc) // what cannot be seen says nothing
		}
	}
	return d.clock(ctx, state, entries)
}

func (d *Device) clock(ctx context.Context, state *vault.State, entries []location.Entry) ClockSeen {
	b := d.backupState()
	self := d.self(ctx, b)
	c := comparison{now: d.o.Now(), devices: b.devicesIn(entries, self, d.name())}
	c.code(b.Checked)
	c.backup(DeviceDate{ID: self, Created: b.Time, This: true})
	if slices.ContainsFunc(c.devices, func(seen DeviceDate) bool { return !seen.This && c.ahead(seen.Created) > clockSlack }) {
		for _, seen := range d.signedDates(ctx, self) {
			c.backup(seen)
		}
	}
	c.location(entries, self)
	c.stamps(state)
	return c.verdict(b.Checked)
}

// signedDates returns the other devices with the times of their newest backups, as the
// backups say, the latest first: anybody who can write to the location can make up names.
// What cannot be opened is left out.
func (d *Device) signedDates(ctx context.Context, self string) (dates []DeviceDate) {
	ctx, cancel := context.WithTimeout(ctx, lookWait)
	defer cancel()
	e, loc, err := d.enrolled(ctx)
	if err != nil {
		return nil
	}
	inv, err := d.read(ctx, backup.ReadNewest, loc, e.Keys())
	if err != nil {
		return nil
	}
	newest := inv.Newest(time.Time{}, false)
	for _, id := range devices(newest) {
		if id != self {
			dates = append(dates, dateOf(newest[id], self))
		}
	}
	sortDates(dates)
	return dates
}

// A comparison collects the signs.
type comparison struct {
	now     time.Time
	devices []DeviceDate
	signs   []ClockSign
}

// ahead returns how far a time lies in the future.
func (c *comparison) ahead(at time.Time) time.Duration { return at.Sub(c.now) }

// future adds a sign if its time lies in the future.
func (c *comparison) future(s ClockSign) {
	if s.Behind = c.ahead(s.At); s.Behind > clockSlack {
		c.signs = append(c.signs, s)
	}
}

// recent reports whether a code was checked within codeFor.
func (c *comparison) recent(checked checkedCode) bool {
	ago := c.now.Sub(checked.Time)
	return !checked.Time.IsZero() && ago >= 0 && ago <= codeFor
}

func (c *comparison) code(checked checkedCode) {
	if c.recent(checked) && checked.Behind.Abs() > time.Minute {
		c.signs = append(c.signs, ClockSign{Kind: ClockCode, At: checked.Time, Behind: checked.Behind})
	}
}

func (c *comparison) backup(seen DeviceDate) {
	kind := ClockDevice
	if seen.This {
		kind = ClockOwn
	}
	c.future(ClockSign{Kind: kind, Device: seen, At: seen.Created})
}

// location looks for a time that the location itself gave to a file. It adds one sign at
// most in each direction: the location is one clock.
func (c *comparison) location(entries []location.Entry, self string) {
	var ahead, behind ClockSign
	for _, e := range entries {
		n, ok := backup.ParseFileName(e.Name)
		if !ok || e.Modified.IsZero() {
			continue
		}
		off := n.Time.Sub(e.Modified)
		if off.Abs() <= clockSlack || zoneShift(off) {
			continue
		}
		if e.Modified.After(behind.At) {
			behind = ClockSign{Kind: ClockLocation, File: e.Name, At: e.Modified}
		}
		// A file cannot be there before it is written. One that is old may have been there
		// when the clock was another one.
		if n.Device == self && off > 0 && n.Time.After(ahead.At) && c.now.Sub(n.Time) <= codeFor {
			ahead = ClockSign{Kind: ClockLocation, File: e.Name, At: n.Time, Behind: -off}
		}
	}
	c.future(behind)
	if ahead.File != "" {
		ahead.At = ahead.At.Add(ahead.Behind)
		c.signs = append(c.signs, ahead)
	}
}

// zoneShift reports whether two times differ by whole half hours: a FAT disk keeps local
// time, and its times move with the time zone.
func zoneShift(off time.Duration) bool {
	rest := off.Abs() % (30 * time.Minute)
	return off.Abs() <= 26*time.Hour && min(rest, 30*time.Minute-rest) <= 5*time.Second
}

func (c *comparison) stamps(state *vault.State) {
	if state == nil {
		return
	}
	newest := state.NewestStamp()
	sign := ClockSign{Kind: ClockStamp, At: time.UnixMilli(newest.Time), Device: DeviceDate{ID: newest.Device}}
	for _, seen := range c.devices {
		if seen.ID == newest.Device {
			sign.Device = seen
		}
	}
	c.future(sign)
}

// verdict weighs the signs. Each device, and the location, is one witness, since their
// clocks are set apart from each other; stamps are none, since they are passed on.
func (c *comparison) verdict(checked checkedCode) ClockSeen {
	seen := ClockSeen{Signs: c.signs}
	if c.recent(checked) && checked.Behind == 0 {
		seen.Verdict, seen.Checked = ClockRight, checked.Time
		return seen
	}
	var behind, ahead []time.Duration
	for _, s := range c.signs {
		switch {
		case s.Kind == ClockStamp:
		case s.Behind > 0:
			behind = append(behind, s.Behind)
		default:
			ahead = append(ahead, -s.Behind)
		}
		// Nobody has a code before its time: this clock is behind. An old one may have been
		// typed late.
		if s.Kind == ClockCode && s.Behind > 0 {
			seen.Verdict, seen.Behind = ClockWrong, s.Behind
			return seen
		}
	}
	switch {
	case len(behind) > 1:
		seen.Verdict, seen.Behind = ClockWrong, agreed(behind)
	case len(ahead) > 1:
		seen.Verdict, seen.Behind = ClockWrong, -agreed(ahead)
	case len(c.signs) > 0:
		seen.Verdict = ClockDoubtful
	}
	return seen
}

// agreed returns what at least two of several bounds agree on: the second largest.
func agreed(bounds []time.Duration) time.Duration {
	slices.SortFunc(bounds, func(a, b time.Duration) int { return cmp.Compare(b, a) })
	return bounds[1]
}
