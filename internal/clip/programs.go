package clip

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// board returns the clipboard of a way.
func (s System) board(way string) (board, error) {
	switch way {
	case WlCopy:
		return &programBoard{
			s: s, serves: true, clearFirst: true, private: true,
			set:   program{name: "wl-copy", args: append([]string{"--foreground", "--type", "text/plain"}, s.sensitive()...)},
			read:  program{name: "wl-paste", args: []string{"--no-newline", "--type", "text/plain"}},
			empty: program{name: "wl-copy", args: []string{"--clear"}},
		}, nil
	case Xclip:
		return &programBoard{
			s: s, serves: true,
			set:   program{name: "xclip", args: []string{"-quiet", "-selection", "clipboard", "-in"}},
			read:  program{name: "xclip", args: []string{"-selection", "clipboard", "-out"}},
			empty: program{name: "xclip", args: []string{"-selection", "clipboard", "-in"}, forks: true},
		}, nil
	case Xsel:
		return &programBoard{
			s: s, serves: true,
			set:   program{name: "xsel", args: []string{"--nodetach", "--clipboard", "--input"}},
			read:  program{name: "xsel", args: []string{"--clipboard", "--output"}},
			empty: program{name: "xsel", args: []string{"--clipboard", "--clear"}},
		}, nil
	case Pbcopy:
		return s.macBoard(), nil
	case PowerShell:
		return s.powerShell(), nil
	case Tmux:
		return &tmuxBoard{s: s}, nil
	case Windows:
		return windowsBoard()
	default:
		return nil, ErrUnknown
	}
}

// sensitive returns the option of wl-copy that keeps a text out of histories, which it has
// from version 2.3 on.
func (s System) sensitive() []string {
	help, err := s.run(context.Background(), program{name: "wl-copy", args: []string{"--help"}})
	if err != nil || !strings.Contains(string(help), "--sensitive") {
		return nil
	}
	return []string{"--sensitive"}
}

// programBoard is a clipboard that programs of the system reach.
type programBoard struct {
	s                System
	set, read, empty program
	// serves says that set goes on for as long as the clipboard holds the text.
	serves bool
	// clearFirst says that set cleans up after itself only if the clipboard is taken from
	// it.
	clearFirst bool
	// private says that set writes its input to a file in TMPDIR.
	private bool
}

func (b *programBoard) put(ctx context.Context, text string) (*holder, error) {
	p := b.set
	p.in = text
	if !b.serves {
		_, err := b.s.run(ctx, p)
		return nil, err
	}
	return b.serve(p)
}

// serve starts the program that serves the clipboard.
func (b *programBoard) serve(p program) (*holder, error) {
	path, err := b.s.LookPath(p.name)
	if err != nil {
		return nil, &FailedError{p.name, "it is not installed"}
	}
	dir := b.dir()
	if dir != "" {
		p.env = append(p.env, "TMPDIR="+dir)
	}
	words := &bounded{limit: maxWords, cut: true}
	cmd := b.s.command(context.Background(), path, p)
	cmd.Stderr = words
	endWithParent(cmd)
	started, ended := make(chan error, 1), make(chan struct{})
	go func() {
		// On Linux a program ends with the thread that has started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		if dir != "" {
			os.RemoveAll(dir)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return &holder{ended: ended, stop: func(ctx context.Context) { b.stop(ctx, cmd, ended) }}, nil
}

// dir returns a private folder in memory for the file of a program that makes one; empty
// where there is none.
func (b *programBoard) dir() string {
	runtime := b.s.Getenv("XDG_RUNTIME_DIR")
	if !b.private || runtime == "" {
		return ""
	}
	dir, err := os.MkdirTemp(runtime, "auth-")
	if err != nil {
		return ""
	}
	return dir
}

// stop ends the program that serves the clipboard, if it still does.
func (b *programBoard) stop(ctx context.Context, cmd *exec.Cmd, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	default:
	}
	if b.clearFirst {
		if _, err := b.s.run(ctx, b.empty); err == nil {
			// It removes its file, and that may take a moment.
			select {
			case <-ended:
				return
			case <-ctx.Done():
			}
		}
	}
	_ = cmd.Process.Kill()
	<-ended
}

func (b *programBoard) holds(ctx context.Context, text string) (bool, error) {
	out, err := b.s.run(ctx, b.read)
	if errors.Is(err, ctx.Err()) && err != nil {
		return false, err
	}
	return strings.TrimRight(string(out), "\r\n") == text && err == nil, err
}

func (b *programBoard) clear(ctx context.Context, _ string) error {
	_, err := b.s.run(ctx, b.empty)
	return err
}
