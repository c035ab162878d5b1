package live

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/authcli/auth/internal/term"
)

// Styles are of the sixteen colours, which are those that the user chose for the terminal. Nothing is said by a colour
// alone. Bubble Tea leaves colours out where NO_COLOR is set.
type styles struct {
	title, code, marked, quiet, good, warn, bad lipgloss.Style
}

// neutral is what can be read on every background, until the terminal says which one it has.
func neutral() styles {
	plain := lipgloss.NewStyle()
	return styles{
		title: plain.Bold(true), code: plain.Bold(true), marked: plain.Bold(true), quiet: plain,
		good: plain, warn: plain.Bold(true), bad: plain.Bold(true),
	}
}

// styled returns the styles for a dark or a light background.
func styled(dark bool) styles {
	color := func(light, onDark ansi.BasicColor) lipgloss.Style {
		return lipgloss.NewStyle().Foreground(lipgloss.LightDark(dark)(light, onDark))
	}
	bold := lipgloss.NewStyle().Bold(true)
	return styles{
		title: bold, code: color(lipgloss.Blue, lipgloss.BrightCyan).Bold(true), marked: bold,
		quiet: color(lipgloss.BrightBlack, lipgloss.White), good: color(lipgloss.Green, lipgloss.BrightGreen),
		warn: color(lipgloss.Magenta, lipgloss.BrightYellow).Bold(true), bad: color(lipgloss.Red, lipgloss.BrightRed).Bold(true),
	}
}

// View implements [tea.Model].
func (m *model) View() tea.View {
	var lines []string
	switch m.mode {
	case helping:
		lines = m.helpLines()
	case showing:
		lines = append(strings.Split(strings.TrimSuffix(m.drawing, "\n"), "\n"), m.style.quiet.Render("any key goes back"))
	case filling:
		lines = m.formLines()
	default:
		lines = m.listLines()
	}
	if len(lines) > m.height {
		lines = lines[:m.height]
	}
	view := tea.NewView(strings.Join(lines, "\n"))
	view.AltScreen = true
	view.WindowTitle = "auth"
	return view
}

// header returns the lines above the rows.
func (m *model) header() []string {
	count := howMany(len(m.accounts))
	if m.filter.text != "" {
		count = fmt.Sprintf("%d of %d", len(m.places), len(m.accounts))
	}
	title := m.style.title.Render("auth") + "  " + m.style.quiet.Render(count)
	switch rest := m.width - m.cells.StringWidth(count) - 8; {
	case m.mode == typing:
		title += "  /" + m.tail(m.filter.text, rest-2) + "▏"
	case m.filter.text != "":
		title += "  /" + m.tail(m.filter.text, rest-2)
	case m.standing != "" && rest >= m.cells.StringWidth(m.standing):
		title += "  " + m.style.quiet.Render(m.standing)
	}
	lines := []string{title}
	for _, notice := range m.notices[:min(len(m.notices), m.noticeRoom())] {
		lines = append(lines, m.style.warn.Render(m.clip("! "+notice)))
	}
	return append(lines, "")
}

// noticeRoom is how many notices are shown: rows come first.
func (m *model) noticeRoom() int { return max(0, min(4, (m.height-6)/4)) }

// maxSaid is how many lines what was said may take.
const maxSaid = 4

// footer returns the lines below the rows: what was said, or about the selected account, and
// the keys.
func (m *model) footer() []string {
	said := m.style.good
	text := m.said
	switch {
	case text != "" && m.failed:
		said = m.style.bad
	case text == "" && m.trouble != "":
		said, text = m.style.bad, m.trouble
	case text == "":
		said, text = m.style.quiet, m.about()
	}
	keys := "enter copy  / filter  t print  n next  ? keys  q leave"
	switch m.mode {
	case typing:
		keys = "enter copy  ↑↓ select  tab keys act again  esc all"
	case moving:
		keys = "↑↓ move the account  enter done"
	default:
	}
	// The title, a row and the keys stay on a low screen.
	lines := m.wrap(text, max(1, min(maxSaid, m.height-4-min(len(m.notices), m.noticeRoom()))))
	if len(lines) == 1 {
		lines = []string{"", lines[0]}
	}
	for i, line := range lines {
		lines[i] = said.Render(line)
	}
	return append(lines, m.style.quiet.Render(m.keyLine(keys)))
}

