package slip39

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Find returns the shares of count words each in a text. Lines that begin with # are
// skipped; digits and signs between words do not count. If there is none, the error says
// why the words that look most like a share are none, or is [ErrNoShare].
func Find(text string, count int) ([]Share, error) {
	var texts []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			texts = append(texts, strings.FieldsFunc(line, func(r rune) bool { return !unicode.IsLetter(r) })...)
		}
	}
	indices := lookUp(texts)
	var shares []Share
	var best []int // where the windows with the fewest unknown words begin
	fewest := count
	for i := 0; i+count <= len(indices); i++ {
		window := indices[i : i+count]
		unknown := unknownIn(window)
		if unknown == 0 && checksum(window[1]>>4&1 == 1, window) == 1 {
			if s, err := parse(window); err == nil {
				shares = append(shares, s)
				i += count - 1
				continue
			}
		}
		if unknown < fewest {
			best, fewest = nil, unknown
		}
		if unknown == fewest && len(best) < maxWindows {
			best = append(best, i)
		}
	}
	if len(shares) > 0 {
		return shares, nil
	}
	return nil, whyNone(indices, texts, best, count)
}

// ErrNoShare is returned for a text without anything like a share.
var ErrNoShare = errors.New("there is no share in it")

// A CountError says that a share has too many words or too few.
type CountError struct{ Have, Want int }

func (e *CountError) Error() string {
	return fmt.Sprintf("it has %d words; a share has %d", e.Have, e.Want)
}

// maxWindows is how many places of a text are searched for a single wrong word. Each takes
// a few hundredths of a second.
const maxWindows = 8

// whyNone says why texts hold no share of count words. Those that begin at best look most
// like one: words around a share may be words of the list, too.
func whyNone(indices []int, texts []string, best []int, count int) error {
	if len(indices) != count && len(indices) >= count/2 && unknownIn(indices) <= 1 { // no prose around it
		return &CountError{len(indices), count}
	}
	if len(best) == 0 || unknownIn(indices[best[0]:best[0]+count]) > count/4 {
		return ErrNoShare
	}
	var first error
	for _, i := range best {
		_, err := Parse(texts[i : i+count])
		if sum, ok := errors.AsType[*ChecksumError](err); ok && sum.Number > 0 {
			return err
		}
		first = cmp.Or(first, err)
	}
	return first
}

// unknownIn returns how many of the indices are none.
func unknownIn(indices []int) (n int) {
	for _, i := range indices {
		if i < 0 {
			n++
		}
	}
	return n
}
