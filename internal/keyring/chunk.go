package keyring

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

const (
	chunkMagic = "auth-chunk"
	maxChunks  = 9999 // four digits in an item's name

	// chunkOverhead is more than the bytes of a chunk's words with the
	// longest numbers, its data not counted.
	chunkOverhead = len(chunkMagic) + 20 + 4 + 4 + 9 + 43 + 22 + 9
)

// slots hold chunked snapshots. Writes take a and b in turn, so that the snapshot
// before stays whole; the others are for writes that must touch neither (see
// [Store.Settle] and [Store.Restore]).
var slots = []string{"a", "b", "c", "d", "e"}

func isSlot(s string) bool { return slices.Contains(slots, s) }

// chunkItem names a chunk: a0000, a0001 and so on.
func chunkItem(slot string, index int) string { return fmt.Sprintf("%s%04d", slot, index) }

// A chunk is one piece of a packed snapshot. It says which piece of which
// snapshot, so that a whole one can be found without a head. As text it is
//
//	auth-chunk VERSION GENERATION INDEX COUNT LENGTH SUM OWN DATA
//
// with one space between the words; LENGTH and SUM are those of the whole
// snapshot, OWN is the hash of the chunk.
type chunk struct {
	content
	index, count int
	packed       []byte
}

func (c chunk) String() string {
	hash := c.hash()
	return fmt.Sprintf("%s %d %d %d %d %d %s %s %s", chunkMagic, c.format, c.generation, c.index, c.count,
		c.length, text.EncodeToString(c.sum[:]), text.EncodeToString(hash[:]), text.EncodeToString(c.packed))
}

// hash returns the first half of a SHA-256 over the chunk and its index.
func (c chunk) hash() (sum [sha256.Size / 2]byte) {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64([]byte("auth chunk 1\n"), uint64(c.index)))
	h.Write(c.sum[:]) // which binds generation and length
	h.Write(c.packed)
	copy(sum[:], h.Sum(nil))
	return sum
}

// parseChunk reads the chunk in an item and checks it against its own hash.
// Errors: *[DamagedError], [ErrNewer].
func parseChunk(item, value string) (chunk, error) {
	bad := func(why string) (chunk, error) { return chunk{}, &DamagedError{Item: item, Why: why} }
	format, words, err := splitRecord(item, chunkMagic, value)
	if err != nil {
		return chunk{}, err
	}
	if len(words) != 7 {
		return bad("it does not have nine words")
	}
	whole, okW := parseContent(format, words[0], words[3], words[4])
	index, okI := parseNumber(words[1])
	count, okC := parseNumber(words[2])
	if !okW || !okI || !okC || count > maxChunks || index >= count {
		return bad("it is not a chunk")
	}
	c := chunk{content: whole, index: int(index), count: int(count)}
	hash, err := text.DecodeString(words[5])
	if err != nil {
		return bad("its hash is not base64")
	}
	if c.packed, err = text.DecodeString(words[6]); err != nil {
		return bad("its data is not base64")
	}
	if sum := c.hash(); !slices.Equal(hash, sum[:]) {
		return bad("its hash does not match")
	}
	return c, nil
}

// split cuts a packed snapshot into chunks of which each fits into limit bytes.
func split(whole content, packed []byte, limit int) ([]chunk, error) {
	size := text.DecodedLen(limit - chunkOverhead)
	if size < 1 {
		return nil, fmt.Errorf("%w: no chunk fits into %d bytes", ErrTooBig, limit)
	}
	pieces := slices.Collect(slices.Chunk(packed, size))
	if len(pieces) > maxChunks {
		return nil, fmt.Errorf("%w: %d items of %d bytes", ErrTooBig, len(pieces), limit)
	}
	chunks := make([]chunk, len(pieces))
	for i, piece := range pieces {
		chunks[i] = chunk{content: whole, index: i, count: len(pieces), packed: piece}
	}
	return chunks, nil
}

// readChunk reads one chunk of a slot. A missing one is [ErrNotFound].
func (s *Store) readChunk(ctx context.Context, slot string, index int) (chunk, error) {
	item := chunkItem(slot, index)
	value, err := s.k.Get(ctx, item)
	if err != nil {
		return chunk{}, err
	}
	c, err := parseChunk(item, value)
	if err == nil && c.index != index {
		return chunk{}, &DamagedError{Item: item, Why: "it is the chunk of another item"}
	}
	return c, err
}

// readSlot reads the compressed sections of the snapshot that a head says is in a slot. If
// anything else is there, the error is a *[DamagedError] that names the first item at fault.
func (s *Store) readSlot(ctx context.Context, slot string, want content, count int) ([][]byte, error) {
	var packed []byte
	for i := range count {
		c, err := s.readChunk(ctx, slot, i)
		switch {
		case errors.Is(err, ErrNotFound):
			return nil, &DamagedError{Item: chunkItem(slot, i), Why: "it is missing"}
		case err != nil:
			return nil, err
		case c.content != want || c.count != count:
			return nil, &DamagedError{Item: chunkItem(slot, i), Why: "it belongs to another snapshot"}
		}
		packed = append(packed, c.packed...)
	}
	compressed, why := want.open(packed)
	if why != "" {
		return nil, &DamagedError{Item: "slot " + slot, Why: why}
	}
	return compressed, nil
}

// findSlot reads the snapshot in a slot without a head that names it. found is
// false if there is no whole one.
func (s *Store) findSlot(ctx context.Context, slot string) (snap Snapshot, found bool, err error) {
	for range 2 { // what looks damaged is read again: no repair goes by one bad answer
		var first chunk
		if first, err = s.readChunk(ctx, slot, 0); err == nil {
			snap = Snapshot{Generation: first.generation, Where: "slot " + slot, content: first.content}
			snap.compressed, err = s.readSlot(ctx, slot, first.content, first.count)
		}
		if !isDamage(err) {
			break
		}
	}
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrNewer) || isDamage(err) {
		return Snapshot{}, false, nil
	}
	return snap, err == nil, err
}
