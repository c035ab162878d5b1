package live

import (
	"context"
	"errors"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// A form is what a person types about an account, a line at a time.
type form struct {
	title string
	id    string // of the account that is changed; empty for a new one
	names []string
	lines []line
	at    int
	stop  func() // ends what the form waits for; nil for nothing
}

// The lines of forms.
const (
	fieldSecret = "secret, URI, image"
	fieldIssuer = "issuer"
	fieldName   = "name"
	fieldAlias  = "alias"
	fieldTags   = "tags, by commas"
)

func (f *form) line() *line { return &f.lines[f.at] }

// value returns what was typed in the line of a name.
func (f *form) value(name string) string {
	for i, n := range f.names {
		if n == name {
			return f.lines[i].text
		}
	}
	return ""
}

func (f *form) fields() Fields {
	return Fields{
		Secret: f.value(fieldSecret), Issuer: f.value(fieldIssuer), Name: f.value(fieldName),
		Alias: f.value(fieldAlias), Tags: f.value(fieldTags),
	}
}

func (m *model) startAdding() {
	m.mode = filling
	m.opened++
	m.form = form{title: "Add an account", names: []string{fieldSecret, fieldIssuer, fieldName}, lines: make([]line, 3)}
}

func (m *model) startEditing(a Account) {
	m.mode = filling
	m.opened++
	m.form = form{
		title: "Change " + a.shownLabel(), id: a.ID,
		names: []string{fieldIssuer, fieldName, fieldAlias, fieldTags},
		lines: []line{{a.Issuer}, {a.Name}, {a.Alias}, {strings.Join(a.Tags, ", ")}},
	}
}

func (m *model) pressFilling(key tea.KeyPressMsg) tea.Cmd {
	f := &m.form
	switch key.Keystroke() {
	case "esc":
		m.stopFilling()
		m.say("nothing was changed")
	case "up", "shift+tab":
		f.at = max(0, f.at-1)
	case "down", "tab":
		f.at = min(len(f.lines)-1, f.at+1)
	case "ctrl+s":
		return m.submitFrom(Screen, "looking at the screen …")
	case "ctrl+v":
		return m.submitFrom(Clipboard, "looking at the clipboard …")
	case "enter":
		// A URI says everything, and so does an image.
		whole := f.names[f.at] == fieldSecret && (strings.Contains(f.line().text, "://") || isFile(f.line().text))
		if f.at < len(f.lines)-1 && !whole {
			f.at++
			return nil
		}
		return m.submit()
	default:
		f.line().press(key)
	}
	return nil
}

// isFile reports whether what is typed as a secret is the name of a file. A secret has letters and digits alone.
func isFile(text string) bool {
	return strings.ContainsAny(text, `./\~`) && (strings.HasPrefix(text, "file://") || !strings.Contains(text, "://"))
}

// isPath reports whether what is typed need not be hidden: a name of a file that begins as no secret and no URI does, also
// one with a mistake in it.
func isPath(text string) bool {
	text = strings.TrimLeft(text, `'"`)
	drive := len(text) > 2 && text[1] == ':' && (text[2] == '\\' || text[2] == '/')
	return drive || strings.HasPrefix(text, "/") || strings.HasPrefix(text, "~") || strings.HasPrefix(text, ".")
}

// submitFrom adds what another source than the form has. Nothing of it is typed. That may take a while, since a person may
// have to allow a picture of the screen; leaving the form calls it off.
func (m *model) submitFrom(from Source, doing string) tea.Cmd {
	if m.form.id != "" || m.acts > 0 {
		return nil
	}
	fields := m.form.fields()
	fields.From, fields.Secret = from, ""
	m.say(doing)
	ctx, stop := context.WithCancel(m.ctx)
	m.form.stop = stop
	return m.act(func(context.Context) (string, error) {
		defer stop()
		said, err := m.o.Add(ctx, fields)
		if errors.Is(err, context.Canceled) && m.ctx.Err() == nil {
			return "nothing was added", nil
		}
		return said, err
	}, m.closing())
}

// submit stores what was typed. The form stays until that has succeeded, so that nothing has to be typed again.
func (m *model) submit() tea.Cmd {
	id, fields := m.form.id, m.form.fields()
	if isFile(fields.Secret) {
		fields.From, fields.File, fields.Secret = File, fields.Secret, ""
	}
	return m.act(func(ctx context.Context) (string, error) {
		if id == "" {
			return m.o.Add(ctx, fields)
		}
		return m.o.Edit(ctx, id, fields)
	}, m.closing())
}

// closing returns what closes the form that is open now, and no other one.
func (m *model) closing() func() {
	opened := m.opened
	return func() {
		if m.mode == filling && m.opened == opened {
			m.stopFilling()
		}
	}
}

// stopFilling forgets the form: it may have a secret in it.
func (m *model) stopFilling() {
	if m.form.stop != nil {
		m.form.stop()
	}
	m.mode, m.form = browsing, form{}
}
