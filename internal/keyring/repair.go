package keyring

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// Generations returns every whole snapshot that can be found, with a head or
// without one, newest first. That there are none is no error. It is for repair,
// and for making sure that there is nothing.
//
// Damaged items are passed over. A head of a newer format is [ErrNewer]. An error
// of the keyring is returned alone: what could not be read may be whole.
func (s *Store) Generations(ctx context.Context) ([]Snapshot, error) {
	var all []Snapshot
	add := func(snap Snapshot) {
		if !slices.ContainsFunc(all, func(o Snapshot) bool { return o.content == snap.content }) {
			all = append(all, snap)
		}
	}
	for _, item := range []string{headItem, previousItem} {
		snap, err := s.findHead(ctx, item)
		switch {
		case err == nil:
			add(snap)
		case errors.Is(err, ErrNotFound) || isDamage(err) || errors.Is(err, ErrNewer) && item == previousItem:
		default:
			return nil, err
		}
	}
	for _, slot := range slots {
		snap, found, err := s.findSlot(ctx, slot)
		if err != nil {
			return nil, err
		}
		if found {
			add(snap)
		}
	}
	slices.SortStableFunc(all, func(a, b Snapshot) int { return cmp.Compare(b.Generation, a.Generation) })
	return all, nil
}

// findHead reads the snapshot of the head in an item. What looks damaged is read again: no
// repair goes by one bad answer.
func (s *Store) findHead(ctx context.Context, item string) (snap Snapshot, err error) {
	for range 2 {
		var value string
		if value, err = s.k.Get(ctx, item); err != nil {
			return Snapshot{}, err
		}
		if snap, err = s.readHead(ctx, item, value); !isDamage(err) {
			return snap, err
		}
	}
	return snap, err
}

// Restore makes a snapshot of [Store.Generations] or [NewSnapshot] the current one, under a new
// generation above its own and the head's. The head may be missing or damaged;
// one of a newer format is [ErrNewer]. Restore writes into a free slot before it
// writes the head, so that a crash leaves everything that was whole. Errors are
// those of Save.
func (s *Store) Restore(ctx context.Context, snap Snapshot, generation uint64) error {
	if generation <= snap.Generation {
		return fmt.Errorf("%w: %d after %d", ErrGeneration, generation, snap.Generation)
	}
	old, err := s.headForWrite(ctx, generation)
	if isDamage(err) {
		old = oldHead{} // nothing of it is worth keeping
	} else if err != nil {
		return err
	}
	packed := pack(snap.compressed)
	slot, err := s.spareSlot(ctx, old.slot, slotOf(snap))
	if err != nil {
		return err
	}
	return s.saveIn(ctx, slot, old, contentOf(generation, packed), packed)
}

func slotOf(snap Snapshot) string {
	if n := len("slot "); len(snap.Where) > n {
		return snap.Where[n:]
	}
	return ""
}

// spareSlot picks a slot to write to: one without a whole snapshot, else the one
// with the oldest. Up to two slots can be excluded.
func (s *Store) spareSlot(ctx context.Context, except ...string) (string, error) {
	var spare string
	var oldest uint64
	for _, slot := range slots {
		if slices.Contains(except, slot) {
			continue
		}
		snap, found, err := s.findSlot(ctx, slot)
		if err != nil {
			return "", err
		}
		if !found {
			return slot, nil
		}
		if spare == "" || snap.Generation < oldest {
			spare, oldest = slot, snap.Generation
		}
	}
	return spare, nil
}

// Wipe removes every item of the store, the newest snapshot last. Wherever it is
// interrupted, Load returns that snapshot or [ErrNotFound], and a second Wipe removes
// the rest. Each item is looked for again after its removal.
func (s *Store) Wipe(ctx context.Context) error {
	known := map[string]int{} // how many chunks a slot has, by a head
	newest := ""              // the slot of the newest snapshot
	for _, item := range []string{previousItem, headItem} {
		value, err := s.k.Get(ctx, item)
		if errors.Is(err, ErrNotFound) {
			continue
		} else if err != nil {
			return err
		}
		if h, err := parseHead(item, value); err == nil {
			known[h.slot] = max(known[h.slot], h.count)
			newest = h.slot
		}
	}
	for _, slot := range slots {
		if slot == newest {
			continue
		}
		if err := s.wipeSlot(ctx, slot, known[slot]); err != nil {
			return err
		}
	}
	for _, item := range []string{previousItem, headItem} {
		if err := Remove(ctx, s.k, item); err != nil {
			return err
		}
	}
	if newest == "" {
		return nil
	}
	return s.wipeSlot(ctx, newest, known[newest])
}

// wipeSlot removes the chunks of a slot from the last to the first: if it is
// interrupted, the next one finds no gap to stop at. It looks for further chunks
// from the number atLeast on.
func (s *Store) wipeSlot(ctx context.Context, slot string, atLeast int) error {
	end := atLeast
	for ; end <= maxChunks; end++ {
		_, err := s.k.Get(ctx, chunkItem(slot, end))
		if errors.Is(err, ErrNotFound) {
			break
		} else if err != nil {
			return err
		}
	}
	for i := end - 1; i >= 0; i-- {
		if err := Remove(ctx, s.k, chunkItem(slot, i)); err != nil {
			return err
		}
	}
	return nil
}
