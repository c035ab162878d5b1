package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

// Why a plugin could not be used. They are in a [PluginError], which names the program.
var (
	ErrPluginMissing = errors.New("the program is in no folder of PATH")
	ErrPluginHere    = errors.New("PATH finds the program in the current folder, or relative to it, and nothing is run from there")
	ErrPluginTraced  = errors.New("AGEDEBUG=plugin is set, which would print the key")
	ErrPluginSilent  = errors.New("the program did not answer in time")
	ErrPluginTries   = fmt.Errorf("the program was tried on %d files, and no more are tried", maxPluginRuns)
	ErrPluginEnded   = errors.New("the program ended without an answer")
	ErrPluginFailed  = errors.New("the program could not do it")
)

// A PluginError says why the program of a plugin could not be used. Text in it may come
// from that program.
type PluginError struct {
	Program  string // age-plugin-NAME
	Identity bool   // it was to decrypt, not to encrypt
	Err      error
}

func (e *PluginError) Error() string { return e.Program + ": " + e.Err.Error() }
func (e *PluginError) Unwrap() error { return e.Err }

// A PluginPerson is whom the programs of plugins speak to. All texts are those of a
// program, and may contain anything.
type PluginPerson interface {
	// Tell shows a message.
	Tell(program, message string)
	// Ask returns the answer to a question. The answer to a secret one is not shown.
	Ask(ctx context.Context, program, question string, secret bool) (string, error)
	// Choose reports whether yes was chosen and not no. If no is empty, yes is the only
	// answer, and Choose returns when the person gave it.
	Choose(ctx context.Context, program, question, yes, no string) (bool, error)
	// Waiting says that a program has said nothing for five seconds. It may be waiting for
	// a touch of the key.
	Waiting(program string)
	// Patience returns how long a program may take. 0 is for ever: somebody can interrupt it.
	Patience() time.Duration
}

// Plugins are the plugins of age on this machine: programs named age-plugin-NAME that
// encrypt to keys of another kind and decrypt with them, most of them keys in hardware.
// The protocol is https://c2sp.org/age-plugin.
//
// A program is run for a recipient or an identity that the user gave, and for nothing
// else. What lies at a location cannot name one: the stanzas of a file are handed to the
// identities that the user gave, whatever their type, and a recovery key is a key of age's
// own ([ParseRecoveryKey]).
//
// The program is looked up in PATH, and never in the current folder. age's client (1.3.2)
// runs it by golang.org/x/sys/execabs, by its name alone, in the folder for temporary
// files. That is the lookup of [exec.LookPath], but a relative result is an error, also
// with GODEBUG=execerrdot=0: PATH contains ".", an empty or another relative entry, or
// the system is Windows, which looks in the current folder first. The name cannot lead
// elsewhere: [plugin.ParseRecipient] and [plugin.ParseIdentity] take letters, digits and
// + - . _ only. Plugins does the same lookup before, to name what is wrong.
//
// A program that does not end in time is left alone, because age's client has no handle
// on it. Its standard input and output are closed when this process ends.
type Plugins struct {
	LookPath func(name string) (string, error) // as exec.LookPath; nil: there are no plugins
	Person   PluginPerson                      // nil: there is nobody
	Traced   bool                              // AGEDEBUG=plugin is set: age's client prints what it sends and gets
}

// maxPluginRuns is how many files the program of one identity is tried on: each may ask
// for a PIN or a touch, and whoever can write to a location can plant more.
const maxPluginRuns = 8

// ParseRecipient parses a recipient of a plugin (age1NAME1…), or one that the function
// [ParseRecipient] takes. It does not run the program, but looks for it. Errors are a
// *[PluginError] or those of that function.
func (p Plugins) ParseRecipient(ctx context.Context, text string) (age.Recipient, error) {
	text = strings.TrimSpace(text)
	name, _, err := plugin.ParseRecipient(text)
	if err != nil || native(text) {
		return ParseRecipient(text)
	}
	r := pluginRecipient{program{Plugins: p, name: programPrefix + name}, ctx, text}
	return r, r.find()
}

// native reports whether age encrypts to a recipient without a program.
func native(recipient string) bool {
	return strings.Count(recipient, "1") == 1 || strings.HasPrefix(recipient, "age1pq1") || tagged(recipient)
}

