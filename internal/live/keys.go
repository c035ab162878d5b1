package live

import (
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
