package keyring

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
)

// records are heads and chunks of our own making, and what is almost one.
func records(t testing.TB) []string {
	packed, err := pack([]byte("a snapshot, a snapshot"))
	if err != nil {
		t.Fatal(err)
	}
	whole := contentOf(7, packed)
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
		head{content: contentOf(math.MaxUint64, nil)}.String(),
		pieces[0].String(),
		pieces[len(pieces)-1].String(),
		"",
		"auth-head",
		head{content: whole, packed: packed}.String() + "\n",
		"auth-head 0 7 inline 3 AAAA BBBB",
		"auth-head x 7 inline 3 AAAA BBBB",
		"auth-head 2 whatever comes",
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

// FuzzUnpack: no bytes make it panic, and what is packed comes back.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte("a snapshot, a snapshot"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = unpack(data)
		packed, err := pack(data)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := unpack(packed); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%d bytes came back as %d, %v", len(data), len(again), err)
		}
		if _, err := unpack(append(packed, 0)); err == nil {
			t.Error("a tail goes unnoticed")
		}
	})
}

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
	packed, err := pack([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
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
