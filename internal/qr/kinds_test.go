package qr

import (
	"context"
	"fmt"
	"image/color"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/testenv"
)

// kind draws pictures of one kind, each different: what people have, from what
// every pass reads to what none does.
type kind struct {
	name string
	draw func(t testing.TB, r *rand.Rand) []byte
}

func between(r *rand.Rand, a, b float64) float64 { return a + (b-a)*r.Float64() }

// somewhere is a scene with a code of so many pixels a module, a little turned.
func somewhere(t testing.TB, r *rand.Rand, module float64, ground, dark, light uint8, quiet float64) *scene {
	text := []string{alice, bob, short}[r.IntN(3)]
	side := module * float64(symbolOf(t, text).Rect.Dx())
	w, h := int(side*between(r, 1.35, 1.9))+20, int(side*between(r, 1.35, 1.9))+20
	s := newScene(w, h, ground)
	s.random = r
	quad := turned(float64(w)/2+between(r, -5, 5), float64(h)/2+between(r, -5, 5), side, between(r, -8, 8))
	return s.code(t, text, quad, dark, light, quiet)
}

// leaning is a scene whose code is seen from the side, by a share of its own side.
func leaning(t testing.TB, r *rand.Rand, module, lean float64) *scene {
	text := []string{alice, bob, short}[r.IntN(3)]
	side := module * float64(symbolOf(t, text).Rect.Dx())
	quad := turned(side, side, side, between(r, 0, 360))
	for i := range quad {
		quad[i].X += between(r, -lean, lean) * side
		quad[i].Y += between(r, -lean, lean) * side
	}
	s := newScene(int(2*side), int(2*side), 230)
	s.random = r
	return s.code(t, text, quad, 20, 230, 4)
}

// colours returns two that some pass has to tell apart.
func colours(r *rand.Rand, distinct func(a, b color.NRGBA) bool) (a, b color.NRGBA) {
	for !distinct(a, b) {
		for _, c := range []*color.NRGBA{&a, &b} {
			*c = color.NRGBA{uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256)), 255}
		}
	}
	return a, b
}

func lightness(c color.NRGBA) float64 {
	return 0.299*float64(c.R) + 0.587*float64(c.G) + 0.114*float64(c.B)
}

