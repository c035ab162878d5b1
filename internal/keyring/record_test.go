package keyring

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// records are heads and chunks of our own making, and what is almost one.
func records(t testing.TB) []string {
	packed := packedOf(t, "a snapshot, a snapshot", "", "and more")
	whole := contentOf(7, packed)
	first := whole // as version 1 wrote it
	first.format = 1
	pieces, err := split(whole, bytes.Repeat(packed, 9), chunkOverhead+40)
	if err != nil {
		t.Fatal(err)
	}
	length := " " + strconv.Itoa(whole.length) + " "
	return []string{
		strings.Replace(head{content: whole, packed: packed}.String(), " 7 ", " 07 ", 1),
		strings.Replace(head{content: whole, packed: packed}.String(), length, " +"+length[1:], 1),
		strings.Replace(pieces[0].String(), " 7 ", " x ", 1),
		strings.Replace(pieces[0].String(), " 0 ", " 00 ", 1),
		head{content: whole, packed: packed}.String(),
		head{content: whole, slot: "a", count: 3}.String(),
		head{content: first, packed: packed}.String(),
		chunk{content: first, count: 2, packed: packed}.String(),
		head{content: contentOf(math.MaxUint64, nil)}.String(),
		pieces[0].String(),
		pieces[len(pieces)-1].String(),
		"",
		"auth-head",
		head{content: whole, packed: packed}.String() + "\n",
		"auth-head 0 7 inline 3 AAAA BBBB",
		"auth-head x 7 inline 3 AAAA BBBB",
		"auth-head 3 whatever comes",
		"auth-chunk 99999999999999999999 7",
		"auth-head 1 7 d/1 3 AAAA",
		"auth-head 1 07 inline 3 AAAA BBBB",
		"auth-chunk 1 7 3 3 9 AAAA BBBB CCCC",
	}
}

// FuzzRecord: what is read is written the same, so nothing in an item goes
// unread, and whatever is in one is an error of ours or a record.
func FuzzRecord(f *testing.F) {
	for _, record := range records(f) {
		f.Add(record)
	}
	f.Fuzz(func(t *testing.T, value string) {
		h, err := parseHead("head", value)
		if err == nil && h.String() != value {
			t.Errorf("head %q is written as %q", value, h)
		}
		explained(t, "head", value, err)
		c, err := parseChunk("a0000", value)
		if err == nil && c.String() != value {
			t.Errorf("chunk %q is written as %q", value, c)
		}
		explained(t, "a0000", value, err)
	})
}

// explained checks that an error is of a later version, or says which item is damaged and how.
func explained(t *testing.T, item, value string, err error) {
	t.Helper()
	if err == nil || errors.Is(err, ErrNewer) {
		return
	}
	if damaged, ok := errors.AsType[*DamagedError](err); !ok || damaged.Item != item || damaged.Why == "" {
		t.Errorf("%s %q: %v", item, value, err)
	}
}

// packedOf returns sections as a snapshot has them.
func packedOf(t testing.TB, sections ...string) []byte {
	list := make([][]byte, len(sections))
	for i, section := range sections {
		list[i] = []byte(section)
	}
	compressed, err := compress(list)
	if err != nil {
		t.Fatal(err)
	}
	return pack(compressed)
}

// FuzzUnpack: no bytes make it panic or take more memory than there are of them, and what
// is packed comes back.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte("a snapshot, a snapshot"))
	f.Add([]byte{3, 1, 0, 2, 'a', 'b', 'c'})
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Add(append([]byte{2}, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01"...)) // lengths whose sum overflows
	f.Add(packedOf(f, "", "one", "and another"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if sections, ok := unpack(data); ok {
			if again, ok := unpack(pack(sections)); !ok || !slices.EqualFunc(again, sections, bytes.Equal) {
				t.Errorf("%d sections came back as %d", len(sections), len(again))
			}
			if _, ok := unpack(append(bytes.Clone(data), 0)); ok {
				t.Error("a tail goes unnoticed")
			}
		}
		_, _ = decompress(data, 1<<20)
		compressed, err := compress([][]byte{data})
		if err != nil {
			t.Fatal(err)
		}
		if again, err := decompress(compressed[0], len(data)); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%d bytes came back as %d, %v", len(data), len(again), err)
		}
		if len(data) > 0 {
			if _, err := decompress(compressed[0], len(data)-1); !errors.Is(err, ErrTooBig) {
				t.Errorf("more than the limit: %v", err)
			}
		}
		if _, err := decompress(append(compressed[0], 0), len(data)); err == nil {
			t.Error("a tail goes unnoticed")
		}
	})
}

