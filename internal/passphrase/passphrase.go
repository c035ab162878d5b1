// Package passphrase generates passphrases, normalises them as people type them, and
// judges those that people choose.
package passphrase

import (
	"crypto/rand"
	_ "embed"
	"math/big"
	"slices"
	"strings"
	"unicode"
)

// words is the English word list of BIP-39: 2,048 sorted words. The first four letters of
// a word identify it.
//
//go:embed words.txt
var words string

// generatedWords is the number of words of a generated passphrase. They give 110 bits.
const generatedWords = 10

// New generates a passphrase of ten random words, joined by hyphens.
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

// Generated returns a passphrase of [New] in its original form. typed may have any case,
// and hyphens, spaces or line breaks between the words. ok is false for everything else.
// A passphrase that a person chose may look the same and has to match exactly, so callers
// try typed itself first.
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
