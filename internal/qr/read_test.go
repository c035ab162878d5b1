package qr_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/qr"
)

const text = "otpauth://totp/Example:alice@example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example"

func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// pngOf is a PNG that claims a size and has a zero byte of pixels for each byte
// that the size calls for: with deflate, a bomb.
func pngOf(t testing.TB, w, h int, depth, kind byte) []byte {
	t.Helper()
	img := png.Encoder{CompressionLevel: png.BestSpeed}
	var b bytes.Buffer
	if err := img.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	data := b.Bytes()
	binary.BigEndian.PutUint32(data[16:], uint32(w))
	binary.BigEndian.PutUint32(data[20:], uint32(h))
	data[24], data[25] = depth, kind
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
	return data
}

func TestNoImage(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"zero bytes":             "",
		"a text file":            "this is not a picture, whatever its name says\n",
		"a PDF":                  "%PDF-1.7\n",
		"half a magic":           "\x89PN",
		"a RIFF of another kind": "RIFF\x10\x00\x00\x00WAVEfmt ",
	} {
		if _, err := qr.Read(context.Background(), []byte(data)); !errors.Is(err, qr.ErrNotImage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A file cut off anywhere is an error or, where what is there still shows the
// code, the code: never a panic, never another text.
func TestCutOffFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"plain.png", "photo.jpg", "cmyk.jpg", "progressive.jpg", "still.gif", "animated.gif", "still.webp", "animated.webp", "animated.png", "plain.bmp", "plain.tiff", "pages.tiff"} {
		data := file(t, name)
		for i := 1; i <= 10; i++ {
			n := len(data) * i / 11
			result, err := qr.Read(context.Background(), data[:n])
			if err != nil {
				if !errors.Is(err, qr.ErrDamaged) && !errors.Is(err, qr.ErrNotImage) {
					t.Errorf("%s cut at %d: %v", name, n, err)
				}
				continue
			}
			for _, c := range result.Codes {
				if !strings.HasPrefix(c.Text, "otpauth://totp/") {
					t.Errorf("%s cut at %d: %q", name, n, c.Text)
				}
			}
		}
	}
}

func TestDamagedFileWrapsTheDecodersError(t *testing.T) {
	t.Parallel()
	data := bytes.Clone(file(t, "plain.png"))
	data[len(data)/2] ^= 0xff
	_, err := qr.Read(context.Background(), data)
	var format png.FormatError
	if !errors.Is(err, qr.ErrDamaged) || !errors.As(err, &format) {
		t.Errorf("got %v", err)
	}
}

// What would take too much memory is refused by its header.
func TestTooLargeIsRefusedBeforeDecoding(t *testing.T) {
	var before, after runtime.MemStats
	for name, c := range map[string]struct {
		w, h        int
		depth, kind byte
		refused     bool
	}{
		"20,000 × 20,000 of one bit":           {20_000, 20_000, 1, 0, true},
		"20,000 × 20,000 in colour":            {20_000, 20_000, 8, 6, true},
		"more than 20 megapixels of 16 bits":   {4_600, 4_600, 16, 6, true},
		"more than 40 megapixels of 8 bits":    {6_500, 6_500, 8, 6, true},
		"less than 20 megapixels of 16 bits":   {4_400, 4_400, 16, 6, false},
		"less than 40 megapixels of 8 bits":    {6_300, 6_300, 8, 6, false},
		"100,000 × 1, of which one row is one": {100_000, 1, 8, 0, false},
	} {
		data := pngOf(t, c.w, c.h, c.depth, c.kind)
		runtime.ReadMemStats(&before)
		_, err := qr.Read(context.Background(), data)
		runtime.ReadMemStats(&after)
		var large *qr.TooLargeError
		if errors.As(err, &large) != c.refused {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !c.refused {
			continue
		}
		if large.Width != c.w || large.Height != c.h || large.Bytes <= qr.MaxPixelBytes {
			t.Errorf("%s: %+v", name, large)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%s: refused after allocating %d bytes", name, used)
		}
	}
}

func TestLongThinPicture(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 100_000, 1))); err != nil {
		t.Fatal(err)
	}
	result, err := qr.Read(context.Background(), b.Bytes())
	if err != nil || len(result.Codes) != 0 {
		t.Errorf("got %+v, %v", result, err)
	}
}

