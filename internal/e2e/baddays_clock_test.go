package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Bad days of the clock, of two devices at once, and of a vault that is empty.

// An empty vault never replaces accounts: emptied here, or new here.
func TestBadEmptyVault(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	before := contents(t, loc)
	r := d.run("", "remove", "first", "--yes")
	if r.code != 0 {
		t.Errorf("remove: exit code %d", r.code)
	}
	r.says(t, "an empty vault never replaces accounts")
	d.stale("empty")
	d.fails(9, []string{"the vault is empty"}, "backup")
	kept(t, loc, before)
	fresh := newDevice(t, nil)
	fresh.fails(9, []string{"the vault is empty", "an empty vault never replaces accounts"}, "backup", "enable", loc, "--passphrase-file", writeTemp(t, passphrase))
	fresh.restore(0, loc)
	fresh.right("first")
	d.must("", "restore", "--deleted", "--account", "first")
	d.right("first")
	d.current()
}

// Two devices back up in the same second, by the same clock: both files are there, and
// both count.
func TestBadSameSecond(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	other := newDevice(t, nil)
	other.restore(0, loc)
	const now = "2027-01-01T12:00:00Z"
	had := len(backups(t, loc))
	var both sync.WaitGroup
	for i, one := range []*device{d.at(now), other.at(now)} {
		both.Go(func() { one.add(fmt.Sprint("at once ", i)) })
	}
	both.Wait()
	if got := len(backups(t, loc)); got != had+2 {
		t.Errorf("%d backups, want %d", got, had+2)
	}
	for _, one := range []*device{d, other} {
		one.at(now).must("", "sync")
		one.right("at once 0")
		one.right("at once 1")
	}
	empty := newDevice(t, nil)
	empty.restore(0, loc)
	empty.right("at once 0")
	empty.right("at once 1")
}

// The clock goes back a year: what is written then is the newest all the same, and
// nothing that was there goes.
func TestBadClockBack(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	d.at("2027-06-01T12:00:00Z").add("in time")
	before := contents(t, loc)
	back := d.at("2026-06-01T12:00:00Z")
	back.add("a year before")
	back.must("", "edit", "in time", "--note", "changed")
	back.current()
	kept(t, loc, before)
	for i := range 12 { // more than are kept of a day
		back.must("", "edit", "first", "--note", fmt.Sprint(i))
	}
	empty := newDevice(t, nil).at("2026-06-01T12:00:00Z")
	empty.restore(0, loc)
	empty.right("a year before")
	if got := empty.must("", "show", "in time"); !strings.Contains(got, "changed") {
		t.Errorf("the later change lost: %s", got)
	}
	if got := empty.must("", "show", "first"); !strings.Contains(got, "11") {
		t.Errorf("the last change is not there: %s", got)
	}
	right := d.at("2027-06-02T12:00:00Z")
	right.add("in time again")
	right.current()
}

// The clock jumps years ahead and comes back: no history goes, no trash is emptied, and
// what other devices changed meanwhile is not lost for ever.
func TestBadClockAhead(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	for i := range 14 {
		d.at(fmt.Sprintf("2026-06-%02dT12:00:00Z", i+1)).must("", "edit", "first", "--note", fmt.Sprint("day ", i))
	}
	d.at("2026-06-20T12:00:00Z").add("removed")
	d.at("2026-06-20T12:00:00Z").must("", "remove", "removed", "--yes")
	before := contents(t, loc)
	delete(before, "README.txt")
	ahead := d.at("2031-06-01T12:00:00Z")
	ahead.add("ahead")
	ahead.must("", "edit", "ahead", "--note", "x")
	now := d.at("2026-06-21T12:00:00Z")
	now.must("", "edit", "first", "--note", "after")
	now.current()
	kept(t, loc, before)
	now.must("", "restore", "--deleted", "--account", "removed")
	now.right("removed")
	if r := now.run("", "doctor"); !strings.Contains(r.stdout, "ahead of this clock") {
		t.Errorf("doctor does not say that a clock is wrong:\n%s", r.stdout)
	}
	empty := newDevice(t, nil).at("2026-06-21T12:00:00Z")
	empty.restore(0, loc)
	empty.right("ahead")
	empty.must("", "edit", "ahead", "--note", "later than that")
	now.must("", "sync")
	if got := now.must("", "show", "ahead"); !strings.Contains(got, "later than that") {
		t.Errorf("a change by the right clock is lost: %s", got)
	}
}

// A sync client renames files to conflict copies, of both devices, delivers one by half
// and brings back what was deleted: sync takes what is whole, and names the rest.
func TestBadSyncClient(t *testing.T) {
	t.Parallel()
	d, loc := newLocation(t)
	other := newDevice(t, nil)
	other.restore(0, loc)
	other.add("theirs")
	old := contents(t, loc)
	name := newest(t, loc)
	renamed := filepath.Join(loc, "Copy of "+strings.TrimSuffix(filepath.Base(name), ".age")+" (other's conflicted copy).age")
	if err := os.Rename(name, renamed); err != nil {
		t.Fatal(err)
	}
	d.must("", "sync")
	d.right("theirs")
	other.add("more")
	half := newest(t, loc)
	data := read(t, half)
	write(t, half, data[:len(data)-100])
	if r := d.run("", "sync"); r.code != 5 {
		t.Errorf("sync: exit code %d", r.code)
	} else {
		r.says(t, filepath.Base(half), "damaged")
	}
	d.has("first", "theirs")
	write(t, half, data)
	d.must("", "sync")
	d.right("more")
	d.must("", "backup", "verify")
	// Gone files come back: they say nothing new, and nobody takes himself for a clone.
	for i := range 12 {
		d.must("", "edit", "first", "--note", fmt.Sprint(i))
	}
	for file := range old {
		if _, err := os.Stat(filepath.Join(loc, file)); err != nil && strings.HasSuffix(file, ".age") {
			copyFile(t, renamed, filepath.Join(loc, file))
		}
	}
	if r := d.run("", "backup"); strings.Contains(r.stderr, "clone") {
		t.Errorf("it takes itself for a clone: %s", r.stderr)
	}
	labels := d.labels()
	slices.Sort(labels)
	if !slices.Equal(labels, []string{"first", "more", "theirs"}) {
		t.Errorf("accounts %q", labels)
	}
}
