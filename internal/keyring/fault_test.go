package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/keyring/keyringtest"
)

// histories are sizes of snapshots in the order of their writes, generation 1
// first. The last write is the one that goes wrong.
var histories = [][]int{
	{100},
	{6000},
	{100, 200},
	{100, 200, 300},
	{100, 6000},
	{6000, 100},
	{6000, 6000},
	{9000, 9000, 5000},
	{9000, 5000, 100, 9000},
	{6000, 100, 200, 0},
}

var faults = []keyringtest.Fault{
	keyringtest.Fail, keyringtest.FailAfter, keyringtest.Hang, keyringtest.Late, keyringtest.Lie,
	keyringtest.Empty, keyringtest.CrashBefore, keyringtest.CrashAfter,
}

// past writes a history but for its last snapshot.
func past(t *testing.T, history []int) *keyringtest.Memory {
	k := keyringtest.Windows()
	for i, size := range history[:len(history)-1] {
		save(t, k, uint64(i+1), size)
	}
	return k
}

// eachFault runs do on a copy of a keyring with every fault at every operation
// that it needs, and hands what came of it to check.
func eachFault(t *testing.T, before *keyringtest.Memory, do func(context.Context, keyring.Keyring) error,
	check func(t *testing.T, after *keyringtest.Memory, err error, crashed bool),
) {
	quiet := before.Clone()
	if err := do(t.Context(), quiet); err != nil {
		t.Fatalf("without a fault: %v", err)
	}
	for _, fault := range faults {
		for n := 1; n <= quiet.Ops(); n++ {
			t.Run(fmt.Sprintf("%s at %d", fault, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					k := before.Clone()
					k.Fault = keyringtest.Nth(n, fault)
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					var err error
					crashed := keyringtest.Crashes(func() { err = do(ctx, k) })
					k.Fault = nil
					check(t, k, err, crashed)
				})
			})
		}
	}
}

// TestStoreFaults: whatever goes wrong at whichever operation of a write, the
// current snapshot is the old one or the new one; where the keyring itself
// spoilt the head, the old one is found. What Save says is so.
func TestStoreFaults(t *testing.T) {
	t.Parallel()
	for _, history := range histories {
		t.Run(fmt.Sprint(history), func(t *testing.T) {
			t.Parallel()
			last := len(history) - 1
			generation, size := uint64(last+1), history[last]
			write := func(ctx context.Context, k keyring.Keyring) error {
				return keyring.NewStore(k).Save(ctx, generation, pieces(generation, size)...)
			}
			eachFault(t, past(t, history), write, func(t *testing.T, k *keyringtest.Memory, err error, crashed bool) {
				checkLaw(t, k, history, err, crashed)
				checkNext(t, k, history, err)
			})
		})
	}
}

// checkLaw is the promise of a Store after a write of the last of history.
func checkLaw(t *testing.T, k *keyringtest.Memory, history []int, err error, crashed bool) {
	t.Helper()
	last := len(history) - 1
	oldGeneration, newGeneration := uint64(last), uint64(last+1)
	snap, loadErr := keyring.NewStore(k).Load(t.Context())
	switch {
	case err == nil && !crashed:
		wantLoad(t, k, newGeneration, history[last])
	case loadErr == nil && snap.Generation == newGeneration:
		wantLoad(t, k, newGeneration, history[last])
	case loadErr == nil && last > 0:
		wantLoad(t, k, oldGeneration, history[last-1])
	case errors.Is(loadErr, keyring.ErrNotFound):
		if last > 0 {
			t.Fatal("the store looks empty")
		}
	case loadErr != nil:
		if _, ok := errors.AsType[*keyring.DamagedError](loadErr); !ok {
			t.Fatalf("Load: %v", loadErr)
		}
		if last > 0 && !whole(t, k, oldGeneration, history[last-1]) {
			t.Fatalf("the old snapshot is lost: %v", loadErr)
		}
	default:
		t.Fatalf("generation %d came from nowhere", snap.Generation)
	}
	if errors.Is(err, keyring.ErrTimeout) && !errors.Is(err, keyring.ErrUnsettled) && k.Ops() > 0 && snap.Generation == newGeneration && loadErr == nil {
		t.Errorf("a write that came through says that it did not: %v", err)
	}
}

