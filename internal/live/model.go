package live

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// A mode is what keys mean.
type mode int

const (
	browsing mode = iota // keys are acts
	typing               // keys are letters of the filter
	moving               // arrows move the selected account
	filling              // keys are letters of a form
	helping              // the keys are explained
	showing              // a QR code is shown
)

// soon is how long before its end a code is shown with the next one.
const soon = 7 * time.Second

// A model is the view. Bubble Tea calls Update and View in turn, from one goroutine.
type model struct {
	o       Options
	ctx     context.Context //nolint:containedctx // Bubble Tea's commands have no context; it is that of Run.
	printed string          // the code that is printed after leaving

	accounts   []Account
	folded     []folded
	generation uint64 // that accounts come from
	loading    bool

	mode     mode
	filter   line
	places   []int  // of the accounts that are shown, in the order of the screen
	at       int    // the selected one of places
	selected string // its id
	top      int    // the first one of places on the screen

	now     time.Time
	codes   map[string]shown // of the rows on the screen alone
	asking  bool             // codes are being asked for
	trouble string           // why they could not be had
	pause   int              // seconds until the vault is read again after that; counted in ticks, as the clock may be set back
	counted counted
	next    string // the id of the account whose next code is shown
	waiting waiting

	looking bool // at the keyring, whether it is closed
	closed  bool // it was, when it was last looked at

	notices  []string // of the device
	standing string   // of its backup
	sinceAsk int      // seconds since these two were asked for; counted in ticks
	said     string   // what the last act said
	failed   bool     // it says what went wrong
	removed  string   // the id of the account that undo brings back
	acts     int      // that have not ended
	moved    moved
	leaving  bool // once the acts have ended
	form     form
	opened   int    // how many forms were
	drawing  string // a QR code

	width, height int
	cells         ansi.Method // how the terminal counts columns
	style         styles
}

// A shown code is one of a row on the screen.
type shown struct {
	Code

	partly bool // it was the next one of another, and the one after it is not known
}

// A counted code is one that a counter was advanced for. It has no end, and is shown for countedFor.
type counted struct {
	id, code string
	until    time.Time
}

const countedFor = time.Minute

// A waiting account is one whose next code will be given when it begins. Any key calls that off.
type waiting struct {
	id   string // empty for none
	give func(code string) tea.Cmd
}

// A moved account is one whose new place is being stored.
type moved struct {
	id     string // empty for none
	before string // the account that it is being stored before
}

func newModel(ctx context.Context, o Options) *model {
	m := &model{o: o, ctx: ctx, now: o.Now(), codes: map[string]shown{}, width: 80, height: 24, style: neutral()}
	m.generation = o.Generation()
	m.setAccounts(o.Accounts)
	return m
}

// The messages that commands send.
type (
	tickMsg   struct{}
	loadedMsg struct {
		accounts   []Account
		generation uint64
		err        error
	}
	codesMsg struct {
		asked []string // ids
		codes map[string]Code
		err   error
	}
	closedMsg  bool
	noticesMsg struct {
		lines    []string
		standing string
	}
	// An actMsg is the end of an act.
	actMsg struct {
		said string
		err  error
		then func() // what else the view does where the act succeeded; it may be nil
		move bool   // it stored a move
	}
)

// Init implements [tea.Model].
func (m *model) Init() tea.Cmd {
	return tea.Batch(tea.RequestBackgroundColor, m.tick(), m.askCodes(), m.askNotices())
}

// tick waits for the next second of the clock.
func (m *model) tick() tea.Cmd {
	rest := time.Second - time.Duration(m.o.Now().Nanosecond())
	return tea.Tick(rest, func(time.Time) tea.Msg { return tickMsg{} })
}

// Update implements [tea.Model].
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tickMsg:
		cmd = tea.Batch(m.tick(), m.second())
	case tea.ResumeMsg:
		cmd = m.second()
	case loadedMsg:
		m.loaded(msg)
	case codesMsg:
		m.answered(msg)
	case closedMsg:
		cmd = m.looked(bool(msg))
	case noticesMsg:
		m.notices, m.standing = msg.lines, msg.standing
	case actMsg:
		cmd = m.ended(msg)
	case tea.PasteMsg:
		m.paste(msg.Content)
	case tea.KeyPressMsg:
		cmd = m.press(msg)
	default:
		m.looks(msg)
	}
	m.scroll()
	return m, tea.Batch(cmd, m.askCodes())
}

