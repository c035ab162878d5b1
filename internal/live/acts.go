package live

import (
	"context"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"
)

// copy puts the selected code on the clipboard. It is what advances a counter.
func (m *model) copy() tea.Cmd {
	a, ok := m.current()
	if !ok {
		return nil
	}
	if a.Unverified {
		m.fail(a.needs())
		return nil
	}
	if a.Counter {
		return m.count(a)
	}
	if m.codes[a.ID].Text == "" {
		m.fail("there is no code to copy" + because(m.trouble))
		return nil
	}
	if m.o.Copy == nil {
		m.say("there is no clipboard here; t prints the code")
		return nil
	}
	return m.give(a, func(code string) tea.Cmd {
		return m.act(func(ctx context.Context) (string, error) { return m.o.Copy(ctx, code) }, nil)
	})
}

// give gives the code of an account, or the next one where this one ends too soon.
func (m *model) give(a Account, give func(code string) tea.Cmd) tea.Cmd {
	code := m.codes[a.ID]
	if code.tooShort(m.o.Now()) {
		m.waiting = waiting{a.ID, give}
		m.say("waiting for the next code: this one ends in " + left(code.Until.Sub(m.now)))
		return nil
	}
	return give(code.Text)
}

// tooShort reports whether a code that is given now would end too soon, and the next one would not.
func (c Code) tooShort(now time.Time) bool {
	return c.Next != "" && c.Until.Sub(now) < c.Least && c.NextUntil.Sub(c.Until) >= c.Least
}

// waited gives the code that was waited for, once it is there.
func (m *model) waited() tea.Cmd {
	code := m.codes[m.waiting.id]
	if m.waiting.id == "" || code.Text == "" && m.trouble == "" || code.tooShort(m.now) {
		return nil
	}
	give := m.waiting.give
	m.waiting = waiting{}
	m.say("")
	if code.Text == "" {
		m.fail("there is no code" + because(m.trouble))
		return nil
	}
	return give(code.Text)
}

// needs says what an account without its secret lacks.
func (a Account) needs() string {
	return "it needs verification: the account is here without its secret (auth verify)"
}

func because(trouble string) string {
	if trouble == "" {
		return ""
	}
	return ": " + trouble
}

// count advances the counter of an account, and shows and copies the code that comes of it.
func (m *model) count(a Account) tea.Cmd {
	var code string
	return m.act(func(ctx context.Context) (said string, err error) {
		if code, err = m.o.Advance(ctx, a.ID); err != nil || m.o.Copy == nil {
			return "the counter is advanced", err
		}
		said, err = m.o.Copy(ctx, code)
		if err != nil { // the code is shown: its counter is used
			return "not copied: " + m.o.Words(err), nil
		}
		return said, nil
	}, func() {
		m.counted = counted{a.ID, code, m.now.Add(countedFor)}
	})
}

// print leaves the view. The selected code is printed below.
func (m *model) print() tea.Cmd {
	a, ok := m.current()
	switch {
	case !ok:
		return nil
	case a.Unverified:
		m.fail(a.needs())
		return nil
	case a.Counter && m.counted.id != a.ID:
		m.say("Enter advances the counter first")
		return nil
	case a.Counter:
		m.printed = m.counted.code
		return m.leave()
	case m.codes[a.ID].Text == "":
		m.fail("there is no code to print" + because(m.trouble))
		return nil
	}
	return m.give(a, func(code string) tea.Cmd {
		m.printed = code
		return m.leave()
	})
}

// toggleNext shows the next code of the selected account, until another one is selected.
func (m *model) toggleNext() {
	a, ok := m.current()
	switch {
	case !ok:
	case a.Counter:
		m.say("Enter advances the counter")
	case a.Unverified:
		m.fail(a.needs())
	case m.next == a.ID:
		m.next = ""
	default:
		m.next = a.ID
	}
}

func (m *model) remove(a Account) tea.Cmd {
	return m.act(func(ctx context.Context) (string, error) { return m.o.Remove(ctx, a.ID) }, func() {
		m.removed = a.ID
		if a.Unverified { // the trash keeps secrets, and it has none
			m.removed = ""
		}
		m.setAccounts(slices.DeleteFunc(slices.Clone(m.accounts), func(b Account) bool { return b.ID == a.ID }))
	})
}

func (m *model) undo() tea.Cmd {
	id := m.removed
	if id == "" {
		m.say("there is nothing to undo")
		return nil
	}
	return m.act(func(ctx context.Context) (string, error) { return m.o.Undo(ctx, id) }, func() {
		m.removed, m.selected = "", id
	})
}

// draw shows the QR code of an account, where it fits.
func (m *model) draw(a Account) tea.Cmd {
	if a.Unverified {
		m.fail(a.needs())
		return nil
	}
	var drawing string
	return m.act(func(ctx context.Context) (said string, err error) {
		drawing, err = m.o.QR(ctx, a.ID)
		return "", err
	}, func() {
		if !m.fits(drawing) {
			m.fail("the terminal is too small for the QR code; auth show --to FILE.png writes it")
			return
		}
		m.mode, m.drawing = showing, drawing
	})
}
