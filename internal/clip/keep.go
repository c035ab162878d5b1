package clip

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	// settle is how long a clipboard may take to hold what was put there.
	settle = 4 * time.Second
	// glance is how often it is looked at meanwhile, tick how often the clock.
	glance = 15 * time.Millisecond
	tick   = time.Second
	// wipeTries is how often clearing it is begun on a machine that is too busy to answer.
	wipeTries = 5
	// farewell is how long a process that is asked to end may take to clear the clipboard.
	farewell = 250 * time.Millisecond
)

// A board is a clipboard that can be read.
type board interface {
	// put sets the text. Where a process serves it, that is the holder; nil otherwise.
	put(ctx context.Context, text string) (*holder, error)
	// holds reports whether the clipboard holds the text.
	holds(ctx context.Context, text string) (bool, error)
	// clear empties the clipboard. It is called where the clipboard holds the text.
	clear(ctx context.Context, text string) error
}

// A holder is a process that serves the clipboard until another program copies something.
type holder struct {
	ended <-chan struct{}
	stop  func(context.Context) // ends it, and with it what it serves
}

// Keep is the process that holds a text: it reads its order from in, puts the text on the
// clipboard, answers on out, and clears the clipboard when the time is over, or at once
// when ctx ends, as at a logout. What somebody else has copied since stays, and so does the same
// text that was copied again: it is for the process that holds it since to clear.
func Keep(ctx context.Context, s System, in io.Reader, out io.WriteCloser) error {
	var o order
	if err := json.NewDecoder(io.LimitReader(in, maxText)).Decode(&o); err != nil {
		return fmt.Errorf("hold the clipboard: no order was given: %w", err)
	}
	s.State = o.State
	last := s.lastCopy(o.Way)
	defer last.end()
	b, err := s.board(o.Way)
	var held *holder
	if err == nil {
		last.begin() // first: otherwise an earlier copy could be cleared, and this one with it
		if held, err = fill(ctx, b, o.Text); err == nil {
			last.hold()
		}
	}
	said := answer{}
	if t, ok := b.(*tmuxBoard); ok {
		said.Alone = t.alone
	}
	if err != nil {
		last.end()
		said = answer{With: o.Way, Error: err.Error()}
		if failed, ok := errors.AsType[*FailedError](err); ok {
			said.With, said.Error = failed.With, failed.Reason
		}
	}
	if sayErr := errors.Join(json.NewEncoder(out).Encode(said), out.Close()); err == nil && sayErr != nil {
		wipe(ctx, b, held, o.Text, last) // nobody learns that it was copied
		return sayErr
	}
	if err != nil {
		return err
	}
	s.wait(ctx, b, held, o, last)
	wipe(ctx, b, held, o.Text, last)
	return nil
}

// fill puts the text on the clipboard, and waits until it can be read there.
func fill(ctx context.Context, b board, text string) (*holder, error) {
	held, err := b.put(ctx, text)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	for {
		there, err := b.holds(ctx, text)
		if there {
			return held, nil
		}
		select {
		case <-ctx.Done():
			if held != nil {
				held.stop(context.WithoutCancel(ctx))
			}
			if failed, ok := errors.AsType[*FailedError](err); ok {
				return nil, failed
			}
			return nil, ErrNotHeld
		case <-time.After(glance):
		}
	}
}

// wait waits until the time is over, by the clock on the wall: a machine that was asleep
// has used it up. It ends early when ctx does, or when something else or the same text has been
// copied again.
func (s System) wait(ctx context.Context, b board, held *holder, o order, last lastCopy) {
	end := s.Now().Round(0).Add(o.For)
	var ended <-chan struct{}
	if held != nil {
		ended = held.ended
	}
	for {
		left := end.Sub(s.Now().Round(0))
		if left <= 0 || last.over() {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-ended:
			// A manager of clipboards may have taken over the text.
			if there, err := b.holds(ctx, o.Text); err == nil && !there {
				return
			}
			ended = nil
		case <-time.After(min(left, tick)):
		}
	}
}

// wipe takes the text off the clipboard if it is still there, and nobody has copied it again.
func wipe(ctx context.Context, b board, held *holder, text string, last lastCopy) {
	patience, tries := settle, wipeTries
	if ctx.Err() != nil {
		patience, tries = farewell, 1
	}
	pending, stop := context.WithTimeout(ctx, 2*settle) // longer than a copy can take
	last.settled(pending)
	stop()
	if last.over() {
		return
	}
	for range tries {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		if held != nil {
			held.stop(limited)
		}
		there, err := b.holds(limited, text)
		if err == nil && there && !last.over() {
			err = b.clear(limited, text)
		}
		cancel()
		if !late(err) || ctx.Err() != nil { // there is nobody left to tell of another error
			return
		}
	}
}
