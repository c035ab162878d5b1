package clip

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A lastCopy is the note of who copied last to one clipboard. A text that is copied twice is
// held by two processes, and the first one cannot see on the clipboard that it is no longer the
// one to clear it. The note has no secret in it. Where it cannot be written, the clipboard is
// cleared by the first one, too early rather than never.
type lastCopy struct {
	path string // empty where there is no folder for it
	id   []byte // of this copy
}

func (s System) lastCopy(way string) lastCopy {
	if s.State == "" {
		return lastCopy{}
	}
	sum := sha256.Sum256([]byte(s.place(way)))
	return lastCopy{filepath.Join(s.State, "clipboard-"+hex.EncodeToString(sum[:4])), []byte(rand.Text())}
}

// place tells one clipboard from others. Several ways may lead to it.
func (s System) place(way string) string {
	switch way {
	case WlCopy:
		return "wayland\x00" + s.Getenv("XDG_RUNTIME_DIR") + "\x00" + s.Getenv("WAYLAND_DISPLAY")
	case Xclip, Xsel:
		return "x11\x00" + s.Getenv("DISPLAY")
	case Tmux:
		socket, _, _ := strings.Cut(s.Getenv("TMUX"), ",")
		return "tmux\x00" + socket
	default:
		return s.OS
	}
}

// reachedMark ends the note of a copy that has reached the clipboard.
const reachedMark = '.'

// begin notes that this copy is about to be the last one.
func (l lastCopy) begin() {
	if l.path != "" {
		_ = os.WriteFile(l.path, l.id, 0o600)
	}
}

// hold notes that this copy has reached the clipboard.
func (l lastCopy) hold() {
	if began, _ := l.later(); l.path == "" || began {
		return
	}
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return
	}
	_, _ = f.Write([]byte{reachedMark})
	_ = f.Close()
}

// later reports whether another copy began later, and whether that one has reached the
// clipboard. It may fail yet.
func (l lastCopy) later() (began, reached bool) {
	if l.path == "" {
		return false, false
	}
	note, err := os.ReadFile(l.path)
	if err != nil || bytes.HasPrefix(note, l.id) {
		return false, false
	}
	return true, bytes.HasSuffix(note, []byte{reachedMark}) // one that is being written is empty
}

// over reports whether the clipboard is for another copy to clear, which came later.
func (l lastCopy) over() bool {
	_, reached := l.later()
	return reached
}

// settled waits until a later copy that has begun has reached the clipboard or failed, or
// until ctx ends: its process may be gone.
func (l lastCopy) settled(ctx context.Context) {
	for {
		if began, reached := l.later(); !began || reached {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(glance):
		}
	}
}

// end removes the note, unless it is that of a later copy.
func (l lastCopy) end() {
	if began, _ := l.later(); l.path != "" && !began {
		_ = os.Remove(l.path)
	}
}
