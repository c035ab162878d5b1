package cmd

import (
	"context"
	"strings"
	"time"

	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/term"
)

// pluginWait is how long the program of a plugin may take where nobody can interrupt it:
// enough to touch a key.
const pluginWait = time.Minute

// pluginPerson is the person at the terminal, as plugins of age speak to them. Each line
// begins with the program, so that its questions are not taken for those of auth.
type pluginPerson struct{ *cli }

// Tell implements [backup.PluginPerson].
func (p pluginPerson) Tell(program, message string) {
	p.say("%s: %s", term.Escape(program), term.Escape(message))
}

// Waiting implements [backup.PluginPerson].
func (p pluginPerson) Waiting(program string) {
	p.say("auth: waiting for %s; the key may want to be touched", term.Escape(program))
}

// Patience implements [backup.PluginPerson].
func (p pluginPerson) Patience() time.Duration {
	switch {
	case p.asking():
		return 0
	case p.Env.Patience > 0:
		return p.Env.Patience
	default:
		return pluginWait
	}
}

// Ask implements [backup.PluginPerson].
func (p pluginPerson) Ask(ctx context.Context, program, question string, secret bool) (string, error) {
	if !p.asking() {
		return "", p.nobody(program, question)
	}
	prompt := program + ": " + strings.TrimRight(question, ": ") + ": "
	if secret {
		return p.Prompt.Secret(ctx, prompt)
	}
	return p.Prompt.Line(ctx, prompt)
}

// Choose implements [backup.PluginPerson]. The answer is a part of opening the key, as a
// PIN is, so it is asked for on the controlling terminal.
func (p pluginPerson) Choose(ctx context.Context, program, question, yes, no string) (bool, error) {
	if !p.asking() {
		return false, p.nobody(program, question)
	}
	prompt := program + ": " + question
	if no == "" {
		_, err := p.Prompt.Line(ctx, prompt+" (Enter: "+yes+") ")
		return err == nil, err
	}
	chosen, err := p.Prompt.Choose(ctx, prompt, []string{yes, no})
	return err == nil && chosen == 0, err
}

func (p pluginPerson) nobody(program, question string) error {
	return hint.With(usagef("%s asks %q, and there is nobody to ask", program, question), "call it at a terminal, without --no-input")
}
