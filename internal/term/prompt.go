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
	return p.ask(ctx, prompt, false)
}

func (p prompter) Line(ctx context.Context, prompt string) (string, error) {
	return p.ask(ctx, prompt, true)
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
func (p prompter) ask(ctx context.Context, prompt string, echo bool) (answer string, err error) {
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

	line := editor{echo: echo}
	if _, err := io.WriteString(c.out, Escape(prompt)); err != nil {
		return "", fmt.Errorf("write to the terminal: %w", err)
	}
	defer io.WriteString(c.out, "\r\n") //nolint:errcheck // The answer is complete, and a terminal that has gone shows nothing.
	for {
		b, err := c.readByte(ctx)
		if err != nil {
			return "", err
		}
		shown, done, err := line.feed(b)
		if _, werr := io.WriteString(c.out, shown); err == nil && werr != nil {
			err = fmt.Errorf("write to the terminal: %w", werr)
		}
		if done || err != nil {
			return string(line.text), err
		}
	}
}
