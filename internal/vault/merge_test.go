package vault_test

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/vault"
)

// Merging goes register by register, the newer stamp wins.
func TestRegistersMergeOneByOne(t *testing.T) {
	t.Parallel()
	// Each change, made later than another of its kind on the other device.
	changes := map[string]func(tx *vault.Tx, value string) error{
		"label":  func(tx *vault.Tx, v string) error { return tx.SetLabel("a1", "New", v) },
		"alias":  func(tx *vault.Tx, v string) error { return tx.SetAlias("a1", v) },
		"note":   func(tx *vault.Tx, v string) error { return tx.SetNote("a1", v) },
		"tag":    func(tx *vault.Tx, v string) error { return tx.SetTag("a1", "work", v == "late") },
		"secret": func(tx *vault.Tx, v string) error { return tx.SetCredential("a1", credential(v), 0) },
		"setting": func(tx *vault.Tx, v string) error {
			tx.Set("colour", v)
			return nil
		},
		"order": func(tx *vault.Tx, v string) error {
			ids := []string{"a1", "a2"}
			if v == "late" {
				slices.Reverse(ids)
			}
			tx.Move(ids)
			return nil
		},
	}
	read := func(m *member) string {
		a := m.account("id:a1")
		return fmt.Sprint(a.Name, " ", a.Alias, " ", a.Note, " ", a.Tags, " ", string(a.Secret.Reveal()), " ",
			m.state.Settings["colour"].Value, " ", m.state.Accounts()[0].ID)
	}
	for name, change := range changes {
		for other, otherChange := range changes {
			t.Run(name+" and "+other, func(t *testing.T) {
				x := newMember(t, "x")
				x.add(0, "a1", "GitHub:alice", "first")
				x.add(1, "a2", "Bank:bob", "bank")
				y := x.clone("y")
				want := x.clone("want")
				// x does both early, y only the one, later.
				x.at(10, func(tx *vault.Tx) error { return change(tx, "early") })
				x.at(11, func(tx *vault.Tx) error { return otherChange(tx, "early") })
				y.at(20, func(tx *vault.Tx) error { return change(tx, "late") })
				want.at(11, func(tx *vault.Tx) error { return otherChange(tx, "early") })
				want.at(20, func(tx *vault.Tx) error { return change(tx, "late") })
				x.sync(30, y)
				y.sync(30, x)
				for _, m := range []*member{x, y} {
					if got := read(m); got != read(want) {
						t.Errorf("%s reads %q, want %q", m.id, got, read(want))
					}
				}
			})
		}
	}
}

// A superseded secret goes to the trash and is named.
func TestSupersededSecretIsTrashedAndNamed(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	x.add(0, "a1", "GitHub:alice", "first")
	y := x.clone("y")
	x.at(10, func(tx *vault.Tx) error { return tx.SetCredential("a1", credential("early"), 0) })
	y.at(20, func(tx *vault.Tx) error { return tx.SetCredential("a1", credential("late"), 0) })
	before := x.clone("x")
	toX, toY := x.sync(30, y), y.sync(30, before)
	for _, m := range []*member{x, y} {
		if a := m.account("id:a1"); string(a.Secret.Reveal()) != "late" {
			t.Errorf("%s holds %q", m.id, a.Secret.Reveal())
		}
		m.wantTrash("a1 early", "a1 first")
	}
	if want := []vault.Replacement{{Label: "GitHub:alice", Here: true, TrashID: "a1"}}; !slices.Equal(toX.Replaced, want) {
		t.Errorf("x is told %v, want %v", toX.Replaced, want)
	}
	if want := []vault.Replacement{{Label: "GitHub:alice", TrashID: "a1"}}; !slices.Equal(toY.Replaced, want) {
		t.Errorf("y is told %v, want %v", toY.Replaced, want)
	}
	if again := x.sync(40, y); len(again.Lines()) > 0 {
		t.Errorf("told twice: %q", again.Lines())
	}
	y.at(50, func(tx *vault.Tx) error { return tx.SetCredential("a1", credential("last"), 0) })
	if report := x.sync(60, y); !slices.Equal(report.Replaced, []vault.Replacement{{Label: "GitHub:alice", Here: true, TrashID: "a1"}}) {
		t.Errorf("x is told %v of what y has in its trash already", report.Replaced)
	}
}

