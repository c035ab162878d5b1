package keyring

import (
	"context"
	"errors"
	"fmt"
)

// A Store keeps one snapshot, any bytes, in a [Keyring], under generations
// that only grow.
//
// A small snapshot lies in the item "head": one item, one read, one write. The
// head that it replaces is kept as "previous" first. A larger one lies in
// chunks, "a0000" and so on, in a slot that the head names; the next write
// takes another slot, and the head comes last. Whatever a write is stopped at,
// the head is the old one or the new one, and what it names is whole. Should
// the head itself be lost or damaged, [Store.Generations] finds what it named.
//
// Of the snapshots before the last one at least one stays until the next write
// begins, so a removed secret leaves the keyring two or three writes later.
// Chunks of a longer old snapshot can stay for longer; [Store.Wipe] finds them.
//
// # Writes that time out
//
// A Set without an answer may still happen, even after its process has ended
// and another has written. Save stops at the first such Set with
// [ErrUnsettled], so at most one is outstanding. The caller remembers that,
// and the next write is a [Store.Settle]. If the outstanding Set then happens
//
//   - to a chunk: it lies in a slot that Settle did not touch;
//   - to "previous": an older generation stands there than could, no more;
//   - to the head: the head is the older one again. Load returns its
//     generation, below the one that the caller knows (the vault's marker), and
//     Generations has the newer one, whole, in its slot.
//
// What remains: a second write that times out while the first is outstanding
// may share its slot with the next Settle, which then can lose its snapshot to
// a late chunk, but not the one before.
type Store struct {
	k Keyring
}

// A Snapshot is what a [Store] holds, or held.
type Snapshot struct {
	Generation uint64
	Data       []byte
	// Where it was found: "head", "previous", "slot a", "slot b", "slot c".
	Where string

	content content
}

// ErrGeneration: a write whose generation is not above that of the head.
var ErrGeneration = errors.New("generation is not above the stored one")

// NewStore returns the store in a keyring, which it does not look at yet.
func NewStore(k Keyring) *Store { return &Store{k: k} }

// Load returns the current snapshot. It needs no lock: where a writer was
// faster it looks again. Errors: [ErrNotFound] if there is no head at all,
// *[DamagedError], [ErrNewer], and those of [Keyring.Get].
func (s *Store) Load(ctx context.Context) (Snapshot, error) {
	const tries = 10
	var before string
	var damage error
	for try := range tries {
		value, err := s.k.Get(ctx, headItem)
		if err != nil {
			return Snapshot{}, err
		}
		if try > 0 && value == before {
			break // nobody has written, so it is not a matter of timing
		}
		snap, err := s.follow(ctx, headItem, value)
		if err == nil || !isDamage(err) {
			return snap, err
		}
		before, damage = value, err
	}
	return Snapshot{}, damage
}

// follow reads the snapshot that the head in an item holds or names.
func (s *Store) follow(ctx context.Context, item, value string) (Snapshot, error) {
	h, err := parseHead(item, value)
	if err != nil {
		return Snapshot{}, err
	}
	snap := Snapshot{Generation: h.generation, Where: item, content: h.content}
	if h.slot != "" {
		snap.Data, err = s.readSlot(ctx, h.slot, h.content, h.count)
		return snap, err
	}
	data, why := h.open(h.packed)
	if why != "" {
		return Snapshot{}, &DamagedError{Item: item, Why: why}
	}
	snap.Data = data
	return snap, nil
}

// Save makes data the current snapshot. The caller holds the vault's lock and
// has based data on what Load returned. Errors: [ErrGeneration],
// *[DamagedError] and [ErrNewer] for the head that is there, which is never
// replaced unread; [ErrUnsettled] (see [Put]); those of [Keyring.Set]. After
// any of them the old snapshot is there, or the new one.
func (s *Store) Save(ctx context.Context, generation uint64, data []byte) error {
	old, err := s.current(ctx, generation)
	if err != nil {
		return err
	}
	packed, err := pack(data)
	if err != nil {
		return err
	}
	new := head{content: contentOf(generation, packed), packed: packed}
	if line := new.String(); len(line) <= s.k.Limit() {
		return s.publish(ctx, old, line)
	}
	slot := nextSlot(old.slot)
	if !old.found {
		// Whoever lost a head may still want what it named.
		if slot, err = s.spareSlot(ctx); err != nil {
			return err
		}
	}
	return s.saveIn(ctx, slot, old, new.content, packed)
}

// Settle is Save for the first write after one that was [ErrUnsettled]. It
// writes where neither that one nor the current snapshot can lie, always in
// chunks, and reads everything back once more at the end.
func (s *Store) Settle(ctx context.Context, generation uint64, data []byte) error {
	old, err := s.current(ctx, generation)
	if err != nil {
		return err
	}
	packed, err := pack(data)
	if err != nil {
		return err
	}
	slot := "c"
	if old.slot == slot {
		slot = "b" // a Save would have taken a
	}
	if err := s.saveIn(ctx, slot, old, contentOf(generation, packed), packed); err != nil {
		return err
	}
	now, err := s.Load(ctx)
	if err == nil && now.Generation != generation {
		err = fmt.Errorf("generation %d came instead of %d", now.Generation, generation)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnsettled, err)
	}
	return nil
}

// saveIn writes chunks into a slot that the head does not name, and the head.
func (s *Store) saveIn(ctx context.Context, slot string, old current, whole content, packed []byte) error {
	chunks, err := split(whole, packed, s.k.Limit())
	if err != nil {
		return err
	}
	for _, c := range chunks {
		if err := Put(ctx, s.k, chunkItem(slot, c.index), c.String()); err != nil {
			return err
		}
	}
	return s.publish(ctx, old, head{content: whole, slot: slot, count: len(chunks)}.String())
}

// publish replaces the head. An inline one has no other home, so it is kept as
// "previous" first.
func (s *Store) publish(ctx context.Context, old current, line string) error {
	if old.found && old.slot == "" {
		if err := Put(ctx, s.k, previousItem, old.line); err != nil {
			return err
		}
	}
	return Put(ctx, s.k, headItem, line)
}

// current is the head as a writer finds it.
type current struct {
	head
	line  string
	found bool
}

// current reads the head for a write under a new generation.
func (s *Store) current(ctx context.Context, generation uint64) (current, error) {
	line, err := s.k.Get(ctx, headItem)
	if errors.Is(err, ErrNotFound) {
		return current{}, nil
	} else if err != nil {
		return current{}, err
	}
	h, err := parseHead(headItem, line)
	if err != nil {
		return current{}, err
	}
	if h.slot == "" {
		if _, why := h.open(h.packed); why != "" {
			return current{}, &DamagedError{Item: headItem, Why: why}
		}
	}
	if generation <= h.generation {
		return current{}, fmt.Errorf("%w: %d after %d", ErrGeneration, generation, h.generation)
	}
	return current{head: h, line: line, found: true}, nil
}

// nextSlot is where a Save goes from a head that is inline ("") or in a slot.
func nextSlot(slot string) string {
	if slot == "a" {
		return "b"
	}
	return "a"
}
