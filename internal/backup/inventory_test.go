package backup_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/vault"
)

// Every file that may be a backup gets a state and a reason. Files with other names are
// left out.
func TestTake(t *testing.T) {
	t.Parallel()
	s, key := newShelf(t), newRecoveryKey(t)
	w := newWriter(t, "a", key)
	w.seal(s)
	good := w.run(s)
	c := s.content(good, key)
	unsigned, err := backup.Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := key.Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	s.put("unsigned.age", key, unsigned)
	s.put("of another.age", newRecoveryKey(t), signed)
	s.put("of our key.age", newRecoveryKey(t), nil)
	s.put("foreign.age", key, []byte("a picture"))
	s.put("nonsense.age", key, []byte(`{"format":"auth-backup","version":1,"accounts":[{}]}`))
	s.put("newer.age", key, []byte(`{"format":"auth-backup","version":2}`))
	s.files["text.age"] = "no age file"
	s.files["cut.age"] = s.files[good][:len(s.files[good])-1]
	s.files["placeholder.age"] = ""
	s.missing["placeholder.age"] = true
	s.files["busy.age"] = s.files[good]
	s.fail["read busy.age"] = location.ErrBusy
	s.files["notes.txt"] = "notes"
	inv := s.take(key)
	want := map[string]backup.FileState{
		good: backup.Good, "unsigned.age": backup.Unsigned, "of another.age": backup.OtherKey, "of our key.age": backup.OtherKey,
		"foreign.age": backup.Foreign, "nonsense.age": backup.Damaged, "newer.age": backup.TooNew, "text.age": backup.Foreign,
		"cut.age": backup.Damaged, "placeholder.age": backup.NotDownloaded, "busy.age": backup.Unreadable,
	}
	got := states(inv)
	for name, state := range want {
		if got[name] != state {
			t.Errorf("%s is %q, want %q", name, got[name], state)
		}
	}
	if len(got) != len(want) || len(inv.Sealed) != 1 || len(inv.Entries) != len(s.files) {
		t.Errorf("%d files, %d sealed keys, %d entries", len(got), len(inv.Sealed), len(inv.Entries))
	}
	for _, f := range inv.Files {
		if (f.Err == nil) != (f.State == backup.Good) || (f.Content == nil) == (f.State == backup.Good || f.State == backup.Unsigned) {
			t.Errorf("%s: %v, %v", f.Name, f.Err, f.Content)
		}
		if f.Name == good && (f.Device() != w.id || f.Key != key.ID() || f.Hash != backup.HashOf([]byte(s.files[good])) || f.Size != int64(len(s.files[good]))) {
			t.Errorf("%+v", f)
		}
	}
	if !slices.IsSortedFunc(inv.Files, func(a, b backup.File) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("they are in no order")
	}
	if with, without := inv.Skipped(true), inv.Skipped(false); len(without) != len(want)-1 || len(with) != len(want)-2 {
		t.Errorf("%d and %d are skipped", len(with), len(without))
	}
}

