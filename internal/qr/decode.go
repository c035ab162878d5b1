package qr

import (
	"slices"
	"sync"

	"github.com/makiuchi-d/gozxing"
	zxing "github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// decoder turns sampled modules into messages.
type decoder struct {
	mutex      sync.Mutex    // of order: passes that run at once share it
	order      map[int][]int // by the size of a symbol, what [bitOrder] returns
	onlyErrors bool          // no erasures: what those earn is tested against this
}

func newDecoder() *decoder { return &decoder{order: map[int][]int{}} }

// decode reads the modules of a symbol, row by row, size in a row. A value
// above zero is a dark module, and its distance from zero is how sure that is.
// It returns false for anything but a message that passes its error correction
// and its grammar. Only with erasures are doubtful codewords given up: see [correctErasures].
//
// The work is gozxing's, in the steps of its own Decoder.Decode. They are taken
// one by one because that method returns nothing where a block has too many
// errors, and where it does not like the text; see [correctBlock] and
// [parseMessage] for what is done there.
func (d *decoder) decode(modules []float32, size int, erasures bool) (message, bool) {
	matrix, err := gozxing.NewSquareBitMatrix(size)
	if err != nil {
		return message{}, false
	}
	for i, m := range modules {
		if m > 0 {
			matrix.Set(i%size, i/size)
		}
	}
	parser, err := zxing.NewBitMatrixParser(matrix)
	if err != nil {
		return message{}, false
	}
	version, err := parser.ReadVersion()
	if err != nil {
		return message{}, false
	}
	format, err := parser.ReadFormatInformation()
	if err != nil {
		return message{}, false
	}
	level := format.GetErrorCorrectionLevel()
	codewords, err := parser.ReadCodewords()
	if err != nil {
		return message{}, false
	}
	blocks, err := zxing.DataBlock_GetDataBlocks(codewords, version, level)
	if err != nil {
		return message{}, false
	}
	var doubts []*zxing.DataBlock
	var data []byte
	for i, b := range blocks {
		block := b.GetCodewords()
		checks := len(block) - b.GetNumDataCodewords()
		if !correctBlock(block, checks, spareChecks(version, level)) {
			if d.onlyErrors || !erasures {
				return message{}, false
			}
			if doubts == nil {
				doubts, err = zxing.DataBlock_GetDataBlocks(d.doubts(matrix, parser, modules), version, level)
				if err != nil {
					return message{}, false
				}
			}
			if !correctErasures(block, checks, spareChecks(version, level), doubts[i].GetCodewords()) {
				return message{}, false
			}
		}
		data = append(data, block[:b.GetNumDataCodewords()]...)
	}
	return parseMessage(data, version)
}

// spareChecks is the number of check codewords that a reader leaves unused in
// small symbols, so that it does not take one message for another (ISO/IEC
// 18004 table 9, the letter p). gozxing uses them all.
func spareChecks(v *zxing.Version, level zxing.ErrorCorrectionLevel) int {
	switch n := v.GetVersionNumber(); {
	case n == 1 && level == zxing.ErrorCorrectionLevel_L:
		return 3
	case n == 1 && level == zxing.ErrorCorrectionLevel_M, n == 2 && level == zxing.ErrorCorrectionLevel_L:
		return 2
	case n == 1, n == 3 && level == zxing.ErrorCorrectionLevel_L:
		return 1
	}
	return 0
}

// doubts returns for each codeword how doubtful it is, from 0 for the surest
// to 255: a codeword is as doubtful as its least sure module.
func (d *decoder) doubts(matrix *gozxing.BitMatrix, parser *zxing.BitMatrixParser, modules []float32) []byte {
	size := matrix.GetWidth()
	d.mutex.Lock()
	if d.order[size] == nil {
		d.order[size] = bitOrder(matrix, parser)
	}
	order := d.order[size]
	d.mutex.Unlock()
	sureness := make([]float32, len(order)/8)
	for i := range sureness {
		sureness[i] = abs(modules[order[8*i]])
		for _, at := range order[8*i+1 : 8*i+8] {
			sureness[i] = min(sureness[i], abs(modules[at]))
		}
	}
	sorted := slices.Sorted(slices.Values(sureness))
	out := make([]byte, len(sureness))
	for i, s := range sureness {
		rank, _ := slices.BinarySearch(sorted, s)
		out[i] = byte(255 - rank*255/len(sorted))
	}
	return out
}

// bitOrder returns which modules carry the bits of the codewords, in order.
// gozxing knows and does not say, so it is asked to read the numbers of the
// modules, one binary digit of all of them at a time.
func bitOrder(matrix *gozxing.BitMatrix, parser *zxing.BitMatrixParser) []int {
	size := matrix.GetWidth()
	var order []int
	for digit := 0; size*size>>digit > 0; digit++ {
		matrix.Clear()
		for i := range size * size {
			if i>>digit&1 == 1 {
				matrix.Set(i%size, i/size)
			}
		}
		parser.Remask() // ReadCodewords masks the matrix once more
		codewords, err := parser.ReadCodewords()
		if err != nil { // it has read a symbol of this size just now
			return nil
		}
		if order == nil {
			order = make([]int, 8*len(codewords))
		}
		for i := range order {
			order[i] |= int(codewords[i/8]>>(7-i%8)&1) << digit
		}
	}
	return order
}
