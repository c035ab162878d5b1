package qr

import (
	"strings"
	"unicode/utf8"

	"github.com/makiuchi-d/gozxing/common"
	zxing "github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// message is what the codewords of one symbol say (ISO/IEC 18004 section 7.4).
type message struct {
	text string
	// A text may be spread over up to 16 symbols (section 8, structured
	// append): part of parts, and the exclusive or of all bytes of the whole.
	part, parts int
	parity      byte
}

// parseMessage reads the segments of a message. Whatever does not follow the
// grammar to its end makes it fail: half a text is a wrong text.
//
// Digits, letters, Kanji and Hanzi are read by gozxing. The segments are put
// together here, because gozxing's parser of a whole message
//   - decodes the bytes of each segment by themselves, and a letter may lie
//     across two of them;
//   - puts U+FFFD where bytes are not of the character set, and says nothing;
//   - takes the application indicator of the mode FNC1 in second position
//     (section 7.4.8.3) for a segment;
//   - skips a segment of Hanzi that it does not know, but not its bits.
func parseMessage(data []byte, version *zxing.Version) (message, bool) {
	var m message
	var text textBuilder
	bits := common.NewBitSource(data)
	charset := charsetUnknown
	fnc1 := false
	for bits.Available() >= 4 {
		number, _ := bits.ReadBits(4)
		mode, err := zxing.ModeForBits(number)
		if err != nil {
			return message{}, false
		}
		if mode == zxing.Mode_TERMINATOR {
			break
		}
		switch mode {
		case zxing.Mode_FNC1_FIRST_POSITION:
			fnc1 = true
		case zxing.Mode_FNC1_SECOND_POSITION:
			fnc1 = true
			_, err = bits.ReadBits(8)
		case zxing.Mode_STRUCTURED_APPEND:
			var header int
			header, err = bits.ReadBits(16)
			m.part, m.parts, m.parity = header>>12, header>>8&15+1, byte(header)
		case zxing.Mode_ECI:
			charset, err = zxing.DecodedBitStreamParser_parseECIValue(bits)
		default:
			err = text.readSegment(bits, mode, version, charset, fnc1)
		}
		if err != nil {
			return message{}, false
		}
	}
	var ok bool
	m.text, ok = text.finish()
	return m, ok && m.text != "" && m.part < max(m.parts, 1)
}

// textBuilder puts the segments of a message together.
type textBuilder struct {
	text    strings.Builder
	charset int    // of the bytes
	bytes   []byte // that are not decoded yet
	invalid bool   // something could not be decoded
}

func (b *textBuilder) readSegment(bits *common.BitSource, mode *zxing.Mode, version *zxing.Version, charset int, fnc1 bool) error {
	if mode == zxing.Mode_HANZI {
		subset, err := bits.ReadBits(4)
		if err != nil {
			return err
		}
		b.invalid = b.invalid || subset != zxing.GB2312_SUBSET
	}
	count, err := bits.ReadBits(mode.GetCharacterCountBits(version))
	if err != nil {
		return err
	}
	var decoded []byte
	switch mode {
	case zxing.Mode_NUMERIC:
		decoded, err = zxing.DecodedBitStreamParser_decodeNumericSegment(bits, nil, count)
	case zxing.Mode_ALPHANUMERIC:
		decoded, err = zxing.DecodedBitStreamParser_decodeAlphanumericSegment(bits, nil, count, fnc1)
	case zxing.Mode_KANJI:
		decoded, err = zxing.DecodedBitStreamParser_decodeKanjiSegment(bits, nil, count)
	case zxing.Mode_HANZI:
		decoded, err = zxing.DecodedBitStreamParser_decodeHanziSegment(bits, nil, count)
	default:
		return b.readBytes(bits, count, charset)
	}
	b.decodeBytes()
	b.text.Write(decoded)
	b.invalid = b.invalid || strings.ContainsRune(string(decoded), utf8.RuneError)
	return err
}

// readBytes takes the bytes of a segment as the continuation of those of the
// segment before, if that has the same character set: an encoder may cut
// between the bytes of a letter.
func (b *textBuilder) readBytes(bits *common.BitSource, count, charset int) error {
	if charset != b.charset {
		b.decodeBytes()
	}
	b.charset = charset
	for range count {
		v, err := bits.ReadBits(8)
		if err != nil {
			return err
		}
		b.bytes = append(b.bytes, byte(v))
	}
	return nil
}

func (b *textBuilder) decodeBytes() {
	text, ok := decodeText(b.bytes, b.charset)
	b.text.WriteString(text)
	b.invalid = b.invalid || !ok
	b.bytes = nil
}

func (b *textBuilder) finish() (text string, ok bool) {
	b.decodeBytes()
	return b.text.String(), !b.invalid
}
