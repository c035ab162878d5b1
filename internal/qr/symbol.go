package qr

// symbol is the part of a QR code that its version alone decides: where the
// function patterns lie (ISO/IEC 18004 section 6.3) and in which order the
// other modules carry the codewords (section 7.7.3).
type symbol struct {
	version  version
	size     int
	function []bool // by row: the module carries no data
	dark     []bool // by row: the colour of a function module, except format and version information
}

func newSymbol(v version) *symbol {
	size := v.size()
	s := &symbol{version: v, size: size, function: make([]bool, size*size), dark: make([]bool, size*size)}
	for i := range size {
		s.set(i, 6, i%2 == 0)
		s.set(6, i, i%2 == 0)
	}
	for _, c := range [3][2]int{{3, 3}, {size - 4, 3}, {3, size - 4}} {
		for dy := -4; dy <= 4; dy++ {
			for dx := -4; dx <= 4; dx++ {
				ring := max(abs(dx), abs(dy))
				s.set(c[0]+dx, c[1]+dy, ring <= 1 || ring == 3)
			}
		}
	}
	for _, c := range s.alignments() {
		for dy := -2; dy <= 2; dy++ {
			for dx := -2; dx <= 2; dx++ {
				s.set(c[0]+dx, c[1]+dy, max(abs(dx), abs(dy)) != 1)
			}
		}
	}
	for i := range 8 { // format information, and the module that is always dark
		s.set(8, i, s.dark[i*size+8])
		s.set(i, 8, s.dark[8*size+i])
		s.set(size-1-i, 8, false)
		s.set(8, size-1-i, false)
	}
	s.set(8, 8, false)
	s.set(8, size-8, true)
	if v >= 7 {
		for i := range 18 {
			s.set(size-11+i%3, i/3, false)
			s.set(i/3, size-11+i%3, false)
		}
	}
	return s
}

func (s *symbol) set(x, y int, dark bool) {
	if x >= 0 && y >= 0 && x < s.size && y < s.size {
		s.function[y*s.size+x], s.dark[y*s.size+x] = true, dark
	}
}

// alignments returns the centres of the alignment patterns, x then y, without
// the three places that finder patterns cover.
func (s *symbol) alignments() [][2]int {
	at := s.version.alignment()
	var centres [][2]int
	for i, y := range at {
		for j, x := range at {
			last := len(at) - 1
			if i == 0 && j == 0 || i == 0 && j == last || i == last && j == 0 {
				continue
			}
			centres = append(centres, [2]int{x, y})
		}
	}
	return centres
}

// data calls visit for each data module in the order of the bits.
func (s *symbol) data(visit func(bit, x, y int)) {
	bit := 0
	up := true
	for right := s.size - 1; right > 0; right -= 2 {
		if right == 6 { // the vertical timing pattern takes this column
			right--
		}
		for i := range s.size {
			y := i
			if up {
				y = s.size - 1 - i
			}
			for x := right; x >= right-1; x-- {
				if !s.function[y*s.size+x] {
					visit(bit, x, y)
					bit++
				}
			}
		}
		up = !up
	}
}

// masked reports whether a mask turns the module over (table 10).
func masked(mask, x, y int) bool {
	switch mask {
	case 0:
		return (x+y)%2 == 0
	case 1:
		return y%2 == 0
	case 2:
		return x%3 == 0
	case 3:
		return (x+y)%3 == 0
	case 4:
		return (y/2+x/3)%2 == 0
	case 5:
		return x*y%2+x*y%3 == 0
	case 6:
		return (x*y%2+x*y%3)%2 == 0
	default:
		return ((x+y)%2+x*y%3)%2 == 0
	}
}

// formatBits returns the 15 bits that name a level and a mask (section 7.9).
func formatBits(l level, mask int) int {
	data := [4]int{1, 0, 3, 2}[l]<<3 | mask
	rest := data
	for range 10 {
		rest = rest<<1 ^ rest>>9*0x537
	}
	return (data<<10 | rest) ^ 0x5412
}

// formatPlace returns where bit i of the format information lies, in both of
// its copies (figure 25).
func (s *symbol) formatPlace(i int) (x1, y1, x2, y2 int) {
	switch {
	case i < 6:
		x1, y1 = 8, i
	case i < 8:
		x1, y1 = 8, i+1
	case i == 8:
		x1, y1 = 7, 8
	default:
		x1, y1 = 14-i, 8
	}
	if i < 8 {
		return x1, y1, s.size - 1 - i, 8
	}
	return x1, y1, 8, s.size - 15 + i
}

// versionBits returns the 18 bits that name a version from 7 on (section 7.10).
func versionBits(v version) int {
	rest := int(v)
	for range 12 {
		rest = rest<<1 ^ rest>>11*0x1f25
	}
	return int(v)<<12 | rest
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
