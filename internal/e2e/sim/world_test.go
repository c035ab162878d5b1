package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/keyring/keyringtest"
	"github.com/authcli/auth/internal/vault"
)

// home is the location that everybody ends at, elsewhere another one, and anew is the one
// for the end where nobody can open home any more.
const (
	home      = "/cloud/home"
	elsewhere = "/cloud/elsewhere"
	anew      = "/cloud/anew"
)

// A world is what a history happens in.
type world struct {
	t        *testing.T
	chance   *rand.Rand
	now      time.Time // as nobody may know it
	clouds   map[string]*cloud
	machines []*machine
	person   *person
	secrets  map[string]*secret
	keys     map[string]backup.RecoveryKey // every one that was ever seen, by its id
	made     int                           // machines so far
	words    int                           // passphrases so far
	rekeyed  int                           // rotations and new passphrases so far
	trace    []string
	wrong    []string // broken promises
	x25519   bool     // keys are not post-quantum
	home     string   // where everybody is in the end
	over     bool     // the history has come to its end: nothing goes wrong any more
}

// A secret is one that a user added to a machine.
type secret struct {
	text   string
	bound  *machine  // the device that it is bound to; nil for none
	added  bool      // it was seen in a vault
	purged bool      // its user asked to erase it for good
	letGo  time.Time // when it was removed or replaced first; zero while nobody has
	excuse string    // why it may be gone
	next   uint64    // for a counter: the next one that no device has used
	reset  bool      // its user set the counter
}

// holdings are the secrets in a vault, by their text; true for live ones.
type holdings map[string]bool

func held(s *vault.State) holdings {
	h := holdings{}
	for _, t := range s.Trash {
		h[string(t.Credential.Secret.Reveal())] = false
	}
	for _, r := range s.Records {
		if !r.Secret.Value.Secret.Empty() {
			h[string(r.Secret.Value.Secret.Reveal())] = true
		}
	}
	return h
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		t: t, chance: rand.New(rand.NewPCG(seed, 19)), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		clouds: map[string]*cloud{home: newCloud(home), elsewhere: newCloud(elsewhere), anew: newCloud(anew)},
		home:   home, person: &person{agree: true}, secrets: map[string]*secret{}, keys: map[string]backup.RecoveryKey{},
	}
	w.x25519 = w.chance.IntN(4) > 0
	return w
}

func (w *world) log(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf(format, args...))
}

// complain notes a broken promise.
func (w *world) complain(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.log("   !! %s", text)
	w.wrong = append(w.wrong, text)
}

// living returns the machines that are not lost or broken.
func (w *world) living() []*machine {
	return slices.DeleteFunc(slices.Clone(w.machines), func(m *machine) bool { return m.dead })
}

// folders returns the folders of all living machines.
func (w *world) folders() (list []*folder) {
	for _, m := range w.living() {
		for _, name := range slices.Sorted(maps.Keys(m.folders)) {
			list = append(list, m.folders[name])
		}
	}
	return list
}

// do lets a machine run a command, which may be cut short. The vault is looked at after it.
func (w *world) do(m *machine, what string, command func(context.Context, *device.Device) error) (err error) {
	before := m.sealed()
	killed := w.cutting(m, func() { err = command(w.t.Context(), m.open()) })
	switch {
	case killed:
		what, err = what+" (killed)", errKilled
		w.log("%s %s: %s", w.now.Format("01-02 15:04"), m.name, what)
	default:
		w.log("%s %s: %s: %v", w.now.Format("01-02 15:04"), m.name, what, err)
	}
	w.look(m)
	w.learnWord(m, before, killed)
	return err
}

var errKilled = errors.New("killed")

