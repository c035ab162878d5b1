// Package passphrase makes passphrases, takes them as people type them, and judges
// those that people think of.
package passphrase

import (
	"crypto/rand"
	_ "embed"
	"math/big"
	"slices"
	"strings"
	"unicode"
)

// words is the English word list of BIP-39: 2,048 words, sorted, of which the first four
// letters tell each from the others.
//
//go:embed words.txt
var words string

// generatedWords is how many words a passphrase that we make has: 110 bits.
const generatedWords = 10

// New makes a passphrase of ten random words, joined by hyphens.
func New() string {
	list := strings.Fields(words)
	chosen := make([]string, generatedWords)
	for i := range chosen {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(list))))
		if err != nil {
			panic(err) // crypto/rand does not fail on any system that Go runs on
		}
		chosen[i] = list[n.Int64()]
	}
	return strings.Join(chosen, "-")
}

// Generated returns a passphrase of [New] as it was made, where typed is one whatever its
// case, and whatever stands between its words: hyphens, spaces, line breaks. ok is false
// for everything else. What a person has thought of may look the same and be meant as it
// was typed, so typed itself comes first where both are tried.
func Generated(typed string) (passphrase string, ok bool) {
	found := strings.FieldsFunc(strings.ToLower(typed), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.In(r, unicode.Pd)
	})
	if len(found) != generatedWords {
		return "", false
	}
	list := strings.Fields(words)
	for _, word := range found {
		if _, known := slices.BinarySearch(list, word); !known {
			return "", false
		}
	}
	return strings.Join(found, "-"), true
}
