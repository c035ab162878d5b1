package clip

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
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

// begin notes that this copy is the last one.
func (l lastCopy) begin() {
	if l.path != "" {
		_ = os.WriteFile(l.path, l.id, 0o600)
	}
}

// over reports whether another one came later.
func (l lastCopy) over() bool {
	if l.path == "" {
		return false
	}
	id, err := os.ReadFile(l.path)
	return err == nil && len(id) > 0 && !bytes.Equal(id, l.id)
}

// end removes the note, unless it is that of a later copy.
func (l lastCopy) end() {
	if l.path != "" && !l.over() {
		_ = os.Remove(l.path)
	}
}
