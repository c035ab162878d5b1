package qr

import (
	"errors"
	"math"
)

// ErrTooLong says that a text has more bytes than the largest QR code holds.
var ErrTooLong = errors.New("the text is too long for a QR code")

// quietZone is the light border that a symbol needs, in modules (ISO/IEC 18004
// section 6.3.8).
const quietZone = 4

// Matrix returns the modules of a QR code that says text, rows of true for
// dark, with its quiet zone. The text is written as UTF-8 bytes with error
// correction M; one of more than 2,331 bytes is [ErrTooLong].
func Matrix(text string) ([][]bool, error) {
	const lvl = levelM
	v := version(1)
	for ; ; v++ {
		if v > 40 {
			return nil, ErrTooLong
		}
		blocks, check := v.blocks(lvl)
		if 4+lengthBits(v)+8*len(text) <= 8*(v.codewords()-blocks*check) {
			break
		}
	}
	s := newSymbol(v)
	codewords := s.interleave(pad(text, v, lvl), lvl)
	best, least := s.dark, math.MaxInt
	for mask := range 8 {
		modules := s.draw(codewords, lvl, mask)
		if p := penalty(modules, s.size); p < least {
			best, least = modules, p
		}
	}
	rows := make([][]bool, s.size+2*quietZone)
	for y := range rows {
		rows[y] = make([]bool, s.size+2*quietZone)
		if y >= quietZone && y < quietZone+s.size {
			copy(rows[y][quietZone:], best[(y-quietZone)*s.size:][:s.size])
		}
	}
	return rows, nil
}

// lengthBits is the width of the length of a byte segment (table 3).
func lengthBits(v version) int {
	if v < 10 {
		return 8
	}
	return 16
}

// pad writes text as one byte segment, its end and the padding (section 7.4).
func pad(text string, v version, l level) []byte {
	blocks, check := v.blocks(l)
	room := v.codewords() - blocks*check
	out := make([]byte, 0, room+3)
	carry, bits := uint32(0), 0
	put := func(value uint32, n int) {
		carry, bits = carry<<n|value, bits+n
		for ; bits >= 8; bits -= 8 {
			out = append(out, byte(carry>>(bits-8)))
		}
	}
	put(4, 4)
	put(uint32(len(text)), lengthBits(v))
	for _, b := range []byte(text) {
		put(uint32(b), 8)
	}
	put(0, 4)
	for p := byte(0xec); len(out) < room; p ^= 0xec ^ 0x11 {
		out = append(out, p)
	}
	return out[:room]
}

// interleave adds the check codewords and brings all into the order of the
// symbol (section 7.6).
func (s *symbol) interleave(data []byte, l level) []byte {
	f := newField()
	count, check := s.version.blocks(l)
	out := make([]byte, s.version.codewords())
	for i, b := range splitBlocks(s.version, l) {
		block := data[:b.data]
		data = data[b.data:]
		for j, c := range block {
			out[b.at(j)] = c
		}
		for j, c := range f.checkCodewords(block, check) {
			out[len(out)-check*count+j*count+i] = c
		}
	}
	return out
}

func (s *symbol) draw(codewords []byte, l level, mask int) []bool {
	modules := append([]bool(nil), s.dark...)
	s.data(func(bit, x, y int) {
		dark := bit/8 < len(codewords) && codewords[bit/8]>>(7-bit%8)&1 == 1
		modules[y*s.size+x] = dark != masked(mask, x, y)
	})
	format := formatBits(l, mask)
	for i := range 15 {
		x1, y1, x2, y2 := s.formatPlace(i)
		dark := format>>i&1 == 1
		modules[y1*s.size+x1], modules[y2*s.size+x2] = dark, dark
	}
	if s.version >= 7 {
		bits := versionBits(s.version)
		for i := range 18 {
			x, y := s.size-11+i%3, i/3
			modules[y*s.size+x] = bits>>i&1 == 1
			modules[x*s.size+y] = bits>>i&1 == 1
		}
	}
	return modules
}

// penalty says how hard a drawn symbol is to read (section 7.8.3).
func penalty(modules []bool, size int) int {
	total, darks := 0, 0
	for y := range size {
		total += linePenalty(modules[y*size:], 1, size) + linePenalty(modules[y:], size, size)
		for x := range size {
			m := modules[y*size+x]
			if m {
				darks++
			}
			if x > 0 && y > 0 && m == modules[y*size+x-1] && m == modules[(y-1)*size+x] && m == modules[(y-1)*size+x-1] {
				total += 3
			}
		}
	}
	return total + abs(darks*20-size*size*10)/(size*size)*10
}

// linePenalty scores a row or a column: runs of five or more, and what looks
// like a finder pattern.
func linePenalty(modules []bool, step, size int) int {
	total, run, history := 0, 0, 0
	for i := range size {
		m := modules[i*step]
		if i > 0 && m == modules[(i-1)*step] {
			run++
		} else {
			run = 1
		}
		if run == 5 {
			total += 3
		} else if run > 5 {
			total++
		}
		history = history << 1 & 0x7ff
		if m {
			history |= 1
		}
		if i >= 10 && (history == 0b10111010000 || history == 0b00001011101) {
			total += 40
		}
	}
	return total
}
