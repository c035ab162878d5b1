package vault_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/testenv"
	"github.com/authcli/auth/internal/vault"
)

// start is when every history begins.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A history is a list of steps that several devices take. Each step holds all the
// chance there is in it, so that a history without some of its steps is one too:
// that is how a failure is made small.
type history []step

type step struct {
	Device int    // who
	Seed   uint64 // what
}

func newHistory(seed uint64, steps int) history {
	chance := rand.New(rand.NewPCG(seed, 1))
	h := make(history, steps)
	for i := range h {
		h[i] = step{chance.IntN(6), chance.Uint64()}
	}
	return h
}

// A world is devices, and what has been written to the location that they share.
type world struct {
	devices  []*device
	now      time.Time // as nobody may know it
	files    []*vault.State
	past     []*vault.State // states of devices, secrets and all
	made     int            // names and secrets so far
	trace    []string
	complain func(format string, args ...any)
}

type device struct {
	id    string
	state *vault.State
	wrong time.Duration // by how much its clock is
	bound []string      // base32 of the secrets that must not leave it
}

func newWorld() *world {
	w := &world{now: start}
	for i := range 3 {
		w.devices = append(w.devices, &device{id: fmt.Sprintf("dev%d", i), state: &vault.State{ID: fmt.Sprintf("vault%d", i)}})
	}
	return w
}

// run lets the devices take the steps. complain hears of every broken promise.
func (h history) run(complain func(string, ...any)) *world {
	w := newWorld()
	w.complain = complain
	for i, s := range h {
		w.take(i, s)
	}
	return w
}

func (w *world) log(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf(format, args...))
}

// The chance that a step is of a kind is how often it stands here.
var kinds = []string{
	"add", "add", "add", "add", "beside", "bound", "nameless", "rename", "rename", "alias", "note", "tag", "secret", "remove",
	"remove", "purge", "undelete", "undelete", "advance", "advance", "counter", "move", "setting", "verify", "later",
	"clone", "clock", "day", "month", "save", "save", "save", "sync", "sync", "sync", "sync", "sync", "sync",
}

func (w *world) take(n int, s step) {
	chance := rand.New(rand.NewPCG(s.Seed, 2))
	d := w.devices[s.Device%len(w.devices)]
	kind := kinds[chance.IntN(len(kinds))]
	w.now = w.now.Add(time.Duration(chance.IntN(90)) * time.Minute)
	w.log("%d: %s of %s: %s", n, d.id, d.state.ID, kind)
	switch kind {
	case "clone":
		if len(w.devices) < 6 {
			w.devices = append(w.devices, &device{
				id: d.id, state: d.state.Clone(), wrong: d.wrong, bound: slices.Clone(d.bound),
			})
		}
	case "clock":
		d.wrong = []time.Duration{0, time.Hour, -time.Hour, 3 * 365 * 24 * time.Hour, -2 * 365 * 24 * time.Hour}[chance.IntN(5)]
	case "day", "month":
		w.now = w.now.Add(map[string]time.Duration{"day": 24, "month": 32 * 24}[kind] * time.Hour)
		for _, d := range w.devices {
			w.change(d, func(*vault.Tx) {})
		}
	case "save":
		w.save(d)
	case "sync":
		if len(w.files) > 0 {
			w.sync(d, w.files[chance.IntN(len(w.files))])
		}
	case "later":
		d.state = withLater(d.state, chance)
		w.change(d, func(*vault.Tx) {}) // a later version writes the one form, too: its register may bring an account back
	default:
		w.change(d, func(tx *vault.Tx) { w.edit(tx, d, kind, chance) })
	}
	w.past = append(w.past, d.state.Clone())
}

func (w *world) change(d *device, f func(*vault.Tx)) {
	tx := &vault.Tx{State: d.state, Now: w.now.Add(d.wrong), Device: d.id}
	f(tx)
	tx.Close()
}

// save writes a backup, which must hold nothing that is bound to a device.
func (w *world) save(d *device) {
	file := copied(d.state.Portable())
	text := encoded(file)
	for _, secret := range d.bound {
		if strings.Contains(text, secret) {
			w.complain("a device-bound secret left %s", d.id)
		}
	}
	w.files = append(w.files, file)
}

