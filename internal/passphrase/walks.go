package passphrase

import (
	"math"
)

// keyboards finds adjacent keys, on keyboards with rows shifted by half a key and on the
// numeric keypad.
func keyboards(letters []rune) []part {
	var found []part
	for _, k := range []struct {
		rows    []string
		shifted []string
		slanted bool
	}{
		{[]string{"`1234567890-=", " qwertyuiop[]\\", " asdfghjkl;'", " zxcvbnm,./"}, []string{"~!@#$%^&*()_+", " QWERTYUIOP{}|", " ASDFGHJKL:\"", " ZXCVBNM<>?"}, true},
		{[]string{"^1234567890ß´", " qwertzuiopü+", " asdfghjklöä#", " yxcvbnm,.-"}, []string{"°!\"§$%&/()=?`", " QWERTZUIOPÜ*", " ASDFGHJKLÖÄ'", " YXCVBNM;:_"}, true},
		{[]string{"²&é\"'(-è_çà)=", " azertyuiop^$", " qsdfghjklmù*", " wxcvbn,;:!"}, []string{" 1234567890°+", " AZERTYUIOP¨£", " QSDFGHJKLM%µ", " WXCVBN?./§"}, true},
		{[]string{"`1234567890[]", " ',.pyfgcrl/=\\", " aoeuidhtns-", " ;qjkxbmwvz"}, []string{"~!@#$%^&*(){}", " \"<>PYFGCRL?+|", " AOEUIDHTNS_", " :QJKXBMWVZ"}, true},
		{[]string{" /*-", "789+", "456 ", "123 ", "0 ."}, nil, false},
	} {
		keys := map[rune]key{}
		for y := range k.rows {
			for x, r := range []rune(k.rows[y]) {
				keys[r] = key{x, y, false}
			}
		}
		for y := range k.shifted {
			for x, r := range []rune(k.shifted[y]) {
				keys[r] = key{x, y, true}
			}
		}
		delete(keys, ' ')
		found = append(found, walks(letters, keys, k.slanted)...)
	}
	return found
}

// A key is the position of a letter on a keyboard.
type key struct {
	x, y    int
	shifted bool
}

// beside returns the direction from one key to another; 0 if they are not adjacent.
func (k key) beside(to key, slanted bool) int {
	dx, dy := to.x-k.x, to.y-k.y
	near := dx >= -1 && dx <= 1 && dy >= -1 && dy <= 1 && (dx != 0 || dy != 0)
	if slanted && dx*dy > 0 { // the row below is shifted half a key to the right
		near = false
	}
	if !near {
		return 0
	}
	return 5 + 3*dy + dx
}

// walks finds paths of adjacent keys on a keyboard.
//
// Source: Wheeler, section 4, "spatial".
func walks(letters []rune, keys map[rune]key, slanted bool) []part {
	const degree = 4.6 // average number of neighbours of a key
	var found []part
	for from := range letters {
		at, ok := keys[letters[from]]
		if !ok {
			continue
		}
		turns, direction, shifted := 0, 0, 0
		if at.shifted {
			shifted++
		}
		for to := from + 1; to < len(letters); to++ {
			next, ok := keys[letters[to]]
			d := at.beside(next, slanted)
			if !ok || d == 0 {
				break
			}
			if d != direction {
				turns, direction = turns+1, d
			}
			if next.shifted {
				shifted++
			}
			at = next
			length := to - from + 1
			if length < 3 {
				continue
			}
			ways := 0.0
			for i := 2; i <= length; i++ {
				for j := 1; j <= min(turns, i-1); j++ {
					ways += binomial(i-1, j-1) * float64(len(keys)/2) * math.Pow(degree, float64(j))
				}
			}
			cost := math.Log10(ways)
			if shifted > 0 {
				cost += float64(min(shifted, length-shifted)+1) * math.Log10(2)
			}
			found = append(found, part{from, to + 1, cost})
		}
	}
	return found
}

func binomial(n, k int) float64 {
	product := 1.0
	for i := range k {
		product *= float64(n-i) / float64(i+1)
	}
	return product
}
