package qr

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"
)

// patience replaces the time that a search may take: what can be read is judged here,
// however busy the machine is. How long it takes is for internal/bench to say.
const patience = 10 * maxTime

// samples returns the folder of images that are not part of the project.
func samples() (root string, set bool) {
	root, set = os.LookupEnv("AUTH_SAMPLES")
	if !filepath.IsAbs(root) { // it is said from the top of the project
		root = filepath.Join("..", "..", root)
	}
	return root, set
}

// At least so many images of each set are read right, and nothing wrong is read
// in any.
func TestSamples(t *testing.T) {
	root, set := samples()
	if !set {
		t.Skip("AUTH_SAMPLES is not set")
	}
	for name, bar := range map[string]int{"zxing": 178, "screens": 102} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(root, "qr", name)
			text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
			if err != nil {
				t.Fatalf("AUTH_SAMPLES is set and has no such images: %v", err)
			}
			var images []struct {
				File, Category string
				Expected       []string
			}
			if err := json.Unmarshal(text, &images); err != nil || len(images) == 0 {
				t.Fatalf("manifest of %s: %v, %d images", name, err, len(images))
			}
			right, last := 0, map[string]int{}
			var times []time.Duration
			for _, image := range images {
				data, err := os.ReadFile(filepath.Join(dir, image.File))
				if err != nil {
					t.Fatal(err)
				}
				pass := ""
				start := time.Now()
				result, err := read(context.Background(), data, patience, func(name string, found int) {
					if found > 0 && pass == "" {
						pass = name
					}
				})
				took := time.Since(start)
				times = append(times, took)
				last[pass]++
				got := []string{}
				for _, c := range result.Codes {
					got = append(got, c.Text)
					if !slices.Contains(image.Expected, c.Text) {
						t.Errorf("%s: wrong text %q", image.File, c.Text)
					}
				}
				sort.Strings(got)
				want := slices.Sorted(slices.Values(image.Expected))
				if slices.Equal(got, want) {
					right++
					if len(result.Unread) > 0 {
						t.Errorf("%s: all is read, and %+v is said not to be", image.File, result.Unread)
					}
				} else {
					t.Logf("%s: %d of %d, %v, seen %+v, error %v", image.File, len(got), len(want), took.Round(time.Millisecond), result.Seen, err)
				}
				if len(want) == 0 || took > time.Second {
					t.Logf("%s: %v %s", image.File, took.Round(time.Millisecond), pass)
				}
			}
			slices.Sort(times)
			t.Logf("%s: %d/%d, median %v, longest %v, by pass %v", name, right, len(images), times[len(times)/2], times[len(times)-1], strings.ReplaceAll(strings.TrimPrefix(jsonOf(last), "{"), ",", " "))
			if right < bar {
				t.Errorf("%d of %d read, %d wanted", right, len(images), bar)
			}
		})
	}
}

// These are read because doubtful codewords are given up: gozxing refuses them.
func TestErasuresReadSamples(t *testing.T) {
	t.Parallel()
	files := []string{filepath.Join("testdata", "blot.png")}
	if root, set := samples(); set {
		files = append(files, filepath.Join(root, "qr", "zxing", "qrcode-4", "33.png"))
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, onlyErrors := range []bool{true, false} {
			r := newReader(t.Context(), t.Context())
			r.decoder.onlyErrors = onlyErrors
			if _, err := r.read(data); err != nil {
				t.Fatal(err)
			}
			if read := !r.none(); read == onlyErrors {
				t.Errorf("%s: without erasures: %v, read: %v", file, onlyErrors, read)
			}
		}
	}
}

func jsonOf(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}
