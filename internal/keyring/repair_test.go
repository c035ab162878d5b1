package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
)

// spoil gives ways to damage an item's value.
func spoil(value string) map[string]*string {
	text := func(s string) *string { return &s }
	cut := value[:len(value)/2]
	flipped := []byte(value)
	flipped[len(flipped)-10] ^= 1
	return map[string]*string{
		"missing": nil,
		"empty":   text(""),
		"cut":     text(cut),
		"flipped": text(string(flipped)),
		"foreign": text("hunter2"),
		"twice":   text(value + value),
	}
}

// TestDamage: a damaged item is damage, never emptiness, and never read.
func TestDamage(t *testing.T) {
	t.Parallel()
	for _, history := range [][]int{{100, 200}, {6000, 6000}, {100, 6000}, {6000, 100}} {
		k := keyringtest.Windows()
		for i, size := range history {
			save(t, k, uint64(i+1), size)
		}
		for item, value := range k.Items() {
			for how, spoilt := range spoil(value) {
				t.Run(fmt.Sprintf("%v/%s %s", history, item, how), func(t *testing.T) {
					k := k.Clone()
					k.Replace(item, spoilt)
					snap, err := keyring.NewStore(k).Load(t.Context())
					var damaged *keyring.DamagedError
					switch {
					case item == "head" && how == "missing":
						if !errors.Is(err, keyring.ErrNotFound) {
							t.Errorf("Load without a head: %v", err)
						}
					case err == nil:
						wantLoad(t, k, uint64(len(history)), history[len(history)-1])
					case !errors.As(err, &damaged) || len(dataOf(snap)) != 0:
						t.Errorf("Load: %d bytes, %v", len(dataOf(snap)), err)
					}
					// One item at fault leaves one of two snapshots.
					if !whole(t, k, 2, history[1]) && !whole(t, k, 1, history[0]) {
						t.Error("no snapshot is found")
					}
				})
			}
		}
	}
}

func TestNewerFormat(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, 6000} {
		k := keyringtest.Windows()
		save(t, k, 1, size)
		save(t, k, 2, size)
		newer := strings.Replace(k.Items()["head"], "auth-head 2 ", "auth-head 3 ", 1)
		k.Replace("head", &newer)
		before := fmt.Sprint(k.Items())
		s := keyring.NewStore(k)
		_, load := s.Load(t.Context())
		_, generations := s.Generations(t.Context())
		for what, err := range map[string]error{
			"Load":        load,
			"Generations": generations,
			"Save":        s.Save(t.Context(), 9, nil),
			"Settle":      s.Settle(t.Context(), 9, nil),
			"Restore":     s.Restore(t.Context(), keyring.Snapshot{Generation: 1}, 9),
		} {
			if !errors.Is(err, keyring.ErrNewer) {
				t.Errorf("%s over a newer format: %v", what, err)
			}
		}
		if fmt.Sprint(k.Items()) != before {
			t.Error("the newer head was touched")
		}
	}
}

// TestRestore brings every snapshot that is found back, from every state of
// the head, through every fault, and the one that is restored is always there.
func TestRestore(t *testing.T) {
	t.Parallel()
	for _, history := range [][]int{{100, 200}, {3000, 3000, 100, 200}} {
		k := keyringtest.Windows()
		for i, size := range history {
			save(t, k, uint64(i+1), size)
		}
		sound := k.Items()["head"]
		heads := map[string]*string{"missing": nil, "flipped": spoil(sound)["flipped"], "sound": &sound}
		for how, value := range heads {
			k := k.Clone()
			k.Replace("head", value)
			found, err := keyring.NewStore(k).Generations(t.Context())
			if err != nil || len(found) == 0 {
				t.Fatalf("%v, head %s: %d snapshots, %v", history, how, len(found), err)
			}
			for _, snap := range found {
				t.Run(fmt.Sprintf("%v/head %s/%s", history, how, snap.Where), func(t *testing.T) {
					testRestore(t, k, snap)
				})
			}
		}
	}
}

// TestRestoreFullSlots: with a whole snapshot in each slot, which Settles
// make, there is a place left for each of them to be restored to.
func TestRestoreFullSlots(t *testing.T) {
	t.Parallel()
	k := keyringtest.Windows()
	save(t, k, 1, 3000)
	save(t, k, 2, 3000)
	for generation := range uint64(3) {
		if err := keyring.NewStore(k).Settle(t.Context(), 3+generation, pieces(3+generation, 3000)...); err != nil {
			t.Fatal(err)
		}
	}
	save(t, k, 6, 10)
	for _, head := range []*string{nil, spoil(k.Items()["head"])["cut"]} {
		k := k.Clone()
		k.Replace("head", head)
		found, err := keyring.NewStore(k).Generations(t.Context())
		if err != nil || len(found) != 5 {
			t.Fatalf("%d snapshots, %v", len(found), err)
		}
		for _, snap := range found {
			t.Run(snap.Where, func(t *testing.T) { testRestore(t, k, snap) })
		}
	}
}

