package backup

import (
	"fmt"
	"strings"
	"unicode"
)

// How a recovery key is printed: what all begin with, and then its characters in groups.
const (
	keyBegin     = "AGESECRETKEY" // without hyphens
	hybridBegin  = "AGE-SECRET-KEY-PQ-1"
	x25519Begin  = "AGE-SECRET-KEY-1"
	keyChars     = 58 // behind the beginning: 32 bytes and six characters of checksum
	keyGroup     = 4
	groupsInLine = 5

	// fewestChars is how many characters without a beginning are taken for a key that is not
	// whole, and not for anything else.
	fewestChars = 40
)

// A TypingError says that a recovery key was not typed as it is printed. Its checksum
// tells. The error contains nothing of the key.
type TypingError struct {
	// Group is where the error is: the number, from 1, of a group of four characters as
	// [RecoveryKey.Lines] has them; 0 if it is not known.
	Group int
	// Extra is how many characters are too many; below zero, how many are missing.
	Extra int
}

func (e *TypingError) Error() string {
	where := "in more than one place"
	switch {
	case e.Extra == -1:
		where = "1 character is missing"
	case e.Extra < 0:
		where = fmt.Sprintf("%d characters are missing", -e.Extra)
	case e.Extra == 1:
		where = "1 character is too many"
	case e.Extra > 0:
		where = fmt.Sprintf("%d characters are too many", e.Extra)
	case e.Group > 0:
		where = fmt.Sprintf("in group %d, of the groups of four behind AGE-SECRET-KEY", e.Group)
	}
	return "the recovery key has a typing error: " + where
}

// Lines returns the key as it is printed, for somebody who has to type it: its beginning,
// and lines of groups of four characters. It is secret, as [RecoveryKey.Text] is.
func (k RecoveryKey) Lines() []string {
	text := k.Text()
	at := strings.LastIndex(text, "1") + 1 // Bech32 has no 1 behind its separator
	lines := []string{text[:at]}
	var line []string
	for rest := text[at:]; rest != ""; {
		n := min(keyGroup, len(rest))
		line, rest = append(line, rest[:n]), rest[n:]
		if len(line) == groupsInLine || rest == "" {
			lines, line = append(lines, strings.Join(line, " ")), nil
		}
	}
	return lines
}

// ParseTypedKey parses a recovery key that a person typed. Case, spaces, hyphens and line
// breaks do not count, nor does a letter that no key has and that looks like one: O is 0,
// I and 1 are L, B is 8. Lines that begin with # are comments. The beginning of the key may
// be missing: the checksum tells which one it is. The error is a *[TypingError] for a key
// that was mistyped, and [ErrRecoveryKey] for anything else.
func ParseTypedKey(text string) (RecoveryKey, error) {
	keys := typedKeys(text)
	if len(keys) != 1 {
		return RecoveryKey{}, ErrRecoveryKey
	}
	return parseTyped(keys[0])
}

// Typed returns how many characters of a recovery key a text has behind the key's
// beginning, and how many are left; ok is false if it is not the beginning of one.
func Typed(text string) (have, left int, ok bool) {
	keys := typedKeys(text)
	if len(keys) == 0 {
		return 0, 0, false
	}
	last := keys[len(keys)-1]
	if headless(last) {
		return len(last), keyChars - len(last), true
	}
	if !likeKey(last) {
		return 0, 0, false
	}
	_, data, extra := cutTyped(last)
	return len(data), max(-extra, 0), true
}