// An inventory that cannot be read in full is an error, so that no file is taken for
// missing.
func TestTakeFails(t *testing.T) {
	t.Parallel()
	s, key := newShelf(t), newRecoveryKey(t)
	newWriter(t, "a", key).run(s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, take := range []func(context.Context, location.Location, backup.Keys) (backup.Inventory, error){backup.ReadInventory, backup.ReadNewest} {
		if _, err := take(ctx, s, backup.Keys{Current: []backup.RecoveryKey{key}}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		s.fail["list"] = location.ErrGone
		if _, err := take(t.Context(), s, backup.Keys{Current: []backup.RecoveryKey{key}}); !errors.Is(err, location.ErrGone) {
			t.Error(err)
		}
		delete(s.fail, "list")
	}
}

// A file under an old key counts only if a backup under the current key vouches for it.
// The reader does not need to hold the old key, because the backups contain it.
func TestOldFiles(t *testing.T) {
	t.Parallel()
	s, old, key := newShelf(t), newRecoveryKey(t), newRecoveryKey(t)
	w := newWriter(t, "a", old)
	own := w.run(s)
	listed := newWriter(t, "b", old).run(s)
	w.e = w.e.Rotated(key, 1)
	job := w.add("second").job(s)
	job.OldFiles = []string{backup.HashOf([]byte(s.files[listed]))}
	done, err := job.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	finder := newWriter(t, "c", old)
	stranger := finder.run(s)
	// A file under the old key cannot vouch for others.
	finder.e.OldKeys = []backup.RecoveryKey{key}
	job = finder.add("evil").job(s)
	job.OldFiles = []string{backup.HashOf([]byte(s.files[stranger]))}
	evil, err := job.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for what, inv := range map[string]backup.Inventory{"held": s.take(key, old), "named by the backups": s.take(key)} {
		got := states(inv)
		for name, want := range map[string]backup.FileState{
			own: backup.Good, listed: backup.Good, done.File: backup.Good, stranger: backup.OldKey, evil.File: backup.OldKey,
		} {
			if got[name] != want {
				t.Errorf("%s: %s is %q, want %q", what, name, got[name], want)
			}
		}
		for _, f := range inv.Files {
			if f.State == backup.OldKey && (f.Content != nil || !errors.Is(f.Err, backup.ErrOldKey) || f.Device() != finder.id) {
				t.Errorf("%s: %+v", what, f)
			}
		}
	}
	keys := backup.Keys{Current: []backup.RecoveryKey{key}, Old: []backup.RecoveryKey{old}}
	if !keys.Has(old.ID()) || !keys.Has(key.ID()) || keys.Has("") || len(keys.All()) != 2 {
		t.Error("the keys are not what they are made of")
	}
}

// The newest state of a device is in the files that no other file supersedes: usually
// one, sometimes two. A conflict copy with the same bytes counts as the same file.
// ReadNewest finds the same as ReadInventory, and reads less.
func TestNewest(t *testing.T) {
	t.Parallel()
	s, key := newShelf(t), newRecoveryKey(t)
	w, other := newWriter(t, "a", key), newWriter(t, "b", key)
	old := w.run(s)
	w.add("second").run(s)
	third := w.add("third").run(s)
	other.run(s)
	s.files["Copy of "+third] = s.files[third]
	aside := *other // an old image wrote this one
	aside.state, aside.written = other.state.Clone(), nil
	aside.add("aside")
	job := aside.job(s)
	job.Entries = nil
	if _, err := job.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys := backup.Keys{Current: []backup.RecoveryKey{key}}
	part, err := backup.ReadNewest(t.Context(), s, keys)
	if err != nil {
		t.Fatal(err)
	}
	for what, inv := range map[string]backup.Inventory{"all": s.take(key), "newest": part} {
		newest := inv.Newest(time.Time{}, false)
		if len(newest) != 2 || len(newest[w.id]) != 1 || len(newest[other.id]) != 2 {
			t.Fatalf("%s: %v", what, newest)
		}
		if hash := newest[w.id][0].Hash; !strings.HasPrefix(hash, backup.HashOfName(third)) {
			t.Errorf("%s: the newest is %s", what, newest[w.id][0].Name)
		}
		got := strings.Split(names(backup.Merge(newest)), ", ")
		if slices.Sort(got); !slices.Equal(got, []string{"account of a", "account of b", "aside", "second", "third"}) {
			t.Errorf("%s: merged they are %q", what, got)
		}
	}
	if _, read := states(part)[old]; read {
		t.Error("what is superseded was read")
	}
	// With a date, later files neither count nor supersede.
	then := s.content(old, key).Created
	if got := s.take(key).Newest(then, false); len(got) != 2 || len(got[w.id]) != 1 || got[w.id][0].Name != old {
		t.Errorf("at that time the newest were %v", got)
	}
	if got := s.take(key).Newest(then.Add(-time.Hour), false); len(got) != 0 {
		t.Errorf("before that there was %v", got)
	}
	if got := backup.Merge(nil); got.ID != "" || len(got.Accounts()) != 0 {
		t.Errorf("nothing merges to %+v", got)
	}
	// If the newest file is damaged, every reader uses the one before it.
	s.files[third] = s.files[third][:700]
	delete(s.files, "Copy of "+third)
	if part, err = backup.ReadNewest(t.Context(), s, keys); err != nil {
		t.Fatal(err)
	}
	for what, inv := range map[string]backup.Inventory{"all": s.take(key), "newest": part} {
		if got := inv.Newest(time.Time{}, false)[w.id]; len(got) != 1 || names(got[0].Content.State) != "account of a, second" {
			t.Errorf("%s: the newest is %v", what, got)
		}
	}
}

// A backup lists hashes as short as those in names, or whole. What is shorter names nothing.
func TestListedHashes(t *testing.T) {
	t.Parallel()
	s, key := newShelf(t), newRecoveryKey(t)
	w := newWriter(t, "a", key)
	first := w.run(s)
	hash := backup.HashOf([]byte(s.files[first]))
	c := s.content(w.add("second").run(s), key)
	for _, lists := range [][]string{{"", hash[:3]}, {hash}, {hash[:16]}} {
		c.Generation++
		c.Supersedes, c.OldFiles = lists, lists
		payload, err := key.Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		other := newShelf(t)
		other.files[first] = s.files[first]
		name := other.put(backup.FileName{Device: w.id, Time: noon.Add(time.Hour), Generation: 9, Hash: strings.Repeat("0", 16)}.String(), key, payload)
		part, err := backup.ReadNewest(t.Context(), other, w.e.Keys())
		if err != nil {
			t.Fatal(err)
		}
		want := 1
		if len(lists) > 1 {
			want = 2
		}
		if _, read := states(part)[first]; read != (want == 2) {
			t.Errorf("%q: what is superseded was read: %v", lists, read)
		}
		for what, inv := range map[string]backup.Inventory{"all": other.take(key), "newest": part} {
			if got := inv.Newest(time.Time{}, false)[w.id]; len(got) != want || states(inv)[name] != backup.Good {
				t.Errorf("%q, %s: %d files are newest, want %d", lists, what, len(got), want)
			}
		}
	}
}

// An unsigned file counts only if it is accepted, and never hides a signed one.
func TestUnsignedHidesNothing(t *testing.T) {
	t.Parallel()
	s, key := newShelf(t), newRecoveryKey(t)
	w := newWriter(t, "a", key)
	good := w.run(s)
	forged := s.content(good, key)
	forged.Supersedes, forged.Generation = []string{backup.HashOfName(good)}, 100
	forged.State = newWriter(t, "c", key).state
	payload, err := backup.Encode(forged)
	if err != nil {
		t.Fatal(err)
	}
	s.put(backup.FileName{Device: w.id, Time: noon.Add(time.Hour), Generation: 100, Hash: strings.Repeat("0", 16)}.String(), key, payload)
	part, err := backup.ReadNewest(t.Context(), s, backup.Keys{Current: []backup.RecoveryKey{key}})
	if err != nil {
		t.Fatal(err)
	}
	for what, inv := range map[string]backup.Inventory{"all": s.take(key), "newest": part} {
		if got := inv.Newest(time.Time{}, false); len(got[w.id]) != 1 || got[w.id][0].Name != good {
			t.Errorf("%s: %v", what, got)
		}
		if got := inv.Newest(time.Time{}, true); len(got[w.id]) != 2 {
			t.Errorf("%s, accepted: %v", what, got)
		}
	}
}

// Who found a key that was rotated away can write files under it that name newer ones of a
// device. They hide nothing.
func TestOldKeyHidesNothing(t *testing.T) {
	t.Parallel()
	s, old, key := newShelf(t), newRecoveryKey(t), newRecoveryKey(t)
	w := newWriter(t, "a", key)
	w.e.OldKeys = []backup.RecoveryKey{old}
	good := w.run(s)
	forged := s.content(good, key)
	forged.Supersedes, forged.Generation = []string{backup.HashOfName(good)}, 100
	payload, err := old.Encode(forged)
	if err != nil {
		t.Fatal(err)
	}
	s.put(backup.FileName{Device: w.id, Time: noon.Add(time.Hour), Generation: 100, Hash: strings.Repeat("0", 16)}.String(), old, payload)
	part, err := backup.ReadNewest(t.Context(), s, w.e.Keys())
	if err != nil {
		t.Fatal(err)
	}
	for what, inv := range map[string]backup.Inventory{"all": s.take(key, old), "newest": part} {
		if got := inv.Newest(time.Time{}, false); len(got[w.id]) != 1 || got[w.id][0].Name != good {
			t.Errorf("%s: %v", what, got)
		}
	}
}

// An enrolment reads back as it was written. A text that cannot be parsed is damaged, and
// one of a later version is reported as newer.
func TestEnrolment(t *testing.T) {
	t.Parallel()
	key, old := newRecoveryKey(t), newRecoveryKey(t)
	const name, hash = "recovery-0123456789abcdef-0123456%d.age", "0123456789abcdef0123456789abcdef"
	one, two := fmt.Sprintf(name, 1), fmt.Sprintf(name, 2)
	e := backup.Enrolment{
		Location: "rclone:cloud:auth", On: true, Key: key, Sealed: []backup.SealedKey{{Name: one, Hash: hash}, {Name: two, Hash: hash, Retired: true}},
		OldKeys: []backup.RecoveryKey{old}, Successions: []backup.Succession{{Old: old.ID(), New: key.ID(), Stamp: 7}},
	}
	text, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := backup.ParseEnrolment(text)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := back.Encode(); err != nil || again != text || back.Key.Text() != key.Text() || back.OldKeys[0].Text() != old.Text() {
		t.Errorf("it reads back as %+v, %v", back, err)
	}
	for text, want := range map[string]error{
		"":                        backup.ErrEnrolment,
		"nonsense":                backup.ErrEnrolment,
		`{"version":1,"key":"x"}`: backup.ErrEnrolment,
		`{"version":99}`:          backup.ErrNewer,
		strings.Replace(text, old.Text(), "x", 1): backup.ErrEnrolment,
	} {
		if _, err := backup.ParseEnrolment(text); !errors.Is(err, want) || err != nil && strings.Contains(err.Error(), key.Text()) {
			t.Errorf("%.40q: %v, want %v", text, err, want)
		}
	}
	e.AddSealed(backup.SealedKey{Name: one, Hash: hash, Retired: true})
	e.AddSealed(backup.SealedKey{Name: two, Hash: hash})
	e.AddSealed(backup.SealedKey{Name: fmt.Sprintf(name, 3), Hash: hash})
	if len(e.Sealed) != 3 || !e.Sealed[0].Retired || !e.Sealed[1].Retired || e.Sealed[2].Retired {
		t.Errorf("sealed as %+v", e.Sealed)
	}
	e.AddOldKey(old)
	e.AddOldKey(key)
	another := newRecoveryKey(t)
	e.AddOldKey(another)
	if len(e.OldKeys) != 2 || e.OldKeys[1].ID() != another.ID() {
		t.Errorf("the keys before are %v", e.OldKeys)
	}
	for i := range 5 {
		before, next := e.Key, newRecoveryKey(t)
		e = e.Rotated(next, int64(i))
		if e.Key.ID() != next.ID() || !e.Keys().Has(before.ID()) || len(e.Successions) > 3 || !e.On {
			t.Errorf("rotated it is %+v", e)
		}
		if last := e.Successions[len(e.Successions)-1]; last != (backup.Succession{Old: before.ID(), New: next.ID(), Stamp: int64(i)}) {
			t.Errorf("it says %+v", last)
		}
		for _, sealed := range e.Sealed {
			if !sealed.Retired {
				t.Errorf("%s is in use still", sealed.Name)
			}
		}
	}
	if !backup.RecoveryKey.IsZero(backup.RecoveryKey{}) || key.IsZero() {
		t.Error("no key is one")
	}
}

// Only somebody who holds the old key can write its succession.
func TestSuccession(t *testing.T) {
	t.Parallel()
	old, key := newRecoveryKey(t), newRecoveryKey(t)
	data, err := old.Succeed(backup.Succession{New: key.ID(), Stamp: 7})
	if err != nil {
		t.Fatal(err)
	}
	want := backup.Succession{Old: old.ID(), New: key.ID(), Stamp: 7}
	if got, err := backup.ParseSuccession(data, old); err != nil || got != want {
		t.Errorf("it says %+v, %v", got, err)
	}
	if _, err := backup.ParseSuccession(data, key); !errors.Is(err, backup.ErrWrongKey) {
		t.Error(err)
	}
	if _, err := backup.ParseSuccession(data[:len(data)-1], old); !errors.Is(err, backup.ErrDamaged) {
		t.Error(err)
	}
	s := newShelf(t)
	payload, err := backup.Unseal(data, old.Identity())
	if err != nil {
		t.Fatal(err)
	}
	for what, forged := range map[string][]byte{
		"altered":  []byte(strings.Replace(string(payload), key.ID(), "feedfeedfeedfeed", 1)),
		"unsigned": append([]byte("{"), payload[strings.Index(string(payload), "\n")+1:]...),
		"a backup": nil,
	} {
		if what == "a backup" {
			if forged, err = old.Encode(backup.Content{Device: "d", Created: noon, State: example(t)}); err != nil {
				t.Fatal(err)
			}
		}
		name := s.put("x", old, forged)
		want := backup.ErrUnsigned
		if what == "a backup" {
			want = backup.ErrForeign
		}
		if _, err := backup.ParseSuccession([]byte(s.files[name]), old); !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// The current key is the last one of a line of rotations. Of two rotations that did not
// see each other, the newer one wins.
func TestSuccessionOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what    string
		order   backup.SuccessionOrder
		current map[string]string
	}{
		{"none", nil, map[string]string{"a": "a"}},
		{"a line", backup.SuccessionOrder{{Old: "b", New: "c", Stamp: 2}, {Old: "a", New: "b", Stamp: 1}}, map[string]string{"a": "c", "b": "c", "c": "c", "x": "x"}},
		{"two", backup.SuccessionOrder{{Old: "a", New: "b", Stamp: 1}, {Old: "a", New: "c", Stamp: 2}}, map[string]string{"a": "c", "b": "c", "c": "c"}},
		{"two at once", backup.SuccessionOrder{{Old: "a", New: "c", Stamp: 1}, {Old: "a", New: "b", Stamp: 1}}, map[string]string{"a": "c", "b": "c", "c": "c"}},
		{"two, and one goes on", backup.SuccessionOrder{{Old: "a", New: "b", Stamp: 1}, {Old: "a", New: "c", Stamp: 2}, {Old: "c", New: "d", Stamp: 3}}, map[string]string{"a": "d", "b": "d", "c": "d"}},
		{
			"two, and the older goes on",
			backup.SuccessionOrder{{Old: "a", New: "b", Stamp: 1}, {Old: "a", New: "c", Stamp: 2}, {Old: "b", New: "d", Stamp: 3}},
			map[string]string{"a": "d", "b": "d", "c": "d", "d": "d"},
		},
		{
			"a line by clocks that differ",
			backup.SuccessionOrder{{Old: "a", New: "b", Stamp: 9}, {Old: "b", New: "c", Stamp: 2}},
			map[string]string{"a": "c", "b": "c", "c": "c"},
		},
		{
			"each joined the other",
			backup.SuccessionOrder{{Old: "a", New: "b", Stamp: 1, Joined: true}, {Old: "b", New: "a", Stamp: 2, Joined: true}},
			map[string]string{"a": "a", "b": "a"},
		},
		{
			"each joined the other at one time",
			backup.SuccessionOrder{{Old: "a", New: "b", Stamp: 1, Joined: true}, {Old: "b", New: "a", Stamp: 1, Joined: true}},
			map[string]string{"a": "b", "b": "b"},
		},
		{
			"a circle through a key that was rotated away",
			backup.SuccessionOrder{
				{Old: "a", New: "b", Stamp: 1}, {Old: "b", New: "c", Stamp: 2, Joined: true}, {Old: "c", New: "a", Stamp: 3, Joined: true},
			},
			map[string]string{"a": "c", "b": "c", "c": "c"},
		},
		{
			"a circle is left",
			backup.SuccessionOrder{
				{Old: "a", New: "b", Stamp: 1, Joined: true}, {Old: "b", New: "a", Stamp: 2, Joined: true}, {Old: "b", New: "c", Stamp: 1},
			},
			map[string]string{"a": "c", "b": "c", "c": "c"},
		},
	} {
		for id, want := range c.current {
			if got := c.order.Current(id); got != want {
				t.Errorf("%s: from %s it is %s, want %s", c.what, id, got, want)
			}
		}
	}
	two := backup.SuccessionOrder{{Old: "a", New: "b", Stamp: 1}, {Old: "a", New: "c", Stamp: 2}}
	if !two.Replaced("a") || two.Replaced("b") || !two.Lost("b", "c") || two.Lost("c", "c") || two.Lost("a", "c") {
		t.Error("it is not told who lost")
	}
}

// A succession that is stamped further ahead than clocks go wrong wins against none, and the next one is not stamped after
// it. It still says that a key was rotated away: the clock may be wrong here. One that only joins two keys says nothing.
func TestSuccessionsAhead(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	in := func(d time.Duration) int64 { return now.Add(d).UnixMilli() }
	const day = 24 * time.Hour
	for _, stamp := range []int64{in(32 * day), 1 << 62, math.MaxInt64} {
		rotated := backup.SuccessionOrder{{Old: "a", New: "evil", Stamp: stamp, File: "claimed"}}.At(now)
		if !rotated.Replaced("a") || !rotated.Rotated("a") || rotated.Current("a") != "a" || rotated.Connected("a", "evil") || rotated.Lost("evil", "a") {
			t.Errorf("stamp %d: the order has a place for it", stamp)
		}
		if got := rotated.Evidence("a"); got != "claimed" {
			t.Errorf("stamp %d: the evidence is %q", stamp, got)
		}
		joined := backup.SuccessionOrder{{Old: "a", New: "evil", Stamp: stamp, Joined: true}}.At(now)
		if joined.Replaced("a") || joined.Rotated("a") {
			t.Errorf("stamp %d: a join that does not count replaces a key", stamp)
		}
		both := slices.Concat(rotated, backup.SuccessionOrder{{Old: "a", New: "b", Stamp: in(0), File: "true"}})
		if both.Current("a") != "b" || both.Current("b") != "b" || both.Replaced("b") || both.Evidence("a") != "true" {
			t.Errorf("stamp %d: it wins", stamp)
		}
		if got := both.After(now, math.MaxInt64); got != in(day) {
			t.Errorf("stamp %d: the next one is stamped %d, want %d", stamp, got, in(day))
		}
	}
	// Of clocks that are off by days all stamps count, on all devices.
	days := backup.SuccessionOrder{{Old: "a", New: "c", Stamp: in(0)}, {Old: "a", New: "b", Stamp: in(10 * day)}}.At(now.Add(-10 * day))
	if days.Current("a") != "b" || days.Evidence("c") != "successor-a-b.age" {
		t.Error("a succession of a clock that is off by days does not count")
	}
	for _, c := range []struct {
		what  string
		clock int64
		want  int64
	}{
		{"without another clock", 0, in(0)},
		{"after a clock that is an hour ahead", in(time.Hour), in(time.Hour)},
		{"after a clock that is a year ahead", in(365 * day), in(day)},
	} {
		if got := (backup.SuccessionOrder{}).After(now, c.clock); got != c.want {
			t.Errorf("%s: %d, want %d", c.what, got, c.want)
		}
	}
	if got := days.After(now, 0); got != in(10*day)+1 {
		t.Errorf("the next one is stamped %d", got)
	}
}

// Who holds a key can write any number of successions of it. A hundred are read.
func TestManySuccessions(t *testing.T) {
	t.Parallel()
	s, key := newShelf(t), newRecoveryKey(t)
	for i := range 102 {
		next := vault.NewID()
		data, err := key.Succeed(backup.Succession{New: next, Stamp: int64(i)})
		if err != nil {
			t.Fatal(err)
		}
		s.files[backup.Succession{Old: key.ID(), New: next}.Name()] = string(data)
	}
	if got := backup.ReadSuccessions(t.Context(), s, s.entries(), []backup.RecoveryKey{key}, ""); len(got) != 100 {
		t.Errorf("%d of them were read", len(got))
	}
}

// Successions are read only if they lead to a key that is not held, and only by somebody
// who holds the replaced key.
func TestReadSuccessions(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	a, b, c := newRecoveryKey(t), newRecoveryKey(t), newRecoveryKey(t)
	say := func(old, next backup.RecoveryKey, stamp int64) {
		data, err := old.Succeed(backup.Succession{New: next.ID(), Stamp: stamp})
		if err != nil {
			t.Fatal(err)
		}
		s.files[backup.Succession{Old: old.ID(), New: next.ID()}.Name()] = string(data)
	}
	say(a, b, 1)
	say(b, c, 2)
	read := func(keys ...backup.RecoveryKey) backup.SuccessionOrder {
		return backup.ReadSuccessions(t.Context(), s, s.entries(), keys, keys[len(keys)-1].ID())
	}
	if got := read(a, b).Current(a.ID()); got != c.ID() {
		t.Errorf("it leads to %s, want %s", got, c.ID())
	}
	if got := read(a).Current(a.ID()); got != b.ID() {
		t.Errorf("who holds one key finds %s, want %s", got, b.ID())
	}
	if got := read(a, b, c); len(got) != 0 {
		t.Errorf("who knows it all reads %v", got)
	}
	if got := read(c); got.Replaced(c.ID()) {
		t.Error("the last key was replaced")
	}
	if inv := s.take(a); len(inv.Files) != 0 {
		t.Errorf("they are taken for backups: %+v", inv.Files)
	}
	// A planted file with the name of a succession has no effect.
	d := newRecoveryKey(t)
	s.files[backup.Succession{Old: c.ID(), New: d.ID()}.Name()] = "nonsense"
	s.files["successor-nonsense.age"] = "nonsense"
	if read(c).Replaced(c.ID()) {
		t.Error("nonsense replaces a key")
	}
	s.fail["read "+backup.Succession{Old: a.ID(), New: b.ID()}.Name()] = location.ErrNotDownloaded
	if read(a).Replaced(a.ID()) {
		t.Error("what could not be read says something")
	}
}
