package backup

import (
	"cmp"
	"slices"
	"time"
)

// What a device keeps of its own backups.
const (
	keepLast  = 10
	keepDaily = 31 * 24 * time.Hour  // one a day
	keepMonth = 365 * 24 * time.Hour // one a month
)

// Expendable returns which of a device's files may go: all but the last ten, one a
// day for a month, and one a month for a year. Ages count from the newest of them,
// so that a clock that jumped ahead deletes nothing. files is what the names say;
// a file is deleted only after it was read and found to be ours.
func Expendable(files []FileName) []FileName {
	files = slices.SortedFunc(slices.Values(files), func(a, b FileName) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(b.Generation, a.Generation))
	})
	if len(files) <= keepLast {
		return nil
	}
	newest := files[0].Time
	days, months := map[string]bool{}, map[string]bool{}
	var gone []FileName
	for i, f := range files {
		age := newest.Sub(f.Time)
		day, month := f.Time.UTC().Format(time.DateOnly), f.Time.UTC().Format("2006-01")
		keep := i < keepLast ||
			age <= keepDaily && !days[day] ||
			age <= keepMonth && !months[month]
		days[day], months[month] = true, true
		if !keep {
			gone = append(gone, f)
		}
	}
	return gone
}
