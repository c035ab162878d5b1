package qr

// level is how much of a symbol may be damaged: L 7 %, M 15 %, Q 25 %, H 30 %
// (ISO/IEC 18004 section 7.5.1).
type level int

const (
	levelL level = iota
	levelM
	levelQ
	levelH
)

// version is the size of a symbol: 1 (21 modules a side) to 40 (177).
type version int

func (v version) size() int { return 17 + 4*int(v) }

// codewords counts all codewords of a symbol (ISO/IEC 18004 table 1).
func (v version) codewords() int {
	n := int(v)
	bits := (16*n+128)*n + 64
	if n >= 2 {
		a := n/7 + 2
		bits -= (25*a-10)*a - 55
		if n >= 7 {
			bits -= 36
		}
	}
	return bits / 8
}

// alignment returns the rows, and the columns, of the centres of the
// alignment patterns (annex E); none for version 1.
func (v version) alignment() []int {
	if v == 1 {
		return nil
	}
	n := int(v)/7 + 2
	step := (int(v)*8 + n*3 + 5) / (n*4 - 4) * 2
	at := make([]int, n)
	at[0] = 6
	for i, pos := n-1, v.size()-7; i >= 1; i, pos = i-1, pos-step {
		at[i] = pos
	}
	return at
}

// blocks returns into how many blocks the codewords are divided, and how many
// codewords of each are for error correction.
func (v version) blocks(l level) (count, check int) {
	b := blockTable[l][v-1]
	return int(b.count), int(b.check)
}

// spare is the number of check codewords that a reader leaves unused in small
// symbols, so that it does not mistake one message for another (the letter p of table 9).
func (v version) spare(l level) int {
	switch {
	case v == 1:
		return [4]int{3, 2, 1, 1}[l]
	case v == 2 && l == levelL:
		return 2
	case v == 3 && l == levelL:
		return 1
	}
	return 0
}

// blockTable is table 9: for each level and version the check codewords of a
// block and the number of blocks.
var blockTable = [4][40]struct{ check, count uint8 }{
	{ // L
		{7, 1},
		{10, 1},
		{15, 1},
		{20, 1},
		{26, 1},
		{18, 2},
		{20, 2},
		{24, 2},
		{30, 2},
		{18, 4},
		{20, 4},
		{24, 4},
		{26, 4},
		{30, 4},
		{22, 6},
		{24, 6},
		{28, 6},
		{30, 6},
		{28, 7},
		{28, 8},
		{28, 8},
		{28, 9},
		{30, 9},
		{30, 10},
		{26, 12},
		{28, 12},
		{30, 12},
		{30, 13},
		{30, 14},
		{30, 15},
		{30, 16},
		{30, 17},
		{30, 18},
		{30, 19},
		{30, 19},
		{30, 20},
		{30, 21},
		{30, 22},
		{30, 24},
		{30, 25},
	},
	{ // M
		{10, 1},
		{16, 1},
		{26, 1},
		{18, 2},
		{24, 2},
		{16, 4},
		{18, 4},
		{22, 4},
		{22, 5},
		{26, 5},
		{30, 5},
		{22, 8},
		{22, 9},
		{24, 9},
		{24, 10},
		{28, 10},
		{28, 11},
		{26, 13},
		{26, 14},
		{26, 16},
		{26, 17},
		{28, 17},
		{28, 18},
		{28, 20},
		{28, 21},
		{28, 23},
		{28, 25},
		{28, 26},
		{28, 28},
		{28, 29},
		{28, 31},
		{28, 33},
		{28, 35},
		{28, 37},
		{28, 38},
		{28, 40},
		{28, 43},
		{28, 45},
		{28, 47},
		{28, 49},
	},
	{ // Q
		{13, 1},
		{22, 1},
		{18, 2},
		{26, 2},
		{18, 4},
		{24, 4},
		{18, 6},
		{22, 6},
		{20, 8},
		{24, 8},
		{28, 8},
		{26, 10},
		{24, 12},
		{20, 16},
		{30, 12},
		{24, 17},
		{28, 16},
		{28, 18},
		{26, 21},
		{30, 20},
		{28, 23},
		{30, 23},
		{30, 25},
		{30, 27},
		{30, 29},
		{28, 34},
		{30, 34},
		{30, 35},
		{30, 38},
		{30, 40},
		{30, 43},
		{30, 45},
		{30, 48},
		{30, 51},
		{30, 53},
		{30, 56},
		{30, 59},
		{30, 62},
		{30, 65},
		{30, 68},
	},
	{ // H
		{17, 1},
		{28, 1},
		{22, 2},
		{16, 4},
		{22, 4},
		{28, 4},
		{26, 5},
		{26, 6},
		{24, 8},
		{28, 8},
		{24, 11},
		{28, 11},
		{22, 16},
		{24, 16},
		{24, 18},
		{30, 16},
		{28, 19},
		{28, 21},
		{26, 25},
		{28, 25},
		{30, 25},
		{24, 34},
		{30, 30},
		{30, 32},
		{30, 35},
		{30, 37},
		{30, 40},
		{30, 42},
		{30, 45},
		{30, 48},
		{30, 51},
		{30, 54},
		{30, 57},
		{30, 60},
		{30, 63},
		{30, 66},
		{30, 70},
		{30, 74},
		{30, 77},
		{30, 81},
	},
}
