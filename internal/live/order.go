package live

import (
	"slices"

	tea "charm.land/bubbletea/v2"
)

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
