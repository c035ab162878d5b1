package passphrase

import (
	_ "embed"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// common is a list of passwords and words, one per line, the most frequent first.
//
//go:embed common.txt
var common string

// enough is the number of guesses that a passphrase has to withstand, as a power of ten.
// A guess costs a quarter of a gigabyte and most of a second of a processor (scrypt, N =
// 2¹⁸). At a thousand guesses a second, this many take thirty years. It is a hundred
// times the threshold of zxcvbn's strongest class.
const enough = 12

// Weak reports whether somebody who has the protected files could guess the passphrase,
// given time. A passphrase of [New] is never weak. A passphrase of fewer than twelve
// letters always is, except if they are Chinese.
//
// It counts guesses like zxcvbn. It splits the passphrase into parts. A part is something
// that people commonly choose (a common password or word, a keyboard row, a sequence, a
// repetition, a date), or a random letter that costs ten guesses, or a hundred if it is
// Chinese. The split with the fewest guesses counts.
//
// Source: D. L. Wheeler, "zxcvbn: Low-Budget Password Strength Estimation", USENIX
// Security 2016, sections 4 and 5, with a shorter list and without its additive term.
func Weak(passphrase string) bool { return guesses(passphrase) < enough }

// longest is how many letters are examined. Further letters only add guesses.
const longest = 100

// guesses returns the number of guesses that a passphrase withstands, as a power of ten.
func guesses(passphrase string) float64 {
	letters := []rune(passphrase)
	letters = letters[:min(len(letters), longest)]
	least := cut(letters)
	// Separators between words do not make guessing harder.
	bare, marks := without(letters)
	if len(marks) > 0 {
		least = min(least, cut(bare)+float64(len(marks)))
	}
	// Neither does alternating two patterns: q1w2e3.
	if len(bare) >= 6 {
		var turns [2][]rune
		for i, r := range bare {
			turns[i%2] = append(turns[i%2], r)
		}
		least = min(least, cut(turns[0])+cut(turns[1])+float64(len(marks)))
	}
	return least
}

// without returns the letters and digits, and the distinct other characters that it
// removed.
func without(letters []rune) (bare, marks []rune) {
	for _, r := range letters {
		switch {
		case unicode.In(r, unicode.L, unicode.M, unicode.N):
			bare = append(bare, r)
		case !slices.Contains(marks, r):
			marks = append(marks, r)
		}
	}
	return bare, marks
}

// A part is a pattern in a passphrase: the letters from from to to, exclusive, and the
// power of ten of the guesses that they withstand.
type part struct {
	from, to int
	guesses  float64
}

// cut returns the guesses of the best split into parts. An attacker also has to guess the
// order of m parts, in m! ways.
func cut(letters []rune) float64 {
	n := len(letters)
	if n == 0 {
		return 0
	}
	ending := make([][]part, n+1)
	for _, p := range parts(letters) {
		if p.to-p.from < n {
			// The first guesses at a pattern do not find it as a part of something else.
			p.guesses = max(p.guesses, math.Log10(50))
		}
		ending[p.to] = append(ending[p.to], p)
	}
	for from := range n {
		cost := 0.0
		for to := from + 1; to <= n; to++ {
			cost += alone(letters[to-1])
			ending[to] = append(ending[to], part{from, to, cost})
		}
	}
	// best[i][m] is the minimum for the first i letters in m parts.
	best := make([][]float64, n+1)
	for i := range best {
		best[i] = slices.Repeat([]float64{math.Inf(1)}, n+1)
		for _, p := range ending[i] {
			for m := 1; m <= i; m++ {
				best[i][m] = min(best[i][m], best[p.from][m-1]+p.guesses)
			}
		}
		if i == 0 {
			best[0][0] = 0
		}
	}
	least := math.Inf(1)
	for m, product := range best[n] {
		order, _ := math.Lgamma(float64(m + 1))
		least = min(least, product+order/math.Ln10)
	}
	return least
}

// alone returns the guesses for a random letter. There are ten thousand Chinese ones.
func alone(r rune) float64 {
	if unicode.Is(unicode.Han, r) {
		return 2
	}
	return 1
}

// parts returns the patterns in letters.
func parts(letters []rune) []part {
	var all []part
	for _, find := range []func([]rune) []part{listed, repeats, sequences, counts, keyboards, dates} {
		all = append(all, find(letters)...)
	}
	return all
}

// listed finds words of the lists, forwards and backwards, in any case, and with digits
// and marks in place of letters.
func listed(letters []rune) []part {
	leet := map[rune]rune{'4': 'a', '@': 'a', '8': 'b', '3': 'e', '9': 'g', '1': 'i', '!': 'i', '0': 'o', '$': 's', '5': 's', '7': 't', '+': 't', '2': 'z'}
	other := maps.Clone(leet)
	other['1'], other['!'] = 'l', 'l'
	backwards := slices.Clone(letters)
	slices.Reverse(backwards)
	variants := []struct {
		text string
		cost float64
		back bool
	}{
		{ascii(letters, nil), 0, false},
		{ascii(letters, leet), math.Log10(4), false},
		{ascii(letters, other), math.Log10(4), false},
		{ascii(backwards, nil), math.Log10(2), true},
	}
	var found []part
	look := func(word string, rank float64) {
		for _, v := range variants {
			for at := 0; ; at++ {
				next := strings.Index(v.text[at:], word)
				if next < 0 {
					break
				}
				at += next
				from, to := at, at+len(word)
				if v.back {
					from, to = len(letters)-to, len(letters)-from
				}
				found = append(found, part{from, to, math.Log10(rank) + v.cost + cases(letters[from:to])})
			}
		}
	}
	rank := 0.0
	for word := range strings.Lines(common) {
		rank++
		look(strings.TrimSuffix(word, "\n"), rank)
	}
	for word := range strings.Lines(words) {
		look(strings.TrimSuffix(word, "\n"), 2048) // all words of our list are equally likely
	}
	return found
}

// ascii returns letters in lower case, one byte each. A letter that stands for another
// becomes that one. A letter beyond ASCII becomes a byte that no list contains.
func ascii(letters []rune, instead map[rune]rune) string {
	text := make([]byte, len(letters))
	for i, r := range letters {
		if is, ok := instead[r]; ok {
			r = is
		}
		text[i] = 0xff
		if r < utf8.RuneSelf {
			text[i] = byte(unicode.ToLower(r))
		}
	}
	return string(text)
}

// cases returns the factor that capitals add: two if the first or every letter is one,
// and more if they are elsewhere.
func cases(letters []rune) float64 {
	upper, lower := 0, 0
	for _, r := range letters {
		switch {
		case unicode.IsUpper(r):
			upper++
		case unicode.IsLower(r):
			lower++
		}
	}
	switch {
	case upper == 0:
		return 0
	case lower == 0, upper == 1 && unicode.IsUpper(letters[0]):
		return math.Log10(2)
	default:
		return float64(min(upper, lower)+1) * math.Log10(2)
	}
}

// repeats finds repetitions, such as abcabcabc.
func repeats(letters []rune) []part {
	lower := slices.Clone(letters)
	for i, r := range lower {
		lower[i] = unicode.ToLower(r)
	}
	known := map[string]float64{}
	var found []part
	for from := range lower {
		for period := 1; from+2*period <= len(lower); period++ {
			base, times := lower[from:from+period], 1
			for rest := lower[from+period:]; len(rest) >= period && slices.Equal(rest[:period], base); rest = rest[period:] {
				times++
			}
			if times == 1 {
				continue
			}
			text := string(base)
			if strings.Index((text + text)[1:], text) < len(text)-1 { // the text itself repeats something shorter
				continue
			}
			cost, ok := known[text]
			if !ok {
				cost = cut(letters[from : from+period])
				known[text] = cost
			}
			found = append(found, part{from, from + times*period, cost + math.Log10(float64(times))})
		}
	}
	return found
}

// sequences finds letters and digits in equal steps, such as abcdef or 97531.
func sequences(letters []rune) []part {
	const widest = 5
	var found []part
	for from := 0; from+2 < len(letters); from++ {
		step := letters[from+1] - letters[from]
		to := from + 2
		for to < len(letters) && letters[to]-letters[to-1] == step {
			to++
		}
		if to-from < 3 || step == 0 || step < -widest || step > widest {
			continue
		}
		start := 26.0
		switch first := letters[from]; {
		case strings.ContainsRune("aAzZ019", first):
			start = 4
		case unicode.IsDigit(first):
			start = 10
		}
		start *= 2 * math.Abs(float64(step)) // up or down
		for end := from + 3; end <= to; end++ {
			found = append(found, part{from, end, math.Log10(start * float64(end-from))})
		}
	}
	return found
}

// counts finds counted numbers, such as 9101112.
func counts(letters []rune) []part {
	var found []part
	text := ascii(letters, nil)
	for from := range text {
		for digits := 1; digits <= 4 && from+digits <= len(text); digits++ {
			number, err := strconv.ParseUint(text[from:from+digits], 10, 64)
			if err != nil {
				break
			}
			to := from + digits
			for n := 2; ; n++ {
				number++
				next := strconv.FormatUint(number, 10)
				if !strings.HasPrefix(text[to:], next) {
					break
				}
				to += len(next)
				if n >= 3 {
					found = append(found, part{from, to, float64(digits) + math.Log10(float64(n))})
				}
			}
		}
	}
	return found
}
