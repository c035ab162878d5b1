package passphrase

import (
	"math"
	"strconv"
	"strings"
)

// dates finds dates and years within a lifetime, such as 24.12.1999, 241299 or 2024.
func dates(letters []rune) []part {
	const days, years = 366, 130
	var found []part
	for from := range letters {
		digits, marks := "", 0
		for i, r := range letters[from:min(from+10, len(letters))] {
			mark := strings.ContainsRune(" -/\\_.", r)
			switch {
			case mark && i > 0 && marks < 2:
				marks++
			case r >= '0' && r <= '9':
				digits += string(r)
			default:
				digits = "none from here on"
			}
			switch {
			case mark:
			case marks == 0 && len(digits) == 4 && isYear(digits):
				found = append(found, part{from, from + i + 1, math.Log10(years)})
			case isDate(digits):
				found = append(found, part{from, from + i + 1, math.Log10(days*years) + float64(marks)/2})
			}
		}
	}
	return found
}

func isYear(digits string) bool { return digits[:2] == "19" || digits[:2] == "20" }

// isDate reports whether digits can be a day, a month and a year in a common order.
func isDate(digits string) bool {
	for year := 2; year <= 4; year += 2 {
		for rest := 2; rest <= 4; rest++ {
			if year+rest != len(digits) {
				continue
			}
			for _, v := range [][2]string{{digits[:year], digits[year:]}, {digits[rest:], digits[:rest]}} {
				if (year == 2 || isYear(v[0])) && isDay(v[1]) {
					return true
				}
			}
		}
	}
	return false
}

// isDay reports whether two to four digits can be a day and a month.
func isDay(digits string) bool {
	for first := 1; first <= 2; first++ {
		if len(digits)-first < 1 || len(digits)-first > 2 {
			continue
		}
		a, _ := strconv.Atoi(digits[:first])
		b, _ := strconv.Atoi(digits[first:])
		if a >= 1 && b >= 1 && min(a, b) <= 12 && max(a, b) <= 31 {
			return true
		}
	}
	return false
}
