package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// A vault stands for what the functions of the view reach.
type vault struct {
	accounts   []Account
	generation uint64
	now        time.Time
	err        error // of reading
	closed     bool
	least      time.Duration

	asked   [][]string // ids, a call of Codes each
	counter int
	copied  []string
	moves   []string
}

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func newVault(n int) *vault {
	v := &vault{generation: 1, now: noon}
	for i := range n {
		v.accounts = append(v.accounts, Account{
			ID: fmt.Sprint("id", i), Issuer: fmt.Sprintf("Issuer %d", i), Name: "me", Label: fmt.Sprintf("Issuer %d:me", i), Digits: 6,
		})
	}
	return v
}

func (v *vault) options() Options {
	return Options{
		Now: func() time.Time { return v.now }, Accounts: v.accounts, Words: error.Error,
		Generation: func() uint64 { return v.generation },
		Closed:     func(context.Context) bool { return v.closed },
		Load:       func(context.Context) ([]Account, error) { return slices.Clone(v.accounts), v.err },
		Codes: func(_ context.Context, ids []string, at time.Time) (map[string]Code, error) {
			v.asked = append(v.asked, ids)
			codes := map[string]Code{}
			until := at.Truncate(30 * time.Second).Add(30 * time.Second)
			for _, id := range ids {
				codes[id] = Code{
					Text: number(id, until), Next: number(id, until.Add(30*time.Second)), Until: until, NextUntil: until.Add(30 * time.Second),
					Least: v.least,
				}
			}
			return codes, v.err
		},
		Notices: func(context.Context) ([]string, string) { return nil, "" },
		Advance: func(context.Context, string) (string, error) {
			v.counter++
			return fmt.Sprintf("%06d", v.counter), nil
		},
		Copy: func(_ context.Context, text string) (string, error) {
			v.copied = append(v.copied, text)
			return "copied for 45 s", nil
		},
		Move: func(_ context.Context, id, before string) (string, error) {
			v.moves = append(v.moves, id+" before "+before)
			v.generation++
			return "", nil
		},
	}
}

// number is a code of six digits that belongs to an id and an end.
func number(id string, until time.Time) string {
	sum := until.Unix() / 30
	for _, r := range id {
		sum = sum*31 + int64(r)
	}
	return fmt.Sprintf("%06d", sum%1000000)
}

// run runs a command of Bubble Tea and everything that follows from it. No test asks for the
// tick, which is the one that waits.
func (m *model) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	msg := cmd()
	if batch, ok := msg.(tea.BatchMsg); ok {
		for _, cmd := range batch {
			m.run(cmd)
		}
	} else if msg != nil {
		_, next := m.Update(msg)
		m.run(next)
	}
}

func open(t *testing.T, v *vault) *model {
	t.Helper()
	m := newModel(t.Context(), v.options())
	m.run(m.askCodes())
	return m
}

func (m *model) send(msgs ...tea.Msg) {
	for _, msg := range msgs {
		_, cmd := m.Update(msg)
		m.run(cmd)
	}
}

