package qr

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/testenv"
)

// FuzzRead feeds damaged files of every kind through the whole of Read, with
// little time for each so that many are tried.
func FuzzRead(f *testing.F) {
	entries, err := os.ReadDir("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		data, err := os.ReadFile(filepath.Join("testdata", e.Name()))
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 6000 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		result, err := read(context.Background(), data, 40*time.Millisecond, nil)
		if err != nil && (len(result.Codes) != 0 || result.FramesRead != 0) {
			t.Errorf("an error and a result: %+v, %v", result, err)
		}
		if err == nil && (result.FramesRead < 1 || result.FramesRead > result.Frames || result.FramesRead > MaxFrames) {
			t.Errorf("%d of %d frames", result.FramesRead, result.Frames)
		}
		for _, c := range result.Codes {
			if !strings.HasPrefix(c.Text, "otpauth://totp/") { // as every seed does
				t.Errorf("a wrong text: %q", c.Text)
			}
		}
	})
}

// FuzzMessage reads any bytes as the segments of a message.
func FuzzMessage(f *testing.F) {
	f.Add([]byte("\x41\x14\x10\xec\x11"), uint8(1))
	f.Add(new(bitWriter).put(7, 4).put(26, 8).text("\xc3\xbc").put(0, 4).bytes(), uint8(12))
	f.Add(new(bitWriter).put(8, 4).put(2, 8).put(0x1fff, 13).put(0, 17).bytes(), uint8(30))
	f.Fuzz(func(t *testing.T, data []byte, v uint8) {
		if m, ok := parseMessage(data, version(t, int(v%40)+1)); ok && (m.text == "" || m.parts > 16 || m.part >= max(m.parts, 1)) {
			t.Errorf("%+v", m)
		}
	})
}

// Files with a few bytes changed say what they said, or nothing.
func TestChangedBytesMakeNoOtherText(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		t.Fatal(err)
	}
	random := testenv.Rand(t)
	for range 600 {
		file := files[random.IntN(len(files))]
		data := readImage(t, filepath.Base(file))
		if len(data) > 6000 {
			continue
		}
		for range 1 + random.IntN(4) {
			reach := len(data)
			if random.IntN(2) == 0 { // the header more often than its share
				reach = min(reach, 60)
			}
			data[random.IntN(reach)] = byte(random.IntN(256))
		}
		result, _ := read(context.Background(), data, 40*time.Millisecond, nil)
		for _, text := range texts(result) {
			if text != alice && text != bob && text != short {
				t.Errorf("%s, changed: %q", file, text)
			}
		}
	}
}
