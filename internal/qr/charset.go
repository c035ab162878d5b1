package qr

import (
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// charset is a character set by its ECI number (AIM ECI assignments, part 3).
type charset int

const (
	charsetUnknown  charset = -1
	charsetLatin1   charset = 3
	charsetShiftJIS charset = 20
	charsetUTF16    charset = 25
	charsetUTF8     charset = 26
	charsetASCII    charset = 27
	charsetGB2312   charset = 29
	charsetGB18030  charset = 32
)

// piece is a run of bytes and the character set that the symbol gives for it.
type piece struct {
	charset charset
	bytes   []byte
}

// joinPieces returns the text of a message. Neighbours of one character set
// are decoded as one, since an encoder may cut between the bytes of a letter.
func joinPieces(pieces []piece) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(pieces); {
		whole := pieces[i].bytes
		j := i + 1
		for ; j < len(pieces) && pieces[j].charset == pieces[i].charset; j++ {
			whole = append(slices.Clip(whole), pieces[j].bytes...)
		}
		text, ok := pieces[i].charset.decode(whole)
		if !ok {
			return "", false
		}
		b.WriteString(text)
		i = j
	}
	return b.String(), true
}

// decode refuses what is not in the character set, and character sets that it
// does not know unless the bytes are ASCII: a guess could be a wrong text.
func (c charset) decode(data []byte) (string, bool) {
	switch c {
	case charsetUnknown:
		return guessText(data), true
	case 1, charsetLatin1:
		return latin1(data), true
	case charsetShiftJIS:
		return decodeWith(japanese.ShiftJIS, data)
	case charsetGB2312, charsetGB18030:
		return decodeWith(simplifiedchinese.GB18030, data)
	case charsetUTF16:
		units := make([]uint16, len(data)/2)
		for i := range units {
			units[i] = uint16(data[2*i])<<8 | uint16(data[2*i+1])
		}
		return string(utf16.Decode(units)), len(data)%2 == 0
	case charsetUTF8:
		return string(data), utf8.Valid(data)
	}
	for _, b := range data {
		if b >= 0x80 {
			return "", false
		}
	}
	return string(data), true
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