// Of ten thousand frames the first hundred are read, and the caller can say so.
func TestTenThousandFrames(t *testing.T) {
	t.Parallel()
	g := gif.GIF{}
	for range 10_000 {
		g.Image = append(g.Image, image.NewPaletted(image.Rect(0, 0, 16, 16), color.Palette{color.Black, color.White}))
		g.Delay = append(g.Delay, 1)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &g); err != nil {
		t.Fatal(err)
	}
	result, err := qr.Read(context.Background(), b.Bytes())
	if err != nil || result.Frames != 10_000 || result.FramesRead != qr.MaxFrames {
		t.Errorf("got %+v, %v", result, err)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := qr.Read(ctx, file(t, "plain.png")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// The corners are those of the symbol as it was drawn: 160 pixels from (20, 20).
func TestCorners(t *testing.T) {
	t.Parallel()
	want := [4]qr.Point{{X: 20, Y: 20}, {X: 180, Y: 20}, {X: 180, Y: 180}, {X: 20, Y: 180}}
	for _, name := range []string{"plain.png", "mirrored.png"} {
		result, err := qr.Read(context.Background(), file(t, name))
		if err != nil || len(result.Codes) != 1 {
			t.Fatalf("%s: %+v, %v", name, result, err)
		}
		got := result.Codes[0].Corners
		if name == "mirrored.png" { // its own left is on the right
			got[0], got[1], got[2], got[3] = got[1], got[0], got[3], got[2]
		}
		near(t, name, got, want)
	}
}

// A camera held sideways stored 300 × 200 pixels with the code around (60, 80),
// lying on its side. Its owner sees 200 × 300 and the code upright, around
// (200-80, 60).
func TestCornersAfterOrientation(t *testing.T) {
	t.Parallel()
	result, err := qr.Read(context.Background(), file(t, "held-sideways.jpg"))
	if err != nil || len(result.Codes) != 1 {
		t.Fatalf("%+v, %v", result, err)
	}
	near(t, "held-sideways.jpg", result.Codes[0].Corners, [4]qr.Point{{X: 75, Y: 15}, {X: 165, Y: 15}, {X: 165, Y: 105}, {X: 75, Y: 105}})
}

func near(t *testing.T, name string, got, want [4]qr.Point) {
	t.Helper()
	for i := range want {
		if dx, dy := got[i].X-want[i].X, got[i].Y-want[i].Y; dx*dx+dy*dy > 4 {
			t.Errorf("%s: corner %d at %v, want %v", name, i, got[i], want[i])
		}
	}
}

// drawing is a picture of a code, part of which can be cut away.
func drawing(t *testing.T, scale int) *image.Gray {
	t.Helper()
	var b bytes.Buffer
	if err := qr.PNG(&b, text, scale); err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	img := image.NewGray(decoded.Bounds())
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			img.Set(x, y, decoded.At(x, y))
		}
	}
	return img
}

func seen(t *testing.T, img image.Image) qr.Seen {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	result, err := qr.Read(context.Background(), b.Bytes())
	if err != nil || len(result.Codes) != 0 {
		t.Fatalf("got %+v, %v", result, err)
	}
	return result.Seen
}

func TestSeenNothing(t *testing.T) {
	t.Parallel()
	if got := seen(t, image.NewGray(image.Rect(0, 0, 300, 200))); got != (qr.Seen{}) {
		t.Errorf("got %+v", got)
	}
}

func TestSeenCutOff(t *testing.T) {
	t.Parallel()
	img := drawing(t, 6)
	side := img.Rect.Dx()
	for name, part := range map[string]image.Rectangle{
		"right half missing":  image.Rect(0, 0, side/2, side),
		"lower half missing":  image.Rect(0, 0, side, side/2),
		"left third missing":  image.Rect(side/3, 0, side, side),
		"only a corner of it": image.Rect(0, 0, side/3, side/3),
	} {
		if got := seen(t, img.SubImage(part)); got.Kind != qr.CutOff || got.ModulePixels < 5 || got.ModulePixels > 7 {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestSeenDamaged(t *testing.T) {
	t.Parallel()
	img := drawing(t, 6)
	side := img.Rect.Dx()
	for y := side / 4; y < side*3/4; y++ { // the middle is painted over
		for x := side / 4; x < side*3/4; x++ {
			img.SetGray(x, y, color.Gray{255})
		}
	}
	if got := seen(t, img); got.Kind != qr.Damaged || got.ModulePixels < 5 || got.ModulePixels > 7 {
		t.Errorf("got %+v", got)
	}
}

// At 1.6 pixels a module something has to be wrong as well: clean ones are read.
func TestSeenTooSmall(t *testing.T) {
	t.Parallel()
	img := drawing(t, 8)
	n := img.Rect.Dx()
	for y := n / 4; y < n*3/4; y++ {
		for x := n / 4; x < n*3/4; x++ {
			img.SetGray(x, y, color.Gray{255})
		}
	}
	small := image.NewGray(image.Rect(0, 0, n/5, n/5))
	for y := range n / 5 {
		for x := range n / 5 {
			sum := 0
			for i := range 25 {
				sum += int(img.GrayAt(5*x+i%5, 5*y+i/5).Y)
			}
			small.SetGray(x, y, color.Gray{uint8(sum / 25)})
		}
	}
	if got := seen(t, small); got.Kind != qr.TooSmall || got.ModulePixels < 1.3 || got.ModulePixels > 1.9 {
		t.Errorf("got %+v", got)
	}
}

func TestSameTextOnce(t *testing.T) {
	t.Parallel()
	img := drawing(t, 3)
	side := img.Rect.Dx()
	twice := image.NewGray(image.Rect(0, 0, 2*side, side))
	for y := range side {
		for x := range side {
			twice.SetGray(x, y, img.GrayAt(x, y))
			twice.SetGray(side+x, y, img.GrayAt(x, y))
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, twice); err != nil {
		t.Fatal(err)
	}
	result, err := qr.Read(context.Background(), b.Bytes())
	if err != nil || len(result.Codes) != 1 || result.Codes[0].Text != text {
		t.Errorf("got %+v, %v", result, err)
	}
}

func TestOrderIsThatOfReading(t *testing.T) {
	t.Parallel()
	result, err := qr.Read(context.Background(), file(t, "three.png"))
	if err != nil || len(result.Codes) != 3 {
		t.Fatalf("got %+v, %v", result, err)
	}
	// The right one begins higher than the left one, but stands beside it.
	left, right, below := result.Codes[0].Corners[0], result.Codes[1].Corners[0], result.Codes[2].Corners[0]
	if !slices.IsSorted([]float64{left.X, right.X}) || below.Y < left.Y {
		t.Errorf("got %v, %v, %v", left, right, below)
	}
}