// tagged reports whether a text is a recipient of the package tag: that of a key in
// hardware which any plugin may decrypt for.
func tagged(recipient string) bool {
	return strings.HasPrefix(recipient, "age1tag1") || strings.HasPrefix(recipient, "age1tagpq1")
}

// identityPrefix begins the identity of a plugin.
const identityPrefix = "AGE-PLUGIN-"

// ParseIdentity parses the identity of a plugin (AGE-PLUGIN-NAME-1…). The program is
// looked for and run when the identity decrypts. What decrypts with it returns a
// *[PluginError], or an error of the [PluginPerson] or of ctx.
func (p Plugins) ParseIdentity(ctx context.Context, text string) (Identity, error) {
	name, _, err := plugin.ParseIdentity(text)
	if err != nil {
		return nil, ErrIdentityFile
	}
	return &pluginIdentity{program: program{Plugins: p, name: programPrefix + name, identity: true}, ctx: ctx, text: text}, nil
}

// A pluginRecipient encrypts by the program of a plugin.
type pluginRecipient struct {
	program

	ctx  context.Context // of the command: age's interface has no room for it
	text string
}

func (r pluginRecipient) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	stanzas, _, err := r.WrapWithLabels(fileKey)
	return stanzas, err
}

// WrapWithLabels implements [age.RecipientWithLabels].
func (r pluginRecipient) WrapWithLabels(fileKey []byte) (stanzas []*age.Stanza, labels []string, err error) {
	type wrapped struct {
		stanzas []*age.Stanza
		labels  []string
	}
	w, err := run(r.ctx, r.program, func(ui *plugin.ClientUI) (w wrapped, err error) {
		client, err := plugin.NewRecipient(r.text, ui)
		if err == nil {
			w.stanzas, w.labels, err = client.WrapWithLabels(fileKey)
		}
		return w, err
	})
	if err != nil {
		err = lockedError{err}
	}
	return w.stanzas, w.labels, err
}

// A pluginIdentity decrypts by the program of a plugin.
type pluginIdentity struct {
	program

	ctx  context.Context // of the command: age's interface has no room for it
	text string
	runs int
}

// Unwrap decrypts the file key. If the program could not be used, the error is also
// [age.ErrIncorrectIdentity], so that age tries the other identities. If nobody answered
// its question or it did not answer, the error is a [lockedError]: no file will do better.
func (i *pluginIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) == 1 && stanzas[0].Type == "scrypt" {
		// Under a passphrase: there are many of these, and none is for a key in hardware. What
		// age-plugin-batchpass would do with one is done with the passphrase itself.
		return nil, age.ErrIncorrectIdentity
	}
	if i.runs++; i.runs > maxPluginRuns {
		return nil, unusableError{i.fault(ErrPluginTries)}
	}
	fileKey, err := run(i.ctx, i.program, func(ui *plugin.ClientUI) ([]byte, error) {
		client, err := plugin.NewIdentity(i.text, ui)
		if err != nil {
			return nil, err
		}
		return client.Unwrap(stanzas)
	})
	fault, ok := errors.AsType[*PluginError](err)
	switch {
	case err == nil || errors.Is(err, age.ErrIncorrectIdentity):
		return fileKey, err
	case ok && !errors.Is(err, ErrPluginSilent):
		return nil, unusableError{fault}
	default:
		return nil, lockedError{err}
	}
}

// An unusableError makes age try the other identities after a plugin that could not be used.
type unusableError struct{ *PluginError }

func (unusableError) Is(target error) bool { return target == age.ErrIncorrectIdentity }
func (e unusableError) Unwrap() error      { return e.PluginError }

// programPrefix begins the name of every program of a plugin.
const programPrefix = "age-plugin-"

// A program is the program of one recipient or identity.
type program struct {
	Plugins

	name     string
	identity bool
}

func (p program) fault(err error) *PluginError { return &PluginError{p.name, p.identity, err} }

// find looks for the program, as age's client does.
func (p program) find() error {
	if p.Traced {
		return p.fault(ErrPluginTraced)
	}
	if p.LookPath == nil {
		return p.fault(ErrPluginMissing)
	}
	path, err := p.LookPath(p.name)
	switch {
	case errors.Is(err, exec.ErrDot), err == nil && !filepath.IsAbs(path):
		return p.fault(ErrPluginHere)
	case err != nil:
		return p.fault(ErrPluginMissing)
	default:
		return nil
	}
}