// Removal beats older registers; an edit stamped after it brings the account back,
// secret and all, and it is said.
func TestRemovalAndLaterEdit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		removed, edited int
		live            []string
	}{
		"removed last": {20, 10, nil},
		"edited last":  {10, 20, []string{"GitHub:alice"}},
	} {
		t.Run(name, func(t *testing.T) {
			x := newMember(t, "x")
			x.add(0, "a1", "GitHub:alice", "first")
			y := x.clone("y")
			x.at(test.removed, func(tx *vault.Tx) error { return tx.Remove("a1", false) })
			y.at(test.edited, func(tx *vault.Tx) error { return tx.SetNote("a1", "still in use") })
			before := x.clone("x")
			toX, toY := x.sync(30, y), y.sync(30, before)
			for _, m := range []*member{x, y} {
				m.wantLive(test.live...)
				if test.live == nil {
					m.wantTrash("a1 first")
					continue
				}
				m.wantTrash()
				if a := m.account("id:a1"); string(a.Secret.Reveal()) != "first" || a.Note != "still in use" {
					t.Errorf("%s came back as %+v", m.id, a)
				}
			}
			if test.live == nil {
				if !slices.Equal(toY.Removed, []string{"GitHub:alice"}) || len(toX.Removed) != 0 {
					t.Errorf("told of removals %q, %q", toX.Removed, toY.Removed)
				}
			} else if !slices.Equal(toX.Back, test.live) || !slices.Equal(toY.Back, test.live) {
				t.Errorf("told of coming back %q, %q", toX.Back, toY.Back)
			}
		})
	}
}

// Records of removals never expire: a backup of years ago brings nothing back.
func TestRemovalNeverExpires(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	x.add(0, "a1", "GitHub:alice", "first")
	old := x.clone("old")
	x.at(10, func(tx *vault.Tx) error { return tx.Remove("a1", false) })
	for _, days := range []int{31, 45, 4000} {
		x.at(days*day, func(tx *vault.Tx) error { tx.Set("day", fmt.Sprint(days)); return nil })
	}
	x.wantTrash() // it has expired
	x.sync(5000*day, old)
	x.wantLive()
	x.wantTrash() // and what was purged stays so
}

// Counters: of two the one that was set later counts, then the larger; advancing
// stamps nothing, so it brings no removed account back.
func TestCountersMerge(t *testing.T) {
	t.Parallel()
	counterOf := func(m *member) uint64 { m.t.Helper(); return m.account("id:h1").Counter }
	setUp := func(t *testing.T) (x, y *member) {
		x = newMember(t, "x")
		x.at(0, func(tx *vault.Tx) error {
			a := newAccount("h1", "Bank:bob", "counted")
			a.Type, a.Period, a.Counter = account.HOTP, 0, 5
			_, err := tx.Add(a)
			return err
		})
		return x, x.clone("y")
	}
	advance := func(m *member, minute, times int) {
		for range times {
			m.at(minute, func(tx *vault.Tx) error { _, err := tx.Advance("h1"); return err })
		}
	}
	set := func(m *member, minute int, next uint64) {
		m.at(minute, func(tx *vault.Tx) error { return tx.SetCounter("h1", next) })
	}
	t.Run("advanced on both", func(t *testing.T) {
		x, y := setUp(t)
		advance(x, 20, 2)
		advance(y, 10, 4)
		x.sync(30, y)
		if got := counterOf(x); got != 9 {
			t.Errorf("counter %d, want 9", got)
		}
	})
	t.Run("set back later", func(t *testing.T) {
		x, y := setUp(t)
		advance(x, 10, 50)
		set(y, 20, 7)
		x.sync(30, y)
		if got := counterOf(x); got != 7 {
			t.Errorf("counter %d, want 7", got)
		}
		advance(x, 40, 1)
		y.sync(50, x)
		if got := counterOf(y); got != 8 {
			t.Errorf("counter %d, want 8", got)
		}
	})
	t.Run("advancing is no edit", func(t *testing.T) {
		x, y := setUp(t)
		x.at(10, func(tx *vault.Tx) error { return tx.Remove("h1", false) })
		advance(y, 20, 1)
		y.sync(30, x)
		y.wantLive()
		x.sync(40, y)
		x.at(50, func(tx *vault.Tx) error { _, err := tx.Undelete(tx.Trash[0]); return err })
		if got := counterOf(x); got != 6 {
			t.Errorf("counter of the account that came back: %d, want 6", got)
		}
	})
}