// cutting runs f, and sometimes ends the process somewhere in it.
func (w *world) cutting(m *machine, f func()) (killed bool) {
	switch n := w.chance.IntN(30); {
	case w.over:
	case n == 0:
		m.keyring.Fault = keyringtest.Nth(m.keyring.Ops()+1+w.chance.IntN(25), keyringtest.CrashBefore)
	case n == 1:
		m.keyring.Fault = keyringtest.Nth(m.keyring.Ops()+1+w.chance.IntN(25), keyringtest.CrashAfter)
	case n == 2:
		for _, f := range m.folders {
			f.cut = 1 + w.chance.IntN(4)
		}
	}
	defer func() {
		m.keyring.Fault = nil
		for _, f := range m.folders {
			f.cut = 0
		}
		switch p := recover().(type) {
		case nil:
		case died:
			killed = true
		default:
			panic(p)
		}
	}()
	return keyringtest.Crashes(f)
}

// look looks at a machine's vault: what it held before it holds still, unless somebody
// let go of it.
func (w *world) look(m *machine) {
	s := m.read()
	if s == nil {
		if !m.damaged {
			_, err := m.open().Read(w.t.Context())
			w.complain("%s: the vault cannot be read: %v", m.name, err)
		}
		return
	}
	now := held(s)
	for text, live := range m.seen {
		switch stillLive, here := now[text]; {
		case !here && !w.mayBeGone(w.secrets[text]):
			w.complain("%s: %s is gone", m.name, text)
		case live && !stillLive && w.secrets[text].letGo.IsZero():
			w.secrets[text].letGo = w.now
		}
	}
	for _, d := range s.Trash { // also what was never live here, and comes into the trash of an account that was removed
		if x := w.secrets[string(d.Credential.Secret.Reveal())]; x.letGo.IsZero() {
			x.letGo = time.UnixMilli(min(d.At.Time, w.now.UnixMilli()))
		}
	}
	for text := range now {
		x := w.secrets[text]
		x.added = true
		if x.bound != nil && x.bound != m && !m.has(text) && !m.cloneOf(x.bound) {
			w.complain("%s: %s is bound to %s", m.name, text, x.bound.name)
		}
	}
	m.seen = now
	if e, ok := m.enrolment(); ok {
		w.keys[e.Key.ID()] = e.Key
	}
}

// has reports whether a machine held a secret when it was last looked at.
func (m *machine) has(text string) bool { _, found := m.seen[text]; return found }

// cloneOf reports whether a machine was cloned from another, or both from a third.
func (m *machine) cloneOf(other *machine) bool { return m.disk == other.disk }

// mayBeGone reports whether a secret may be nowhere: its user erased it, or let go of it
// thirty days ago by clocks that are ten days off at most.
func (w *world) mayBeGone(x *secret) bool {
	expired := !x.letGo.IsZero() && w.now.Sub(x.letGo) >= vault.TrashFor-20*24*time.Hour
	return x.purged || x.excuse != "" || expired
}

// learnWord notes the passphrase that the last command made, with the key that it is of.
// Where the command was killed and the machine has no new sealed key, the passphrase
// opens nothing, or what nobody will use.
func (w *world) learnWord(m *machine, before string, killed bool) {
	if !w.person.used {
		return
	}
	w.person.used = false
	x := word{text: w.person.next, key: m.key(), sealed: m.sealed(), by: m}
	if killed && x.sealed == before {
		x.key, x.sealed = "", ""
	}
	w.person.known = append(w.person.known, x)
	w.log("   passphrase %q of key %s", x.text, x.key)
}

// newWord sets the passphrase that the next command is given.
func (w *world) newWord() {
	w.words++
	w.person.next = fmt.Sprintf("passphrase %d", w.words)
	if n := len(w.person.known); n > 0 && w.chance.IntN(6) == 0 {
		w.person.next = w.person.known[w.chance.IntN(n)].text // somebody who has one for everything
	}
	w.person.used = false
}

// newest returns the known passphrases, newest first.
func (p *person) newest() (texts []string) {
	for _, word := range slices.Backward(p.known) {
		texts = append(texts, word.text)
	}
	return texts
}

