package backup

import (
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// nameTime is how a file's name gives its time, in UTC.
const nameTime = "20060102T150405Z"

// A FileName is what the name of a backup file says. What the file itself says
// counts for more: clocks are wrong, and sync clients rename.
type FileName struct {
	Device     string
	Time       time.Time
	Generation uint64
	Hash       string // the first 16 digits of [HashOf] its bytes, which are random
}

func (n FileName) String() string {
	return fmt.Sprintf("%s-%s-%d-%s.age", n.Device, n.Time.UTC().Format(nameTime), n.Generation, n.Hash)
}

var fileName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9a-f]{16})-(\d{8}T\d{6}Z)-(\d{1,20})-([0-9a-f]{16})(.*)\.age$`)
})

// ParseFileName reads the name of a backup file, also of a conflict copy, to whose
// name a sync client has added something.
func ParseFileName(name string) (n FileName, ok bool) {
	m := fileName().FindStringSubmatch(name)
	if m == nil {
		return FileName{}, false
	}
	at, err := time.Parse(nameTime, m[2])
	if err != nil {
		return FileName{}, false
	}
	generation, err := strconv.ParseUint(m[3], 10, 64)
	if err != nil {
		return FileName{}, false
	}
	return FileName{m[1], at, generation, m[4]}, true
}
