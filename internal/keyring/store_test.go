package keyring_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/testenv"
)

// incompressible is data of n bytes that differs with the generation.
func incompressible(generation uint64, n int) []byte {
	var seed [32]byte
	binary.BigEndian.PutUint64(seed[:], generation)
	data := make([]byte, n)
	_, _ = rand.NewChaCha8(seed).Read(data)
	return data
}

// pieces returns the same data as sections. Data that a head can hold is one section.
func pieces(generation uint64, n int) [][]byte {
	return slices.Collect(slices.Chunk(incompressible(generation, n), 4000))
}

// dataOf returns the data in the sections of a snapshot.
func dataOf(snap keyring.Snapshot) []byte {
	sections, err := snap.Sections()
	if err != nil {
		panic(err)
	}
	return bytes.Join(sections, nil)
}

func save(t *testing.T, k keyring.Keyring, generation uint64, size int) {
	t.Helper()
	if err := keyring.NewStore(k).Save(t.Context(), generation, pieces(generation, size)...); err != nil {
		t.Fatalf("Save generation %d of %d bytes: %v", generation, size, err)
	}
}

func wantLoad(t *testing.T, k keyring.Keyring, generation uint64, size int) {
	t.Helper()
	snap, err := keyring.NewStore(k).Load(t.Context())
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	if snap.Generation != generation || !bytes.Equal(dataOf(snap), incompressible(generation, size)) {
		t.Fatalf("Load: generation %d of %d bytes, want %d of %d", snap.Generation, len(dataOf(snap)), generation, size)
	}
}

// whole reports whether Generations finds a generation as it was saved.
func whole(t *testing.T, k keyring.Keyring, generation uint64, size int) bool {
	t.Helper()
	all, err := keyring.NewStore(k).Generations(t.Context())
	if err != nil {
		t.Fatalf("Generations: %v", err)
	}
	for _, snap := range all {
		if snap.Generation == generation {
			if !bytes.Equal(dataOf(snap), incompressible(generation, size)) {
				t.Fatalf("generation %d in %s is not what was saved", generation, snap.Where)
			}
			return true
		}
	}
	return false
}

// kinds are the keyrings whose limits the layout follows.
func kinds() map[string]func() *keyringtest.Memory {
	return map[string]func() *keyringtest.Memory{
		"linux":   func() *keyringtest.Memory { return new(keyringtest.Memory) },
		"macos":   func() *keyringtest.Memory { return keyringtest.MacOS("auth-0123456789abcdef", 2800) },
		"windows": keyringtest.Windows,
	}
}

// TestStoreSizes grows, shrinks and crosses every limit, and after each write
// finds the new snapshot as the current one and the one before as whole.
func TestStoreSizes(t *testing.T) {
	t.Parallel()
	for name, new := range kinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := new()
			limit := k.Limit()
			sizes := []int{0, 1, 0, 100, 5 * limit, 3 * limit, 4 * limit, 1, 2 * limit, 10, 20, 9 * limit, 30 * limit, limit, 0}
			r := testenv.Rand(t)
			for range 10 {
				sizes = append(sizes, r.IntN(4*limit))
			}
			if limit > 100_000 {
				sizes = sizes[:7]
			}
			for i, size := range sizes {
				generation := uint64(i + 1)
				save(t, k, generation, size)
				wantLoad(t, k, generation, size)
				if i > 0 && !whole(t, k, generation-1, sizes[i-1]) {
					t.Fatalf("write %d of %d bytes left nothing of the one before, of %d", i, size, sizes[i-1])
				}
				for item, value := range k.Items() {
					if len(value) > limit {
						t.Fatalf("item %s has %d bytes, the limit is %d", item, len(value), limit)
					}
				}
			}
		})
	}
}