// --now leaves a record that erases the secret from the trash of other devices, but
// never a live one.
func TestPurgeBeatsTrash(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	x.add(0, "a1", "GitHub:alice", "first")
	y, z := x.clone("y"), x.clone("z")
	x.at(10, func(tx *vault.Tx) error { return tx.Remove("a1", true) })
	x.wantTrash()
	if strings.Contains(encoded(x.state), credential("first").Secret.Base32()) {
		t.Error("the erased secret is still written")
	}
	y.at(9, func(tx *vault.Tx) error { return tx.Remove("a1", false) })
	y.wantTrash("a1 first")
	y.sync(20, x)
	y.wantTrash()
	z.at(15, func(tx *vault.Tx) error { return tx.SetNote("a1", "needed") })
	z.sync(20, x, y)
	if a := z.account("id:a1"); string(a.Secret.Reveal()) != "first" {
		t.Errorf("a live secret was erased: %+v", a)
	}
}

// The trash is a set: what two devices removed at different times is there once.
func TestTrashIsASet(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	x.add(0, "a1", "GitHub:alice", "first")
	x.add(1, "a2", "Bank:bob", "bank")
	y := x.clone("y")
	x.at(10, func(tx *vault.Tx) error { return tx.Remove("a1", false) })
	y.at(20, func(tx *vault.Tx) error { return tx.Remove("a1", false) })
	y.at(21, func(tx *vault.Tx) error { return tx.Remove("a2", false) })
	x.sync(30, y)
	x.wantTrash("a1 first", "a2 bank")
	if at := x.state.Trash[0].At.Time; at != start.Add(20*time.Minute).UnixMilli() {
		t.Errorf("in the trash since %v", time.UnixMilli(at))
	}
}

// Stamps go on from the highest seen: behind a clock that runs ahead, what is done
// later wins all the same.
func TestClockThatRunsAhead(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * 60
	x := newMember(t, "x")
	x.add(0, "a1", "GitHub:alice", "first")
	y := x.clone("y")
	x.at(3*year, func(tx *vault.Tx) error { return tx.SetNote("a1", "from the future") })
	report := y.sync(10, x)
	y.at(11, func(tx *vault.Tx) error { return tx.SetNote("a1", "now") })
	x.sync(12, y)
	if note := x.account("id:a1").Note; note != "now" {
		t.Errorf("note %q", note)
	}
	now := start.Add(12 * time.Minute)
	if ahead := report.Ahead(now); !slices.Equal(ahead, []string{"GitHub:alice"}) {
		t.Errorf("ahead of the clock: %q", ahead)
	}
	for hours, want := range map[int]int{23: 0, 25: 1} {
		z := newMember(t, "z")
		z.add(hours*60, "a1", "GitHub:alice", "first")
		if ahead := z.state.Ahead(start); len(ahead) != want {
			t.Errorf("%d hours ahead: %q", hours, ahead)
		}
	}
}

// A device says of its clock what it likes. What others do after that wins all the same, also at the end of time and
// where the clock that it writes is behind its own stamps.
func TestHostileClock(t *testing.T) {
	t.Parallel()
	for _, end := range []int64{math.MaxInt64, math.MaxInt64 - 1, math.MaxInt64 - 3, 1 << 62} {
		for _, clock := range []int64{0, 1 << 62, math.MaxInt64} {
			t.Run(fmt.Sprint(end, " ", clock), func(t *testing.T) {
				t.Parallel()
				hostileClock(t, vault.Stamp{Time: end, Device: "z"}, clock)
			})
		}
	}
}