func (m *model) types(text string) {
	for _, r := range text {
		m.send(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

func (m *model) screen() string { return ansi.Strip(m.View().Content) }

// passes lets time pass, a second at a time.
func (m *model) passes(v *vault, d time.Duration) {
	for ; d > 0; d -= time.Second {
		v.now = v.now.Add(time.Second)
		m.run(m.second())
		m.run(m.askCodes())
	}
}

func has(t *testing.T, m *model, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(m.screen(), word) {
			t.Errorf("no %q on\n%s", word, m.screen())
		}
	}
}

func hasNot(t *testing.T, m *model, words ...string) {
	t.Helper()
	for _, word := range words {
		if strings.Contains(m.screen(), word) {
			t.Errorf("%q on\n%s", word, m.screen())
		}
	}
}

var (
	enter = tea.KeyPressMsg{Code: tea.KeyEnter}
	esc   = tea.KeyPressMsg{Code: tea.KeyEscape}
	down  = tea.KeyPressMsg{Code: tea.KeyDown}
)

// Of 1,000 accounts, the view has the codes of the rows on the screen alone, and asks for them once in the time that they
// are valid, not every second.
func TestCodesOfVisibleRowsAlone(t *testing.T) {
	t.Parallel()
	v := newVault(1000)
	m := open(t, v)
	m.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	if rows := m.rows(); len(m.codes) != rows {
		t.Errorf("%d codes for %d rows", len(m.codes), rows)
	}
	before := len(v.asked)
	m.passes(v, 29*time.Second)
	if len(v.asked) != before {
		t.Errorf("asked %d times more while every code was valid", len(v.asked)-before)
	}
	m.passes(v, 2*time.Second)
	if len(v.asked) != before+1 {
		t.Errorf("asked %d times when the codes ended", len(v.asked)-before)
	}
	m.types("G")
	has(t, m, "Issuer 999", group(number("id999", noon.Add(60*time.Second))))
	if _, ok := m.codes["id0"]; ok || len(m.codes) > m.rows() {
		t.Errorf("%d codes are kept, also of rows that are not shown", len(m.codes))
	}
}

// Where the vault cannot be read any more, the view says why. A code is shown until it ends and never after.
func TestLockedKeyring(t *testing.T) {
	t.Parallel()
	v := newVault(3)
	m := open(t, v)
	first := group(number("id0", noon.Add(30*time.Second)))
	second := group(number("id0", noon.Add(60*time.Second)))
	has(t, m, first)
	v.err = errors.New("the keyring is locked")
	m.passes(v, 30*time.Second)
	hasNot(t, m, first)
	has(t, m, second, "the keyring is locked") // it was known as the next one
	m.passes(v, 30*time.Second)
	hasNot(t, m, first, second)
	v.err = nil
	m.passes(v, 6*time.Second)
	has(t, m, group(number("id0", noon.Add(90*time.Second))))
	hasNot(t, m, "locked")
}

// A keyring that is locked while every code is still valid is on the screen within a second, and so is one that is
// unlocked again, and what another process changes.
func TestSeenWithinASecond(t *testing.T) {
	t.Parallel()
	v := newVault(2)
	m := open(t, v)
	m.passes(v, time.Second)
	hasNot(t, m, "locked")
	v.closed, v.err = true, errors.New("the keyring is locked")
	m.passes(v, time.Second)
	has(t, m, "the keyring is locked", group(number("id0", noon.Add(30*time.Second))))
	v.closed, v.err = false, nil
	m.passes(v, time.Second)
	hasNot(t, m, "locked")
	v.accounts[1].Name, v.accounts[1].Label = "renamed", "Issuer 1:renamed"
	v.generation++
	m.passes(v, time.Second)
	has(t, m, "renamed")
}

// A code that would end too soon by code.min-valid is not copied and not printed: the next one is, when it begins. A key
// calls that off. An account whose codes are never valid for that long is no reason to wait for ever.
func TestWaitsForALongerCode(t *testing.T) {
	t.Parallel()
	v := newVault(2)
	v.least = 5 * time.Second
	m := open(t, v)
	m.passes(v, 25*time.Second)
	m.send(enter)
	this, next := number("id0", noon.Add(30*time.Second)), number("id0", noon.Add(60*time.Second))
	if !slices.Equal(v.copied, []string{this}) {
		t.Fatalf("with 5 seconds left, copied %q", v.copied)
	}
	m.passes(v, time.Second)
	m.send(enter)
	has(t, m, "waiting for the next code: this one ends in 4s")
	m.passes(v, 3*time.Second)
	if len(v.copied) != 1 {
		t.Fatalf("copied %q before the next code began", v.copied)
	}
	m.passes(v, time.Second)
	has(t, m, "copied for 45 s")
	if !slices.Equal(v.copied, []string{this, next}) {
		t.Errorf("copied %q", v.copied)
	}
	m.passes(v, 27*time.Second)
	m.types("t")
	has(t, m, "waiting for the next code")
	m.types("j")
	hasNot(t, m, "waiting")
	m.passes(v, 5*time.Second)
	if m.printed != "" || len(v.copied) != 2 {
		t.Errorf("called off, and printed %q, copied %q", m.printed, v.copied)
	}
	m.passes(v, 24*time.Second)
	m.types("t")
	m.passes(v, 4*time.Second)
	if want := number("id1", noon.Add(120*time.Second)); m.printed != want {
		t.Errorf("printed %q, want %q", m.printed, want)
	}
	v = newVault(1)
	v.least = time.Hour
	m = open(t, v)
	m.send(enter)
	if len(v.copied) != 1 {
		t.Errorf("for an hour: copied %q", v.copied)
	}
}

// The next code is shown when few seconds are left, and with n.
func TestNextCode(t *testing.T) {
	t.Parallel()
	v := newVault(2)
	m := open(t, v)
	next := "next " + group(number("id1", noon.Add(60*time.Second)))
	hasNot(t, m, "next "+"0", next)
	m.types("jn")
	has(t, m, next)
	m.types("n")
	hasNot(t, m, next)
	m.passes(v, 23*time.Second)
	has(t, m, next, "7s")
}

// A counter is advanced by Enter alone.
func TestCounterAdvancesOnEnterAlone(t *testing.T) {
	t.Parallel()
	v := newVault(1)
	v.accounts[0].Counter = true
	m := open(t, v)
	m.types("ntjkGg/a")
	m.send(esc)
	m.passes(v, time.Minute)
	if v.counter != 0 || m.printed != "" {
		t.Fatalf("advanced %d times without Enter", v.counter)
	}
	m.send(enter)
	has(t, m, "000 001", "copied for 45 s")
	m.passes(v, countedFor)
	hasNot(t, m, "000 001")
	if v.counter != 1 || !slices.Equal(v.copied, []string{"000001"}) {
		t.Errorf("advanced %d times, copied %q", v.counter, v.copied)
	}
}

// With codes hidden, the only one on the screen and in memory is that of the selected row.
func TestHiddenCodes(t *testing.T) {
	t.Parallel()
	v := newVault(5)
	o := v.options()
	o.Hide = true
	m := newModel(t.Context(), o)
	m.run(m.askCodes())
	m.send(down)
	until := noon.Add(30 * time.Second)
	has(t, m, group(number("id1", until)), "••••••")
	hasNot(t, m, group(number("id0", until)), group(number("id2", until)))
	if len(m.codes) != 1 {
		t.Errorf("%d codes are known", len(m.codes))
	}
}

// An account without its secret says so, and has nothing to copy.
func TestNeedsVerification(t *testing.T) {
	t.Parallel()
	v := newVault(1)
	v.accounts[0].Unverified = true
	m := open(t, v)
	m.send(enter)
	has(t, m, "needs verification", "auth verify")
	if len(v.asked)+len(v.copied) > 0 {
		t.Error("a code was asked for")
	}
}

// Enter copies the code that is on the screen; without a clipboard it says so.
func TestCopy(t *testing.T) {
	t.Parallel()
	v := newVault(3)
	m := open(t, v)
	m.types("/issuer 2")
	m.send(enter)
	has(t, m, "copied for 45 s")
	if want := []string{number("id2", noon.Add(30*time.Second))}; !slices.Equal(v.copied, want) {
		t.Errorf("copied %q, want %q", v.copied, want)
	}
	o := v.options()
	o.Copy = nil
	m = newModel(t.Context(), o)
	m.run(m.askCodes())
	m.send(enter)
	has(t, m, "there is no clipboard here")
}

// What is said is shown whole where the screen is narrow, and the selected account, the keys
// for help and the way out stay on it.
func TestLongMessage(t *testing.T) {
	t.Parallel()
	const said = "sent the code to the clipboard of the terminal (OSC 52); auth cannot see whether it arrived, and does not clear it"
	v := newVault(30)
	o := v.options()
	o.Copy = func(context.Context, string) (string, error) { return said, nil }
	m := newModel(t.Context(), o)
	m.run(m.askCodes())
	for _, width := range []int{40, 80, 200} {
		for _, height := range []int{9, 24} {
			m.send(tea.WindowSizeMsg{Width: width, Height: height})
			for range 30 { // to the last row that fits, and below
				m.send(down)
				m.send(enter)
				lines := strings.Split(m.screen(), "\n")
				if len(lines) != height {
					t.Fatalf("%d lines on %d x %d", len(lines), width, height)
				}
				var text []string
				for _, line := range lines {
					text = append(text, strings.TrimSpace(line))
				}
				all := strings.Join(text, " ")
				if strings.Count(all, "> ") != 1 || !strings.Contains(all, said) || !strings.HasSuffix(all, "? keys  q leave") {
					t.Fatalf("%d x %d:\n%s", width, height, m.screen())
				}
				m.send(esc)
			}
			m.send(tea.KeyPressMsg{Code: tea.KeyHome})
		}
	}
}

// The issuer is found before the name, and the beginning before another part.
func TestFilterOrder(t *testing.T) {
	t.Parallel()
	var list []folded
	for _, a := range []Account{
		{Issuer: "Gadgets", Name: "git"},
		{Issuer: "Legit", Name: "x"},
		{Issuer: "GitHub", Name: "x"},
		{Issuer: "Git", Name: "x"},
		{Issuer: "Other", Name: "x", Tags: []string{"git"}},
		{Issuer: "None", Name: "x"},
	} {
		a.Label = a.Issuer + ":" + a.Name
		list = append(list, fold(a))
	}
	if got, want := filter(list, " GIT "), []int{3, 0, 2, 1, 4}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
	if got, want := filter(list, "x git"), []int{1, 2, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("two words: %v, want %v", got, want)
	}
}

// No line is wider than the terminal, at any size, whatever the labels.
func TestFitsEverySize(t *testing.T) {
	t.Parallel()
	v := newVault(30)
	v.accounts[0].Issuer, v.accounts[0].Label = "日本銀行", "日本銀行:me"
	v.accounts[1].Name, v.accounts[1].Label = strings.Repeat("👩‍👩‍👧", 40), "x:"+strings.Repeat("👩‍👩‍👧", 40)
	v.accounts[2].Name, v.accounts[2].Label = "evil\x1b[2J\u202e", "x:evil\x1b[2J\u202e"
	v.accounts[3].Unverified, v.accounts[4].Counter, v.accounts[5].Exposed, v.accounts[5].Digits = true, true, true, 10
	m := open(t, v)
	for width := 1; width <= 200; width++ {
		for _, height := range []int{1, 2, 5, 6, 24, 60} {
			m.send(tea.WindowSizeMsg{Width: width, Height: height})
			for _, keys := range []string{"", "?", "e"} {
				m.types(keys)
				lines := strings.Split(m.View().Content, "\n")
				if len(lines) > height {
					t.Fatalf("%d lines on %d x %d", len(lines), width, height)
				}
				for _, line := range lines {
					if got := m.cells.StringWidth(line); width >= 20 && got > width {
						t.Fatalf("%d cells on %d x %d: %q", got, width, height, ansi.Strip(line))
					}
				}
				m.send(esc)
			}
		}
	}
	hasNot(t, m, "\x1b", "\u202e")
}

// A move is on the screen at once, and stored; moves that come while one is stored are stored together.
func TestMove(t *testing.T) {
	t.Parallel()
	v := newVault(4)
	m := open(t, v)
	_, first := m.Update(tea.KeyPressMsg{Code: 'J', Text: "J"})
	_, second := m.Update(tea.KeyPressMsg{Code: 'J', Text: "J"})
	_, third := m.Update(tea.KeyPressMsg{Code: 'J', Text: "J"})
	v.accounts = append(slices.Clone(v.accounts[1:]), v.accounts[0])
	for _, cmd := range []tea.Cmd{first, second, third} {
		m.run(cmd)
	}
	if want := []string{"id0 before id2", "id0 before "}; !slices.Equal(v.moves, want) {
		t.Errorf("stored %q, want %q", v.moves, want)
	}
	if a, _ := m.current(); a.ID != "id0" || m.at != 3 {
		t.Errorf("row %d is selected, %q", m.at, a.ID)
	}
}

// What is typed over several rows is what is stored, and a form that failed is still there.
func TestForm(t *testing.T) {
	t.Parallel()
	v := newVault(1)
	o := v.options()
	var got Fields
	fails := errors.New("the secret is empty")
	o.Add = func(_ context.Context, f Fields) (string, error) {
		got = f
		return "added it", fails
	}
	m := newModel(t.Context(), o)
	m.types("a")
	m.send(tea.PasteMsg{Content: "JBSWY3DP\n"}, enter)
	m.types("Git Hub")
	m.send(enter)
	m.types("me")
	hasNot(t, m, "JBSWY3DP")
	m.send(enter)
	has(t, m, "the secret is empty", "Git Hub")
	fails = nil
	m.send(enter)
	has(t, m, "added it")
	if want := (Fields{Secret: "JBSWY3DP", Issuer: "Git Hub", Name: "me"}); got != want {
		t.Errorf("stored %+v, want %+v", got, want)
	}
	if m.form.lines != nil {
		t.Error("the form is kept, with the secret in it")
	}
}

// An account is added from the screen, the clipboard or an image file as well. What looks like the name of a file is one;
// it is shown while it is typed, and a secret is not.
func TestAddFrom(t *testing.T) {
	t.Parallel()
	control := func(letter rune) tea.KeyPressMsg { return tea.KeyPressMsg{Code: letter, Mod: tea.ModCtrl} }
	for _, c := range []struct {
		name  string
		typed string
		key   tea.KeyPressMsg
		want  Fields
		shown bool
	}{
		{"a file", "/tmp/shot.png", enter, Fields{From: File, File: "/tmp/shot.png"}, true},
		{"a dropped file", "'/tmp/my shot.png'", enter, Fields{From: File, File: "'/tmp/my shot.png'"}, true},
		{"a file of the folder", "shot.png", enter, Fields{From: File, File: "shot.png"}, false},
		{"the screen", "JBSWY3DP", control('s'), Fields{From: Screen}, false},
		{"the clipboard", "", control('v'), Fields{From: Clipboard}, false},
		{"a URI", "otpauth://totp/a.b/c?secret=JBSWY3DP", enter, Fields{Secret: "otpauth://totp/a.b/c?secret=JBSWY3DP"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := newVault(1)
			o := v.options()
			var got []Fields
			o.Add = func(_ context.Context, f Fields) (string, error) {
				got = append(got, f)
				return "added it", nil
			}
			m := newModel(t.Context(), o)
			m.types("a")
			m.send(tea.PasteMsg{Content: c.typed})
			if shown := strings.Contains(m.screen(), "shot.png") || strings.Contains(m.screen(), "JBSWY3DP"); shown != c.shown {
				t.Errorf("shown: %v\n%s", shown, m.screen())
			}
			m.send(c.key)
			has(t, m, "added it")
			if !slices.Equal(got, []Fields{c.want}) {
				t.Errorf("added %+v, want %+v", got, c.want)
			}
		})
	}
	v := newVault(1)
	o := v.options()
	o.Add = func(context.Context, Fields) (string, error) { panic("an account is being changed, not added") }
	m := newModel(t.Context(), o)
	m.types("e")
	m.send(control('s'), control('v'))
}

// An act that has ended closes the form that it was begun in, and not the one that is open by then.
func TestFormOpenedSince(t *testing.T) {
	t.Parallel()
	v := newVault(1)
	o := v.options()
	o.Add = func(context.Context, Fields) (string, error) { return "added it", nil }
	m := newModel(t.Context(), o)
	m.types("a")
	_, adding := m.Update(tea.KeyPressMsg{Code: 's', Mod: tea.ModCtrl})
	m.send(esc)
	m.types("e")
	m.run(adding)
	has(t, m, "Change Issuer 0:me", "added it")
}

// Leaving the form calls off what it waits for.
func TestLeavingTheFormStopsLooking(t *testing.T) {
	t.Parallel()
	v := newVault(1)
	o := v.options()
	o.Add = func(ctx context.Context, _ Fields) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	}
	m := newModel(t.Context(), o)
	m.types("a")
	_, adding := m.Update(tea.KeyPressMsg{Code: 's', Mod: tea.ModCtrl})
	has(t, m, "looking at the screen")
	m.send(esc)
	m.types("/iss")
	m.run(adding)
	m.types("uer")
	has(t, m, "nothing was added", "/issuer▏")
	if m.acts != 0 {
		t.Error("it is still waited for")
	}
}

// How the backup stands is beside the number of accounts, where there is room for all of it.
func TestStanding(t *testing.T) {
	t.Parallel()
	v := newVault(1)
	o := v.options()
	o.Notices = func(context.Context) ([]string, string) {
		return []string{"the laptop has news"}, "last backup 2026-11-28"
	}
	m := newModel(t.Context(), o)
	m.run(m.askNotices())
	m.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	has(t, m, "auth  1 account  last backup 2026-11-28", "! the laptop has news")
	m.send(tea.WindowSizeMsg{Width: 30, Height: 24})
	hasNot(t, m, "last backup")
	m.send(tea.WindowSizeMsg{Width: 39, Height: 24})
	has(t, m, "last backup 2026-11-28")
}

// What other devices have written is looked for every five minutes, since it is no change of this vault.
func TestAsksForNews(t *testing.T) {
	t.Parallel()
	v := newVault(1)
	o := v.options()
	asked := 0
	o.Notices = func(context.Context) ([]string, string) { asked++; return nil, "" }
	m := newModel(t.Context(), o)
	m.run(m.askNotices())
	m.passes(v, 5*time.Minute-time.Second)
	if asked != 1 {
		t.Errorf("asked %d times within five minutes", asked)
	}
	m.passes(v, time.Second)
	if asked != 2 {
		t.Errorf("asked %d times after five minutes", asked)
	}
}

// An act that failed while the view was being left is told before it is left.
func TestFailureWhileLeaving(t *testing.T) {
	t.Parallel()
	v := newVault(2)
	o := v.options()
	o.Remove = func(context.Context, string) (string, error) { return "", errors.New("the keyring is locked") }
	m := newModel(t.Context(), o)
	m.run(m.askCodes())
	_, removing := m.Update(tea.KeyPressMsg{Code: 'd', Text: "d"})
	if m.acts != 1 {
		t.Fatal("nothing is being removed")
	}
	if _, cmd := m.Update(tea.KeyPressMsg{Code: 'q', Text: "q"}); quits(cmd) {
		t.Fatal("it is left before the act has ended")
	}
	_, after := m.Update(removing())
	if quits(after) {
		t.Error("it is left, and nobody saw why the account is still there")
	}
	has(t, m, "the keyring is locked")
	if _, cmd := m.Update(tea.KeyPressMsg{Code: 'q', Text: "q"}); !quits(cmd) {
		t.Error("it cannot be left after that")
	}
}

// quits reports whether a command of Bubble Tea ends the program.
func quits(cmd tea.Cmd) bool {
	if cmd == nil {
		return false
	}
	switch msg := cmd().(type) {
	case tea.QuitMsg:
		return true
	case tea.BatchMsg:
		return slices.ContainsFunc(msg, quits)
	default:
		return false
	}
}

// Beside letters that are written from right to left a code is one group: a terminal that
// orders its line by UAX #9 would show the second of two groups first.
func TestCodeBesideRightToLeft(t *testing.T) {
	t.Parallel()
	v := newVault(3)
	v.accounts[0].Issuer, v.accounts[0].Label = "אבג", "אבג:דה"
	v.accounts[1].Issuer, v.accounts[1].Label = "بنك", "بنك:me"
	m := open(t, v)
	until := noon.Add(30 * time.Second)
	has(t, m, number("id0", until), number("id1", until), group(number("id2", until)))
}