var kinds = []kind{
	{"clean", func(t testing.TB, r *rand.Rand) []byte {
		return asPNG(somewhere(t, r, between(r, 2, 8), 250, 0, 255, 4).gray())
	}},
	{"inverse", func(t testing.TB, r *rand.Rand) []byte {
		return asPNG(somewhere(t, r, between(r, 2, 8), 20, 230, 25, 3).gray())
	}},
	{"dark page", func(t testing.TB, r *rand.Rand) []byte {
		return asPNG(somewhere(t, r, between(r, 2, 8), uint8(between(r, 0, 60)), uint8(between(r, 0, 40)), 255, between(r, 0, 1)).gray())
	}},
	{"low contrast", func(t testing.TB, r *rand.Rand) []byte {
		d := between(r, 60, 180)
		s := somewhere(t, r, between(r, 3, 6), uint8(d+20), uint8(d), uint8(d+between(r, 8, 40)), 4)
		return asJPEG(s.noise(between(r, 0, 3)).gray(), 85)
	}},
	{"blur", func(t testing.TB, r *rand.Rand) []byte {
		module := between(r, 3, 6)
		s := somewhere(t, r, module, 230, 20, 230, 4)
		return asJPEG(s.blur(module*between(r, 0.4, 0.75)).noise(between(r, 0, 6)).gray(), 80)
	}},
	{"noise", func(t testing.TB, r *rand.Rand) []byte {
		return asJPEG(somewhere(t, r, between(r, 4, 10), 200, 60, 200, 4).noise(between(r, 20, 80)).gray(), 70)
	}},
	{"strong grain", func(t testing.TB, r *rand.Rand) []byte {
		return asJPEG(somewhere(t, r, between(r, 10, 16), 200, 70, 190, 4).noise(between(r, 60, 120)).gray(), 40)
	}},
	{"tiny", func(t testing.TB, r *rand.Rand) []byte {
		return asPNG(somewhere(t, r, between(r, 1.1, 2.2), 255, 0, 255, 4).gray())
	}},
	{"large modules", func(t testing.TB, r *rand.Rand) []byte {
		return asPNG(twoColours(somewhere(t, r, between(r, 20, 30), 255, 0, 255, 3).gray()))
	}},
	{"shadow", func(t testing.TB, r *rand.Rand) []byte {
		s := somewhere(t, r, between(r, 3, 7), 255, 30, 255, 4)
		sin, cos := math.Sincos(between(r, 0, 2*math.Pi))
		steep, deep, at := between(r, 5, 80), between(r, 0.05, 0.35), between(r, -0.2, 0.2)
		return asJPEG(s.light(func(x, y float64) float64 {
			return deep + (1-deep)/(1+math.Exp(steep*((x-0.5)*cos+(y-0.5)*sin-at)))
		}).gray(), 85)
	}},
	{"glare", func(t testing.TB, r *rand.Rand) []byte {
		s := somewhere(t, r, between(r, 3, 7), 200, 30, 200, 4)
		cx, cy, reach, strength := between(r, 0.3, 0.7), between(r, 0.3, 0.7), between(r, 0.05, 0.2), between(r, 150, 500)
		for i := range s.pix {
			x, y := float64(i%s.w)/float64(s.w)-cx, float64(i/s.w)/float64(s.h)-cy
			s.pix[i] = min(s.pix[i]+strength*math.Exp(-(x*x+y*y)/(2*reach*reach)), 255)
		}
		return asJPEG(s.gray(), 85)
	}},
	{"shade beside light", func(t testing.TB, r *rand.Rand) []byte {
		low := between(r, 5, 50)
		high := low + between(r, 15, 50)
		s := somewhere(t, r, between(r, 3, 6), uint8(high), uint8(low), uint8(high), 3)
		edge, stripe := int(float64(s.w)*between(r, 0.8, 0.95)), 3+r.IntN(12)
		for i := range s.pix {
			if i%s.w > edge {
				s.pix[i] = float64(i / s.w / stripe % 2 * 255)
			}
		}
		return asPNG(s.noise(2).gray())
	}},
	{"blots", func(t testing.TB, r *rand.Rand) []byte {
		s := somewhere(t, r, between(r, 3, 7), 230, 30, 230, 4)
		for range 1 + r.IntN(4) {
			s.blot(between(r, 0, float64(s.w)), between(r, 0, float64(s.h)), between(r, 4, 30), between(r, 60, 200))
		}
		return asJPEG(s.noise(4).gray(), 80)
	}},
	{"light on transparent", func(t testing.TB, r *rand.Rand) []byte {
		white := color.NRGBA{255, 255, 255, 255}
		return asPNG(somewhere(t, r, between(r, 3, 7), 255, 0, 255, 3).coloured(white, color.NRGBA{}))
	}},
	{"equally light", func(t testing.TB, r *rand.Rand) []byte {
		a, b := colours(r, func(a, b color.NRGBA) bool {
			most := max(abs(int(a.R)-int(b.R)), abs(int(a.G)-int(b.G)), abs(int(a.B)-int(b.B)))
			return math.Abs(lightness(a)-lightness(b)) < 2 && most > 80
		})
		return asPNG(somewhere(t, r, between(r, 3, 7), 255, 0, 255, 3).coloured(a, b))
	}},
	{"red and green", func(t testing.TB, r *rand.Rand) []byte {
		a, b := colours(r, func(a, b color.NRGBA) bool {
			return math.Abs(lightness(a)-lightness(b)) < 1 && abs(int(a.R)-int(b.R)) > 80 && abs(int(a.B)-int(b.B)) < 4
		})
		return asPNG(somewhere(t, r, between(r, 3, 7), 255, 0, 255, 3).coloured(a, b))
	}},
	{"blue and not", func(t testing.TB, r *rand.Rand) []byte {
		a, b := colours(r, func(a, b color.NRGBA) bool {
			return math.Abs(lightness(a)-lightness(b)) < 1 && abs(int(a.B)-int(b.B)) > 80 && abs(int(a.R)-int(b.R)) < 4
		})
		return asPNG(somewhere(t, r, between(r, 3, 7), 255, 0, 255, 3).coloured(a, b))
	}},
	{"perspective", func(t testing.TB, r *rand.Rand) []byte {
		return asJPEG(leaning(t, r, between(r, 3, 7), 0.22).blur(0.7).noise(4).gray(), 80)
	}},
	{"turned and small", func(t testing.TB, r *rand.Rand) []byte {
		return asJPEG(leaning(t, r, between(r, 1.5, 3), 0.03).noise(4).gray(), 80)
	}},
	{"photograph of a screen", func(t testing.TB, r *rand.Rand) []byte {
		s := somewhere(t, r, between(r, 5, 12), 230, 20, 230, 4)
		across, down, strength := between(r, 2.2, 7), between(r, 2.2, 7), between(r, 0.3, 0.9)
		sin, cos := math.Sincos(between(r, -0.2, 0.2))
		for i := range s.pix {
			x, y := float64(i%s.w), float64(i/s.w)
			dot := 0.5 + 0.25*math.Cos(2*math.Pi*(x*cos-y*sin)/across) + 0.25*math.Cos(2*math.Pi*(x*sin+y*cos)/down)
			s.pix[i] *= 1 - strength*dot
		}
		return asJPEG(s.noise(between(r, 2, 12)).gray(), 75)
	}},
	{"few bytes", func(t testing.TB, r *rand.Rand) []byte {
		return asJPEG(somewhere(t, r, between(r, 2, 5), 230, 20, 230, 4).gray(), 2+r.IntN(20))
	}},
}

