package vault

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Stamp orders changes made on several devices: a hybrid logical clock (Kulkarni
// and others, "Logical Physical Clocks", 2014). Time is the larger of the wall
// clock and the highest stamp seen plus one, in milliseconds since 1970; the
// device breaks ties. The zero Stamp is older than every other.
//
// There is always a newer one, so that no clock can keep another device from changing
// what its own device has stamped. A limit would not do: merging knows no time, and a
// stamp at the limit would still be one that nothing comes after. So at endTime the
// device counts on; see after.
type Stamp struct {
	Time   int64
	Device string
}

// endTime is the last time of a stamp. Only a clock that is wrong gets there, or one
// that wants to be.
const endTime = math.MaxInt64

// after returns a stamp of a device that is newer than s, which is at endTime. Times end
// and texts do not: behind the device of s stand a number and this device. Where s has
// such a number it is increased, so that stamps do not grow.
func (s Stamp) after(device string) Stamp {
	before, n, ok := s.counted()
	if !ok {
		return Stamp{endTime, fmt.Sprintf("%s+%09d+%s", s.Device, 0, device)}
	}
	return Stamp{endTime, fmt.Sprintf("%s+%09d+%s", before, n+1, device)}
}

// counted takes apart the device of a stamp that after returned: what stands before the
// number, and the number, where another one can follow it.
func (s Stamp) counted() (before string, n int, ok bool) {
	end := strings.LastIndexByte(s.Device, '+')
	if end < 0 {
		return "", 0, false
	}
	begin := strings.LastIndexByte(s.Device[:end], '+')
	if begin < 0 {
		return "", 0, false
	}
	digits := s.Device[begin+1 : end]
	if len(digits) != 9 || strings.Trim(digits, "0123456789") != "" || digits[0] == '9' {
		return "", 0, false
	}
	n, err := strconv.Atoi(digits)
	return s.Device[:begin], n, err == nil
}

// Compare returns -1, 0 or +1 as s is older than, equal to or newer than t.
func (s Stamp) Compare(t Stamp) int {
	return cmp.Or(cmp.Compare(s.Time, t.Time), cmp.Compare(s.Device, t.Device))
}

// IsZero reports whether s is the zero Stamp.
func (s Stamp) IsZero() bool { return s == Stamp{} }

// MarshalText writes a Stamp as "MILLISECONDS@DEVICE".
func (s Stamp) MarshalText() ([]byte, error) {
	return []byte(strconv.FormatInt(s.Time, 10) + "@" + s.Device), nil
}

// latest returns the newer of two stamps.
func latest(s, t Stamp) Stamp {
	if s.Compare(t) < 0 {
		return t
	}
	return s
}

// UnmarshalText reads what MarshalText writes.
func (s *Stamp) UnmarshalText(text []byte) error {
	ms, device, found := strings.Cut(string(text), "@")
	t, err := strconv.ParseInt(ms, 10, 64)
	if !found || err != nil {
		return fmt.Errorf("%w: not a stamp", ErrFormat)
	}
	*s = Stamp{Time: t, Device: device}
	return nil
}

// A Register holds one value and when it was set. Merging keeps the newer.
type Register[T any] struct {
	Value T
	At    Stamp
}

// set puts a value into the register.
func (r *Register[T]) set(v T, at Stamp) { *r = Register[T]{Value: v, At: at} }

// newer returns the newer of two registers. Two clones of a device can give one stamp
// to two values; content orders the values then, so that every device decides alike.
func newer[T any](a, b Register[T], content func(a, b T) int) Register[T] {
	order := a.At.Compare(b.At)
	if order == 0 {
		order = content(a.Value, b.Value)
	}
	if order < 0 {
		return b
	}
	return a
}
