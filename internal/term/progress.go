package term

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

const (
	progressAfter = time.Second            // what is done by then needs no bar
	progressEvery = 250 * time.Millisecond // a step of the bar
	progressWidth = 24
	progressMark  = 5
)

// Progress shows on w, a terminal, that something goes on whose end nobody can
// foresee: nothing in the first second, then a line with what it is, a bar on
// the move and the seconds gone by. stop takes the line away and may be called
// more than once; what is written to w in between belongs after it.
func Progress(w io.Writer, what string) (stop func()) {
	return progress(w, Escape(what), progressAfter, progressEvery)
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

// bar is one picture of a mark that goes to and fro.
func bar(step int) string {
	room := progressWidth - progressMark
	at := step % (2 * room)
	if at > room {
		at = 2*room - at
	}
	return strings.Repeat(" ", at) + strings.Repeat("=", progressMark) + strings.Repeat(" ", room-at)
}
