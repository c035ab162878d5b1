package slip39

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
)

// Where the secret and its digest lie on the polynomials.
const (
	secretAt = 255
	digestAt = 254
)

// digestLength is the length of the digest in bytes.
const digestLength = 4

// A point has the values of the polynomials, one a byte, at x.
type point struct {
	x int
	y []byte
}

// splitSecret returns the values at 0 to count-1 of polynomials that have the secret at
// [secretAt] and its digest at [digestAt]. Any threshold values, which is 2 or more,
// determine them. The others are random.
func splitSecret(secret []byte, threshold, count int) [][]byte {
	base := []point{{secretAt, secret}, {digestAt, withDigest(secret)}}
	values := make([][]byte, count)
	for i := range values {
		if i < threshold-2 {
			values[i] = make([]byte, len(secret))
			rand.Read(values[i])
			base = append(base, point{i, values[i]})
		} else {
			values[i] = interpolate(base, i)
		}
	}
	return values
}

// recoverSecret returns what threshold points give, and checks the rest against them.
// There are at least threshold points. The error is [ErrDigest].
func recoverSecret(points []point, threshold int) ([]byte, error) {
	base := points[:threshold]
	for _, p := range points[threshold:] {
		if !bytes.Equal(interpolate(base, p.x), p.y) {
			return nil, ErrDigest
		}
	}
	if threshold == 1 { // there is no digest
		return base[0].y, nil
	}
	secret, digest := interpolate(base, secretAt), interpolate(base, digestAt)
	if !hmac.Equal(digest[:digestLength], digestOf(secret, digest[digestLength:])) {
		return nil, ErrDigest
	}
	return secret, nil
}

// withDigest returns the digest of a secret under a random key, and the key.
func withDigest(secret []byte) []byte {
	value := make([]byte, len(secret))
	rand.Read(value[digestLength:])
	copy(value, digestOf(secret, value[digestLength:]))
	return value
}

func digestOf(secret, key []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(secret)
	return m.Sum(nil)[:digestLength]
}

// interpolate returns the values at x of the polynomials of the lowest degree through the
// points, by Lagrange.
func interpolate(points []point, x int) []byte {
	result := make([]byte, len(points[0].y))
	for i, p := range points {
		basis := byte(1)
		for j, other := range points {
			if j != i {
				basis = multiply(basis, multiply(byte(x^other.x), invert(byte(p.x^other.x))))
			}
		}
		for k, y := range p.y {
			result[k] ^= multiply(basis, y)
		}
	}
	return result
}

// multiply multiplies in GF(256) with the polynomial of Rijndael, x⁸+x⁴+x³+x+1. Its time
// does not depend on the factors.
func multiply(a, b byte) (product byte) {
	for range 8 {
		product ^= a & -(b & 1)
		a, b = a<<1^0x1b&-(a>>7), b>>1
	}
	return product
}

// invert returns the inverse of a in GF(256), a²⁵⁴.
func invert(a byte) byte {
	inverse := byte(1)
	for range 7 {
		a = multiply(a, a)
		inverse = multiply(inverse, a)
	}
	return inverse
}

// xor returns a ^ b. Both have the same length.
func xor(a, b []byte) []byte {
	c := make([]byte, len(a))
	subtle.XORBytes(c, a, b)
	return c
}
