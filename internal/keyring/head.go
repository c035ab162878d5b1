package keyring

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// formatVersion is that of heads, chunks and packed snapshots. A reader refuses a higher
// one. In version 1 a snapshot was one compressed section without a table.
const formatVersion = 2

const (
	headItem     = "head"
	previousItem = "previous"

	headMagic = "auth-head"
	inline    = "inline" // in place of a slot's letter
)

// A head names the current snapshot, or holds it. As text it is six words with
// one space between them, and the data as a seventh if it is inline:
//
//	auth-head VERSION GENERATION inline LENGTH SUM DATA
//	auth-head VERSION GENERATION SLOT/COUNT LENGTH SUM
//
// LENGTH is that of the packed snapshot in bytes; SUM (see [sumOf]) and DATA
// are unpadded base64url.
type head struct {
	content
	slot   string // one of slots; "" for inline
	count  int    // chunks in the slot
	packed []byte // inline
}

func (h head) String() string {
	where := inline
	if h.slot != "" {
		where = h.slot + "/" + strconv.Itoa(h.count)
	}
	line := fmt.Sprintf("%s %d %d %s %d %s",
		headMagic, h.format, h.generation, where, h.length, text.EncodeToString(h.sum[:]))
	if h.slot == "" {
		line += " " + text.EncodeToString(h.packed)
	}
	return line
}

// parseHead reads the head in an item. Errors: *[DamagedError], [ErrNewer].
// The data of an inline head is not checked against its sum yet.
func parseHead(item, value string) (h head, err error) {
	bad := func(why string) (head, error) { return head{}, &DamagedError{Item: item, Why: why} }
	format, words, err := splitRecord(item, headMagic, value)
	if err != nil {
		return head{}, err
	}
	if len(words) < 4 {
		return bad("it is cut short")
	}
	c, ok := parseContent(format, words[0], words[2], words[3])
	if !ok {
		return bad("it is not a head")
	}
	h = head{content: c}
	if words[1] == inline {
		if len(words) != 5 {
			return bad("it does not have six words and data")
		}
		if h.packed, err = text.DecodeString(words[4]); err != nil {
			return bad("its data is not base64")
		}
		return h, nil
	}
	slot, count, _ := strings.Cut(words[1], "/")
	n, ok := parseNumber(count)
	if len(words) != 4 || !isSlot(slot) || !ok || n < 1 || n > maxChunks {
		return bad("it names no slot")
	}
	h.slot, h.count = slot, int(n)
	return h, nil
}

// splitRecord checks the magic word of a record, and returns its format version and the
// words after it.
func splitRecord(item, magic, value string) (format int, words []string, err error) {
	bad := func(why string) (int, []string, error) { return 0, nil, &DamagedError{Item: item, Why: why} }
	if value == "" {
		return bad("it is empty")
	}
	// Go's base64 ignores line breaks, so nothing else would notice one.
	if strings.IndexByte(value, '\n') >= 0 || strings.IndexByte(value, '\r') >= 0 {
		return bad("it has line breaks")
	}
	words = strings.Split(value, " ")
	if words[0] != magic || len(words) < 2 {
		return bad("it is not ours")
	}
	version, ok := parseNumber(words[1])
	switch {
	case !ok || version == 0:
		return bad("it has no version")
	case version > formatVersion:
		return 0, nil, fmt.Errorf("item %s: %w", item, ErrNewer)
	}
	return int(version), words[2:], nil
}

func parseContent(format int, generation, length, sum string) (c content, ok bool) {
	g, okG := parseNumber(generation)
	l, okL := parseNumber(length)
	s, err := text.DecodeString(sum)
	if !okG || !okL || l > maxSnapshot || err != nil || len(s) != len(c.sum) {
		return content{}, false
	}
	return content{format: format, generation: g, length: int(l), sum: [32]byte(s)}, true
}

// parseNumber reads a number in decimal, without leading zeros or a sign.
func parseNumber(s string) (uint64, bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil && strconv.FormatUint(n, 10) == s
}

// isDamage reports whether err is a *[DamagedError].
func isDamage(err error) bool {
	var damaged *DamagedError
	return errors.As(err, &damaged)
}