// picture draws the picture of a kind that begins from a number.
func picture(t testing.TB, name string, number int) []byte {
	t.Helper()
	for _, k := range kinds {
		if k.name == name {
			return k.draw(t, rand.New(rand.NewPCG(18004, uint64(number))))
		}
	}
	t.Fatalf("no kind %q", name)
	return nil
}

// readers returns the names of the passes that read a picture when no other is there to.
func readers(t testing.TB, data []byte) []string {
	t.Helper()
	var names []string
	for i, p := range passes {
		r := newReader(context.Background(), context.Background())
		if err := r.searchFrames(data, passes[i:i+1], nil); err != nil {
			t.Fatal(err)
		}
		if !r.none() {
			names = append(names, p.name)
		}
	}
	return names
}

// Every pass but the quick ones reads what no other does, among these pictures
// and those that [TestEachPassReadsAnImageAlone] holds. The table says how many pictures of each kind are read, and how
// many of those by one pass alone.
func TestWhatEachPassEarns(t *testing.T) {
	testenv.NeedLong(t)
	const pictures = 20
	alone := map[string]int{}
	for _, image := range testImages {
		if image.pass != "" {
			alone[image.pass]++
		}
	}
	for _, k := range kinds {
		read, only := 0, map[string]int{}
		for n := range pictures {
			by := readers(t, picture(t, k.name, n))
			if len(by) > 0 {
				read++
			}
			if len(by) == 1 {
				only[by[0]]++
				alone[by[0]]++
			}
		}
		t.Logf("%-24s %2d of %d read, by one pass alone: %s", k.name, read, pictures, strings.TrimPrefix(fmt.Sprint(only), "map"))
	}
	for i, p := range passes {
		t.Logf("%-24s %d", p.name, alone[p.name])
		if i >= quickPasses && alone[p.name] == 0 {
			t.Errorf("%q reads nothing that the others do not read", p.name)
		}
	}
}
