package live

import (
	"context"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"
)

// press takes a key.
func (m *model) press(key tea.KeyPressMsg) tea.Cmd {
	if m.waiting.id != "" {
		m.waiting = waiting{}
		m.say("")
	}
	switch key.Keystroke() {
	case "ctrl+c":
		return tea.Interrupt
	case "ctrl+z":
		return tea.Suspend
	}
	switch m.mode {
	case typing:
		return m.pressTyping(key)
	case moving:
		return m.pressMoving(key)
	case filling:
		return m.pressFilling(key)
	case helping, showing:
		m.mode, m.drawing = browsing, ""
		return nil
	default:
		return m.pressBrowsing(key)
	}
}

// walk takes a key that selects another row, and reports whether it was one.
func (m *model) walk(keystroke string) bool {
	page := max(1, m.rows()-1)
	switch keystroke {
	case "up", "ctrl+p":
		m.choose(m.at - 1)
	case "down", "ctrl+n":
		m.choose(m.at + 1)
	case "pgup", "ctrl+b":
		m.choose(m.at - page)
	case "pgdown", "ctrl+f":
		m.choose(m.at + page)
	case "home":
		m.choose(0)
	case "end":
		m.choose(len(m.places) - 1)
	default:
		return false
	}
	return true
}

func (m *model) pressTyping(key tea.KeyPressMsg) tea.Cmd {
	keystroke := key.Keystroke()
	switch {
	case keystroke == "enter":
		return m.copy()
	case keystroke == "tab":
		m.mode = browsing
	case keystroke == "esc":
		m.clearFilter()
	case keystroke == "backspace" && m.filter.text == "":
		m.mode = browsing
	case m.walk(keystroke):
	case m.filter.press(key):
		m.filtered()
	}
	return nil
}

// filtered applies a filter that was changed. The best match is selected.
func (m *model) filtered() {
	m.selected = ""
	m.at = 0
	m.refilter()
}

func (m *model) clearFilter() {
	m.mode, m.filter.text = browsing, ""
	m.refilter()
}

func (m *model) paste(text string) {
	switch m.mode {
	case typing:
		m.filter.insert(text)
		m.filtered()
	case filling:
		m.form.line().insert(text)
	default: // keys are acts: what is pasted is none
	}
}

func (m *model) pressBrowsing(key tea.KeyPressMsg) tea.Cmd {
	if m.walk(key.Keystroke()) {
		m.say("")
		return nil
	}
	m.say("")
	switch key.String() {
	case "j":
		m.choose(m.at + 1)
	case "k":
		m.choose(m.at - 1)
	case "g":
		m.choose(0)
	case "G":
		m.choose(len(m.places) - 1)
	case "enter":
		return m.copy()
	case "/":
		m.mode = typing
	case "?":
		m.mode = helping
	case "esc":
		if m.filter.text == "" {
			return m.leave()
		}
		m.clearFilter()
	case "q":
		return m.leave()
	case "t":
		return m.print()
	case "n":
		m.toggleNext()
	default:
		return m.pressChange(key.String())
	}
	return nil
}

// pressChange takes a key that changes the vault.
func (m *model) pressChange(key string) tea.Cmd {
	if key == "a" {
		m.startAdding()
		return nil
	}
	if key == "u" {
		return m.undo()
	}
	a, ok := m.current()
	if !ok {
		return nil
	}
	switch key {
	case "e":
		m.startEditing(a)
	case "d":
		return m.remove(a)
	case "m":
		if m.movable() {
			m.mode = moving
		}
	case "K":
		return m.move(-1)
	case "J":
		return m.move(1)
	case "s":
		return m.draw(a)
	}
	return nil
}

// leave ends the view, once what was begun has ended.
func (m *model) leave() tea.Cmd {
	if m.acts == 0 {
		return tea.Quit
	}
	m.leaving = true
	m.say("finishing …")
	return nil
}

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

// movable reports whether the order can be changed now.
func (m *model) movable() bool {
	if m.filter.text != "" {
		m.say("Esc clears the filter first: the order is that of all accounts")
		return false
	}
	return true
}

func (m *model) pressMoving(key tea.KeyPressMsg) tea.Cmd {
	switch key.String() {
	case "up", "k", "K":
		return m.move(-1)
	case "down", "j", "J":
		return m.move(1)
	case "enter", "esc", "m", "q":
		m.mode = browsing
	}
	return nil
}

// move moves the selected account by one row. The screen shows it at once. It is stored meanwhile, and once more if it
// has moved on by then: each key does not wait for a write.
func (m *model) move(by int) tea.Cmd {
	to := m.at + by
	if !m.movable() || to < 0 || to >= len(m.accounts) {
		return nil
	}
	a := m.accounts[m.at]
	if m.moved.id != "" && m.moved.id != a.ID {
		m.say("the last move is being stored")
		return nil
	}
	m.accounts[m.at], m.accounts[to] = m.accounts[to], m.accounts[m.at]
	m.folded[m.at], m.folded[to] = m.folded[to], m.folded[m.at]
	m.choose(to)
	if m.moved.id != "" {
		return nil
	}
	return m.storeMove(a.ID)
}

func (m *model) storeMove(id string) tea.Cmd {
	before := m.behind(id)
	m.moved = moved{id, before}
	m.acts++
	return func() tea.Msg {
		said, err := m.o.Move(m.ctx, id, before)
		return actMsg{said: said, err: err, move: true}
	}
}

// behind returns the id of the account behind another one, empty for the last.
func (m *model) behind(id string) string {
	at := slices.IndexFunc(m.accounts, func(a Account) bool { return a.ID == id })
	if at < 0 || at == len(m.accounts)-1 {
		return ""
	}
	return m.accounts[at+1].ID
}

// stored goes on with a move that was stored: the account may have moved on meanwhile.
func (m *model) stored() tea.Cmd {
	if m.behind(m.moved.id) != m.moved.before {
		return m.storeMove(m.moved.id)
	}
	m.moved = moved{}
	return nil
}