// checkNext writes once more, as the vault does after err, and lets what was
// still outstanding happen after that.
func checkNext(t *testing.T, k *keyringtest.Memory, history []int, err error) {
	t.Helper()
	s := keyring.NewStore(k)
	const next, size = 50, 4000
	write := s.Save
	if errors.Is(err, keyring.ErrUnsettled) {
		write = s.Settle
	}
	if err := write(t.Context(), next, pieces(next, size)...); err != nil {
		if _, ok := errors.AsType[*keyring.DamagedError](err); !ok {
			t.Fatalf("the next write: %v", err)
		}
		all, err := s.Generations(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 0 {
			if len(history) > 1 {
				t.Fatal("nothing to restore")
			}
			return
		}
		if err := s.Restore(t.Context(), all[0], next-1); err != nil {
			t.Fatalf("Restore: %v", err)
		}
		if err := s.Save(t.Context(), next, pieces(next, size)...); err != nil {
			t.Fatalf("the write after Restore: %v", err)
		}
	}
	wantLoad(t, k, next, size)
	k.Land()
	if !whole(t, k, next, size) {
		t.Fatal("a Set that happened late took the snapshot that was written after it")
	}
	if snap, err := s.Load(t.Context()); err != nil {
		t.Fatalf("Load after a Set that happened late: %v", err)
	} else if snap.Generation != next && snap.Generation != uint64(len(history)) {
		t.Fatalf("Load after a Set that happened late: generation %d", snap.Generation)
	}
}

// TestSettleFaults: the write after an unsettled one keeps the same law.
func TestSettleFaults(t *testing.T) {
	t.Parallel()
	for _, history := range histories {
		t.Run(fmt.Sprint(history), func(t *testing.T) {
			t.Parallel()
			last := len(history) - 1
			generation, size := uint64(last+1), history[last]
			settle := func(ctx context.Context, k keyring.Keyring) error {
				return keyring.NewStore(k).Settle(ctx, generation, pieces(generation, size)...)
			}
			eachFault(t, past(t, history), settle, func(t *testing.T, k *keyringtest.Memory, err error, crashed bool) {
				checkLaw(t, k, history, err, crashed)
			})
		})
	}
}

// TestSettleTwice: a Settle that times out is followed by one in another slot, so that
// what it asked for may happen at any time.
func TestSettleTwice(t *testing.T) {
	t.Parallel()
	for _, history := range [][]int{{100}, {6000}, {6000, 6000}, {100, 6000, 100}} {
		for n := 1; n <= 12; n++ {
			t.Run(fmt.Sprintf("%v, operation %d", history, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					k := past(t, append(history, 0))
					s, from, generation := keyring.NewStore(k), k.Ops(), uint64(len(history))
					for range 3 {
						k.Fault = func(op keyringtest.Op) keyringtest.Fault {
							if op.Verb == "set" && op.N >= from+n {
								return keyringtest.Late
							}
							return keyringtest.None
						}
						ctx, cancel := context.WithTimeout(t.Context(), time.Second)
						generation++
						if err := s.Settle(ctx, generation, pieces(generation, 4000)...); err == nil {
							cancel()
							return // no Set from that operation on
						}
						cancel()
						k.Fault, from = nil, k.Ops()
						if generation == uint64(len(history)+2) {
							break
						}
					}
					generation++
					if err := s.Settle(t.Context(), generation, pieces(generation, 4000)...); err != nil {
						t.Fatal(err)
					}
					k.Land()
					if !whole(t, k, generation, 4000) {
						t.Error("what happened late took the snapshot that was written after it")
					}
				})
			})
		}
	}
}

// TestReadFaults: a keyring that fails while it is read never makes a snapshot
// that was not written, nor an empty one.
func TestReadFaults(t *testing.T) {
	t.Parallel()
	for _, history := range histories {
		t.Run(fmt.Sprint(history), func(t *testing.T) {
			t.Parallel()
			before := past(t, append(history, 0))
			load := func(ctx context.Context, k keyring.Keyring) error {
				snap, err := keyring.NewStore(k).Load(ctx)
				if errors.Is(err, keyring.ErrNotFound) {
					return errors.New("looks empty")
				}
				if err == nil && snap.Generation != uint64(len(history)) {
					return fmt.Errorf("generation %d", snap.Generation)
				}
				return nil
			}
			eachFault(t, before, load, func(t *testing.T, k *keyringtest.Memory, err error, crashed bool) {
				if err != nil {
					t.Error(err)
				}
				wantLoad(t, k, uint64(len(history)), history[len(history)-1])
			})
		})
	}
}
