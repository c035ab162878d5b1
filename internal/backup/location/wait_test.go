package location

import (
	"context"
	"errors"
	"testing"
	"time"
)

// hanging is a location that never answers.
type hanging struct{ Location }

func (hanging) Local() bool { return true }

func (hanging) List(ctx context.Context) ([]Entry, error) {
	<-ctx.Done()
	return nil, contextError(ctx)
}

// No call takes longer than the Wait option says.
func TestWait(t *testing.T) {
	t.Parallel()
	if _, err := bound(hanging{}, time.Millisecond).List(t.Context()); !errors.Is(err, ErrTimeout) {
		t.Errorf("a location that hangs: %v, want ErrTimeout", err)
	}
	for text, want := range map[string]time.Duration{"/folder": FolderWait, "rclone:remote:": RemoteWait} {
		l, err := Parse(text, Options{})
		if err != nil || l.Wait() != want {
			t.Errorf("%s waits %v (%v), want %v", text, l.Wait(), err, want)
		}
	}
}
