package qr

import (
	"cmp"
	"slices"

	"github.com/makiuchi-d/gozxing/common/reedsolomon"
)

// correctBlock puts the errors of a block right, the last codewords of which
// are checks (ISO/IEC 18004 section 7.5.2). Of those, spare are left unused. It
// returns false where the block has too many errors, and then leaves it alone.
func correctBlock(block []byte, checks, spare int) bool {
	word := make([]int, len(block))
	for i, b := range block {
		word[i] = int(b)
	}
	if !correctWord(word, checks, spare) {
		return false
	}
	for i, v := range word {
		block[i] = byte(v)
	}
	return true
}

// correctWord is [correctBlock] for any codewords of gozxing's field. What its
// Reed-Solomon decoder returns is checked again: it takes some words with
// errors for words without.
func correctWord(word []int, checks, spare int) bool {
	field := reedsolomon.GenericGF_QR_CODE_FIELD_256
	received := slices.Clone(word)
	if err := reedsolomon.NewReedSolomonDecoder(field).Decode(word, checks); err != nil {
		return false
	}
	errors := 0
	for i := range word {
		if word[i] != received[i] {
			errors++
		}
	}
	return 2*errors <= checks-spare && isCodeword(word, checks)
}

// isCodeword reports whether a word has no errors: as a polynomial it is zero
// at the first powers of α.
func isCodeword(word []int, checks int) bool {
	field := reedsolomon.GenericGF_QR_CODE_FIELD_256
	p, err := reedsolomon.NewGenericGFPoly(field, word)
	if err != nil {
		return false
	}
	for i := range checks {
		if p.EvaluateAt(field.Exp(i)) != 0 {
			return false
		}
	}
	return true
}

// correctErasures puts a block right that has too many errors for
// [correctBlock]: it gives up the most doubtful codewords, at first few, then
// more (generalised minimum distance decoding, Forney 1966). A codeword given
// up costs half of what an error costs, so this reads blocks with up to twice
// as many spoiled codewords, as long as it is visible which ones they are.
// gozxing does not do that.
func correctErasures(block []byte, checks, spare int, doubts []byte) bool {
	// With few checks left an erasure decoder finds a message in noise.
	const certainty = 4
	if checks < 10 {
		return false
	}
	order := make([]int, len(block))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(doubts[j], doubts[i]) })
	for erased := 2; erased <= checks-certainty; erased += 2 {
		if fillErasures(block, checks, max(spare, certainty), order[:erased]) {
			return true
		}
	}
	return false
}

// fillErasures puts a block right of which some codewords are given up.
//
// Let X be the power of α that belongs to a place in the block, and w(X) the
// polynomial that is zero at the places given up. If a block is a codeword, the
// sum of all c·X^i is zero for i below the number of checks. So the block of all
// c·w(X) is one too, with as many fewer checks as w has zeros, and what stands
// at the places given up no longer matters: gozxing can correct that block.
// The sum of all c·v(X) is zero as well, where v is w without one of its zeros:
// this gives the codeword at that place.
func fillErasures(block []byte, checks, spare int, erased []int) bool {
	field := reedsolomon.GenericGF_QR_CODE_FIELD_256
	place := func(i int) int { return field.Exp(len(block) - 1 - i) }
	divide := func(a, b int) int {
		inverse, err := field.Inverse(b)
		if err != nil { // b is zero, which only a mistake of ours can cause
			return 0
		}
		return field.Multiply(a, inverse)
	}
	weights := make([]int, len(block))
	word := make([]int, len(block))
	for i := range word {
		weights[i] = 1
		for _, e := range erased {
			weights[i] = field.Multiply(weights[i], place(i)^place(e))
		}
		word[i] = field.Multiply(int(block[i]), weights[i])
	}
	if !correctWord(word, checks-len(erased), spare) {
		return false
	}
	filled := make([]int, len(block))
	for i := range filled {
		if weights[i] != 0 {
			filled[i] = divide(word[i], weights[i])
		}
	}
	for _, e := range erased {
		sum, own := 0, 1
		for i := range word {
			if weights[i] != 0 {
				sum ^= divide(word[i], place(i)^place(e))
			}
		}
		for _, other := range erased {
			if other != e {
				own = field.Multiply(own, place(e)^place(other))
			}
		}
		filled[e] = divide(sum, own)
	}
	if !isCodeword(filled, checks) {
		return false
	}
	for i, v := range filled {
		block[i] = byte(v)
	}
	return true
}
