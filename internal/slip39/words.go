package slip39

import (
	_ "embed"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// words is the list of SLIP-0039: 1,024 sorted words of four to eight letters. The first
// four letters of a word identify it.
//
//go:embed words.txt
var words string

// bits is how many bits a word stands for.
const bits = 10

// Lengths of the parts of a share in words.
const (
	setWords      = 2 // identifier, extendable flag and exponent
	indexWords    = 2 // groups, index and thresholds
	checksumWords = 3
	metadataWords = setWords + indexWords + checksumWords
	minWords      = metadataWords + (8*minSecret+bits-1)/bits
)

// Errors of [Parse], beside [WordError] and [ChecksumError]. They contain nothing of the
// words.
var (
	ErrLength  = errors.New("no share has that many words")
	ErrPadding = errors.New("the words say what no share says")
)

// A WordError says that a word is not in the list.
type WordError struct{ Number int } // from 1

func (e *WordError) Error() string { return fmt.Sprintf("word %d is misspelled", e.Number) }

// A ChecksumError says that the words do not fit together.
type ChecksumError struct {
	// Number is that of the only word which, replaced by another, makes the checksum right;
	// 0 if there is none. The standard advises against naming the right word.
	Number int
}

func (e *ChecksumError) Error() string {
	if e.Number > 0 {
		return fmt.Sprintf("a word is wrong, probably word %d", e.Number)
	}
	return "two or more words are wrong, missing or not in their order"
}

// Word returns the word that text is, or that begins with it if it has four letters or
// more. ok is false if there is none.
func Word(text string) (word string, ok bool) {
	list := strings.Fields(words)
	i, ok := index(list, text)
	if !ok {
		return "", false
	}
	return list[i], true
}

func index(list []string, text string) (i int, ok bool) {
	i, found := slices.BinarySearch(list, text)
	return i, found || len(text) >= 4 && i < len(list) && strings.HasPrefix(list[i], text)
}

// Near returns the words that begin with the longest beginning of text that any word
// begins with.
func Near(text string) []string {
	for ; text != ""; text = text[:len(text)-1] {
		var near []string
		for word := range strings.FieldsSeq(words) {
			if strings.HasPrefix(word, text) {
				near = append(near, word)
			}
		}
		if len(near) > 0 {
			return near
		}
	}
	return nil
}

// Parse returns the share that the words are. The first four letters of each are enough,
// and case does not count.
func Parse(texts []string) (Share, error) {
	indices := lookUp(texts)
	if i := slices.Index(indices, -1); i >= 0 {
		return Share{}, &WordError{i + 1}
	}
	return parse(indices)
}

// lookUp returns the indices of words in the list, -1 for those that are not in it.
func lookUp(texts []string) []int {
	list := strings.Fields(words)
	indices := make([]int, len(texts))
	for i, text := range texts {
		var ok bool
		if indices[i], ok = index(list, strings.ToLower(text)); !ok {
			indices[i] = -1
		}
	}
	return indices
}

func parse(indices []int) (Share, error) {
	valueBits := bits * (len(indices) - metadataWords)
	padding := valueBits % 16
	if len(indices) < minWords || padding > 8 {
		return Share{}, ErrLength
	}
	head := number(indices[:setWords+indexWords]).Uint64()
	field := func(shift, width int) int { return int(head >> shift & (1<<width - 1)) }
	s := share{
		set: set{
			id: field(25, 15), extendable: field(24, 1) == 1, exponent: field(20, 4),
			groupThreshold: field(12, 4) + 1, groups: field(8, 4) + 1,
		},
		group: field(16, 4), index: field(4, 4), threshold: field(0, 4) + 1,
	}
	value := number(indices[setWords+indexWords : len(indices)-checksumWords])
	switch {
	case checksum(s.extendable, indices) != 1:
		return Share{}, &ChecksumError{wrongWord(indices)}
	case value.BitLen() > valueBits-padding, s.groupThreshold > s.groups:
		return Share{}, ErrPadding
	}
	s.value = value.FillBytes(make([]byte, (valueBits-padding)/8))
	return Share{&s}, nil
}

// Words returns the words of the share, which are secret.
func (s Share) Words() []string {
	head := uint64(s.p.id)<<25 | uint64(s.p.exponent)<<20 | uint64(s.p.group)<<16 |
		uint64(s.p.groupThreshold-1)<<12 | uint64(s.p.groups-1)<<8 | uint64(s.p.index)<<4 | uint64(s.p.threshold-1)
	if s.p.extendable {
		head |= 1 << 24
	}
	indices := digits(new(big.Int).SetUint64(head), setWords+indexWords)
	indices = append(indices, digits(new(big.Int).SetBytes(s.p.value), (8*len(s.p.value)+bits-1)/bits)...)
	sum := checksum(s.p.extendable, append(indices, make([]int, checksumWords)...)) ^ 1
	indices = append(indices, digits(new(big.Int).SetUint64(uint64(sum)), checksumWords)...)
	list := strings.Fields(words)
	texts := make([]string, len(indices))
	for i, index := range indices {
		texts[i] = list[index]
	}
	return texts
}

// number returns the number whose digits to the base 1024 are given.
func number(digits []int) *big.Int {
	n := new(big.Int)
	for _, d := range digits {
		n.Or(n.Lsh(n, bits), big.NewInt(int64(d)))
	}
	return n
}

// digits returns count digits of n to the base 1024.
func digits(n *big.Int, count int) []int {
	list := make([]int, count)
	rest, mask := new(big.Int).Set(n), big.NewInt(1<<bits-1)
	for i := range list {
		list[count-1-i] = int(new(big.Int).And(rest, mask).Int64())
		rest.Rsh(rest, bits)
	}
	return list
}

// checksum returns the RS1024 checksum of words. It is 1 if the last three of them are
// right.
func checksum(extendable bool, indices []int) uint32 {
	generator := [bits]uint32{
		0xe0e040, 0x1c1c080, 0x3838100, 0x7070200, 0xe0e0009, 0x1c0c2412, 0x38086c24, 0x3090fc48, 0x21b1f890, 0x3f3f120,
	}
	customization := "shamir"
	if extendable {
		customization = "shamir_extendable"
	}
	sum := uint32(1)
	add := func(value uint32) {
		top := sum >> 20
		sum = sum&0xfffff<<bits ^ value
		for i, g := range generator {
			sum ^= g & -(top >> i & 1)
		}
	}
	for _, c := range []byte(customization) {
		add(uint32(c))
	}
	for _, index := range indices {
		add(uint32(index))
	}
	return sum
}

// wrongWord returns the number of the only word which, replaced by another, makes the
// checksum right, or 0. Two codewords of RS1024 differ in four words or more, so that there
// is never more than one such word.
func wrongWord(indices []int) int {
	tried := slices.Clone(indices)
	for i := range tried {
		for tried[i] = range 1 << bits {
			extendable := tried[1]>>4&1 == 1
			if checksum(extendable, tried) == 1 {
				return i + 1
			}
		}
		tried[i] = indices[i]
	}
	return 0
}
