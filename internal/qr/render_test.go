package qr

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"testing"
)

// scene draws QR codes as a screen or a camera would show them.
type scene struct {
	w, h   int
	ground uint8
	pix    []float64
	random *rand.Rand
}

func newScene(w, h int, ground uint8) *scene {
	s := &scene{w: w, h: h, ground: ground, pix: make([]float64, w*h), random: rand.New(rand.NewPCG(18004, 1))}
	for i := range s.pix {
		s.pix[i] = float64(ground)
	}
	return s
}

// upright is the square of a symbol that begins at (x, y).
func upright(x, y, side float64) [4]Point {
	return [4]Point{{x, y}, {x + side, y}, {x + side, y + side}, {x, y + side}}
}

func turned(cx, cy, side, degrees float64) [4]Point {
	var q [4]Point
	for i := range q {
		sin, cos := math.Sincos((degrees + 90*float64(i) - 135) * math.Pi / 180)
		q[i] = Point{cx + side/math.Sqrt2*cos, cy + side/math.Sqrt2*sin}
	}
	return q
}

// code draws a symbol into a quadrilateral, with a quiet zone of some modules
// around it, 16 samples a pixel.
func (s *scene) code(t testing.TB, text string, quad [4]Point, dark, light uint8, quiet float64) *scene {
	t.Helper()
	symbol := symbolOf(t, text)
	n := float64(symbol.Rect.Dx())
	back := mapping(quad, [4]Point{{0, 0}, {n, 0}, {n, n}, {0, n}})
	for y := range s.h {
		for x := range s.w {
			var sum float64
			for k := range 16 {
				u, v := back.apply(float64(x)+float64(k%4)/4+0.125, float64(y)+float64(k/4)/4+0.125)
				switch {
				case u < -quiet || v < -quiet || u >= n+quiet || v >= n+quiet:
					sum += s.pix[y*s.w+x]
				case u >= 0 && v >= 0 && u < n && v < n && symbol.GrayAt(int(u), int(v)).Y < 128:
					sum += float64(dark)
				default:
					sum += float64(light)
				}
			}
			s.pix[y*s.w+x] = sum / 16
		}
	}
	return s
}

// blur is Gaussian.
func (s *scene) blur(sigma float64) *scene {
	r := int(3*sigma + 1)
	kernel, total := make([]float64, 2*r+1), 0.0
	for i := range kernel {
		d := float64(i - r)
		kernel[i] = math.Exp(-d * d / (2 * sigma * sigma))
		total += kernel[i]
	}
	for _, along := range [2]bool{true, false} {
		out := make([]float64, len(s.pix))
		for y := range s.h {
			for x := range s.w {
				for i, k := range kernel {
					sx, sy := x, y
					if along {
						sx = min(max(x+i-r, 0), s.w-1)
					} else {
						sy = min(max(y+i-r, 0), s.h-1)
					}
					out[y*s.w+x] += s.pix[sy*s.w+sx] * k / total
				}
			}
		}
		s.pix = out
	}
	return s
}

func (s *scene) noise(strength float64) *scene {
	for i := range s.pix {
		s.pix[i] += s.random.NormFloat64() * strength
	}
	return s
}

// blot covers a disc with one shade.
func (s *scene) blot(x, y, radius, shade float64) *scene {
	for i := range s.pix {
		if math.Hypot(float64(i%s.w)-x, float64(i/s.w)-y) < radius {
			s.pix[i] = shade
		}
	}
	return s
}

// light multiplies by what a lamp gives at each place, 0 to 1 in both directions.
func (s *scene) light(at func(x, y float64) float64) *scene {
	for i := range s.pix {
		s.pix[i] *= at(float64(i%s.w)/float64(s.w), float64(i/s.w)/float64(s.h))
	}
	return s
}

func (s *scene) gray() *image.Gray {
	img := image.NewGray(image.Rect(0, 0, s.w, s.h))
	for i, v := range s.pix {
		img.Pix[i] = uint8(min(max(v+0.5, 0), 255))
	}
	return img
}

// coloured turns black into one colour and white into another.
func (s *scene) coloured(dark, light color.NRGBA) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, s.w, s.h))
	mix := func(a, b uint8, v float64) uint8 { return uint8(float64(a) + (float64(b)-float64(a))*v/255 + 0.5) }
	for i, v := range s.pix {
		v = min(max(v, 0), 255)
		img.SetNRGBA(i%s.w, i/s.w, color.NRGBA{mix(dark.R, light.R, v), mix(dark.G, light.G, v), mix(dark.B, light.B, v), mix(dark.A, light.A, v)})
	}
	return img
}

func asPNG(img image.Image) []byte {
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestCompression}
	if err := e.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func asJPEG(img image.Image, quality int) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func asGIF(frames ...*image.Paletted) []byte {
	g := gif.GIF{Image: frames, Delay: make([]int, len(frames))}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &g); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// twoColours has a palette of black and white.
func twoColours(img *image.Gray) *image.Paletted {
	p := image.NewPaletted(img.Rect, color.Palette{color.Black, color.White})
	for i, v := range img.Pix {
		p.Pix[i] = v >> 7
	}
	return p
}
