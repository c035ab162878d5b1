package clip

import (
	"context"
	"strconv"
	"strings"
)

// tmuxBoard is the buffers of tmux, which it also sends to its terminal.
//
// Source: tmux(1), load-buffer -w (since 3.2).
type tmuxBoard struct {
	s     System
	alone bool // tmux could not send it on
}

func (b *tmuxBoard) tmux(ctx context.Context, in string, args ...string) (string, error) {
	out, err := b.s.run(ctx, program{name: "tmux", args: args, in: in})
	return string(out), err
}

func (b *tmuxBoard) put(ctx context.Context, text string) (*holder, error) {
	_, err := b.tmux(ctx, text, "load-buffer", "-w", "-")
	if err == nil || ctx.Err() != nil {
		return nil, err
	}
	b.alone = true
	_, err = b.tmux(ctx, text, "load-buffer", "-")
	return nil, err
}

// with returns the names of the buffers that hold the text.
func (b *tmuxBoard) with(ctx context.Context, text string) (names []string, err error) {
	list, err := b.tmux(ctx, "", "list-buffers", "-F", "#{buffer_size} #{buffer_name}")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(list) {
		size, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if size != strconv.Itoa(len(text)) { // a process for each of fifty buffers would take long
			continue
		}
		held, err := b.tmux(ctx, "", "show-buffer", "-b", name)
		switch {
		case late(err):
			return names, err // it may hold the text
		case err == nil && held == text: // an error is one of a buffer that is gone by now
			names = append(names, name)
		}
	}
	return names, nil
}

func (b *tmuxBoard) holds(ctx context.Context, text string) (bool, error) {
	names, err := b.with(ctx, text)
	return len(names) > 0, err
}

func (b *tmuxBoard) clear(ctx context.Context, text string) error {
	names, err := b.with(ctx, text)
	for _, name := range names {
		if _, deleteErr := b.tmux(ctx, "", "delete-buffer", "-b", name); deleteErr != nil {
			err = deleteErr
		}
	}
	return err
}
