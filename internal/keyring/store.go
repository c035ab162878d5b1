package keyring

import (
	"context"
	"errors"
	"fmt"
)

// A Store keeps one snapshot, sections of any bytes, in a [Keyring], under generations
// that only grow. A snapshot is written and checked as a whole; its sections are there so
// that who wants few of them need not decompress the others.
//
// A small snapshot lies in the item "head": one item, one read, one write. The
// head that it replaces is kept as "previous" first. A larger one lies in
// chunks, "a0000" and so on, in a slot that the head names; the next write
// takes another slot, and writes the head last. Wherever a write is stopped, the
// head is the old one or the new one, and what it names is whole. If the head
// itself is lost or damaged, [Store.Generations] finds what it named.
//
// At least one earlier snapshot stays until the next write begins, so a removed
// secret leaves the keyring two or three writes later.
// Chunks of a longer old snapshot can stay for longer; [Store.Wipe] finds them.
//
// # Writes that time out
//
// A Set without an answer may still happen, even after its process has ended
// and another has written. Save stops at the first such Set with
// [ErrUnsettled], so at most one is outstanding. The caller remembers that,
// and the next write is a [Store.Settle]. If the outstanding Set then happens
//
//   - to a chunk, it lies in a slot that Settle did not touch;
//   - to "previous", that holds an older generation than it could;
//   - to the head, the head is the older one again. Load returns its generation,
//     which is below the one that the caller knows (from the vault's marker), and
//     Generations finds the newer one, whole, in its slot.
//
// A Settle that times out too is followed by one in another slot. One case remains: if
// three in a row time out while all are outstanding, a late chunk of the first can
// destroy the snapshot of the next, but not the one before that.
type Store struct {
	k Keyring
}

// A Snapshot is what a [Store] holds, or held.
type Snapshot struct {
	Generation uint64
	// Where it was found: "head", "previous", "slot a" and so on.
	Where string

	content    content
	compressed [][]byte // the sections
}

// NewSnapshot returns a snapshot that was found nowhere, for [Store.Restore].
func NewSnapshot(sections ...[]byte) (Snapshot, error) {
	compressed, err := compress(sections)
	return Snapshot{compressed: compressed}, err
}

// Len returns how many sections there are.
func (s Snapshot) Len() int { return len(s.compressed) }

// Section returns the section i, from 0 on. An error is a *[DamagedError].
func (s Snapshot) Section(i int) ([]byte, error) { return s.section(i, maxSnapshot) }

func (s Snapshot) section(i, limit int) ([]byte, error) {
	data, err := decompress(s.compressed[i], limit)
	if err != nil {
		return nil, &DamagedError{Item: s.Where, Why: "it does not unpack"}
	}
	return data, nil
}

// Sections returns all sections. An error is a *[DamagedError].
func (s Snapshot) Sections() ([][]byte, error) {
	sections, left := make([][]byte, s.Len()), maxSnapshot
	for i := range sections {
		var err error
		if sections[i], err = s.section(i, left); err != nil {
			return nil, err
		}
		left -= len(sections[i])
	}
	return sections, nil
}

// ErrGeneration: a write whose generation is not above that of the head.
var ErrGeneration = errors.New("generation is not above the stored one")

// NewStore returns the store in a keyring, which it does not look at yet.
func NewStore(k Keyring) *Store { return &Store{k: k} }

// Load returns the current snapshot. It needs no lock: if a writer comes in
// between, it reads again. Errors: [ErrNotFound] if there is no head at all,
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
			break // nobody has written in between: it is damaged
		}
		snap, err := s.readHead(ctx, headItem, value)
		if err == nil || !isDamage(err) {
			return snap, err
		}
		before, damage = value, err
	}
	return Snapshot{}, damage
}

