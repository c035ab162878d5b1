package qr

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/common/reedsolomon"
	zxing "github.com/makiuchi-d/gozxing/qrcode/decoder"

	"github.com/authcli/auth/internal/testenv"
)

// The block of the example in ISO/IEC 18004 annex I, version 1-M: 16 codewords
// of data and 10 for checks.
var annexI = []byte("\x10\x20\x0c\x56\x61\x80\xec\x11\xec\x11\xec\x11\xec\x11\xec\x11\xa5\x24\xd4\xc1\xed\x36\xc7\x87\x2c\x55")

// spoilt is a block of which so many codewords are wrong, and where.
func spoilt(random *rand.Rand, block []byte, wrong int) ([]byte, []int) {
	out := bytes.Clone(block)
	at := random.Perm(len(block))[:wrong]
	for _, i := range at {
		out[i] ^= byte(1 + random.IntN(255))
	}
	return out, at
}

// As many wrong codewords as table 9 promises are put right, which is four in
// version 1-M; more never make another block.
func TestErrorsAreCorrected(t *testing.T) {
	t.Parallel()
	random := testenv.Rand(t)
	const checks, spare, capacity = 10, 2, 4
	for range 200 {
		for wrong := range 9 {
			block, _ := spoilt(random, annexI, wrong)
			ok := correctBlock(block, checks, spare)
			if want := wrong <= capacity; ok != want || ok && !bytes.Equal(block, annexI) {
				t.Errorf("%d wrong codewords: %v, %x", wrong, ok, block)
			}
		}
	}
}

// Twice as many are put right where it is known which ones they are, but for
// the checks that are left unused.
func TestErasuresAreFilled(t *testing.T) {
	t.Parallel()
	random := testenv.Rand(t)
	const checks, spare = 10, 4
	for range 50 {
		for erased := 0; erased <= checks-spare; erased++ {
			for wrong := range 5 {
				block, at := spoilt(random, annexI, erased+wrong)
				ok := fillErasures(block, checks, spare, at[:erased])
				if want := erased+2*wrong <= checks-spare; ok != want || ok && !bytes.Equal(block, annexI) {
					t.Errorf("%d erased, %d wrong: %v, %x", erased, wrong, ok, block)
				}
			}
		}
	}
}

// gozxing takes this word for a codeword although it is none: of its values at
// the powers of α the last five are zero, the first five are not.
func TestWhatGozxingTakesForACodewordIsChecked(t *testing.T) {
	t.Parallel()
	field := reedsolomon.GenericGF_QR_CODE_FIELD_256
	p := field.GetOne()
	for i := 5; i < 10; i++ {
		factor, err := reedsolomon.NewGenericGFPoly(field, []int{1, field.Exp(i)})
		if err != nil {
			t.Fatal(err)
		}
		if p, err = p.Multiply(factor); err != nil {
			t.Fatal(err)
		}
	}
	word := make([]int, 26)
	copy(word[26-6:], p.GetCoefficients())
	work := slices.Clone(word)
	if err := reedsolomon.NewReedSolomonDecoder(field).Decode(work, 10); err != nil || !slices.Equal(work, word) {
		t.Fatalf("gozxing sees it now: %v, %v. The check may be needless", err, work)
	}
	if correctWord(work, 10, 0) {
		t.Error("taken for a codeword")
	}
}

// Symbols whose modules are wrong in places are read, and where it is to be
// seen that they are in doubt, twice as many may be. No spoilt symbol is read
// as another text.
func TestSpoiltModules(t *testing.T) {
	t.Parallel()
	random := testenv.Rand(t)
	symbol := symbolOf(t, alice) // version 6-M: 4 blocks of 27 codewords and 16 checks
	size := symbol.Rect.Dx()
	order := orderOf(t, sampled(symbol), size)
	for codewords, want := range map[int][2]bool{ // in each block
		0: {true, true}, 7: {true, true}, 8: {true, true}, 9: {false, true}, 12: {false, true}, 16: {false, false},
	} {
		for visible, want := range want {
			modules := sampled(symbol)
			for block := range 4 {
				for _, i := range random.Perm(43)[:codewords] {
					at := 4*i + block // all blocks of this version have one length
					for _, m := range order[8*at : 8*at+8] {
						if modules[m] *= -1; visible == 1 {
							modules[m] *= 0.1
						}
					}
				}
			}
			m, ok := newDecoder().decode(modules, size, true)
			if ok != want || ok && m.text != alice {
				t.Errorf("%d codewords a block, visible: %d: %q, %v", codewords, visible, m.text, ok)
			}
		}
	}
}

func orderOf(t *testing.T, modules []float32, size int) []int {
	t.Helper()
	matrix, err := gozxing.NewSquareBitMatrix(size)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range modules {
		if m > 0 {
			matrix.Set(i%size, i/size)
		}
	}
	parser, err := zxing.NewBitMatrixParser(matrix)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.ReadFormatInformation(); err != nil {
		t.Fatal(err)
	}
	return bitOrder(matrix, parser)
}

// The first codewords of a symbol without alignment patterns lie in its two
// last columns, from the bottom up, right before left (ISO/IEC 18004 section
// 7.7.3), and every module of data is in the order once.
func TestOrderOfBits(t *testing.T) {
	t.Parallel()
	symbol := savedSymbol(t, "1M", fullText(t, 1, "M"), 1, "M")
	order := orderOf(t, sampled(symbol), 21)
	if len(order) != 8*26 {
		t.Fatalf("%d bits", len(order))
	}
	for i, at := range order[:24] {
		if x, y := at%21, at/21; x != 20-i%2 || y != 20-i/2 {
			t.Errorf("bit %d is at %d, %d", i, x, y)
		}
	}
	slices.Sort(order)
	if len(slices.Compact(order)) != 8*26 {
		t.Error("a module is there twice")
	}
}

// Random modules are no message, however sure they seem.
func TestNoiseIsNoMessage(t *testing.T) {
	t.Parallel()
	random := testenv.Rand(t)
	d := newDecoder()
	for round := range 400 {
		size := sizeOf(1 + round%8)
		modules := make([]float32, size*size)
		for i := range modules {
			modules[i] = float32(random.NormFloat64())
		}
		if m, ok := d.decode(modules, size, true); ok {
			t.Errorf("version %d: %q", 1+round%8, m.text)
		}
	}
}

// FuzzModules reads any modules: gozxing must not panic, and what is read has
// passed the checks.
func FuzzModules(f *testing.F) {
	for _, text := range []string{alice, short} {
		symbol := symbolOf(f, text)
		packed := make([]byte, (len(symbol.Pix)+7)/8)
		for i, v := range symbol.Pix {
			packed[i/8] |= (1 - v>>7) << (i % 8)
		}
		f.Add(packed, uint8((symbol.Rect.Dx()-17)/4))
	}
	f.Fuzz(func(t *testing.T, data []byte, v uint8) {
		size := sizeOf(int(v%40) + 1)
		modules := make([]float32, size*size)
		for i := range modules {
			modules[i] = -1 - float32(i%7)
			if i/8 < len(data) && data[i/8]>>(i%8)&1 == 1 {
				modules[i] = 1 + float32(i%5)
			}
		}
		d := newDecoder()
		if m, ok := d.decode(modules, size, true); ok && (m.text == "" || m.parts > 16) {
			t.Errorf("%+v", m)
		}
	})
}