// TestSaveWithoutHead: what a lost head named survives the write of somebody
// who did not miss it.
func TestSaveWithoutHead(t *testing.T) {
	t.Parallel()
	for _, history := range [][]int{{3000}, {3000, 3000}, {10, 3000}} {
		k := keyringtest.Windows()
		for i, size := range history {
			save(t, k, uint64(i+1), size)
		}
		k.Replace("head", nil)
		save(t, k, 9, 3000)
		wantLoad(t, k, 9, 3000)
		if last := len(history); !whole(t, k, uint64(last), history[last-1]) {
			t.Errorf("%v: the last snapshot is gone", history)
		}
	}
}

// TestWipeGap: chunks beyond a missing one go too, as far as a head tells of
// them.
func TestWipeGap(t *testing.T) {
	t.Parallel()
	k := keyringtest.Windows()
	save(t, k, 1, 9000)
	k.Replace("a0001", nil)
	if err := keyring.NewStore(k).Wipe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := k.Items(); len(left) > 0 {
		t.Errorf("%d items are left", len(left))
	}
}

func testRestore(t *testing.T, k *keyringtest.Memory, snap keyring.Snapshot) {
	restore := func(ctx context.Context, k keyring.Keyring) error {
		return keyring.NewStore(k).Restore(ctx, snap, 20)
	}
	eachFault(t, k, restore, func(t *testing.T, k *keyringtest.Memory, err error, crashed bool) {
		s := keyring.NewStore(k)
		all, generationsErr := s.Generations(t.Context())
		if generationsErr != nil {
			t.Fatal(generationsErr)
		}
		kept := false
		for _, g := range all {
			kept = kept || bytes.Equal(dataOf(g), dataOf(snap))
		}
		if !kept {
			t.Fatal("what was to be restored is lost")
		}
		if err == nil && !crashed {
			now, err := s.Load(t.Context())
			if err != nil || now.Generation != 20 || !bytes.Equal(dataOf(now), dataOf(snap)) {
				t.Fatalf("after Restore: generation %d, %v", now.Generation, err)
			}
		}
	})
}

// TestWipe removes everything, also in a second go after any fault. Wherever the first one
// stopped, the newest snapshot is there as a whole, or there is no head, and an older one
// is not what is left.
func TestWipe(t *testing.T) {
	t.Parallel()
	for _, history := range [][]int{{100, 200, 0}, {3000, 100, 3000, 200, 5000, 0}, {9000, 5000, 3000, 0}} {
		wipe := func(ctx context.Context, k keyring.Keyring) error { return keyring.NewStore(k).Wipe(ctx) }
		eachFault(t, past(t, history), wipe, func(t *testing.T, k *keyringtest.Memory, err error, crashed bool) {
			last := len(history) - 1
			if snap, err := keyring.NewStore(k).Load(t.Context()); err == nil {
				wantLoad(t, k, uint64(last), history[last-1])
			} else if !errors.Is(err, keyring.ErrNotFound) {
				t.Errorf("half of generation %d is left: %v", snap.Generation, err)
			}
			if left, err := keyring.NewStore(k).Generations(t.Context()); err != nil {
				t.Error(err)
			} else if len(left) > 0 && left[0].Generation != uint64(last) {
				t.Errorf("generation %d is left, and not the newest", left[0].Generation)
			}
			k.Land()
			if err := wipe(t.Context(), k); err != nil {
				t.Fatal(err)
			}
			if left := k.Items(); len(left) > 0 {
				t.Errorf("%d items are left", len(left))
			}
		})
	}
}

// TestChunkOfAnotherSnapshot: a chunk that is whole and belongs to another snapshot is
// damage, and the error names it.
func TestChunkOfAnotherSnapshot(t *testing.T) {
	t.Parallel()
	k := keyringtest.Windows()
	save(t, k, 1, 6000) // in slot a, as generation 3
	old := k.Items()
	save(t, k, 2, 6000)
	save(t, k, 3, 6000)
	for item, value := range old {
		if item == "head" || k.Items()[item] == value {
			continue
		}
		k := k.Clone()
		k.Replace(item, &value)
		_, err := keyring.NewStore(k).Load(t.Context())
		if damaged, ok := errors.AsType[*keyring.DamagedError](err); !ok || damaged.Item != item {
			t.Errorf("%s: %v", item, err)
		}
		if !whole(t, k, 2, 6000) {
			t.Errorf("%s: the snapshot before is not found", item)
		}
	}
	longer := k.Clone()
	save(t, longer, 4, 6000)
	save(t, longer, 5, 9000) // of more chunks, in the slot of 3
	first := longer.Items()["a0000"]
	k.Replace("a0000", &first)
	_, err := keyring.NewStore(k).Load(t.Context())
	if damaged, ok := errors.AsType[*keyring.DamagedError](err); !ok || damaged.Item != "a0000" {
		t.Errorf("a chunk of more: %v", err)
	}
}