// interruptGrace is how long an interruption of auth may come after the program has ended:
// Ctrl-C on a terminal goes to both, and the program may be faster.
const interruptGrace = 100 * time.Millisecond

// run calls age's client, which runs the program and speaks with it. Errors are a
// *[PluginError], [age.ErrIncorrectIdentity], or an error of the person or of ctx.
func run[T any](ctx context.Context, p program, call func(*plugin.ClientUI) (T, error)) (result T, err error) {
	if err := p.find(); err != nil {
		return result, err
	}
	talk := &conversation{ctx: ctx, person: p.Person, failed: make(chan error, 1)}
	defer talk.end()
	type returned struct {
		result T
		err    error
	}
	done := make(chan returned, 1)
	go func() {
		result, err := call(talk.ui())
		done <- returned{result, err}
	}()
	var late <-chan time.Time
	if p.Person != nil && p.Person.Patience() > 0 {
		timer := time.NewTimer(p.Person.Patience())
		defer timer.Stop()
		late = timer.C
	}
	select {
	case r := <-done:
		return r.result, p.reason(ctx, r.err, talk)
	case err := <-talk.failed:
		return result, err
	case <-late:
		return result, p.fault(ErrPluginSilent)
	case <-ctx.Done():
		return result, ctx.Err()
	}
}

// reason returns why age's client failed. What it says about a program stays a text: an
// end of its output is none of ours.
func (p program) reason(ctx context.Context, err error, talk *conversation) error {
	if err == nil || errors.Is(err, age.ErrIncorrectIdentity) {
		return err
	}
	ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE)
	if ended {
		select {
		case <-ctx.Done():
		case <-time.After(interruptGrace):
		}
	}
	select {
	case err := <-talk.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	default:
	}
	if ended {
		return p.fault(ErrPluginEnded)
	}
	if missing, ok := errors.AsType[*plugin.NotFoundError](err); ok {
		return p.fault(fmt.Errorf("%w: %w", ErrPluginMissing, missing))
	}
	text := err.Error()
	if inner := errors.Unwrap(err); inner != nil {
		text = inner.Error() // without "NAME plugin: "
	}
	return p.fault(fmt.Errorf("%w: %s", ErrPluginFailed, text))
}

// A conversation passes on what a program says. A question that is not answered ends it.
type conversation struct {
	ctx    context.Context
	person PluginPerson
	failed chan error // why a question was not answered

	mu   sync.Mutex // the timer of [plugin.ClientUI] has a goroutine of its own
	over bool
}

var errConversationOver = errors.New("nobody listens any more")

// end waits until a question has ended, so that the terminal is as it was, and lets
// nothing more through.
func (c *conversation) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
}

// say calls f while somebody listens.
func (c *conversation) say(f func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over || c.person == nil {
		return errConversationOver
	}
	f()
	return nil
}

// ask calls f, which asks a question, while somebody listens.
func (c *conversation) ask(f func() error) (err error) {
	if over := c.say(func() { err = f() }); over != nil {
		return over
	}
	if err != nil {
		select {
		case c.failed <- err:
		default: // one is enough
		}
	}
	return err
}

// ui returns the conversation as age's client takes it. The client names a plugin, and
// people know its program.
func (c *conversation) ui() *plugin.ClientUI {
	return &plugin.ClientUI{
		DisplayMessage: func(name, message string) error {
			return c.say(func() { c.person.Tell(programPrefix+name, message) })
		},
		RequestValue: func(name, question string, secret bool) (answer string, err error) {
			err = c.ask(func() error {
				answer, err = c.person.Ask(c.ctx, programPrefix+name, question, secret)
				return err
			})
			return answer, err
		},
		Confirm: func(name, question, yes, no string) (chosen bool, err error) {
			err = c.ask(func() error {
				chosen, err = c.person.Choose(c.ctx, programPrefix+name, question, yes, no)
				return err
			})
			return chosen, err
		},
		WaitTimer: func(name string) { _ = c.say(func() { c.person.Waiting(programPrefix + name) }) },
	}
}
