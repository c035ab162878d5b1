package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/authcli/auth/internal/term"
)

// A Choice is what a person picks one account of.
type Choice struct {
	In  io.Reader
	Out io.Writer // the terminal; the standard output may be a pipe
	// Environ says what the terminal can do: TERM, COLORTERM, NO_COLOR.
	Environ []string

	Question string
	Accounts []Account
}

// ErrNotPicked is returned by [Pick] for a picker that was left without a choice.
var ErrNotPicked = errors.New("no account was chosen")

// Pick shows accounts, filters them as one types, and returns the id of the one that the user chose. It restores the
// terminal however it ends. If ctx ends or the user presses Ctrl-C, the error is that of ctx or [context.Canceled].
func Pick(ctx context.Context, c Choice) (id string, err error) {
	p := newPicker(c)
	err = run(ctx, p, c.In, c.Out, c.Environ)
	switch {
	case err != nil:
		return "", err
	case p.picked == "":
		return "", ErrNotPicked
	default:
		return p.picked, nil
	}
}

// A picker is the rows of the view without codes. Every key is a letter of the filter.
type picker struct {
	*model

	question string
	picked   string // an id
}

func newPicker(c Choice) *picker {
	m := &model{width: 80, height: 24, style: neutral(), mode: typing}
	m.setAccounts(c.Accounts)
	return &picker{model: m, question: c.Question}
}

// Init implements [tea.Model].
func (p *picker) Init() tea.Cmd { return tea.RequestBackgroundColor }

// Update implements [tea.Model].
func (p *picker) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.PasteMsg:
		p.paste(msg.Content)
	case tea.KeyPressMsg:
		cmd = p.press(msg)
	default:
		p.looks(msg)
	}
	p.scroll()
	return p, cmd
}

func (p *picker) press(key tea.KeyPressMsg) tea.Cmd {
	switch keystroke := key.Keystroke(); {
	case keystroke == "ctrl+c":
		return tea.Interrupt
	case keystroke == "ctrl+z":
		return tea.Suspend
	case keystroke == "esc" && p.filter.text != "":
		p.filter.text = ""
		p.filtered()
	case keystroke == "esc":
		return tea.Quit
	case keystroke == "enter":
		if a, ok := p.current(); ok {
			p.picked = a.ID
			return tea.Quit
		}
	case p.walk(keystroke):
	case p.filter.press(key):
		p.filtered()
	}
	return nil
}

// View implements [tea.Model].
func (p *picker) View() tea.View {
	count := howMany(len(p.accounts))
	if p.filter.text != "" {
		count = fmt.Sprintf("%d of %d", len(p.places), len(p.accounts))
	}
	asked := p.question + "  "
	room := p.width - p.cells.StringWidth(asked+count) - 3
	lines := []string{p.style.title.Render(asked) + p.tail(p.filter.text, room) + "▏ " + p.style.quiet.Render(count), ""}
	if len(p.places) == 0 {
		lines = append(lines, p.cut("no account matches; esc shows all", p.width))
	}
	c := p.pickColumns()
	for i := p.top; i < min(p.top+p.rows(), len(p.places)); i++ {
		lines = append(lines, p.pickRow(c, p.accounts[p.places[i]], i == p.at))
	}
	for len(lines) < p.height-3 {
		lines = append(lines, "")
	}
	lines = append(lines, "", p.style.quiet.Render(p.clip(p.more())), p.style.quiet.Render(p.keyLine("enter choose  ↑↓ select  type to filter  esc leave")))
	view := tea.NewView(strings.Join(lines[:min(len(lines), p.height)], "\n"))
	view.AltScreen = true
	return view
}

// pickColumns divides the width. On a narrow screen the issuer and the name are one column.
func (p *picker) pickColumns() (c columns) {
	widest := 0
	for _, a := range p.accounts {
		widest = max(widest, p.cells.StringWidth(term.Escape(a.Issuer)))
		c.name = max(c.name, p.cells.StringWidth(a.nameOnly()))
	}
	room := p.width - markCells
	if p.width < leastWide {
		c.name = room
		return c
	}
	c.state = stateCells
	room -= gap + stateCells
	c.issuer = min(widest, room/2)
	c.name = min(max(0, room-c.issuer-gap), c.name)
	return c
}

func (p *picker) pickRow(c columns, a Account, selected bool) string {
	mark, plain := "  ", lipgloss.NewStyle()
	if selected {
		mark, plain = "> ", p.style.marked
	}
	if c.issuer == 0 {
		return plain.Render(mark + p.cut(a.shownLabel(), c.name))
	}
	row := plain.Render(mark+p.pad(term.Escape(a.Issuer), c.issuer)) + strings.Repeat(" ", gap) + plain.Render(p.pad(a.nameOnly(), c.name))
	if state := a.standing(); state != "" {
		row += strings.Repeat(" ", gap) + p.style.warn.Render(p.cut(state, c.state))
	}
	return row
}

// standing says what is unusual about an account.
func (a Account) standing() string {
	switch {
	case a.Unverified:
		return "needs verification"
	case a.Counter && !a.Exposed:
		return "by counter"
	}
	return a.exposure()
}

// more returns a line about the selected account: what its row does not have.
func (p *picker) more() string {
	a, ok := p.current()
	if !ok {
		return ""
	}
	var parts []string
	if state := a.standing(); state != "" && p.width < leastWide {
		parts = append(parts, state)
	}
	if a.Alias != "" {
		parts = append(parts, "alias "+term.Escape(a.Alias))
	}
	if len(a.Tags) > 0 {
		parts = append(parts, "tags "+term.Escape(strings.Join(a.Tags, ", ")))
	}
	return strings.Join(parts, "  ")
}