// TestVersion1 reads what version 1 wrote: one compressed section without a table, in a
// head and in chunks. What is written after it is version 2.
func TestVersion1(t *testing.T) {
	t.Parallel()
	data := []byte("a snapshot of the first version")
	compressed, err := compress([][]byte{data})
	if err != nil {
		t.Fatal(err)
	}
	packed := compressed[0]
	whole := content{format: 1, generation: 7, length: len(packed), sum: sumOf(1, 7, packed)}
	head1 := head{content: whole, packed: packed}.String()
	if !strings.HasPrefix(head1, "auth-head 1 7 inline ") {
		t.Fatal(head1)
	}
	for name, items := range map[string]map[string]string{
		"in the head": {headItem: head1},
		"in chunks": {
			headItem: head{content: whole, slot: "a", count: 1}.String(),
			"a0000":  chunk{content: whole, count: 1, packed: packed}.String(),
		},
	} {
		s := NewStore(itemsOnly(items))
		snap, err := s.Load(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := snap.Section(0)
		if snap.Generation != 7 || snap.Len() != 1 || err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: generation %d of %d sections, %q, %v", name, snap.Generation, snap.Len(), got, err)
		}
		for generation, write := range []func(generation uint64) error{
			8: func(generation uint64) error { return s.Restore(t.Context(), snap, generation) },
			9: func(generation uint64) error { return s.Save(t.Context(), generation, data) },
		} {
			if write == nil {
				continue
			}
			if err := write(uint64(generation)); err != nil {
				t.Fatalf("%s: write %d: %v", name, generation, err)
			}
			again, err := s.Load(t.Context())
			if err != nil || again.content.format != 2 {
				t.Fatalf("%s: write %d: format %d, %v", name, generation, again.content.format, err)
			}
			if got, err := again.Section(0); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s: write %d: %q, %v", name, generation, got, err)
			}
		}
	}
}

// itemsOnly is a keyring without faults; [keyringtest.Memory] would import this package.
type itemsOnly map[string]string

func (k itemsOnly) Get(_ context.Context, name string) (string, error) {
	if value, found := k[name]; found {
		return value, nil
	}
	return "", ErrNotFound
}

func (k itemsOnly) Set(_ context.Context, name, value string) error { k[name] = value; return nil }
func (k itemsOnly) Delete(_ context.Context, name string) error     { delete(k, name); return nil }
func (k itemsOnly) Limit() int                                      { return 1000 }
func (k itemsOnly) Kind() string                                    { return "system" }

// TestChunkOverhead: with the longest numbers a chunk fills its limit and does
// not exceed it.
func TestChunkOverhead(t *testing.T) {
	t.Parallel()
	const limit = 2500
	packed := make([]byte, text.DecodedLen(limit-chunkOverhead))
	c := chunk{content: contentOf(math.MaxUint64, packed), index: maxChunks - 1, count: maxChunks, packed: packed}
	c.length = maxSnapshot
	if n := len(c.String()); n > limit || n < limit-20 {
		t.Errorf("the largest chunk for %d bytes has %d", limit, n)
	}
}

// TestSumBindsGeneration: the same bytes under another generation are another
// snapshot, and one that does not fit what a head says is refused.
func TestSumBindsGeneration(t *testing.T) {
	t.Parallel()
	packed := packedOf(t, "x")
	c := contentOf(7, packed)
	if _, why := c.open(packed); why != "" {
		t.Error(why)
	}
	c.generation++
	if _, why := c.open(packed); why == "" {
		t.Error("a snapshot opens under a generation that is not its own")
	}
}

// TestMostChunks: a snapshot of as many chunks as there are names for is stored, and one
// more byte is too big.
func TestMostChunks(t *testing.T) {
	t.Parallel()
	const limit = chunkOverhead + 4 // of three bytes
	most := make([]byte, 3*maxChunks)
	if chunks, err := split(contentOf(1, most), most, limit); err != nil || len(chunks) != maxChunks {
		t.Errorf("%d chunks, %v", len(chunks), err)
	}
	more := make([]byte, 3*maxChunks+1)
	if _, err := split(contentOf(1, more), more, limit); !errors.Is(err, ErrTooBig) {
		t.Errorf("one byte more: %v", err)
	}
	if _, err := split(contentOf(1, most), most, chunkOverhead+1); !errors.Is(err, ErrTooBig) {
		t.Errorf("no byte fits: %v", err)
	}
}

// Attack: a packed snapshot of 20 MB that declares as many sections, which took 640 MB. Nothing
// is taken for them. Other tests would take memory too: this one is not parallel.
func TestUnpackOfManySections(t *testing.T) {
	const count = 20 << 20
	packed := append(binary.AppendUvarint(nil, count), make([]byte, count)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, ok := unpack(packed)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; ok || took > 1<<20 {
		t.Errorf("%d sections are unpacked: %v, %d bytes", count, ok, took)
	}
	// As many as there may be come back, and one more is not written.
	most := make([][]byte, maxSections)
	compressed, err := compress(most)
	if err != nil {
		t.Fatal(err)
	}
	if again, ok := unpack(pack(compressed)); !ok || len(again) != maxSections {
		t.Errorf("%d sections came back as %d", maxSections, len(again))
	}
	if _, err := compress(append(most, nil)); !errors.Is(err, ErrTooBig) {
		t.Errorf("one section more: %v", err)
	}
}
