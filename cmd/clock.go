package cmd

import (
	"fmt"
	"time"

	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/term"
)

// A jsonClock compares the clock with what else was seen. Seconds are at least so many;
// they are negative if this clock is ahead.
type jsonClock struct {
	Verdict string          `json:"verdict"` // "uncontradicted", "right", "doubtful" or "wrong"
	Behind  int             `json:"behind,omitempty"`
	Signs   []jsonClockSign `json:"signs,omitempty"`
}

type jsonClockSign struct {
	Kind   string `json:"kind"` // "code", "this device", "device", "location" or "stamp"
	Device string `json:"device,omitempty"`
	File   string `json:"file,omitempty"`
	At     string `json:"at"`
	Behind int    `json:"behind"`
}

func clockJSON(c device.ClockSeen) *jsonClock {
	j := &jsonClock{Verdict: map[device.ClockVerdict]string{
		device.ClockRight: "right", device.ClockDoubtful: "doubtful", device.ClockWrong: "wrong",
	}[c.Verdict], Behind: int(c.Behind.Seconds())}
	if j.Verdict == "" {
		j.Verdict = "uncontradicted"
	}
	for _, s := range c.Signs {
		kind := map[device.ClockKind]string{
			device.ClockCode: "code", device.ClockOwn: "this device", device.ClockDevice: "device",
			device.ClockLocation: "location", device.ClockStamp: "stamp",
		}[s.Kind]
		j.Signs = append(j.Signs, jsonClockSign{kind, s.Device.ID, s.File, timestamp(s.At.UTC()), int(s.Behind.Seconds())})
	}
	return j
}

// clockErr says that this clock is wrong, and by how much at least.
func clockErr(c device.ClockSeen) error {
	err := fmt.Errorf("this clock is %s by %s or more: several others agree", direction(c.Behind), roughly(c.Behind))
	if fromCode(c) {
		err = fmt.Errorf("this clock is %s by about %s", direction(c.Behind), roughly(c.Behind))
	}
	return hint.With(err, "set this machine's clock; auth shifts no code by itself, and a wrong clock makes wrong codes")
}

func fromCode(c device.ClockSeen) bool {
	return len(c.Signs) > 0 && c.Signs[0].Kind == device.ClockCode && c.Signs[0].Behind == c.Behind
}

func direction(behind time.Duration) string {
	if behind < 0 {
		return "ahead"
	}
	return "behind"
}

// roughly returns a length of time with the two units that matter.
func roughly(d time.Duration) string {
	d = d.Abs()
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	default:
		return fmt.Sprintf("%d s", d/time.Second)
	}
}

// signWords says what another clock said, and what that shows.
func signWords(s device.ClockSign) string {
	at, off := timestamp(s.At.UTC()), roughly(s.Behind)
	switch s.Kind {
	case device.ClockCode:
		return fmt.Sprintf("the code that was checked at %s is of a clock that this one is %s by %s", at, direction(s.Behind), off)
	case device.ClockOwn:
		return fmt.Sprintf("this device's last backup is of %s, %s from now: the clock was set back since", at, off)
	case device.ClockDevice:
		return fmt.Sprintf("the last backup of %s is of %s, %s from now", deviceName(s.Device), at, off)
	case device.ClockLocation:
		if s.Behind < 0 {
			return fmt.Sprintf("the location had %s at %s, %s before this clock says that it was written", term.Escape(s.File), at, off)
		}
		return fmt.Sprintf("the location says that %s came at %s, %s from now", term.Escape(s.File), at, off)
	default:
		return fmt.Sprintf("a change in the vault is stamped %s, %s ahead of this clock; a clock that was wrong once is enough for that", at, off)
	}
}

// clock adds the findings about the clock.
func (l *findings) clock(c device.ClockSeen) {
	for _, s := range c.Signs {
		l.note("clock", signWords(s))
	}
	switch c.Verdict {
	case device.ClockWrong:
		l.add("clock", clockErr(c), "")
	case device.ClockDoubtful:
		l.note("clock", "this clock or the other one is or was wrong; auth check QUERY CODE, with a code from elsewhere, tells which")
	case device.ClockRight:
		l.add("clock", nil, "a code was right at "+timestamp(c.Checked.UTC()))
	default:
		l.add("clock", nil, "nothing that was seen contradicts it; auth check QUERY CODE, with a code from elsewhere, proves it")
	}
}

// sayClock prints what else was seen of the clock, beside a code that is not right now.
func (c *cli) sayClock(seen device.ClockSeen) {
	for _, s := range seen.Signs {
		if s.Kind != device.ClockCode { // which is this one
			c.say("clock: %s", signWords(s))
		}
	}
	if seen.Verdict == device.ClockWrong && !fromCode(seen) {
		c.say("clock: %s", message(clockErr(seen), nil))
	}
}
