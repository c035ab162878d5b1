package slip39

import (
	"math/big"
	"strings"
)

// WithChecksum returns the share of words whose last three are not right yet.
func WithChecksum(texts []string) (Share, error) {
	indices := lookUp(texts)
	clear(indices[len(indices)-checksumWords:])
	sum := checksum(indices[1]>>4&1 == 1, indices) ^ 1
	copy(indices[len(indices)-checksumWords:], digits(big.NewInt(int64(sum)), checksumWords))
	return parse(indices)
}

// AllWords returns the list.
func AllWords() []string { return strings.Fields(words) }
