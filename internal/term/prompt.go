package term

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/term"
)

// prompter asks on the console that open opens.
type prompter struct {
	open func() (*console, error)
}

func (p prompter) Available() bool {
	c, err := p.open()
	if err != nil {
		return false
	}
	c.close()
	return true
}

func (p prompter) Secret(ctx context.Context, prompt string) (string, error) {
	return p.ask(ctx, prompt, editor{})
}

func (p prompter) Line(ctx context.Context, prompt string) (string, error) {
	return p.ask(ctx, prompt, editor{echo: true})
}

func (p prompter) Word(ctx context.Context, prompt string, complete func(string) string) (string, error) {
	return p.ask(ctx, prompt, editor{echo: true, complete: complete})
}

func (p prompter) Confirm(ctx context.Context, question string) (bool, error) {
	for {
		answer, err := p.Line(ctx, question+" [y/N] ")
		if err != nil {
			return false, err
		}
		switch strings.ToLower(strings.TrimSpace(answer)) {
		case "y", "yes":
			return true, nil
		case "", "n", "no":
			return false, nil
		}
	}
}

func (p prompter) Choose(ctx context.Context, question string, options []string) (int, error) {
	if len(options) == 0 {
		return 0, errors.New("nothing to choose from")
	}
	c, err := p.open()
	if err != nil {
		return 0, err
	}
	defer c.close()
	var list strings.Builder
	fmt.Fprintln(&list, Escape(question))
	for i, option := range options {
		fmt.Fprintf(&list, "%*d) %s\n", len(strconv.Itoa(len(options)))+2, i+1, Escape(option))
	}
	if _, err := io.WriteString(c.out, list.String()); err != nil {
		return 0, fmt.Errorf("write to the terminal: %w", err)
	}
	for {
		answer, err := p.Line(ctx, fmt.Sprintf("Number, 1 to %d: ", len(options)))
		if err != nil {
			return 0, err
		}
		if n, err := strconv.Atoi(strings.TrimSpace(answer)); err == nil && n >= 1 && n <= len(options) {
			return n - 1, nil
		}
	}
}

// ask puts one question on the terminal and reads one line. The terminal is raw meanwhile: Ctrl-C is then a byte like any
// other, and no line is cut at the kernel's limit for edited lines (4,096 bytes on Linux, 1,024 on macOS).
func (p prompter) ask(ctx context.Context, prompt string, line editor) (answer string, err error) {
	c, err := p.open()
	if err != nil {
		return "", err
	}
	defer c.close()

	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	restore, err := c.raw()
	if err != nil {
		return "", fmt.Errorf("set up the terminal: %w", err)
	}
	defer restore()

	before := width(Escape(prompt))
	line.room = c.columns() - before - 1
	if _, err := io.WriteString(c.out, Escape(prompt)+line.suggest()); err != nil {
		return "", fmt.Errorf("write to the terminal: %w", err)
	}
	defer func() {
		end := "\r\n"
		if line.complete != nil {
			end = wipe(before+columns(line.text), c.columns())
		}
		_, _ = io.WriteString(c.out, end) // The answer is complete, and a terminal that has gone shows nothing.
	}()
	for {
		b, err := c.readByte(ctx)
		if err != nil {
			return "", err
		}
		shown, done, err := line.feedSuggesting(b)
		if _, werr := io.WriteString(c.out, shown); err == nil && werr != nil {
			err = fmt.Errorf("write to the terminal: %w", werr)
		}
		if done || err != nil {
			return string(line.text), err
		}
	}
}

// wipe returns what wipes text from the screen that ends at the cursor and has taken n
// columns, from the first one on.
func wipe(n, columns int) string {
	up := ""
	if rows := max(n-1, 0) / columns; rows > 0 {
		up = fmt.Sprintf("\x1b[%dA", rows)
	}
	return "\r" + up + "\x1b[J"
}

// columnsOf returns the columns of a terminal, 80 where it does not say.
func columnsOf(fd int) int {
	if columns, _, err := term.GetSize(fd); err == nil && columns > 0 {
		return columns
	}
	return 80
}
