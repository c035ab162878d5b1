package backup

import (
	"cmp"
	"slices"
	"time"
)

// What a device keeps of its own backups.
const (
	keepLast   = 10
	keepDays   = 32 // the newest of each day, for as many days as have a backup
	keepMonths = 13 // and of each month
)

// Expendable returns which of a device's files may go: all but the last ten, one a
// day for a month, and one a month for a year. Days and months count where they have
// a backup, from the newest file on, and not by how long ago they are: a clock that
// jumped a year ahead and came back deletes no history. files is what the names say;
// a file is deleted only after it was read and found to be ours.
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