// about returns a line about the selected account.
func (m *model) about() string {
	a, ok := m.current()
	if !ok {
		return ""
	}
	var parts []string
	code := m.codes[a.ID]
	switch {
	case m.next == a.ID && code.Next != "":
		parts = append(parts, fmt.Sprintf("next %s in %s", a.grouped(code.Next), left(code.Until.Sub(m.now))))
	case a.Unverified:
		parts = append(parts, a.needs())
	case a.Counter && m.counted.id != a.ID:
		parts = append(parts, "Enter advances the counter, and shows and copies its code")
	case m.ends(code) && m.columns().state == 0:
		parts = append(parts, "next "+a.grouped(code.Next))
	}
	if a.Exposed {
		parts = append(parts, "exposed: a lost device had its secret")
	}
	if a.Alias != "" {
		parts = append(parts, "alias "+term.Escape(a.Alias))
	}
	if len(a.Tags) > 0 {
		parts = append(parts, "tags "+term.Escape(strings.Join(a.Tags, ", ")))
	}
	return strings.Join(parts, "  ")
}

// ends reports whether a code ends soon and the next one is known.
func (m *model) ends(code shown) bool {
	return code.Text != "" && code.Next != "" && code.Until.Sub(m.now) <= soon
}

// rows returns how many rows fit on the screen.
func (m *model) rows() int {
	notices := min(len(m.notices), m.noticeRoom())
	return max(1, m.height-5-notices)
}

func (m *model) listLines() []string {
	lines := m.header()
	c := m.columns()
	if len(m.places) == 0 {
		empty := "no accounts yet: a adds one; auth restore brings some back"
		if len(m.accounts) > 0 {
			empty = "no account matches; esc shows all"
		}
		lines = append(lines, m.cut(empty, m.width))
	}
	footer := m.footer()
	// A long footer takes rows away for a while, and never the selected one.
	room := max(1, min(m.rows(), m.height-len(lines)-len(footer)))
	top := max(m.top, m.at-room+1)
	for i := top; i < min(top+room, len(m.places)); i++ {
		lines = append(lines, m.row(c, m.accounts[m.places[i]], i == m.at))
	}
	for len(lines) < m.height-len(footer) {
		lines = append(lines, "")
	}
	return append(lines, footer...)
}

// The columns of a row, in cells: mark, issuer, name, code, time and state. Below a width, issuer and name are one, and
// there is no state.
type columns struct{ issuer, name, code, state int }

const (
	markCells  = 2
	timeCells  = 4
	stateCells = 18 // "needs verification"
	gap        = 2
	leastWide  = 72 // cells of a screen with all columns
	leastCode  = 7  // "123 456"
)

// columns divides the width. They depend on all accounts, so that they stand still while rows scroll.
func (m *model) columns() columns {
	c := columns{code: leastCode}
	widest, names := 0, 0
	for _, a := range m.accounts {
		if a.Digits > 0 {
			c.code = max(c.code, a.Digits+1)
		}
		widest = max(widest, m.cells.StringWidth(term.Escape(a.Issuer)))
		names = max(names, m.cells.StringWidth(a.nameOnly()))
	}
	room := m.width - markCells - gap - c.code - timeCells
	if m.width < leastWide {
		c.name = max(0, room)
		return c
	}
	c.state = stateCells
	room -= gap + stateCells
	c.issuer = min(widest, room/2)
	c.name = min(max(0, room-c.issuer-gap), max(names, 4), widestName)
	return c
}

// widestName is how far to the right codes stand at most: on a wide screen the eye has to find the row again.
const widestName = 48

func (m *model) row(c columns, a Account, selected bool) string {
	mark, plain := "  ", lipgloss.NewStyle()
	if selected {
		mark, plain = "> ", m.style.marked
		if m.mode == moving {
			mark = "↕ "
		}
	}
	var b strings.Builder
	b.WriteString(plain.Render(mark))
	if c.issuer > 0 {
		b.WriteString(plain.Render(m.pad(term.Escape(a.Issuer), c.issuer)) + strings.Repeat(" ", gap))
		b.WriteString(plain.Render(m.pad(a.nameOnly(), c.name)))
	} else {
		b.WriteString(plain.Render(m.pad(a.shownLabel(), c.name)))
	}
	code, rest, state := m.cell(a)
	b.WriteString(strings.Repeat(" ", gap) + m.style.code.Render(m.pad(code, c.code)))
	b.WriteString(m.timeStyle(a).Render(fmt.Sprintf("%*s", timeCells, rest)))
	if c.state > 0 && state != "" {
		b.WriteString(strings.Repeat(" ", gap) + m.style.warn.Render(m.cut(state, c.state)))
	}
	return b.String()
}

