package backup

import (
	"cmp"
	"slices"
	"time"
)

// What a device keeps of its own backups.
const (
	keepLast   = 10
	keepDays   = 32 // days with a backup; the newest file of each is kept
	keepMonths = 13 // months with a backup; the newest file of each is kept
)

// Expendable returns the files of a device that may be deleted. It keeps the last ten,
// one a day for a month, and one a month for a year. Only days and months with a backup
// count, starting from the newest file. They do not depend on today's date, so a clock
// that jumped a year ahead and came back deletes no history.
func Expendable(files []FileName) []FileName {
	files = slices.SortedFunc(slices.Values(files), func(a, b FileName) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(b.Generation, a.Generation))
	})
	if len(files) <= keepLast {
		return nil
	}
	days, months := map[string]bool{}, map[string]bool{}
	var gone []FileName
	for i, f := range files {
		day, month := f.Time.UTC().Format(time.DateOnly), f.Time.UTC().Format("2006-01")
		keep := i < keepLast
		if !days[day] && len(days) < keepDays {
			days[day], keep = true, true
		}
		if !months[month] && len(months) < keepMonths {
			months[month], keep = true, true
		}
		if !keep {
			gone = append(gone, f)
		}
	}
	return gone
}
