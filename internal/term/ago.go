package term

import (
	"fmt"
	"time"
)

// Ago returns a moment in words, as seen from now: "4 minutes ago", "in 3 days". Above 30 days it is a date, since nobody
// counts that far. Less than a whole unit is left out.
func Ago(at, now time.Time) string {
	apart := now.Sub(at)
	before, after := "", " ago"
	if apart < 0 {
		apart = -apart
		before, after = "in ", ""
	}
	const day = 24 * time.Hour
	switch {
	case apart < time.Minute && after != "":
		return "just now"
	case apart < time.Minute:
		return "in less than a minute"
	case apart < time.Hour:
		return before + units(apart, time.Minute, "minute") + after
	case apart < day:
		return before + units(apart, time.Hour, "hour") + after
	case apart <= 30*day:
		return before + units(apart, day, "day") + after
	default:
		return at.In(now.Location()).Format(time.DateOnly)
	}
}

func units(d, unit time.Duration, name string) string {
	if n := d / unit; n != 1 {
		return fmt.Sprintf("%d %ss", n, name)
	}
	return "1 " + name
}
