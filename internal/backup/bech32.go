package backup

import (
	"slices"
	"strings"
)

// bech32Letters are the digits of Bech32 (BIP-173), from 0.
const bech32Letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// bech32Sum is the length of the checksum that ends a text, in letters.
const bech32Sum = 6

// bech32Data returns the bytes of what follows the prefix and its 1 in a text of Bech32.
// It does not verify the checksum: age has read the text.
func bech32Data(text string) (data []byte, ok bool) {
	text = strings.ToLower(text)
	bits, count := uint32(0), 0
	for _, letter := range text[:max(len(text)-bech32Sum, 0)] {
		value := strings.IndexRune(bech32Letters, letter)
		if value < 0 {
			return nil, false
		}
		bits, count = bits<<5|uint32(value), count+5
		if count >= 8 {
			count -= 8
			data = append(data, byte(bits>>count))
		}
	}
	return data, true
}

// bech32Text returns the text of bytes in Bech32. prefix is lower case.
func bech32Text(prefix string, data []byte) string {
	var values []byte
	bits, count := uint32(0), 0
	for _, b := range data {
		bits, count = bits<<8|uint32(b), count+8
		for count >= 5 {
			count -= 5
			values = append(values, byte(bits>>count&31))
		}
	}
	if count > 0 {
		values = append(values, byte(bits<<(5-count)&31))
	}
	sum := bech32Checksum(prefix, values)
	for i := range bech32Sum {
		values = append(values, byte(sum>>(5*(bech32Sum-1-i))&31))
	}
	text := []byte(prefix + "1")
	for _, v := range values {
		text = append(text, bech32Letters[v])
	}
	return string(text)
}

// bech32Checksum returns the checksum of BIP-173, 30 bits.
func bech32Checksum(prefix string, values []byte) uint32 {
	generator := [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3}
	sum := uint32(1)
	add := func(value byte) {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ uint32(value)
		for i, g := range generator {
			sum ^= g & -(top >> i & 1)
		}
	}
	for i := range len(prefix) {
		add(prefix[i] >> 5)
	}
	add(0)
	for i := range len(prefix) {
		add(prefix[i] & 31)
	}
	for _, v := range slices.Concat(values, make([]byte, bech32Sum)) {
		add(v)
	}
	return sum ^ 1
}
