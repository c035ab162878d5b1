package live

import (
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"
)

// look asks whether the keyring is closed. Reading it would tell as well, and take more than a glance.
func (m *model) look() tea.Cmd {
	if m.o.Closed == nil || m.looking {
		return nil
	}
	m.looking = true
	return func() tea.Msg { return closedMsg(m.o.Closed(m.ctx)) }
}

// looked reads the vault when the keyring has been closed or opened: that has the words for what is wrong, or nothing is.
func (m *model) looked(closed bool) tea.Cmd {
	m.looking = false
	if closed == m.closed || m.loading {
		return nil
	}
	m.closed = closed
	m.pause = 0
	return m.load()
}

// load reads the accounts again.
func (m *model) load() tea.Cmd {
	if m.loading || m.pause > 0 {
		return nil
	}
	m.loading = true
	return func() tea.Msg {
		generation := m.o.Generation() // before it is read: what comes later is read again
		accounts, err := m.o.Load(m.ctx)
		return loadedMsg{accounts, generation, err}
	}
}

func (m *model) loaded(msg loadedMsg) {
	m.loading = false
	if msg.err != nil {
		m.troubled(msg.err)
		return
	}
	if m.acts > 0 {
		return // what they change is not in it; their end reads it again
	}
	m.trouble = ""
	m.generation = msg.generation
	clear(m.codes) // a secret may be another one
	m.setAccounts(msg.accounts)
}

// troubled keeps why the vault could not be read. Codes that have ended are shown no longer.
func (m *model) troubled(err error) {
	m.trouble = m.o.Words(err)
	m.pause = pauseTicks
}

// pauseTicks is how many seconds the view waits before it reads a vault again that could not be read, or a code that
// there was none of.
const pauseTicks = 5

// setAccounts takes other accounts over. The selected one stays selected.
func (m *model) setAccounts(accounts []Account) {
	m.accounts = slices.Clone(accounts)
	m.folded = make([]folded, len(accounts))
	for i, a := range accounts {
		m.folded[i] = fold(a)
	}
	m.refilter()
}

// askCodes asks for the codes of the rows on the screen that have none or no next one, and forgets those of the others.
func (m *model) askCodes() tea.Cmd {
	known := m.codes
	m.codes = make(map[string]shown, len(known))
	var want []string
	for _, a := range m.onScreen() {
		if a.Counter || a.Unverified || m.o.Hide && a.ID != m.selected {
			continue
		}
		code, ok := known[a.ID]
		if ok {
			m.codes[a.ID] = code
		}
		if !ok || code.partly {
			want = append(want, a.ID)
		}
	}
	if len(want) == 0 || m.asking || m.pause > 0 {
		return nil
	}
	m.asking = true
	at := m.now
	return func() tea.Msg {
		codes, err := m.o.Codes(m.ctx, want, at)
		return codesMsg{want, codes, err}
	}
}

// answered takes codes over. Those of rows that are no longer on the screen are dropped by askCodes.
func (m *model) answered(msg codesMsg) {
	m.asking = false
	if msg.err != nil {
		m.troubled(msg.err)
		return
	}
	m.trouble, m.pause = "", 0
	for _, id := range msg.asked {
		code, ok := msg.codes[id]
		switch {
		case !ok: // it has none, and is not asked for at once again
			m.codes[id] = shown{Code: Code{Until: m.now.Add(pauseTicks * time.Second)}}
		case m.now.Before(code.Until):
			m.codes[id] = shown{Code: code}
		case m.now.Before(code.NextUntil): // a second passed meanwhile
			m.codes[id] = code.following()
		}
	}
}

func (m *model) askNotices() tea.Cmd {
	m.sinceAsk = 0
	return func() tea.Msg {
		lines, standing := m.o.Notices(m.ctx)
		return noticesMsg{lines, standing}
	}
}
