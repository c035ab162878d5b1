package backup

import (
	"crypto/rand"
	_ "embed"
	"math/big"
	"strings"
)

// words is the English word list of BIP-39: 2,048 words of which the first four
// letters tell each from the others.
//
//go:embed words.txt
var words string

// passphraseWords is how many words a passphrase that we make has: 110 bits.
const passphraseWords = 10

// NewPassphrase makes a passphrase of ten random words, joined by dashes.
func NewPassphrase() string {
	list := strings.Fields(words)
	chosen := make([]string, passphraseWords)
	for i := range chosen {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(list))))
		if err != nil {
			panic(err) // crypto/rand does not fail on any system that Go runs on
		}
		chosen[i] = list[n.Int64()]
	}
	return strings.Join(chosen, "-")
}

// Weak reports whether a passphrase could be guessed by whoever gets at the files of
// a location and has time: fewer than 16 characters, or few different ones.
func Weak(passphrase string) bool {
	different := map[rune]bool{}
	for _, r := range passphrase {
		different[r] = true
	}
	return len([]rune(passphrase)) < 16 || len(different) < 8
}
