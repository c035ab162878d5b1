package clip

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
)

// A wrap is what lies between us and the terminal.
type wrap int

const (
	bare wrap = iota
	inTmux
	inScreen
)

func wrapping(now session) wrap {
	switch {
	case now.tmux:
		return inTmux
	case now.screen:
		return inScreen
	default:
		return bare
	}
}

// sequence returns what makes a terminal put text on its clipboard. It is an operating
// system command of xterm. A multiplexer passes on what is wrapped for it.
//
// Source: XTerm Control Sequences, OSC 52; tmux(1), allow-passthrough; screen(1), "Virtual
// Terminal", ESC P.
func sequence(text string, around wrap) string {
	osc := "\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte(text)) + "\a"
	switch around {
	case inTmux:
		return "\x1bPtmux;" + strings.ReplaceAll(osc, "\x1b", "\x1b\x1b") + "\x1b\\"
	case inScreen:
		return "\x1bP" + osc + "\x1b\\"
	default:
		return osc
	}
}

// send writes the sequence to the terminal in one piece. What becomes of it cannot be seen.
func (s System) send(text string, around wrap) error {
	terminal, err := s.Terminal()
	if err != nil {
		return ErrNone
	}
	defer terminal.Close()
	if _, err := terminal.Write([]byte(sequence(text, around))); err != nil {
		return fmt.Errorf("write to the terminal: %w", err)
	}
	return nil
}

// tellTerminal sees to it that the terminal around tmux gets the text as well, and reports
// whether it was sent. tmux has sent it by itself, unless it is too old or was told not to.
func (s System) tellTerminal(ctx context.Context, text string, alone bool) bool {
	option := func(flags, name string) string {
		out, err := s.run(ctx, program{name: "tmux", args: []string{"show-options", flags, name}})
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(out))
	}
	if !alone && option("-sv", "set-clipboard") != "off" {
		return true
	}
	// Before version 3.3 the option does not exist, and everything is passed on.
	if pass := option("-pAv", "allow-passthrough"); pass == "off" {
		return false
	}
	return s.send(text, inTmux) == nil
}
