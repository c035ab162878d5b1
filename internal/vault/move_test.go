package vault_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/testenv"
	"github.com/authcli/auth/internal/vault"
)

// A fileKind is a keyring in memory that says it is the other kind.
type fileKind struct{ *keyringtest.Memory }

func (fileKind) Kind() string { return "file" }

// openVault returns the vault in a keyring and a state folder.
func openVault(k keyring.Keyring, dir string) *vault.Vault {
	v := vault.Open(vault.Options{
		Keyring: k, Dir: dir, Now: func() time.Time { return start }, Timeout: patience, LockWait: patience,
	})
	v.SetBlock(fewRecords)
	return v
}

// add adds accounts through the vault.
func add(t *testing.T, v *vault.Vault, labels ...string) {
	t.Helper()
	err := v.Update(t.Context(), func(tx *vault.Tx) error {
		for _, label := range labels {
			if _, err := tx.Add(newAccount("", label, "secret of "+label)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// newMovable returns a keyring that holds a vault and every item beside it, and what
// the keyring holds, by name. With accounts enough, the vault does not fit one item.
func newMovable(t *testing.T, dir string, accounts int) (*keyringtest.Memory, map[string]string) {
	t.Helper()
	from := &keyringtest.Memory{Max: 2500}
	v := openVault(from, dir)
	add(t, v, "Site0:me")
	var more []string
	for i := 1; i < accounts; i++ {
		more = append(more, fmt.Sprintf("Site%d:me", i))
	}
	add(t, v, more...)
	if err := v.SetLocation(t.Context(), "/cloud"); err != nil {
		t.Fatal(err)
	}
	for i := range vault.Items {
		if i == vault.DeviceItem {
			continue // the first change set it
		}
		if err := v.SetItem(t.Context(), i, "text of "+i.String()); err != nil {
			t.Fatal(err)
		}
	}
	items := from.Items()
	for i := range vault.Items {
		if items[i.String()] == "" {
			t.Fatalf("the keyring holds no %s", i)
		}
	}
	return from, items
}

// beside returns what a keyring holds beside the vault.
func beside(items map[string]string) map[string]string {
	only := maps.Clone(items)
	maps.DeleteFunc(only, func(name, _ string) bool {
		for i := range vault.Items {
			if i.String() == name {
				return false
			}
		}
		return true
	})
	return only
}

// Moving a vault takes along all that the keyring holds, and leaves nothing behind.
func TestMoveTakesEverything(t *testing.T) {
	t.Parallel()
	for _, accounts := range []int{1, 100} {
		dir := t.TempDir()
		from, before := newMovable(t, dir, accounts)
		to := fileKind{new(keyringtest.Memory)}
		if err := openVault(from, dir).Move(t.Context(), openVault(to, dir)); err != nil {
			t.Fatal(err)
		}
		if left := from.Items(); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		if got := beside(to.Items()); !maps.Equal(got, beside(before)) {
			t.Errorf("beside the vault lie %v, want %v", got, beside(before))
		}
		state, err := openVault(to, dir).Read(t.Context())
		if err != nil || len(state.Accounts()) != accounts {
			t.Errorf("%d accounts: %v", accounts, err)
		}
	}
}

// A cut is a move that was cut short.
type cut struct {
	t        *testing.T
	name     string
	dir      string
	from, to *keyringtest.Memory
	before   string            // the vault
	beside   map[string]string // what lies beside it
}

// open returns the vault as the next command opens it: in the keyring that the marker
// names, or in that of the other kind.
func (c cut) open(kind string) *vault.Vault {
	keyrings := map[string]keyring.Keyring{"system": c.from, "file": fileKind{c.to}}
	return vault.Open(vault.Options{
		Keyring: keyrings[kind], Dir: c.dir, Now: func() time.Time { return start }, Timeout: patience, LockWait: patience,
		Other: func(kind string) keyring.Keyring { return keyrings[kind] },
	})
}

func (c cut) kind() string { return markerOf(c.t, c.open("system")).Keyring }

// whole checks that one keyring holds the vault and all that lay beside it, and the
// other one nothing.
func (c cut) whole(kind string) {
	c.t.Helper()
	if got := c.kind(); got != kind {
		c.t.Errorf("%s: the vault is in the %s keyring", c.name, got)
		return
	}
	holds, empty := c.from, c.to
	if kind == "file" {
		holds, empty = c.to, c.from
	}
	if left := empty.Items(); len(left) > 0 {
		c.t.Errorf("%s: left behind: %v", c.name, left)
	}
	if got := beside(holds.Items()); !maps.Equal(got, c.beside) {
		c.t.Errorf("%s: beside the vault lie %v, want %v", c.name, got, c.beside)
	}
	s, err := c.open(kind).Read(c.t.Context())
	if err != nil || encoded(s) != c.before {
		c.t.Errorf("%s: the vault is another one, %v", c.name, err)
	}
	if m := markerOf(c.t, c.open(kind)); m.Copy != "" || m.Location != "/cloud" {
		c.t.Errorf("%s: the marker is %+v", c.name, m)
	}
}

// change changes the vault, and with it what is expected.
func (c *cut) change(v *vault.Vault) {
	c.t.Helper()
	add(c.t, v, "Meanwhile:me")
	if err := v.SetItem(c.t.Context(), vault.WrittenItem, "1:changed"); err != nil {
		c.t.Fatal(err)
	}
	c.beside["written"] = "1:changed"
	s, err := v.Read(c.t.Context())
	if err != nil {
		c.t.Fatalf("%s: %v", c.name, err)
	}
	c.before = encoded(s)
}

// A move may be cut short anywhere. Whatever command comes next finds the vault, and
// takes no copy for it; either direction can be taken then, and one change undoes what
// was begun or removes what was left.
func TestMoveCutShort(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(c *cut){
		"again": func(c *cut) {
			c.move("system", "file")
			c.whole("file")
		},
		"back": func(c *cut) {
			c.move("file", "system")
			c.whole("system")
		},
		"back and again": func(c *cut) {
			c.move("file", "system")
			c.move("system", "file")
			c.whole("file")
		},
		"changed": func(c *cut) {
			kind := c.kind()
			c.change(c.open(kind))
			c.whole(kind)
		},
		"changed where the other keyring cannot be opened": func(c *cut) {
			kind := c.kind()
			keyrings := map[string]keyring.Keyring{"system": c.from, "file": fileKind{c.to}}
			c.change(openVault(keyrings[kind], c.dir))
			c.move("system", "file")
			c.whole("file")
			c.move("file", "system")
			c.whole("system")
		},
		"repaired": func(c *cut) {
			kind, other := c.kind(), map[string]string{"system": "file", "file": "system"}
			if _, err := c.open(kind).Repair(c.t.Context()); !errors.Is(err, vault.ErrWhole) {
				c.t.Errorf("%s: repair of a whole vault: %v", c.name, err)
			}
			_, repairErr := c.open(other[kind]).Repair(c.t.Context())
			_, readErr := c.open(other[kind]).Read(c.t.Context())
			updateErr := c.open(other[kind]).Update(c.t.Context(), func(*vault.Tx) error { return nil })
			for how, err := range map[string]error{"repair": repairErr, "read": readErr, "update": updateErr} {
				if !errors.Is(err, vault.ErrLost) {
					c.t.Errorf("%s: %s of the copy: %v", c.name, how, err)
				}
			}
			if got := c.kind(); got != kind {
				c.t.Errorf("%s: the vault is in the %s keyring now", c.name, got)
			}
			c.move(kind, other[kind])
			c.whole(other[kind])
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, accounts := range []int{1, 100} {
				if accounts > 1 && name != "again" && !testenv.Long() {
					continue // one command is enough to show that chunks make no difference
				}
				dir := t.TempDir()
				from, _ := newMovable(t, dir, accounts)
				for _, fault := range []keyringtest.Fault{keyringtest.CrashBefore, keyringtest.CrashAfter} {
					for _, at := range []string{"source", "target"} {
						for n, crashed := 1, true; crashed; n++ {
							c := &cut{t: t, name: fmt.Sprintf("%d accounts, %s operation %d at the %s", accounts, fault, n, at)}
							crashed = c.cutShort(dir, from, at, keyringtest.Nth(n, fault))
							next(c)
						}
					}
				}
			}
		})
	}
}

func (c *cut) cutShort(state string, from *keyringtest.Memory, at string, fault func(keyringtest.Op) keyringtest.Fault) (crashed bool) {
	c.t.Helper()
	c.dir = c.t.TempDir()
	if err := os.CopyFS(c.dir, os.DirFS(state)); err != nil {
		c.t.Fatal(err)
	}
	c.from, c.to, c.beside = from.Clone(), &keyringtest.Memory{Max: 3000}, beside(from.Items())
	s, err := c.open("system").Read(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	c.before = encoded(s)
	c.from = from.Clone()
	if at == "source" {
		c.from.Fault = fault
	} else {
		c.to.Fault = fault
	}
	crashed = keyringtest.Crashes(func() { c.move("system", "file") })
	c.from.Fault, c.to.Fault = nil, nil
	s, err = c.open(c.kind()).Read(c.t.Context())
	if err != nil || encoded(s) != c.before {
		c.t.Errorf("%s: the vault that the marker names: %v", c.name, err)
	}
	return crashed
}

func (c *cut) move(from, to string) {
	c.t.Helper()
	if err := c.open(from).Move(c.t.Context(), c.open(to)); err != nil {
		c.t.Errorf("%s: from %s to %s: %v", c.name, from, to, err)
	}
}

// moved returns a vault that is to be moved, and a keyring of the other kind.
func movable(t *testing.T) (c *cut) {
	dir := t.TempDir()
	from, _ := newMovable(t, dir, 1)
	c = &cut{t: t, name: t.Name(), dir: dir, from: from, to: new(keyringtest.Memory), beside: beside(from.Items())}
	s, err := c.open("system").Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.before = encoded(s)
	return c
}

// Two vaults that are not the same are both left as they are, whichever way the move is
// to go, and both are named.
func TestMoveOfTwoVaults(t *testing.T) {
	t.Parallel()
	c := movable(t)
	add(t, openVault(fileKind{c.to}, t.TempDir()), "Other:me")
	from, to := fmt.Sprint(c.from.Items()), fmt.Sprint(c.to.Items())
	for _, way := range [][2]string{{"system", "file"}, {"file", "system"}} {
		err := c.open(way[0]).Move(t.Context(), c.open(way[1]))
		differ, ok := errors.AsType[*vault.DiffersError](err)
		if !ok {
			t.Fatalf("from %s to %s: %v", way[0], way[1], err)
		}
		labels := map[string]string{"system": differ.Here[0].Shown, "file": differ.There[0].Shown}
		if way[0] == "file" {
			labels = map[string]string{"file": differ.Here[0].Shown, "system": differ.There[0].Shown}
		}
		if labels["system"] != "Site0:me" || labels["file"] != "Other:me" {
			t.Errorf("from %s to %s: named %v", way[0], way[1], labels)
		}
	}
	if from != fmt.Sprint(c.from.Items()) || to != fmt.Sprint(c.to.Items()) || c.kind() != "system" {
		t.Error("something was touched")
	}
}

// An older copy that no marker tells of, as earlier versions left one, is removed: the
// vault knows all that is in it.
func TestMoveOverOldCopy(t *testing.T) {
	t.Parallel()
	for _, way := range [][2]string{{"system", "file"}, {"file", "system"}} {
		c := movable(t)
		c.to = c.from.Clone()
		c.change(c.open("system"))
		c.move(way[0], way[1])
		c.whole(way[1])
	}
}

// A forgetful keyring loses an item when another one is written.
type forgetful struct {
	keyring.Keyring
	when, what string
}

func (k forgetful) Set(ctx context.Context, name, value string) error {
	err := k.Keyring.Set(ctx, name, value)
	if name == k.when {
		return errors.Join(err, k.Delete(ctx, k.what))
	}
	return err
}

// Everything is read back once all of it was written, and only then the source goes.
func TestMoveIsReadBack(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"a0001", "device", "backup"} {
		dir := t.TempDir()
		from, before := newMovable(t, dir, 100)
		to := forgetful{fileKind{&keyringtest.Memory{Max: 2500}}, "head", what}
		if err := openVault(from, dir).Move(t.Context(), openVault(to, dir)); err == nil {
			t.Errorf("%s: a copy that is not whole counts", what)
		}
		if !maps.Equal(from.Items(), before) {
			t.Errorf("%s: the source is another one", what)
		}
		if m := markerOf(t, openVault(from, dir)); m.Keyring != "system" {
			t.Errorf("%s: the marker points at the %s keyring", what, m.Keyring)
		}
	}
}

// A relapsing keyring has another head again, once the new one was read back.
type relapsing struct {
	keyring.Keyring
	head  string
	reads *int
}

func (k relapsing) Set(ctx context.Context, name, value string) error {
	if name == "head" {
		*k.reads = 2
	}
	return k.Keyring.Set(ctx, name, value)
}

func (k relapsing) Get(ctx context.Context, name string) (string, error) {
	value, err := k.Keyring.Get(ctx, name)
	if name == "head" && err == nil {
		if *k.reads--; *k.reads < 1 {
			value = k.head
		}
	}
	return value, err
}

// The vault that is read back has to be the one that was copied. Another whole one, of
// this generation or of another, is not believed.
func TestMoveReadsBackTheSameVault(t *testing.T) {
	t.Parallel()
	for what, generation := range map[string]uint64{"another vault": 0, "another generation": 7} {
		dir := t.TempDir()
		from, before := newMovable(t, dir, 2)
		snap, err := keyring.NewStore(from).Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sections, err := snap.Sections()
		if err != nil {
			t.Fatal(err)
		}
		if what == "another vault" {
			sections[0] = bytes.Replace(sections[0], []byte("Site1"), []byte("Site9"), 1)
		}
		other := &keyringtest.Memory{Max: 2500}
		if err := keyring.NewStore(other).Save(t.Context(), snap.Generation+generation, sections...); err != nil {
			t.Fatal(err)
		}
		to := relapsing{fileKind{&keyringtest.Memory{Max: 2500}}, other.Items()["head"], new(int)}
		if err := openVault(from, dir).Move(t.Context(), openVault(to, dir)); !errors.Is(err, keyring.ErrUnsettled) {
			t.Errorf("%s: the copy counts: %v", what, err)
		}
		if !maps.Equal(from.Items(), before) {
			t.Errorf("%s: the source is another one", what)
		}
	}
}

// A keyring that answers with nothing is not believed: what it holds is not copied, and
// not removed.
func TestMoveFromSilentKeyring(t *testing.T) {
	t.Parallel()
	for n := 1; n < 40; n++ {
		c := movable(t)
		before := fmt.Sprint(c.from.Items())
		c.from.Fault = func(op keyringtest.Op) keyringtest.Fault {
			if op.Verb == "get" && op.N >= n {
				return keyringtest.Empty
			}
			return keyringtest.None
		}
		err := c.open("system").Move(t.Context(), c.open("file"))
		c.from.Fault = nil
		if c.kind() == "file" {
			if got := beside(c.to.Items()); !maps.Equal(got, c.beside) {
				t.Errorf("from operation %d on: beside the vault lie %v", n, got)
			}
			continue
		}
		if err == nil || fmt.Sprint(c.from.Items()) != before {
			t.Errorf("from operation %d on: the source is another one, %v", n, err)
		}
	}
}

// The source is there until the marker points elsewhere.
func TestMoveErasesLast(t *testing.T) {
	t.Parallel()
	c := movable(t)
	c.from.Fault = func(op keyringtest.Op) keyringtest.Fault {
		if op.Verb != "get" {
			if m := markerOf(t, c.open("file")); m.Keyring != "file" || m.Copy != "system" {
				t.Errorf("%s %s while the marker is %+v", op.Verb, op.Name, m)
			}
		}
		return keyringtest.None
	}
	c.to.Fault = func(op keyringtest.Op) keyringtest.Fault {
		if op.Verb != "get" {
			if m := markerOf(t, c.open("file")); m.Keyring != "system" || m.Copy != "file" {
				t.Errorf("%s %s at the target while the marker is %+v", op.Verb, op.Name, m)
			}
		}
		return keyringtest.None
	}
	c.move("system", "file")
	c.from.Fault, c.to.Fault = nil, nil
	c.whole("file")
}

// A vault that is lost is not found in another keyring that holds an older one.
func TestMoveOfLostVault(t *testing.T) {
	t.Parallel()
	c := movable(t)
	c.to = c.from.Clone()
	add(t, c.open("system"), "Bank:bob")
	for item := range c.from.Items() {
		c.from.Replace(item, nil)
	}
	if err := c.open("system").Move(t.Context(), c.open("file")); !errors.Is(err, vault.ErrLost) {
		t.Errorf("an older vault stands in for one that is lost: %v", err)
	}
	m := markerOf(t, c.open("system"))
	if m.Keyring != "system" {
		t.Errorf("the marker points at the %s keyring", m.Keyring)
	}
	m.Generation-- // as if nothing had been added
	if err := vault.WriteMarker(c.dir, m); err != nil {
		t.Fatal(err)
	}
	c.move("system", "file")
	c.whole("file")
}

// A move fails before it has written anything where its note cannot be written, and is
// done where only the source cannot be removed; that is said.
func TestMoveWithoutNote(t *testing.T) {
	t.Parallel()
	c := movable(t)
	before := fmt.Sprint(c.from.Items())
	writable := unwritable(t, c.open("system"))
	err := c.open("system").Move(t.Context(), c.open("file"))
	writable()
	if err == nil || len(c.to.Items()) > 0 || fmt.Sprint(c.from.Items()) != before {
		t.Errorf("a move without a note: %v", err)
	}
	w := watch(c.from, c.dir)
	c.from.Fault = func(op keyringtest.Op) keyringtest.Fault {
		if op.Verb == "delete" {
			return keyringtest.Fail
		}
		return keyringtest.None
	}
	if err := w.Move(t.Context(), c.open("file")); err != nil {
		t.Fatal(err)
	}
	w.noticed(t, vault.CopyLeft)
	c.from.Fault = nil
	c.change(c.open("file"))
	c.whole("file")
}

// Each item has a name that every keyring takes and that no part of the vault has.
func TestItemNames(t *testing.T) {
	t.Parallel()
	taken := map[string]bool{"head": true, "previous": true}
	for i := range vault.Items {
		name := i.String()
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") != "" || taken[name] {
			t.Errorf("item %d is named %q", i, name)
		}
		taken[name] = true
	}
}