// TestChunkOfAnotherCount: the same snapshot cut for a keyring that takes more bytes has
// fewer chunks. One of them is damage here, and the error names it.
func TestChunkOfAnotherCount(t *testing.T) {
	t.Parallel()
	k, wider := keyringtest.Windows(), &keyringtest.Memory{Max: 4000}
	save(t, k, 1, 6000)
	save(t, wider, 1, 6000)
	if len(k.Items()) == len(wider.Items()) {
		t.Fatalf("both keyrings have %d items", len(k.Items()))
	}
	first := wider.Items()["a0000"]
	k.Replace("a0000", &first)
	_, err := keyring.NewStore(k).Load(t.Context())
	if damaged, ok := errors.AsType[*keyring.DamagedError](err); !ok || damaged.Item != "a0000" {
		t.Error(err)
	}
}

// TestChunkUnderAnotherName: a chunk that is whole and lies under the name of another one of
// its snapshot is damage, and the error names it.
func TestChunkUnderAnotherName(t *testing.T) {
	t.Parallel()
	k := keyringtest.Windows()
	save(t, k, 1, 6000)
	second := k.Items()["a0001"]
	k.Replace("a0000", &second)
	_, err := keyring.NewStore(k).Load(t.Context())
	if damaged, ok := errors.AsType[*keyring.DamagedError](err); !ok || damaged.Item != "a0000" {
		t.Error(err)
	}
}

// TestUnreadHead: a head that the keyring does not show is no damaged one. Nothing is
// written over it.
func TestUnreadHead(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(*keyring.Store) error{
		"Save":    func(s *keyring.Store) error { return s.Save(t.Context(), 9, []byte("x")) },
		"Settle":  func(s *keyring.Store) error { return s.Settle(t.Context(), 9, []byte("x")) },
		"Restore": func(s *keyring.Store) error { return s.Restore(t.Context(), keyring.Snapshot{Generation: 1}, 9) },
	} {
		k := keyringtest.Windows()
		save(t, k, 1, 100)
		before := fmt.Sprint(k.Items())
		k.Fault = func(op keyringtest.Op) keyringtest.Fault {
			if op.Verb == "get" && op.Name == "head" {
				return keyringtest.Fail
			}
			return keyringtest.None
		}
		err := write(keyring.NewStore(k))
		if !errors.Is(err, keyringtest.ErrInjected) {
			t.Errorf("%s: %v", name, err)
		}
		if fmt.Sprint(k.Items()) != before {
			t.Errorf("%s wrote something", name)
		}
	}
}

// TestLayout: what lies in keyrings since version 1 is read for ever. The items were made by
// hashlib, zlib and base64 of Python, by the words of the documentation.
func TestLayout(t *testing.T) {
	t.Parallel()
	const data = `{"version":1}`
	inline := map[string]string{
		"head": "auth-head 1 7 inline 15 5rnMoJMfhIDdymVSTNgG1XJ6Vq6wcL0X-fSTOgFZkIU q1YqSy0qzszPU7IyrAUA",
	}
	slot := map[string]string{
		"head":  "auth-head 1 7 b/2 15 5rnMoJMfhIDdymVSTNgG1XJ6Vq6wcL0X-fSTOgFZkIU",
		"b0000": "auth-chunk 1 7 0 2 15 5rnMoJMfhIDdymVSTNgG1XJ6Vq6wcL0X-fSTOgFZkIU 7XFgu2DqNWoU7o8KZZoEtw q1YqSy0qzszP",
		"b0001": "auth-chunk 1 7 1 2 15 5rnMoJMfhIDdymVSTNgG1XJ6Vq6wcL0X-fSTOgFZkIU cSkFOL3SwkBcP42sLeIrkw U7IyrAUA",
	}
	for _, items := range []map[string]string{inline, slot} {
		k := new(keyringtest.Memory)
		for name, value := range items {
			put(t, k, name, value)
		}
		snap, err := keyring.NewStore(k).Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if sections, err := snap.Sections(); err != nil || snap.Generation != 7 || len(sections) != 1 || string(sections[0]) != data {
			t.Errorf("%d items: generation %d of %q, %v", len(items), snap.Generation, sections, err)
		}
	}
}
