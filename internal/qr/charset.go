package qr

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"

	"github.com/makiuchi-d/gozxing/common"
)

// charsetUnknown stands for the character set of a symbol that names none; the
// others are ECI numbers (AIM ECI assignments, part 3).
const charsetUnknown = -1

// decodeText decodes bytes in a character set. It refuses what is not in the
// set, and sets that it does not know unless the bytes are ASCII: a guess could
// be a wrong text.
func decodeText(data []byte, charset int) (string, bool) {
	const utf8Charset, gb18030 = 26, 32
	switch {
	case charset == charsetUnknown:
		return guessText(data), true
	case charset == utf8Charset, latinSet(charset) && utf8.Valid(data):
		return string(data), utf8.Valid(data)
	case charset == gb18030: // gozxing has it under the number of its older part
		charset = common.CharacterSetECI_GB18030.GetValue()
	}
	if eci, err := common.GetCharacterSetECIByValue(charset); err == nil && eci != nil {
		return decodeWith(eci.GetCharset(), data)
	}
	for _, b := range data {
		if b >= 0x80 {
			return "", false
		}
	}
	return string(data), true
}

// latinSet reports whether a set has Latin letters, a byte each: those of DOS, ISO 8859 and
// Windows. Generators name Latin-1 and write UTF-8. A text of such a set that is valid UTF-8
// by accident would have to alternate letters with signs that no word has ("Ã¼"). In
// Cyrillic, Greek, Thai and the like it could be a word.
func latinSet(charset int) bool {
	switch charset {
	case 0, 1, 2, 3, 4, 5, 6, 11, 12, 15, 16, 17, 18, 21, 23:
		return true
	default:
		return false
	}
}

// guessText decodes bytes whose character set the symbol does not give. The
// standard says Latin-1, generators mostly write UTF-8, and Japanese telephones
// Shift JIS. UTF-8 is hardly ever valid by accident; Shift JIS is taken where
// its letters come in runs, which accented ones do not.
func guessText(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	if text, ok := decodeWith(japanese.ShiftJIS, data); ok {
		run, longest, double, foreign := 0, 0, 0, 0
		for _, r := range text {
			switch {
			case r >= 0xff61 && r <= 0xff9f: // half-width katakana, one byte
				run++
				foreign++
			case r >= 0x80:
				run++
				double++
				foreign += 2
			default:
				run = 0
			}
			longest = max(longest, run)
		}
		if longest >= 3 || double > 0 && longest >= 2 || foreign*10 >= len(data)*4 {
			return text
		}
		if printable := !hasControls(data); !printable {
			return text // bytes 0x80 to 0x9f are no letters of Latin-1
		}
	}
	return latin1(data)
}

func hasControls(data []byte) bool {
	for _, b := range data {
		if b >= 0x80 && b < 0xa0 {
			return true
		}
	}
	return false
}

func latin1(data []byte) string {
	runes := make([]rune, len(data))
	for i, b := range data {
		runes[i] = rune(b)
	}
	return string(runes)
}

func decodeWith(e encoding.Encoding, data []byte) (string, bool) {
	out, err := e.NewDecoder().Bytes(data)
	if err != nil {
		return "", false
	}
	text := string(out)
	return text, !strings.ContainsRune(text, utf8.RuneError)
}
