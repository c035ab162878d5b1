//go:build unix

package location_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/authcli/auth/internal/backup/location"
)

// Opening a FIFO waits for a writer, and here there is none. The FIFO must not be opened.
func TestFIFO(t *testing.T) {
	t.Parallel()
	l, path := folder(t)
	fifo := filepath.Join(path, "a.age")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	notAFile(t, l, "a.age")
	if names := namesIn(t, l); len(names) != 0 {
		t.Errorf("List has %q, want nothing", names)
	}
	if err := l.Create(t.Context(), "b.age", []byte("x")); err != nil {
		t.Errorf("Create beside a FIFO: %v", err)
	}
	fails(t, parse(t, fifo, location.Options{}), location.ErrNotFolder)
}