// TestStoreInlineLimit crosses the size at which a snapshot leaves the head, a
// byte at a time.
func TestStoreInlineLimit(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"macos", "windows"} {
		k := kinds()[name]()
		crossed, inline := 0, true
		for size := k.Limit()*3/4 - 110; size < k.Limit()*3/4-20; size++ {
			generation := uint64(size)
			save(t, k, generation, size)
			wantLoad(t, k, generation, size)
			if now := strings.Contains(k.Items()["head"], " inline "); now != inline {
				inline = now
				crossed++
			}
		}
		if crossed != 1 || inline {
			t.Errorf("%s: the head went from inline to chunks %d times", name, crossed)
		}
	}
}

func TestStoreIsEmpty(t *testing.T) {
	t.Parallel()
	k := new(keyringtest.Memory)
	s := keyring.NewStore(k)
	if _, err := s.Load(t.Context()); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("Load: %v", err)
	}
	if all, err := s.Generations(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("Generations: %d, %v", len(all), err)
	}
	if err := s.Wipe(t.Context()); err != nil {
		t.Errorf("Wipe: %v", err)
	}
}

func TestStoreRefusesOldGenerations(t *testing.T) {
	t.Parallel()
	k := new(keyringtest.Memory)
	save(t, k, 7, 10)
	for _, generation := range []uint64{0, 6, 7} {
		for name, write := range map[string]func(context.Context, uint64, ...[]byte) error{
			"Save": keyring.NewStore(k).Save, "Settle": keyring.NewStore(k).Settle,
		} {
			if err := write(t.Context(), generation, nil); !errors.Is(err, keyring.ErrGeneration) {
				t.Errorf("%s of %d over 7: %v", name, generation, err)
			}
		}
	}
	wantLoad(t, k, 7, 10)
}

func TestStoreTooBig(t *testing.T) {
	t.Parallel()
	k := &keyringtest.Memory{Max: 300}
	save(t, k, 1, 10)
	before := k.Items()
	err := keyring.NewStore(k).Save(t.Context(), 2, pieces(2, 10_000*300)...)
	if !errors.Is(err, keyring.ErrTooBig) {
		t.Errorf("more chunks than names: %v", err)
	}
	if fmt.Sprint(before) != fmt.Sprint(k.Items()) {
		t.Error("a snapshot that is refused was begun")
	}
}

// busy is a keyring in which others write while an item is read.
type busy struct {
	keyring.Keyring
	meanwhile func(name string)
}

func (k busy) Get(ctx context.Context, name string) (string, error) {
	k.meanwhile(name)
	return k.Keyring.Get(ctx, name)
}

// TestStoreReadsWhileOthersWrite: each chunk that is read finds that two
// writes went by since the head, which overwrites its slot.
func TestStoreReadsWhileOthersWrite(t *testing.T) {
	t.Parallel()
	m := keyringtest.Windows()
	generation := uint64(1)
	save(t, m, generation, 10_000)
	writes := 0
	k := busy{m, func(name string) {
		if strings.HasSuffix(name, "0003") && writes < 4 {
			for range 3 {
				generation++
				save(t, m, generation, 10_000)
			}
			writes++
		}
	}}
	snap, err := keyring.NewStore(k).Load(t.Context())
	if err != nil || writes < 2 {
		t.Fatalf("after %d times: %v", writes, err)
	}
	if !bytes.Equal(dataOf(snap), incompressible(snap.Generation, 10_000)) {
		t.Error("what was read is not what was written")
	}
}

func TestStoreConcurrentReaders(t *testing.T) {
	t.Parallel()
	k := keyringtest.Windows()
	size := func(generation uint64) int { return int(generation%5) * 2000 }
	save(t, k, 1, size(1))
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for seen := uint64(0); ; {
				snap, err := keyring.NewStore(k).Load(t.Context())
				if err != nil {
					t.Errorf("Load beside a writer: %v", err)
					return
				}
				if snap.Generation < seen || !bytes.Equal(dataOf(snap), incompressible(snap.Generation, size(snap.Generation))) {
					t.Errorf("Load beside a writer: generation %d after %d, or not whole", snap.Generation, seen)
					return
				}
				seen = snap.Generation
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for generation := uint64(2); generation < 60; generation++ {
		save(t, k, generation, size(generation))
	}
	close(done)
	readers.Wait()
}