// enable turns backup on, with every passphrase that its user knows if need be.
func (w *world) enable(m *machine, to string) error {
	if was := m.location(); was != "" && was != to {
		defer func() { w.excuse(w.added(), m.name+" left it at "+was, w.allArrived()...) }()
	}
	if before := m.key(); w.rotatedAway(m) {
		defer func() {
			if m.key() != before {
				w.excuse(w.added(), m.name+" merges nothing under the key that was replaced", w.allArrived()...)
			}
		}()
	}
	w.newWord()
	w.person.try = w.person.newest()
	for {
		err := w.do(m, "enable "+to, func(ctx context.Context, d *device.Device) error {
			_, err := d.Enable(ctx, to, w.options())
			return err
		})
		wrong := errors.Is(err, backup.ErrWrongKey) || errors.Is(err, backup.ErrSuperseded) || errors.Is(err, device.ErrForeignKey)
		if !wrong || len(w.person.try) == 0 {
			return err
		}
	}
}

// rotatedAway reports whether a machine can see that its key was rotated away. What others
// wrote under it is named then, and merged only if a backup under the new key vouches for it.
func (w *world) rotatedAway(m *machine) bool {
	e, ok := m.enrolment()
	if !ok {
		return false
	}
	f := m.folders[e.Location]
	entries, err := f.List(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return backup.ReadSuccessions(w.t.Context(), f, entries, []backup.RecoveryKey{e.Key}, "").Rotated(e.Key.ID())
}

// options returns the options of a command that makes a key. Most histories have keys that
// take little time.
func (w *world) options() device.EnableOptions {
	return device.EnableOptions{Weak: true, X25519: w.x25519}
}

// excuse excuses what only a machine held that is gone, or went back: no living vault
// holds it, and neither does any of the given states.
func (w *world) excuse(gone holdings, why string, but ...holdings) {
	for _, m := range w.living() {
		but = append(but, m.seen)
	}
	for text := range gone {
		safe := slices.ContainsFunc(but, func(h holdings) bool { _, found := h[text]; return found })
		if x := w.secrets[text]; !safe && x.excuse == "" {
			x.excuse = why
			w.log("   %s may be gone: %s", text, why)
		}
	}
}

// added returns all secrets that were ever added.
func (w *world) added() holdings {
	all := holdings{}
	for text, x := range w.secrets {
		if x.added {
			all[text] = true
		}
	}
	return all
}

// allArrived returns what has arrived at each living machine.
func (w *world) allArrived() (all []holdings) {
	for _, m := range w.living() {
		all = append(all, w.arrived(m, ""))
	}
	return all
}

// allKeys returns every recovery key that there ever was.
func (w *world) allKeys() (keys backup.Keys) {
	for _, id := range slices.Sorted(maps.Keys(w.keys)) {
		keys.Current = append(keys.Current, w.keys[id])
	}
	return keys
}

// arrived returns what has arrived in a machine's folder and counts there: backups under
// its key, and those under earlier keys that one vouches for. Those of the device without
// are left out.
func (w *world) arrived(m *machine, without string) holdings {
	e, ok := m.enrolment()
	if !ok {
		return nil
	}
	return w.readFolder(m.folders[e.Location], e.Keys(), without)
}

func (w *world) readFolder(f *folder, keys backup.Keys, without string) holdings {
	inv, err := backup.ReadInventory(w.t.Context(), f, keys)
	if err != nil {
		w.t.Fatal(err)
	}
	all := holdings{}
	for _, file := range inv.Files {
		if file.State == backup.Good && (without == "" || file.Device() != without) {
			maps.Copy(all, held(file.Content.State))
		}
	}
	return all
}

func same(a, b *vault.State) bool { return known(a) == known(b) }

// known returns what a vault shares with others, as text.
func known(s *vault.State) string {
	c := s.Portable()
	c.ID = ""
	text, err := c.MarshalJSON()
	if err != nil {
		return err.Error()
	}
	return string(text)
}

var _ location.Location = (*folder)(nil)

func lines(list []string) string { return strings.Join(list, "\n") }
