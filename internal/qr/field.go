package qr

import "slices"

// field is GF(256) with the polynomial x⁸+x⁴+x³+x²+1 (ISO/IEC 18004 section
// 7.5.2). It is made anew for each read or write: that takes about a
// microsecond, where tables made at package level would be paid for by every
// command of the program.
type field struct {
	exp [510]byte
	log [256]int
}

func newField() *field {
	f := new(field)
	x := 1
	for i := range 255 {
		f.exp[i], f.exp[i+255] = byte(x), byte(x)
		f.log[x] = i
		x <<= 1
		if x&0x100 != 0 {
			x ^= 0x11d
		}
	}
	return f
}

func (f *field) mul(a, b byte) byte {
	if a == 0 || b == 0 {
		return 0
	}
	return f.exp[f.log[a]+f.log[b]]
}

// div returns a/b; b is not zero.
func (f *field) div(a, b byte) byte {
	if a == 0 {
		return 0
	}
	return f.exp[f.log[a]+255-f.log[b]]
}

// eval returns the value at x of a polynomial whose constant term comes first.
func (f *field) eval(p []byte, x byte) byte {
	var y byte
	for _, v := range slices.Backward(p) {
		y = f.mul(y, x) ^ v
	}
	return y
}

// syndromes returns the values of the received polynomial, highest power
// first, at α⁰ … αⁿ⁻¹, and whether all of them are zero.
func (f *field) syndromes(block []byte, n int) ([]byte, bool) {
	s, clean := make([]byte, n), true
	for i := range s {
		var y byte
		for _, c := range block {
			if y != 0 {
				y = f.exp[f.log[y]+i]
			}
			y ^= c
		}
		s[i] = y
		clean = clean && y == 0
	}
	return s, clean
}

// correct repairs a Reed-Solomon block in place whose last n codewords are
// for error correction. Positions in erased are known to be doubtful and cost
// half of what an unknown error costs; spare codewords of the n are left
// unused, so that a block of noise does not pass for a message. It returns false
// where there is no answer.
//
// The method is Berlekamp and Massey's with erasures, then Chien's search and
// Forney's formula (Blahut, Algebraic Codes for Data Transmission, section 7.5).
func (f *field) correct(block []byte, n int, erased []int, spare int) (ok bool) {
	syndromes, clean := f.syndromes(block, n)
	if clean {
		return true
	}
	s := len(erased)
	if s > n-spare {
		return false
	}
	locator := make([]byte, n+1)
	previous := make([]byte, n+1)
	scratch := make([]byte, n+1)
	locator[0] = 1
	for _, at := range erased {
		x := f.exp[len(block)-1-at]
		for i := n; i > 0; i-- {
			locator[i] ^= f.mul(locator[i-1], x)
		}
	}
	copy(previous, locator)
	length := s
	for r := s + 1; r <= n; r++ {
		var delta byte
		for i := 0; i <= length && i < r; i++ {
			delta ^= f.mul(locator[i], syndromes[r-1-i])
		}
		copy(previous[1:], previous[:n])
		previous[0] = 0
		if delta == 0 {
			continue
		}
		copy(scratch, locator)
		for i := range locator {
			locator[i] ^= f.mul(delta, previous[i])
		}
		if 2*length <= r-1+s {
			length = r + s - length
			for i := range previous {
				previous[i] = f.div(scratch[i], delta)
			}
		}
	}
	if 2*length-s > n-spare || f.degree(locator) != length {
		return false
	}
	return f.repair(block, syndromes, locator, length)
}

// repair finds the roots of the locator and the error at each.
func (f *field) repair(block, syndromes, locator []byte, length int) (ok bool) {
	n := len(syndromes)
	evaluator := make([]byte, n)
	for i := range evaluator {
		for j := 0; j <= i && j <= length; j++ {
			evaluator[i] ^= f.mul(locator[j], syndromes[i-j])
		}
	}
	roots := 0
	for at := range block {
		power := len(block) - 1 - at
		inverse := f.exp[255-power]
		if f.eval(locator[:length+1], inverse) != 0 {
			continue
		}
		roots++
		var derivative byte
		for i := 1; i <= length; i += 2 {
			if locator[i] != 0 {
				derivative ^= f.mul(locator[i], f.exp[(255-power)*(i-1)%255])
			}
		}
		if derivative == 0 {
			return false
		}
		if e := f.mul(f.exp[power], f.div(f.eval(evaluator, inverse), derivative)); e != 0 {
			block[at] ^= e
		}
	}
	if roots != length {
		return false
	}
	_, clean := f.syndromes(block, n)
	return clean
}

func (f *field) degree(p []byte) int {
	d := len(p) - 1
	for d > 0 && p[d] == 0 {
		d--
	}
	return d
}

// checkCodewords returns the n codewords that follow data in a block.
func (f *field) checkCodewords(data []byte, n int) []byte {
	generator := make([]byte, n) // without its leading 1, highest power first
	generator[n-1] = 1
	for i := range n {
		for j := range n {
			generator[j] = f.mul(generator[j], f.exp[i])
			if j+1 < n {
				generator[j] ^= generator[j+1]
			}
		}
	}
	rest := make([]byte, n)
	for _, b := range data {
		factor := b ^ rest[0]
		copy(rest, rest[1:])
		rest[n-1] = 0
		for j := range rest {
			rest[j] ^= f.mul(generator[j], factor)
		}
	}
	return rest
}
