package sim

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/authcli/auth/internal/backup/location"
)

// A cloud keeps the files of one location. Each device has a [folder] of it, which its
// sync client keeps up to date: late, in part, twice, and with conflicted copies.
type cloud struct {
	name  string
	files map[string]version
	past  []past // what was deleted
	last  int    // the number of the last version
}

// A version is what the cloud holds of a file.
type version struct {
	data   []byte
	number int
}

type past struct {
	name string
	data []byte
}

func newCloud(name string) *cloud { return &cloud{name: name, files: map[string]version{}} }

func (c *cloud) put(name string, data []byte) int {
	c.last++
	c.files[name] = version{data, c.last}
	return c.last
}

// A folder is one device's copy of a cloud. It is a [location.Location].
type folder struct {
	cloud *cloud
	who   string

	mu    sync.Mutex
	files map[string]local
	gone  map[string]int // deleted here and not yet in the cloud: the version that was here
	// cut counts down the writes until the process ends. Zero is never.
	cut int
}

// A local is a file in a folder.
type local struct {
	data    []byte
	from    int  // the version that it was downloaded as; 0 for none
	dirty   bool // changed here since
	missing bool // only its name is here
	partial bool // only its beginning is here
}

func newFolder(c *cloud, who string) *folder {
	return &folder{cloud: c, who: who, files: map[string]local{}, gone: map[string]int{}}
}

// clone returns the folder of a device whose disk was copied.
func (f *folder) clone(who string) *folder {
	return &folder{cloud: f.cloud, who: who, files: maps.Clone(f.files), gone: maps.Clone(f.gone)}
}

// A died is what a process does in place of going on.
type died struct{}

// write is called before each write. The process may end there.
func (f *folder) write() {
	if f.cut > 0 {
		if f.cut--; f.cut == 0 {
			panic(died{})
		}
	}
}

func (f *folder) String() string                { return f.cloud.name }
func (f *folder) Local() bool                   { return true }
func (f *folder) Wait() time.Duration           { return time.Hour }
func (f *folder) Prepare(context.Context) error { return nil }

func (f *folder) List(context.Context) ([]location.Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var entries []location.Entry
	for _, name := range slices.Sorted(maps.Keys(f.files)) {
		l := f.files[name]
		entries = append(entries, location.Entry{Name: name, Size: int64(len(l.data)), Missing: l.missing})
	}
	return entries, nil
}

func (f *folder) Read(_ context.Context, name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l, found := f.files[name]
	switch {
	case !found:
		return nil, fs.ErrNotExist
	case l.missing:
		return nil, location.ErrNotDownloaded
	default:
		return bytes.Clone(l.data), nil
	}
}

func (f *folder) Create(_ context.Context, name string, data []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.write()
	if _, found := f.files[name]; found {
		return location.ErrExists
	}
	f.set(name, data)
	return nil
}

func (f *folder) Replace(_ context.Context, name string, data []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.write()
	f.set(name, data)
	return nil
}

func (f *folder) set(name string, data []byte) {
	from := f.files[name].from
	if was, deleted := f.gone[name]; deleted {
		from = was
		delete(f.gone, name)
	}
	f.files[name] = local{data: bytes.Clone(data), from: from, dirty: true}
}

func (f *folder) Remove(_ context.Context, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.write()
	l, found := f.files[name]
	if !found {
		return fs.ErrNotExist
	}
	delete(f.files, name)
	if l.from > 0 {
		f.gone[name] = l.from
	}
	return nil
}

// upload takes a change to a file into the cloud. Where another device has changed the
// file since, this one's becomes a conflicted copy, and a deletion comes to nothing.
func (f *folder) upload(name string) {
	there, found := f.cloud.files[name]
	if from, deleted := f.gone[name]; deleted {
		delete(f.gone, name)
		if found && there.number == from {
			delete(f.cloud.files, name)
			f.cloud.past = append(f.cloud.past, past{name, there.data})
		}
		return
	}
	l := f.files[name]
	switch {
	case found && bytes.Equal(there.data, l.data):
		f.files[name] = local{data: l.data, from: there.number}
	case found && there.number != l.from:
		f.cloud.put(conflicted(name, f.who), l.data)
		f.files[name] = local{data: there.data, from: there.number}
	default:
		f.files[name] = local{data: l.data, from: f.cloud.put(name, l.data)}
	}
}

func conflicted(name, who string) string {
	base, ok := strings.CutSuffix(name, ".age")
	if !ok {
		return fmt.Sprintf("%s (%s's conflicted copy)", name, who)
	}
	return fmt.Sprintf("%s (%s's conflicted copy).age", base, who)
}

// behind returns the names of the files that differ from the cloud, sorted, each with
// whether the change is this folder's.
func (f *folder) behind() (names []string, mine map[string]bool) {
	mine = map[string]bool{}
	for name := range f.gone {
		mine[name] = true
	}
	for name, l := range f.files {
		if _, found := f.cloud.files[name]; l.dirty || !found {
			mine[name] = l.dirty
		}
	}
	for name, there := range f.cloud.files {
		l := f.files[name]
		if !mine[name] && (l.from != there.number || l.missing || l.partial) {
			mine[name] = false
		}
	}
	return slices.Sorted(maps.Keys(mine)), mine
}

// download brings a file as the cloud has it, or takes it away.
func (f *folder) download(name string) {
	there, found := f.cloud.files[name]
	if !found {
		delete(f.files, name)
		return
	}
	f.files[name] = local{data: there.data, from: there.number}
}

// sync lets the client work for a while.
func (f *folder) sync(chance *rand.Rand) {
	names, mine := f.behind()
	for _, name := range names {
		if chance.IntN(2) == 0 {
			continue // late
		}
		if mine[name] {
			f.upload(name)
			continue
		}
		f.download(name)
		l, found := f.files[name]
		switch n := chance.IntN(10); {
		case !found:
		case n == 0:
			l.missing = true
			f.files[name] = l
		case n == 1:
			l.data, l.partial = l.data[:len(l.data)/2], true
			f.files[name] = l
		case n == 2: // delivered twice
			f.cloud.put(conflicted(name, f.who), f.cloud.files[name].data)
		}
	}
	if n := len(f.cloud.past); n > 0 && chance.IntN(20) == 0 { // what was deleted comes back
		p := f.cloud.past[chance.IntN(n)]
		if _, found := f.cloud.files[p.name]; !found {
			f.cloud.put(p.name, p.data)
		}
	}
}

// settle lets the clients of all folders finish.
func settle(folders ...*folder) {
	for again := true; again; {
		again = false
		for _, f := range folders {
			names, mine := f.behind()
			for _, name := range names {
				again = true
				if mine[name] {
					f.upload(name)
				} else {
					f.download(name)
				}
			}
		}
	}
}