// sync merges a backup into a device's vault.
func (w *world) sync(d *device, file *vault.State) {
	before := d.state.Clone()
	tx := &vault.Tx{State: d.state, Now: w.now.Add(d.wrong), Device: d.id}
	tx.Merge(file)
	if what := lost(before, file, d.state, true); what != "" {
		w.complain("%s", what)
	}
	if key := lostToExpiry(before, d.state); key != "" {
		w.complain("a sync erased the live secret %s, which nobody had erased", key)
	}
	for _, was := range before.Accounts() {
		now, err := d.state.Find("id:"+was.ID, true)
		if !was.DeviceBound || was.NeedsVerification() || err != nil || len(d.state.Links) != len(before.Links) {
			continue
		}
		if !now.Credential.Equal(was.Credential) {
			w.complain("a sync replaced the device-bound secret of %s", was.Shown)
		}
	}
	tx.Close()
}

// secretsOf returns the secrets that s holds, live or in the trash, by id and hash.
func secretsOf(s *vault.State) map[string]bool {
	secrets := map[string]bool{}
	for _, r := range s.Records {
		if !r.Secret.Value.Secret.Empty() {
			secrets[r.ID+" "+r.Secret.Value.Hash()] = true
		}
	}
	for _, t := range s.Trash {
		secrets[t.ID+" "+vault.Hash(t.Credential)] = true
	}
	return secrets
}

// lostToExpiry returns a secret that was live before, and is nowhere after, although no
// user has erased it.
func lostToExpiry(before, after *vault.State) string {
	kept := secretsOf(after)
	for _, p := range after.Purged {
		if !p.At.IsZero() {
			kept[p.ID+" "+p.Hash] = true
		}
	}
	for _, r := range before.Records {
		if key := r.ID + " " + r.Secret.Value.Hash(); !r.Secret.Value.Secret.Empty() && !kept[key] {
			return key
		}
	}
	return ""
}

var (
	someLabels  = []string{"GitHub:alice", "github: Alice", "Bank:bob", "Mail:x", "Corp:me", "Corp:you"}
	someSecrets = []string{"first-secret-of-all", "second-secret-of-all", "third-secret-of-all"}
)

// randomAccount returns an account whose label, and secret, others often have too.
func (w *world) randomAccount(chance *rand.Rand) account.Account {
	w.made++
	a := account.Account{ID: fmt.Sprintf("id%04x", chance.IntN(0x10000)), Credential: account.Default(account.TOTP)}
	if chance.IntN(5) == 0 {
		a.Credential = account.Default(account.HOTP)
		a.Counter = uint64(chance.IntN(3))
	}
	a.Issuer, a.Name = account.SplitLabel(someLabels[chance.IntN(len(someLabels))])
	a.Secret = account.NewSecret([]byte(someSecrets[chance.IntN(len(someSecrets))]))
	if chance.IntN(3) == 0 {
		a.Secret = account.NewSecret(fmt.Appendf(nil, "secret of its own %d", w.made))
	}
	return a
}

