package qr

import (
	"bytes"
	"context"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

var update = flag.Bool("update", false, "make the images of testdata anew")

const (
	alice = "otpauth://totp/Example:alice@example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example"
	bob   = "otpauth://totp/Example:bob@example.com?secret=JBSWY3DPEHPK3PXP&issuer=Example"
	short = "otpauth://totp/a?secret=JBSWY3DP"
)

// testImage is a file of testdata.
type testImage struct {
	file string
	make func(t testing.TB) []byte
	want []string
	pass string // that alone reads it; "" where several do
	// frames is 1 unless given.
	frames int
	unread int // symbols found and not read
}

func plain(t testing.TB, text string) *scene {
	return newScene(200, 200, 255).code(t, text, upright(20, 20, 160), 0, 255, 2)
}

// blocky is aligned to blocks of eight pixels.
func blocky(t testing.TB) *image.Gray {
	return newScene(312, 312, 255).code(t, short, upright(32, 32, 232), 0, 255, 0).gray()
}

var testImages = []testImage{
	// File kinds.
	{file: "plain.png", make: func(t testing.TB) []byte { return asPNG(plain(t, alice).gray()) }, want: []string{alice}},
	{file: "palette.png", make: func(t testing.TB) []byte { return asPNG(twoColours(plain(t, alice).gray())) }, want: []string{alice}},
	{file: "sixteen-bit.png", make: func(t testing.TB) []byte {
		g := plain(t, alice).gray()
		deep := image.NewGray16(g.Rect)
		draw.Draw(deep, g.Rect, g, image.Point{}, draw.Src)
		return asPNG(deep)
	}, want: []string{alice}},
	{file: "transparent-ground.png", make: func(t testing.TB) []byte {
		return asPNG(plain(t, alice).coloured(color.NRGBA{A: 255}, color.NRGBA{}))
	}, want: []string{alice}},
	{file: "light-on-transparent.png", make: func(t testing.TB) []byte {
		return asPNG(plain(t, alice).coloured(color.NRGBA{255, 255, 255, 255}, color.NRGBA{}))
	}, want: []string{alice}, pass: "black ground"},
	{file: "animated.png", make: func(t testing.TB) []byte {
		return asAnimatedPNG(newScene(200, 200, 255).gray(), plain(t, alice).gray())
	}, want: []string{alice}, frames: 2},
	{file: "photo.jpg", make: func(t testing.TB) []byte { return asJPEG(plain(t, alice).gray(), 60) }, want: []string{alice}},
	{file: "cmyk.jpg", make: func(t testing.TB) []byte { return asBlockJPEG(blocky(t), true, false) }, want: []string{short}},
	{file: "progressive.jpg", make: func(t testing.TB) []byte { return asBlockJPEG(blocky(t), false, true) }, want: []string{short}},
	{file: "held-sideways.jpg", make: func(t testing.TB) []byte {
		side := newScene(300, 200, 255).code(t, short, turned(60, 80, 90, -90), 0, 255, 4)
		return withOrientation(asJPEG(side.gray(), 80), 6)
	}, want: []string{short}},
	{file: "still.gif", make: func(t testing.TB) []byte { return asGIF(twoColours(plain(t, alice).gray())) }, want: []string{alice}},
	{file: "animated.gif", make: func(t testing.TB) []byte {
		return asGIF(twoColours(newScene(200, 200, 255).gray()), twoColours(plain(t, alice).gray()), twoColours(plain(t, bob).gray()))
	}, want: []string{alice, bob}, frames: 3},
	{file: "still.webp", make: func(t testing.TB) []byte { return asWebP(plain(t, alice).gray()) }, want: []string{alice}},
	{file: "animated.webp", make: func(t testing.TB) []byte {
		return asAnimatedWebP(newScene(200, 200, 255).gray(), plain(t, alice).gray())
	}, want: []string{alice}, frames: 2},
	{file: "plain.bmp", make: func(t testing.TB) []byte {
		var b bytes.Buffer
		if err := bmp.Encode(&b, twoColours(plain(t, alice).gray())); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}, want: []string{alice}},
	{file: "plain.tiff", make: func(t testing.TB) []byte {
		var b bytes.Buffer
		if err := tiff.Encode(&b, plain(t, alice).gray(), &tiff.Options{Compression: tiff.Deflate}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}, want: []string{alice}},
	{file: "pages.tiff", make: func(t testing.TB) []byte { return asPages(newScene(50, 40, 255).gray(), plain(t, bob).gray()) }, want: []string{bob}, frames: 2},

	// Ways of looking.
	{file: "inverted.png", make: func(t testing.TB) []byte {
		return asPNG(newScene(200, 200, 20).code(t, alice, upright(20, 20, 160), 240, 20, 2).gray())
	}, want: []string{alice}},
	{file: "dark-page.png", make: func(t testing.TB) []byte {
		return asPNG(newScene(240, 220, 13).code(t, alice, upright(40, 30, 160), 0, 255, 0).gray())
	}, want: []string{alice}},
	{file: "three.png", make: func(t testing.TB) []byte {
		s := newScene(460, 260, 255).code(t, bob, upright(250, 12, 135), 0, 255, 2)
		return asPNG(s.code(t, alice, upright(20, 10, 160), 0, 255, 2).code(t, short, turned(120, 215, 60, 0), 0, 255, 2).gray())
	}, want: []string{alice, bob, short}},
	{file: "one-spoilt.png", make: func(t testing.TB) []byte {
		s := newScene(400, 200, 255).code(t, alice, upright(20, 20, 160), 0, 255, 2).code(t, bob, upright(220, 20, 160), 0, 255, 2)
		return asPNG(s.blot(295, 95, 40, 255).gray())
	}, want: []string{alice}, unread: 1},
	{file: "leaning.jpg", make: func(t testing.TB) []byte {
		quad := [4]Point{{50, 40}, {200, 70}, {190, 200}, {30, 215}}
		return asJPEG(newScene(240, 240, 230).code(t, alice, quad, 20, 230, 4).blur(0.7).noise(4).gray(), 70)
	}, want: []string{alice}},
	{file: "turned.png", make: func(t testing.TB) []byte {
		return asPNG(newScene(240, 240, 255).code(t, alice, turned(120, 120, 150, 33), 0, 255, 4).gray())
	}, want: []string{alice}},
	{file: "mirrored.png", make: func(t testing.TB) []byte {
		quad := [4]Point{{180, 20}, {20, 20}, {20, 180}, {180, 180}}
		return asPNG(newScene(200, 200, 255).code(t, alice, quad, 0, 255, 2).gray())
	}, want: []string{alice}},
	{file: "blot.png", make: func(t testing.TB) []byte {
		return asPNG(newScene(148, 148, 255).code(t, short, upright(16, 16, 116), 0, 255, 4).blot(77, 71, 24, 128).noise(4).gray())
	}, want: []string{short}},
	{file: "grain.jpg", make: func(t testing.TB) []byte {
		return asJPEG(newScene(300, 300, 200).code(t, short, turned(150, 150, 190, 8), 60, 200, 4).noise(55).gray(), 50)
	}, want: []string{short}},
	{file: "large-modules.png", make: func(t testing.TB) []byte {
		return asPNG(twoColours(newScene(1400, 1400, 255).code(t, short, upright(120, 120, 1160), 0, 255, 3).gray()))
	}, want: []string{short}},
	{file: "shadow.jpg", make: func(t testing.TB) []byte {
		s := newScene(240, 240, 255).code(t, alice, turned(120, 120, 165, 4), 30, 255, 4)
		return asJPEG(s.light(func(x, y float64) float64 { return 0.25 + 0.75/(1+math.Exp(40*(x+y-1))) }).gray(), 80)
	}, want: []string{alice}},
	{file: "tiny.png", make: func(t testing.TB) []byte {
		return asPNG(newScene(62, 60, 255).code(t, short, upright(8.3, 8.6, 29*1.45), 0, 255, 4).gray())
	}, want: []string{short}},
	{file: "blurred.jpg", make: func(t testing.TB) []byte {
		return asJPEG(newScene(200, 200, 255).code(t, alice, turned(100, 100, 160, -6), 0, 255, 4).blur(2).noise(3).gray(), 75)
	}, want: []string{alice}},
	{file: "strong-grain.jpg", make: func(t testing.TB) []byte {
		return asJPEG(newScene(560, 560, 200).code(t, short, turned(280, 280, 400, 5), 80, 180, 4).noise(80).gray(), 30)
	}, want: []string{short}, pass: "quarter size"},
	{file: "red-on-green.png", make: func(t testing.TB) []byte {
		return asPNG(plain(t, alice).coloured(color.NRGBA{0, 128, 0, 255}, color.NRGBA{251, 0, 0, 255}))
	}, want: []string{alice}, pass: "red"},
	{file: "yellow-on-white.png", make: func(t testing.TB) []byte {
		return asPNG(plain(t, alice).coloured(color.NRGBA{255, 252, 120, 255}, color.NRGBA{255, 255, 255, 255}))
	}, want: []string{alice}},

	{file: "dim.png", make: func(t testing.TB) []byte {
		s := newScene(240, 200, 255).code(t, alice, upright(20, 20, 160), 0, 255, 3)
		for i := range s.pix { // bright stripes beside and a code between shades 45 and 85
			if i%s.w > 195 {
				s.pix[i] = float64(i / 7 % 2 * 255)
			} else {
				s.pix[i] = 45 + s.pix[i]*40/255
			}
		}
		return asPNG(s.noise(2).gray())
	}, want: []string{alice}},

	// What one pass alone reads.
	{file: "perspective.jpg", make: func(t testing.TB) []byte { return picture(t, "perspective", 81) }, want: []string{short}, pass: "half size"},
	{file: "glare.jpg", make: func(t testing.TB) []byte { return picture(t, "glare", 0) }, want: []string{short}, pass: "surroundings"},
	{file: "blots.jpg", make: func(t testing.TB) []byte { return picture(t, "blots", 43) }, want: []string{bob}, pass: "enlarged"},
	{file: "noise.jpg", make: func(t testing.TB) []byte { return picture(t, "noise", 44) }, want: []string{short}, pass: "blurred"},
	{file: "blue-and-not.png", make: func(t testing.TB) []byte { return picture(t, "blue and not", 5) }, want: []string{alice}, pass: "blue"},
	{file: "shade.png", make: func(t testing.TB) []byte { return picture(t, "shade beside light", 11) }, want: []string{short}, pass: "dark half"},

	// No codes.
	{file: "empty.png", make: func(testing.TB) []byte { return asPNG(newScene(120, 90, 255).gray()) }},
	{file: "one-pixel.png", make: func(testing.TB) []byte { return asPNG(newScene(1, 1, 0).gray()) }},
	{file: "checkerboard.png", make: func(testing.TB) []byte {
		return asPNG(twoColours(newScene(240, 240, 255).light(func(x, y float64) float64 { return float64((int(x*40) + int(y*40)) % 2) }).gray()))
	}},
}

func readImage(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func texts(r Result) []string {
	var out []string
	for _, c := range r.Codes {
		out = append(out, c.Text)
	}
	return out
}

// Every file kind and every way of looking has an image in testdata;
// go test ./internal/qr -run TestImages -update makes them.
func TestImages(t *testing.T) {
	t.Parallel()
	for _, image := range testImages {
		t.Run(image.file, func(t *testing.T) {
			if *update {
				if err := os.WriteFile(filepath.Join("testdata", image.file), image.make(t), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			// What is promised here is the reading; a busy machine may take its time.
			result, err := read(context.Background(), readImage(t, image.file), time.Minute, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := texts(result); !slices.Equal(got, image.want) {
				t.Errorf("got %q, want %q, seen %+v", got, image.want, result.Seen)
			}
			if len(image.want) > 0 && len(result.Unread) != image.unread {
				t.Errorf("unread: %+v", result.Unread)
			}
			if want := max(image.frames, 1); result.Frames != want || result.FramesRead != want {
				t.Errorf("%d of %d frames read, want %d", result.FramesRead, result.Frames, want)
			}
		})
	}
}

// Each pass but the quick ones has an image that no other pass reads.
func TestEachPassReadsAnImageAlone(t *testing.T) {
	t.Parallel()
	covered := map[string]bool{}
	for _, image := range testImages {
		if image.pass == "" {
			continue
		}
		covered[image.pass] = true
		if got := readers(t, readImage(t, image.file)); !slices.Equal(got, []string{image.pass}) {
			t.Errorf("%s is read by %q, not by %q alone", image.file, got, image.pass)
		}
	}
	for _, p := range passes[quickPasses:] {
		if !covered[p.name] {
			t.Errorf("no image is read by %q alone", p.name)
		}
	}
}
