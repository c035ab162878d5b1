package clip

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Copied is how a text was copied.
type Copied struct {
	Way string
	// Seen says that the clipboard was read back and holds the text. A terminal cannot be
	// asked, nor can clip.exe.
	Seen bool
	// For is how long the text stays; 0 where nobody takes it off.
	For time.Duration
	// Terminal says that the text was sent to the terminal as well, which keeps it.
	Terminal bool
}

// order is what the process that holds a text is told, and answer what it says when the
// clipboard was read back.
type (
	order struct {
		Way  string        `json:"way"`
		Text string        `json:"text"`
		For  time.Duration `json:"for"`
		// State is [System.State]: the process is in another folder.
		State string `json:"state,omitempty"`
	}
	answer struct {
		With  string `json:"with,omitempty"` // what failed
		Error string `json:"error,omitempty"`
		// Alone says that tmux kept the text to itself.
		Alone bool `json:"alone,omitempty"`
	}
)

// Copy puts text on the clipboard by a way of [System.Choose], and takes it off after keep
// if it is still there. Where a terminal or clip.exe takes the text, it stays.
func (s System) Copy(ctx context.Context, way, text string, keep time.Duration) (Copied, error) {
	if way == OSC52 {
		return Copied{Way: way}, s.send(text, wrapping(s.session(ctx)))
	}
	if way == ClipExe {
		// It takes a text and can do nothing else: what it would clear may be somebody else's.
		// It reads letters in a code page of its own, and those of a code are ASCII.
		_, err := s.run(ctx, program{name: "clip.exe", in: text})
		return Copied{Way: way}, err
	}
	got, err := s.hand(ctx, order{way, text, keep, s.State})
	if err != nil {
		return Copied{}, err
	}
	done := Copied{Way: way, Seen: true, For: keep}
	if way == Tmux {
		done.Terminal = s.tellTerminal(ctx, text, got.Alone)
	}
	return done, nil
}

// hand starts the process that holds the text, and waits until it has read it back.
func (s System) hand(ctx context.Context, o order) (answer, error) {
	told, err := json.Marshal(o)
	if err != nil {
		return answer{}, err
	}
	cmd := s.Self()
	cmd.Env = s.Environ
	cmd.Stdin = bytes.NewReader(told)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return answer{}, err
	}
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return answer{}, fmt.Errorf("hold the clipboard: %w", err)
	}
	type heard struct {
		answer
		err error
	}
	said := make(chan heard, 1)
	go func() {
		var h heard
		h.err = json.NewDecoder(io.LimitReader(out, maxText)).Decode(&h.answer)
		said <- h
	}()
	select {
	case <-ctx.Done():
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return answer{}, ctx.Err()
	case h := <-said:
		switch {
		case h.err != nil:
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			return answer{}, fmt.Errorf("hold the clipboard: the process ended without an answer: %w", h.err)
		case h.Error == ErrNotHeld.Error():
			_ = cmd.Wait()
			return answer{}, ErrNotHeld
		case h.Error != "":
			_ = cmd.Wait()
			return answer{}, &FailedError{h.With, h.Error}
		}
		// The process goes on holding the text. One that nobody waits for would be left as a
		// zombie where this process goes on too, as the live view does.
		go func() { _ = cmd.Wait() }()
		return h.answer, nil
	}
}
