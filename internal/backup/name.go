package backup

import (
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// nameTime is the layout of the time in a file's name. The time is in UTC.
const nameTime = "20060102T150405Z"

// A FileName is a parsed name of a backup file. The content of the file takes precedence
// over its name, because sync clients rename files.
type FileName struct {
	Device     string
	Time       time.Time
	Generation uint64
	Hash       string // first 16 digits of [HashOf] the file's bytes
}

func (n FileName) String() string {
	return fmt.Sprintf("%s-%s-%d-%s.age", n.Device, n.Time.UTC().Format(nameTime), n.Generation, n.Hash)
}

var fileName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9a-f]{16})-(\d{8}T\d{6}Z)-(\d{1,20})-([0-9a-f]{16})(.*)\.age$`)
})

// ParseFileName parses the name of a backup file. It also accepts the name of a conflict
// copy, which is the name with something that a sync client added.
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
