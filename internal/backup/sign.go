package backup

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// macStart begins the first line of a signed payload. 64 hexadecimal digits and `",`
// follow. The signature covers every byte of the payload, with the digits set to zero.
const macStart = `{"mac":"`

const macDigits = 2 * sha256.Size

// Encode returns the payload of a backup in a location. It is that of [Encode] with a
// signature of k.
func (k RecoveryKey) Encode(c Content) ([]byte, error) {
	return k.sign(func(start string) ([]byte, error) { return encode(c, start) })
}

// sign signs a payload. write returns the payload with start in place of its opening
// brace.
func (k RecoveryKey) sign(write func(start string) ([]byte, error)) ([]byte, error) {
	payload, err := write(macStart + strings.Repeat("0", macDigits) + "\",\n")
	if err != nil {
		return nil, err
	}
	sum, err := k.mac(payload)
	if err != nil {
		return nil, err
	}
	hex.Encode(payload[len(macStart):], sum)
	return payload, nil
}

// Signed reports whether a payload has a valid signature of k.
func (k RecoveryKey) Signed(payload []byte) bool {
	line, _, _ := bytes.Cut(payload, []byte("\n"))
	if !bytes.HasPrefix(line, []byte(macStart)) || len(line) != len(macStart)+macDigits+len(`",`) {
		return false
	}
	have := make([]byte, sha256.Size)
	at := line[len(macStart) : len(macStart)+macDigits]
	if _, err := hex.Decode(have, at); err != nil || !bytes.Equal(at, bytes.ToLower(at)) {
		return false
	}
	zeroed := bytes.Clone(payload)
	copy(zeroed[len(macStart):], bytes.Repeat([]byte("0"), macDigits))
	want, err := k.mac(zeroed)
	return err == nil && hmac.Equal(have, want)
}