// readHead reads the snapshot that the head in an item holds or names.
func (s *Store) readHead(ctx context.Context, item, value string) (Snapshot, error) {
	h, err := parseHead(item, value)
	if err != nil {
		return Snapshot{}, err
	}
	snap := Snapshot{Generation: h.generation, Where: item, content: h.content}
	if h.slot != "" {
		snap.compressed, err = s.readSlot(ctx, h.slot, h.content, h.count)
		return snap, err
	}
	compressed, why := h.open(h.packed)
	if why != "" {
		return Snapshot{}, &DamagedError{Item: item, Why: why}
	}
	snap.compressed = compressed
	return snap, nil
}

// Save makes the sections the current snapshot. The caller holds the vault's lock and
// has based them on what Load returned. Errors: [ErrGeneration],
// *[DamagedError] and [ErrNewer] for the head that is there, which is never
// replaced unread; [ErrUnsettled] (see [Put]); those of [Keyring.Set]. After
// any of them the old snapshot is there, or the new one.
func (s *Store) Save(ctx context.Context, generation uint64, sections ...[]byte) error {
	old, err := s.headForWrite(ctx, generation)
	if err != nil {
		return err
	}
	compressed, err := compress(sections)
	if err != nil {
		return err
	}
	packed := pack(compressed)
	new := head{content: contentOf(generation, packed), packed: packed}
	if line := new.String(); len(line) <= s.k.Limit() {
		return s.publish(ctx, old, line)
	}
	slot := nextSlot(old.slot)
	if !old.found {
		// A head that was lost may have named a snapshot that is still wanted.
		if slot, err = s.spareSlot(ctx); err != nil {
			return err
		}
	}
	return s.saveIn(ctx, slot, old, new.content, packed)
}

// Settle is Save for the first write after one that was [ErrUnsettled]. Its
// generation is above the one of that write. It writes chunks into a slot that
// neither that write nor the current snapshot can be in, and reads everything back
// once more at the end.
func (s *Store) Settle(ctx context.Context, generation uint64, sections ...[]byte) error {
	old, err := s.headForWrite(ctx, generation)
	if err != nil {
		return err
	}
	compressed, err := compress(sections)
	if err != nil {
		return err
	}
	packed := pack(compressed)
	slot := settleSlot(generation)
	if old.slot == slot {
		slot = settleSlot(generation + 1)
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
func (s *Store) saveIn(ctx context.Context, slot string, old oldHead, whole content, packed []byte) error {
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

// publish replaces the head. The data of an inline head is nowhere else, so that
// head is kept as "previous" first.
func (s *Store) publish(ctx context.Context, old oldHead, line string) error {
	if old.found && old.slot == "" {
		if err := Put(ctx, s.k, previousItem, old.line); err != nil {
			return err
		}
	}
	return Put(ctx, s.k, headItem, line)
}

// An oldHead is the head as a writer finds it.
type oldHead struct {
	head
	line  string
	found bool
}

// headForWrite reads the head that a write under a new generation replaces.
func (s *Store) headForWrite(ctx context.Context, generation uint64) (oldHead, error) {
	line, err := s.k.Get(ctx, headItem)
	if errors.Is(err, ErrNotFound) {
		return oldHead{}, nil
	} else if err != nil {
		return oldHead{}, err
	}
	h, err := parseHead(headItem, line)
	if err != nil {
		return oldHead{}, err
	}
	if h.slot == "" {
		if _, why := h.open(h.packed); why != "" {
			return oldHead{}, &DamagedError{Item: headItem, Why: why}
		}
	}
	if generation <= h.generation {
		return oldHead{}, fmt.Errorf("%w: %d after %d", ErrGeneration, generation, h.generation)
	}
	return oldHead{head: h, line: line, found: true}, nil
}

// settleSlot returns the slot that a Settle writes to. Those of generations that follow
// each other are different ones.
func settleSlot(generation uint64) string { return []string{"c", "d", "e"}[generation%3] }

// nextSlot returns the slot that a Save writes to, given that of the head; "" is
// an inline head.
func nextSlot(slot string) string {
	if slot == "a" {
		return "b"
	}
	return "a"
}