// cell returns what a row says behind the label: the code, the time that is left, and the state.
func (m *model) cell(a Account) (code, rest, state string) {
	shown, ok := m.codes[a.ID]
	switch {
	case a.Unverified:
		return "verify", "", "needs verification"
	case a.Counter && m.counted.id == a.ID:
		return a.grouped(m.counted.code), "", "counter advanced"
	case a.Counter:
		return "enter", "", "by counter"
	case m.o.Hide && a.ID != m.selected:
		return strings.Repeat("•", max(a.Digits, 3)), "", a.exposure()
	case !ok || shown.Text == "":
		return "-", "", a.exposure()
	}
	state = a.exposure()
	if m.ends(shown) || m.next == a.ID && shown.Next != "" {
		state = "next " + a.grouped(shown.Next)
	}
	return a.grouped(shown.Text), left(shown.Until.Sub(m.now)), state
}

func (a Account) exposure() string {
	if a.Exposed {
		return "exposed"
	}
	return ""
}

func (m *model) timeStyle(a Account) lipgloss.Style {
	if code := m.codes[a.ID]; code.Text != "" && code.Until.Sub(m.now) <= soon {
		return m.style.warn
	}
	return m.style.quiet
}

// shownLabel returns the label in words that are safe to show.
func (a Account) shownLabel() string { return term.Escape(a.Label) }

// nameOnly returns the name with the number of several accounts that share a label.
func (a Account) nameOnly() string {
	name := a.Name
	if a.Issuer == "" {
		name = a.Label
	} else if rest, ok := strings.CutPrefix(a.Label, a.Issuer+":"); ok {
		name = rest
	} else if rest, ok := strings.CutPrefix(a.Label, a.Issuer); ok {
		name = strings.TrimSpace(rest)
	}
	return term.Escape(name)
}

// grouped returns a code as it is read beside the label. Beside letters that are written from right to left it is one
// group: a terminal that orders its line by Unicode's rules (UAX #9) would swap two of them.
func (a Account) grouped(code string) string {
	if strings.ContainsFunc(a.Label, term.RightToLeft) {
		return code
	}
	return group(code)
}

func (m *model) formLines() []string {
	lines := []string{m.style.title.Render(m.cut(m.form.title, m.width)), ""}
	names := min(19, m.width-4)
	for i, name := range m.form.names {
		text := m.form.lines[i].text
		if name == fieldSecret && !isPath(text) || strings.Contains(text, "://") {
			text = strings.Repeat("•", len([]rune(text)))
		}
		mark, end := "  ", ""
		if i == m.form.at {
			mark, end = "> ", "▏"
		}
		lines = append(lines, mark+m.pad(name, names)+m.tail(text, m.width-names-3)+end)
	}
	style := m.style.good
	if m.failed {
		style = m.style.bad
	}
	keys := "enter next and store  ↑↓ lines  esc back"
	if m.form.id == "" {
		keys = "enter next and store  ^s screen  ^v clipboard  ↑↓ lines  esc back"
	}
	return append(lines, "", style.Render(m.clip(m.said)), m.style.quiet.Render(m.keyLine(keys)))
}

func (m *model) helpLines() []string {
	lines := []string{m.style.title.Render("Keys"), ""}
	for _, h := range [][2]string{
		{"↑ ↓ j k", "select"},
		{"pgup pgdn", "by the page"},
		{"g G home end", "to the ends"},
		{"/", "type to filter; tab: keys act again; esc: all"},
		{"enter", "copy the code; advances a counter"},
		{"t", "leave, and print the code below"},
		{"n", "the next code"},
		{"a e", "add (typed, image, screen, clipboard), edit"},
		{"m K J", "move; up, down"},
		{"d u", "remove to the trash; undo that"},
		{"s", "the QR code, which has the secret"},
		{"esc q", "leave"},
	} {
		lines = append(lines, m.cut("  "+m.pad(h[0], 15)+h[1], m.width))
	}
	return append(lines, "", m.style.quiet.Render("any key goes back"))
}
