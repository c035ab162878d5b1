package qr

import (
	"context"
	"image"
	"image/draw"
	"math/rand/v2"
	"testing"
)

// desktop is a screenshot: panels, lines of text-like marks and a code.
func desktop(b *testing.B, w, h int, text string) []byte {
	s := newScene(w, h, 245)
	random := rand.New(rand.NewPCG(1, 2))
	for y := 40; y+14 < h; y += 26 {
		for x := 30; x < w-60; x += 3 + random.IntN(9) {
			height := 4 + random.IntN(9)
			for i := range height {
				s.pix[(y+i)*w+x], s.pix[(y+i)*w+x+1] = 60, 90
			}
		}
	}
	if text != "" {
		s.code(b, text, upright(float64(w)/2, float64(h)/3, 246), 0, 255, 4)
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(img, img.Rect, s.gray(), image.Point{}, draw.Src)
	return asPNG(img)
}

func BenchmarkRead(b *testing.B) {
	for _, c := range []struct {
		name string
		w, h int
		text string
	}{
		{"Screenshot", 1600, 1125, alice},
		{"Desktop4K", 3840, 2160, alice},
		{"ScreenshotWithoutCode", 1600, 1125, ""},
		{"Desktop4KWithoutCode", 3840, 2160, ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			data := desktop(b, c.w, c.h, c.text)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Read(context.Background(), data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