// looks takes what the terminal says of itself.
func (m *model) looks(msg tea.Msg) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.BackgroundColorMsg:
		m.style = styled(msg.IsDark())
	case tea.ModeReportMsg:
		if msg.Mode == ansi.ModeUnicodeCore && msg.Value != ansi.ModeNotRecognized && msg.Value != ansi.ModePermanentlyReset {
			m.cells = ansi.GraphemeWidth // as Bubble Tea does
		}
	}
}

// second does what every second brings: codes end, and another process may have changed the vault.
func (m *model) second() tea.Cmd {
	m.now = m.o.Now()
	m.pause = max(0, m.pause-1)
	if m.counted.id != "" && !m.now.Before(m.counted.until) {
		m.counted = counted{}
	}
	for id, code := range m.codes {
		if m.now.Before(code.Until) {
			continue
		}
		// The next code is known, so that the row is never without one.
		delete(m.codes, id)
		if code.Next != "" && m.now.Before(code.NextUntil) {
			m.codes[id] = code.following()
		}
	}
	cmds := []tea.Cmd{m.look(), m.waited()}
	switch m.sinceAsk++; {
	case m.acts == 0 && m.o.Generation() != m.generation:
		cmds = append(cmds, m.load(), m.askNotices())
	case m.sinceAsk >= noticeTicks:
		cmds = append(cmds, m.askNotices())
	}
	return tea.Batch(cmds...)
}

// noticeTicks is how many seconds pass before the location is looked at for what other devices have written: that may
// be a question over the network.
const noticeTicks = 300

// following returns the code after this one.
func (c Code) following() shown {
	return shown{Code{Text: c.Next, Until: c.NextUntil, Least: c.Least}, true}
}

// refilter applies the filter, and keeps the selected account selected where it is still shown.
func (m *model) refilter() {
	m.places = filter(m.folded, m.filter.text)
	m.at = max(0, min(m.at, len(m.places)-1))
	for i, place := range m.places {
		if m.accounts[place].ID == m.selected {
			m.at = i
		}
	}
	m.choose(m.at)
}

// choose selects a row of the screen's order.
func (m *model) choose(at int) {
	m.at = max(0, min(at, len(m.places)-1))
	m.selected = ""
	if a, ok := m.current(); ok {
		m.selected = a.ID
	}
	if m.next != m.selected {
		m.next = ""
	}
}

// current returns the selected account; ok is false where none is shown.
func (m *model) current() (a Account, ok bool) {
	if m.at >= len(m.places) {
		return Account{}, false
	}
	return m.accounts[m.places[m.at]], true
}

// scroll moves the rows so that the selected one is on the screen.
func (m *model) scroll() {
	rows := m.rows()
	m.top = max(0, min(m.top, len(m.places)-rows, m.at))
	m.top = max(m.top, m.at-rows+1)
}

// onScreen returns the accounts on the screen.
func (m *model) onScreen() []Account {
	var list []Account
	for _, place := range m.places[m.top:min(m.top+m.rows(), len(m.places))] {
		list = append(list, m.accounts[place])
	}
	return list
}

// act runs an act and waits for it before the view can be left.
func (m *model) act(run func(ctx context.Context) (string, error), then func()) tea.Cmd {
	m.acts++
	return func() tea.Msg {
		said, err := run(m.ctx)
		return actMsg{said: said, err: err, then: then}
	}
}

// ended shows the outcome of an act, and what it changed.
func (m *model) ended(msg actMsg) tea.Cmd {
	m.acts--
	m.pause = 0
	switch {
	case msg.err != nil:
		m.fail(m.o.Words(msg.err))
		m.leaving, m.printed = false, "" // nobody has read it yet
	case msg.said != "":
		m.say(msg.said)
	}
	if msg.err == nil && msg.then != nil {
		msg.then()
	}
	if msg.move {
		if msg.err != nil {
			m.generation = 0 // the order on the screen is not that of the vault
			m.moved = moved{}
		} else if cmd := m.stored(); cmd != nil {
			return cmd
		}
	}
	switch {
	case m.acts > 0:
		return nil
	case m.leaving:
		return tea.Quit
	case m.o.Generation() != m.generation:
		return tea.Batch(m.load(), m.askNotices())
	default:
		return nil
	}
}

func (m *model) say(text string)  { m.said, m.failed = text, false }
func (m *model) fail(text string) { m.said, m.failed = text, true }
