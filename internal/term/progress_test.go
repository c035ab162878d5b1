package term

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

// What ends soon shows nothing at all.
func TestProgressOfWhatIsShort(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	stop := progress(&out, "opening", time.Hour, time.Hour)
	stop()
	stop()
	if out.Len() > 0 {
		t.Errorf("it shows %q", out.String())
	}
}

// What lasts is shown on one line, which is gone afterwards.
func TestProgressOfWhatLasts(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	stop := progress(w, "opening", time.Millisecond, time.Millisecond)
	shown := make([]byte, 0, 4096)
	for strings.Count(string(shown), "opening [") < 30 {
		piece := make([]byte, 256)
		n, err := r.Read(piece)
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, piece[:n]...)
	}
	rest := make(chan string)
	go func() {
		tail, _ := io.ReadAll(r)
		rest <- string(tail)
	}()
	stop()
	w.Close()
	if tail := <-rest; !strings.HasSuffix(tail, "\r\x1b[K") {
		t.Errorf("it leaves %q behind", tail)
	}
	if strings.Contains(string(shown), "\n") {
		t.Errorf("it takes more than a line: %q", shown)
	}
	pictures := map[string]bool{}
	for line := range strings.SplitSeq(string(shown), "\r") {
		if from, to := strings.IndexByte(line, '['), strings.IndexByte(line, ']'); from >= 0 && to > from {
			pictures[line[from:to]] = true
		}
	}
	if len(pictures) < 15 {
		t.Errorf("the bar stands still: %d pictures", len(pictures))
	}
}