func (w *world) edit(tx *vault.Tx, d *device, kind string, chance *rand.Rand) {
	a := w.randomAccount(chance)
	text := fmt.Sprintf("%c", 'a'+chance.IntN(4))
	accounts := tx.Accounts()
	var old vault.Account
	if len(accounts) > 0 {
		old = accounts[chance.IntN(len(accounts))]
	}
	w.log("   %s (%s) · %s %s", old.ID, old.Shown, a.ID, a.Label())
	switch kind {
	case "add":
		tx.Add(a)
		return
	case "beside":
		tx.AddBeside(a)
		return
	case "nameless":
		a.Credential = account.Credential{Type: a.Type}
		tx.AddBeside(a)
		return
	case "bound":
		a.DeviceBound = true
		a.Secret = w.boundSecret(d)
		tx.AddBeside(a)
		return
	case "setting":
		tx.Set(text, fmt.Sprint(chance.IntN(4)))
		return
	case "undelete":
		if len(tx.Trash) > 0 {
			tx.Undelete(tx.Trash[chance.IntN(len(tx.Trash))])
		}
		return
	}
	if old.ID == "" {
		return
	}
	switch kind {
	case "rename":
		tx.SetLabel(old.ID, a.Issuer, a.Name)
	case "alias":
		tx.SetAlias(old.ID, text)
	case "note":
		tx.SetNote(old.ID, text)
	case "tag":
		tx.SetTag(old.ID, text, chance.IntN(2) == 0)
	case "secret":
		if old.DeviceBound {
			a.Secret = w.boundSecret(d)
		}
		tx.SetCredential(old.ID, a.Credential, a.Counter)
	case "verify":
		if old.NeedsVerification() {
			c := account.Default(old.Type)
			c.Secret = a.Secret
			if old.DeviceBound {
				c.Secret = w.boundSecret(d)
			}
			tx.SetCredential(old.ID, c, 0)
		}
	case "remove", "purge":
		tx.Remove(old.ID, kind == "purge")
	case "advance":
		tx.Advance(old.ID)
	case "counter":
		if old.Type == account.HOTP {
			tx.SetCounter(old.ID, uint64(chance.IntN(9)))
		}
	case "move":
		ids := make([]string, len(accounts))
		for i, j := range chance.Perm(len(accounts)) {
			ids[i] = accounts[j].ID
		}
		tx.Move(ids[:1+chance.IntN(len(ids))])
	}
}

func (w *world) boundSecret(d *device) account.Secret {
	w.made++
	secret := account.NewSecret(fmt.Appendf(nil, "device-bound secret %d", w.made))
	d.bound = append(d.bound, secret.Base32())
	return secret
}

// withLater returns s as a later version of auth might have rewritten it, with
// registers that this one does not know.
func withLater(s *vault.State, chance *rand.Rand) *vault.State {
	var fields map[string]any
	if err := json.Unmarshal([]byte(encoded(s)), &fields); err != nil {
		panic(err)
	}
	value := any(fmt.Sprintf("<%d>", chance.IntN(3)))
	if chance.IntN(2) == 0 {
		value = map[string]any{fmt.Sprint(chance.IntN(3)): value}
	}
	fields["widgets"] = value
	if records := fields["accounts"].([]any); len(records) > 0 {
		record := records[chance.IntN(len(records))].(map[string]any)
		record["colour"] = value
		stamps, _ := record["stamps"].(map[string]any)
		stamps = maps.Clone(stamps)
		if stamps == nil {
			stamps = map[string]any{}
		}
		stamps["colour"] = fmt.Sprintf("%d@dev0", start.UnixMilli()+int64(chance.IntN(1e6)))
		record["stamps"] = stamps
	}
	text, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	later, err := vault.Decode(text)
	if err != nil {
		panic(err)
	}
	return later
}

func encoded(s *vault.State) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// copied returns s as it is read back from where it was written.
func copied(s *vault.State) *vault.State {
	c, err := vault.Decode([]byte(encoded(s)))
	if err != nil {
		panic(err)
	}
	return c
}

// shrink returns a history that fails as h does and that no step can be taken from,
// or not in the time that a person waits.
func (h history) shrink(fails func(history) string) history {
	tries := 3000
	for size := len(h) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(h) && tries > 0; tries-- {
			if shorter := slices.Concat(h[:at], h[at+size:]); fails(shorter) != "" {
				h = shorter
			} else {
				at += size
			}
		}
	}
	return h
}

// check runs many histories against a promise, and shows the smallest failure.
func check(t *testing.T, histories, steps int, fails func(history) string) {
	t.Helper()
	seed := testenv.Seed(t)
	for i := range uint64(histories) {
		h := newHistory(seed+i, steps)
		if fails(h) == "" {
			continue
		}
		h = h.shrink(fails)
		w := h.run(func(string, ...any) {})
		t.Fatalf("%d steps: %s\n%s", len(h), fails(h), strings.Join(w.trace, "\n"))
	}
}