func hostileClock(t *testing.T, at vault.Stamp, clock int64) {
	x := newMember(t, "x")
	for i, id := range []string{"a1", "a2", "a3"} {
		x.add(i, id, id+":me", "secret of "+id)
	}
	y, z := x.clone("y"), x.clone("z")
	z.at(5, func(tx *vault.Tx) error { return tx.SetNote("a1", "of z") })
	z.at(5, func(tx *vault.Tx) error { return tx.Remove("a2", false) })
	z.state.Records[0].Note.At, z.state.Records[1].Removed.At = at, at
	z.state.Records[2].Tags = map[string]vault.Register[bool]{"t": {Value: true, At: at}}
	z.state.Clock = clock

	x.sync(10, z)
	x.at(11, func(tx *vault.Tx) error { return tx.SetNote("a1", "first of x") })
	y.sync(12, x)
	y.at(13, func(tx *vault.Tx) error { return tx.SetNote("a1", "of y") })
	x.sync(14, y)
	x.at(15, func(tx *vault.Tx) error {
		if _, err := tx.Undelete(tx.TrashOf()[0]); err != nil {
			return err
		}
		return cmp.Or(tx.SetNote("a1", "last of x"), tx.Remove("a3", false))
	})
	x.sync(16, z, y)
	for _, m := range []*member{y, z, x} {
		m.sync(17, x, z)
		if note, live := m.account("id:a1").Note, m.live(); note != "last of x" || !slices.Equal(live, []string{"a1:me", "a2:me"}) {
			t.Errorf("%s holds %q with the note %q", m.id, live, note)
		}
	}
	if broken := lawBroken(x.state, y.state, z.state); broken != "" {
		t.Error(broken)
	}
}

// At the end of time stamps are counted, and do not grow with each.
func TestStampsAtTheEndOfTime(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	x.add(0, "a1", "GitHub:alice", "first")
	for device, longest := range map[string]int{"y": 14, "y+000000007+z": 14, "y+899999999+z": 26, "y+999999999+z": 26, "ü+\n": 17} {
		last := vault.Stamp{Time: math.MaxInt64, Device: device}
		x.state.Records[0].Note.At, x.state.Clock = last, last.Time
		for minute := range 12 {
			x.at(minute, func(tx *vault.Tx) error { return tx.SetNote("a1", fmt.Sprint(minute)) })
			at := x.state.Records[0].Note.At
			if at.Compare(last) <= 0 || len(at.Device) > longest {
				t.Errorf("after %v comes %v", last, at)
			}
			last = at
		}
	}
}

// A restore that brings back several accounts, removed at the end of time, sets stamps after
// all of them: the removals come back with no sync.
func TestRestoreAtTheEndOfTime(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	for i, id := range []string{"a1", "a2"} {
		x.add(i, id, id+":me", "secret of "+id)
	}
	x.state.Records[0].Note.At = vault.Stamp{Time: math.MaxInt64, Device: "z"}
	x.state.Clock = math.MaxInt64
	x.at(10, func(tx *vault.Tx) error { return tx.Remove("a1", false) })
	x.at(11, func(tx *vault.Tx) error { return tx.SetNote("a2", "changed since") })
	x.at(12, func(tx *vault.Tx) error { return tx.Remove("a2", false) })
	y := newMember(t, "y")
	y.at(20, func(tx *vault.Tx) error {
		for _, d := range slices.Backward(x.state.TrashOf()) { // what was removed first comes first
			tx.Adopt(x.state, d.ID)
			if _, err := tx.Undelete(d); err != nil {
				return err
			}
		}
		return nil
	})
	y.sync(21, x)
	if live := y.live(); !slices.Equal(live, []string{"a1:me", "a2:me"}) {
		t.Errorf("after a sync %q live", live)
	}
}

