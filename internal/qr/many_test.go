package qr

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// place draws a symbol upright at a place, as [PNG] does.
func (s *scene) place(t testing.TB, text string, x, y, module int) {
	t.Helper()
	modules, err := Matrix(text)
	if err != nil {
		t.Fatal(err)
	}
	for dy := range len(modules) * module {
		for dx := range len(modules) * module {
			s.pix[(y+dy)*s.w+x+dx] = 255
			if modules[dy/module][dx/module] {
				s.pix[(y+dy)*s.w+x+dx] = 0
			}
		}
	}
}

// A page of codes is read to its end, in the order of reading.
func TestPageOfCodes(t *testing.T) {
	t.Parallel()
	for _, count := range []int{60, 120} {
		const module, columns = 2, 10
		const pitch = 45*module + 6 // a symbol of version 4 with its quiet zone has 41 modules
		s := newScene(columns*pitch, (count+columns-1)/columns*pitch, 255)
		var want []string
		for i := range count {
			text := fmt.Sprintf("otpauth://totp/Example:user%03d?secret=JBSWY3DPEHPK3PXP%c%c", i, 'A'+i%26, 'A'+i/26)
			s.place(t, text, i%columns*pitch, i/columns*pitch, module)
			want = append(want, text)
		}
		result, err := read(t.Context(), asPNG(s.gray()), time.Minute, nil)
		if got := texts(result); err != nil || !slices.Equal(got, want) {
			t.Errorf("%d of %d codes read, %v", len(got), count, err)
		}
	}
}

// Codes beside others in grain: the first pass reads some of them, and the
// passes go on for what is left. Of the 60 codes of these
// pictures, 54 were read when they ended with the first.
func TestPassesGoOn(t *testing.T) {
	t.Parallel()
	total, made := 0, 0
	for n := range 20 {
		random := rand.New(rand.NewPCG(18004, uint64(n)))
		s := newScene(900, 420, 200)
		s.random = random
		for i, text := range []string{alice, bob, short} {
			side := between(random, 2, 4) * float64(symbolOf(t, text).Rect.Dx())
			s.code(t, text, turned(150+300*float64(i), 200, side, between(random, 0, 360)), 40, 200, 4)
		}
		s.blur(between(random, 0.3, 1.2)).noise(between(random, 2, 14))
		result, err := read(t.Context(), asJPEG(s.gray(), 75), time.Minute, func(string, int) { made++ })
		if err != nil {
			t.Fatal(err)
		}
		total += len(result.Codes)
	}
	t.Logf("%d of 60 codes read in %d passes", total, made)
	if total < 56 {
		t.Errorf("%d of 60 codes read", total)
	}
}

// Of four codes one is painted over in part: the others are read, and it is
// said where the fourth is.
func TestUnreadIsReported(t *testing.T) {
	t.Parallel()
	s := newScene(460, 460, 255)
	for i, at := range [4]Point{{10, 10}, {240, 10}, {10, 240}, {240, 240}} {
		s.place(t, fmt.Sprintf("otpauth://totp/Example:user%d?secret=JBSWY3DPEHPK3PXP", i), int(at.X), int(at.Y), 5)
	}
	whole, err := Read(t.Context(), asPNG(s.gray()))
	if err != nil || len(whole.Codes) != 4 || len(whole.Unread) != 0 {
		t.Fatalf("before: %+v, %v", whole, err)
	}
	s.blot(240+102, 10+102, 40, 255)
	result, err := read(t.Context(), asPNG(s.gray()), time.Minute, nil)
	if err != nil || len(result.Codes) != 3 || len(result.Unread) != 1 {
		t.Fatalf("after: %+v, %v", result, err)
	}
	u := result.Unread[0]
	if u.Frame != 0 || u.Middle.X < 332 || u.Middle.X > 352 || u.Middle.Y < 102 || u.Middle.Y > 122 || u.ModulePixels < 4.5 || u.ModulePixels > 5.5 {
		t.Errorf("got %+v", u)
	}
}

// A machine with more processors reads the same, at the same places, and says the
// same of what it cannot read.
func TestPassesAtOnceReadTheSame(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(18004, 7))
	for n := range 5 {
		s := newScene(900, 420, 200)
		s.random = random
		for i, text := range []string{alice, bob, short} {
			side := between(random, 1.5, 4) * float64(symbolOf(t, text).Rect.Dx())
			s.code(t, text, turned(150+300*float64(i), 200, side, between(random, 0, 360)), 40, 200, 4)
		}
		data := asPNG(s.blur(between(random, 0.3, 2)).noise(between(random, 5, 60)).gray())
		var results []Result
		for _, atOnce := range []int{1, 4} {
			r := newReader(t.Context(), t.Context())
			r.atOnce = atOnce
			result, err := r.read(data)
			if err != nil {
				t.Fatal(err)
			}
			results = append(results, result)
		}
		for _, other := range results[1:] {
			if !reflect.DeepEqual(other, results[0]) {
				t.Errorf("picture %d: %+v, one pass after the other: %+v", n, other, results[0])
			}
		}
	}
}
