package transfer

import "encoding/binary"

// OpenPGP packets that a message which is encrypted can begin with (RFC 9580,
// section 5), by their tags.
const (
	pgpPublicKey = 1  // a session key under a public key
	pgpPhrase    = 3  // a session key under a passphrase
	pgpSealed    = 18 // the data
	pgpSealedOld = 9
	pgpSealedNew = 20
)

// isOpenPGP reports whether data are an encrypted OpenPGP message without armour: a
// session key, and behind it another one or the data. The mark of a packet is one
// byte, so that noise would often have it; that two of them fit is rare.
func isOpenPGP(data []byte) bool {
	keys := 0
	for range 100 {
		tag, body, rest := pgpPacket(data)
		switch tag {
		case pgpPublicKey, pgpPhrase:
			if len(body) < 4 || body[0] < 3 || body[0] > 6 {
				return false
			}
			keys++
		case pgpSealed, pgpSealedOld, pgpSealedNew:
			return keys > 0
		default:
			return false
		}
		data = rest
	}
	return false
}

// pgpPacket splits the first packet from data. A body whose length is not said, or
// said in parts, or that is cut, is what there is of it.
func pgpPacket(data []byte) (tag int, body, rest []byte) {
	if len(data) < 2 || data[0]&0x80 == 0 {
		return 0, nil, nil
	}
	var head, length int
	if data[0]&0x40 != 0 { // RFC 9580, section 4.2.1
		tag = int(data[0] & 0x3f)
		switch first := int(data[1]); {
		case first < 192:
			head, length = 2, first
		case first < 224 && len(data) > 2:
			head, length = 3, (first-192)<<8+int(data[2])+192
		case first == 255 && len(data) > 5:
			head, length = 6, int(min(binary.BigEndian.Uint32(data[2:]), 1<<30))
		default:
			head, length = 2, len(data)
		}
	} else { // section 4.2.2
		tag = int(data[0] >> 2 & 0xf)
		switch data[0] & 3 {
		case 0:
			head, length = 2, int(data[1])
		case 1:
			if len(data) < 3 {
				return 0, nil, nil
			}
			head, length = 3, int(binary.BigEndian.Uint16(data[1:]))
		case 2:
			if len(data) < 5 {
				return 0, nil, nil
			}
			head, length = 5, int(min(binary.BigEndian.Uint32(data[1:]), 1<<30))
		default:
			head, length = 1, len(data)
		}
	}
	end := min(len(data), head+length)
	return tag, data[head:end], data[end:]
}