// typedKeys returns the characters of the keys in a text, without what does not count.
// A key goes on until a line begins another one.
func typedKeys(text string) []string {
	var keys []string
	var key strings.Builder // the last one: a file may have a million lines
	end := func() {
		if key.Len() > 0 {
			keys = append(keys, key.String())
			key.Reset()
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		chars := strings.Map(typedChar, line)
		if strings.HasPrefix(chars, keyBegin) {
			end()
		}
		key.WriteString(chars)
	}
	end()
	return keys
}

// typedChar returns a character as keys are written, or -1 for one that does not count.
func typedChar(r rune) rune {
	if r >= '！' && r <= '～' { // the full width of East Asian input
		r -= '！' - '!'
	}
	switch {
	case unicode.IsSpace(r), unicode.Is(unicode.Pd, r), unicode.Is(unicode.Cf, r), r == '−', r == '_':
		return -1
	case r < 0x80:
		return unicode.ToUpper(r)
	default:
		return '?' // never a character of a key, and one byte
	}
}

// likeKey reports whether characters are a recovery key, mistyped or not: their beginning
// is right but for two characters.
func likeKey(chars string) bool {
	if len(chars) < len(keyBegin) {
		return false
	}
	wrong := 0
	for i := range len(keyBegin) {
		if chars[i] != keyBegin[i] {
			wrong++
		}
	}
	return wrong <= 2
}

// headless reports whether characters may be those of a key without its beginning, which
// stands in a line of its own on the sheet.
func headless(chars string) bool {
	return !likeKey(chars) && len(chars) <= keyChars && strings.Trim(chars, strings.ToUpper(bech32Letters)) == ""
}

// parseHeadless parses the characters of a key without its beginning.
func parseHeadless(chars string) (RecoveryKey, error) {
	if missing := keyChars - len(chars); missing > 0 && len(chars) >= fewestChars {
		return RecoveryKey{}, &TypingError{Extra: -missing}
	} else if missing > 0 {
		return RecoveryKey{}, ErrRecoveryKey
	}
	group := 0
	for _, begin := range []string{hybridBegin, x25519Begin} {
		if key, err := ParseRecoveryKey(begin + chars); err == nil {
			return key, nil
		}
		group = max(group, wrongGroup(begin, chars))
	}
	return RecoveryKey{}, &TypingError{Group: group}
}

// cutTyped cuts the characters of a key into the beginning that is meant, as it is
// written, and those behind it. extra is how many there are too many. Where it cannot be
// told which beginning is meant, the length tells.
func cutTyped(chars string) (begin, data string, extra int) {
	const pq = "PQ1"
	rest := chars[len(keyBegin):]
	quantum := len(rest) == len(pq)+keyChars
	if strings.HasPrefix(rest, "PQ") || strings.HasPrefix(rest, "1") {
		quantum = rest[0] == 'P'
	}
	begin, skip := x25519Begin, len("1")
	if quantum {
		begin, skip = hybridBegin, len(pq)
	}
	return begin, rest[min(skip, len(rest)):], len(rest) - skip - keyChars
}

// parseTyped parses the characters of one key.
func parseTyped(chars string) (RecoveryKey, error) {
	if headless(chars) {
		return parseHeadless(chars)
	}
	if !likeKey(chars) {
		return RecoveryKey{}, ErrRecoveryKey
	}
	begin, data, extra := cutTyped(chars)
	if extra != 0 {
		return RecoveryKey{}, &TypingError{Extra: extra}
	}
	data = strings.NewReplacer("O", "0", "I", "L", "1", "L", "B", "8").Replace(data)
	key, err := ParseRecoveryKey(begin + data)
	if err != nil {
		return RecoveryKey{}, &TypingError{Group: wrongGroup(begin, data)}
	}
	return key, nil
}

// wrongGroup returns the group that has the one wrong character, or the two that changed
// places; 0 if more is wrong. The checksum tells them: no two keys differ in fewer than
// five characters (BIP 173), so that no more than one such change makes it right.
func wrongGroup(begin, data string) int {
	values := make([]byte, len(data))
	bad := -1
	for i := range values {
		at := strings.IndexByte(strings.ToUpper(bech32Letters), data[i])
		if at < 0 && bad >= 0 {
			return 0
		}
		if at < 0 {
			bad = i
			continue
		}
		values[i] = byte(at)
	}
	if bad >= 0 {
		return bad/keyGroup + 1
	}
	human := strings.ToLower(begin[:len(begin)-1])
	for i, was := range values {
		for v := range byte(32) {
			values[i] = v
			if bech32Valid(human, values) {
				return i/keyGroup + 1
			}
		}
		values[i] = was
	}
	for i := range len(values) - 1 {
		values[i], values[i+1] = values[i+1], values[i]
		if bech32Valid(human, values) {
			return i/keyGroup + 1
		}
		values[i], values[i+1] = values[i+1], values[i]
	}
	return 0
}

// bech32Valid reports whether the checksum at the end of values holds.
func bech32Valid(human string, values []byte) bool {
	n := len(values) - bech32Sum
	sum := uint32(0)
	for _, v := range values[n:] {
		sum = sum<<5 | uint32(v)
	}
	return bech32Checksum(human, values[:n]) == sum
}