// A purge up to the end of time erases what is in the trash, and nothing that is removed after it.
func TestPurgeUpToTheEndOfTime(t *testing.T) {
	t.Parallel()
	for what, purge := range map[string]vault.Purge{
		"user":    {At: vault.Stamp{Time: math.MaxInt64, Device: "z"}},
		"expired": {Expired: math.MaxInt64},
		"before":  {Expired: math.MaxInt64 - 1},
	} {
		x := newMember(t, "x")
		x.add(0, "a1", "GitHub:alice", "first")
		z := x.clone("z")
		purge.ID, purge.Hash = "a1", vault.Hash(credential("first"))
		z.state.Purged = append(z.state.Purged, purge)
		x.sync(10, z)
		x.at(11, func(tx *vault.Tx) error { return tx.Remove("a1", false) })
		x.sync(12, z)
		if trash := x.trash(); !slices.Equal(trash, []string{"a1 first"}) {
			t.Errorf("%s: trash %q", what, trash)
		}
	}
}

// Two clones that change the same thing at the same instant decide alike.
func TestClonesDecideAlike(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	x.add(0, "a1", "GitHub:alice", "first")
	clone := x.clone("x")
	x.at(10, func(tx *vault.Tx) error { return tx.SetCredential("a1", credential("one"), 0) })
	clone.at(10, func(tx *vault.Tx) error { return tx.SetCredential("a1", credential("other"), 0) })
	x.sync(20, clone)
	clone.sync(20, x)
	a, b := x.account("id:a1"), clone.account("id:a1")
	if !a.Credential.Equal(b.Credential) {
		t.Errorf("%q and %q", a.Secret.Reveal(), b.Secret.Reveal())
	}
	if len(x.trash()) != 2 || !slices.Equal(x.trash(), clone.trash()) {
		t.Errorf("trash %q and %q", x.trash(), clone.trash())
	}
}

// A merge says how many accounts go, so that a sync can ask.
func TestReportCountsRemovals(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	for i := range 8 {
		x.add(i, fmt.Sprintf("a%d", i), fmt.Sprintf("Site%d:me", i), fmt.Sprintf("secret %d", i))
	}
	y := x.clone("y")
	for i := range 6 {
		y.at(10+i, func(tx *vault.Tx) error { return tx.Remove(fmt.Sprintf("a%d", i), false) })
	}
	before := encoded(x.state)
	_, report := vault.Merge(x.state, y.state.Portable())
	if len(report.Removed) != 6 {
		t.Errorf("removed: %q", report.Removed)
	}
	if encoded(x.state) != before {
		t.Error("asking what a merge would do did it")
	}
}

// The words of a report name each account by its label.
func TestReportLines(t *testing.T) {
	t.Parallel()
	x := newMember(t, "x")
	x.add(0, "a1", "GitHub:alice", "first")
	x.add(1, "a2", "Bank:bob", "bank")
	x.add(2, "a4", "Shop:c", "shop")
	y := x.clone("y")
	y.add(10, "a3", "Mail:x", "mail")
	y.at(11, func(tx *vault.Tx) error { return tx.Remove("a2", false) })
	y.at(11, func(tx *vault.Tx) error { return tx.Remove("a4", true) })
	y.at(12, func(tx *vault.Tx) error { return tx.SetLabel("a1", "GitHub", "Alice Smith") })
	y.at(13, func(tx *vault.Tx) error { return tx.SetAlias("a1", "gh") })
	lines := strings.Join(x.sync(20, y).Lines(), "\n")
	for _, want := range []string{"added Mail:x", "removed Bank:bob (it is in the trash)\n", "removed Shop:c\n", "renamed GitHub:alice to GitHub:Alice Smith", "GitHub:Alice Smith: alias"} {
		if !strings.Contains(lines, want) {
			t.Errorf("%q is not in\n%s", want, lines)
		}
	}
	if strings.Contains(lines, "mail ") || strings.Contains(lines, credential("mail").Secret.Base32()) {
		t.Errorf("a secret is in\n%s", lines)
	}
	if _, err := x.state.Find("Bank:bob", true); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("removed account: %v", err)
	}
}
