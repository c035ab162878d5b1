package qr

import (
	"math"
	"slices"
)

// block is one Reed-Solomon block: where its codewords lie among those of the
// symbol (ISO/IEC 18004 section 7.6).
type block struct {
	data, check  int // codewords of each kind
	index, count int // which of how many blocks
	short, long  int // data codewords of the shorter blocks, number of the longer ones
}

func splitBlocks(v version, l level) []block {
	count, check := v.blocks(l)
	short, long := v.codewords()/count-check, v.codewords()%count
	blocks := make([]block, count)
	for i := range blocks {
		blocks[i] = block{data: short, check: check, index: i, count: count, short: short, long: long}
		if i >= count-long {
			blocks[i].data++
		}
	}
	return blocks
}

// at returns the place of codeword i of the block in the symbol.
func (b block) at(i int) int {
	switch {
	case i < b.short:
		return i*b.count + b.index
	case i < b.data:
		return b.short*b.count + b.index - (b.count - b.long)
	}
	return b.short*b.count + b.long + (i-b.data)*b.count + b.index
}

// decoder turns sampled modules into messages.
type decoder struct {
	field   *field
	symbols [41]*symbol
}

func newDecoder() *decoder { return &decoder{field: newField()} }

func (d *decoder) symbol(v version) *symbol {
	if d.symbols[v] == nil {
		d.symbols[v] = newSymbol(v)
	}
	return d.symbols[v]
}

// decode reads the modules of a symbol. A value above zero is a dark module,
// and its distance from zero is how sure that is. It returns false for
// anything but a message that passes its error correction and its grammar.
func (d *decoder) decode(modules []float32, v version) (message, bool) {
	s := d.symbol(v)
	l, mask, sure := readFormat(modules, s)
	if !sure {
		return message{}, false
	}
	codewords := make([]byte, v.codewords())
	doubt := make([]float32, len(codewords))
	for i := range doubt {
		doubt[i] = math.MaxFloat32
	}
	s.data(func(bit, x, y int) {
		i := bit / 8
		if i >= len(codewords) {
			return
		}
		value := modules[y*s.size+x]
		codewords[i] <<= 1
		if (value > 0) != masked(mask, x, y) {
			codewords[i] |= 1
		}
		doubt[i] = min(doubt[i], max(value, -value))
	})
	var data []byte
	for _, b := range splitBlocks(v, l) {
		part, ok := d.correct(codewords, doubt, b, v.spare(l))
		if !ok {
			return message{}, false
		}
		data = append(data, part...)
	}
	return parseMessage(data, v)
}

// correct repairs one block: at first taking every codeword for as good as the
// next, then giving up more and more of the least sure ones (generalised
// minimum distance decoding, Forney 1966). An erasure costs half of what an
// error costs, so this reads symbols with twice as many spoiled codewords as
// long as it is visible which ones they are.
func (d *decoder) correct(codewords []byte, doubt []float32, b block, spare int) ([]byte, bool) {
	received := make([]byte, b.data+b.check)
	for i := range received {
		received[i] = codewords[b.at(i)]
	}
	work := slices.Clone(received)
	if ok := d.field.correct(work, b.check, nil, spare); ok {
		return work[:b.data], true
	}
	// With few check codewords an erasure decoder finds a message in noise.
	const certainty = 4
	if b.check < 10 {
		return nil, false
	}
	order := make([]int, len(received))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		if doubt[b.at(i)] < doubt[b.at(j)] {
			return -1
		}
		return 1
	})
	for erased := 2; erased <= b.check-certainty; erased += 2 {
		copy(work, received)
		if ok := d.field.correct(work, b.check, order[:erased], max(spare, certainty)); ok {
			return work[:b.data], true
		}
	}
	return nil, false
}

// readFormat returns the level and mask whose 30 modules agree best with what
// was sampled. The code words differ in at least 7 of 15 bits (section 7.9),
// so that three wrong ones in a copy are as many as can be told from chance.
func readFormat(modules []float32, s *symbol) (l level, mask int, sure bool) {
	var best float32 = -math.MaxFloat32
	var wrong [2]int
	for i := range 32 {
		bits := formatBits(level(i/8), i%8)
		var agree float32
		var differ [2]int
		for j := range 15 {
			x1, y1, x2, y2 := s.formatPlace(j)
			for k, value := range [2]float32{modules[y1*s.size+x1], modules[y2*s.size+x2]} {
				if bits>>j&1 == 0 {
					value = -value
				}
				agree += value
				if value <= 0 {
					differ[k]++
				}
			}
		}
		if agree > best {
			best, l, mask, wrong = agree, level(i/8), i%8, differ
		}
	}
	return l, mask, min(wrong[0], wrong[1]) <= 3
}
