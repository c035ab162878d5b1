package term

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

const (
	progressEvery = 250 * time.Millisecond // a step of the bar
	progressWidth = 24
	progressMark  = 5
)

// Progress shows on w, a terminal, that work goes on whose length is not known. It shows a
// line with what, a moving bar, and the seconds since the call, unless the work is done
// after that time already. stop removes the line, and may be called more than once. Nothing else may be
// written to w before stop has returned.
func Progress(w io.Writer, what string, after time.Duration) (stop func()) {
	return progress(w, Escape(what), after, progressEvery)
}

func progress(w io.Writer, what string, after, every time.Duration) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		var began time.Time
		wait := time.NewTimer(after)
		defer wait.Stop()
		for step := 0; ; step++ {
			select {
			case <-quit:
				if step > 0 {
					fmt.Fprint(w, "\r\x1b[K")
				}
				return
			case now := <-wait.C:
				if step == 0 {
					began = now.Add(-after)
				}
				fmt.Fprintf(w, "\r%s [%s] %d s\x1b[K", what, bar(step), int(now.Sub(began).Seconds()))
				wait.Reset(every)
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(quit)
		<-done
	})
}

// bar returns one step of a mark that moves to and fro.
func bar(step int) string {
	room := progressWidth - progressMark
	at := step % (2 * room)
	if at > room {
		at = 2*room - at
	}
	return strings.Repeat(" ", at) + strings.Repeat("=", progressMark) + strings.Repeat(" ", room-at)
}
