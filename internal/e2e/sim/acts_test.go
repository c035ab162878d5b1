package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/testenv"
	"github.com/authcli/auth/internal/vault"
)

// An act is something that happens to a machine.
type act func(*world, *machine)

// acts returns what can happen. The chance of each is how often it is there.
func (w *world) acts() (list []act) {
	for _, a := range []struct {
		times int
		act   act
	}{
		{6, (*world).add},
		{2, (*world).addTwins},
		{2, (*world).addSame},
		{2, (*world).addBound},
		{3, (*world).edit},
		{3, (*world).replaceSecret},
		{2, (*world).advance},
		{1, (*world).setCounter},
		{1, (*world).move},
		{3, (*world).remove},
		{1, (*world).removeNow},
		{12, func(w *world, m *machine) { _ = w.sync(m) }},
		{2, (*world).backUp},
		{2, (*world).weeks},
		{2, (*world).rotate},
		{2, (*world).reseal},
		{1, (*world).lose},
		{1, (*world).forget},
		{2, (*world).undelete},
		{1, (*world).restoreAt},
		{1, (*world).restoreReplaced},
		{1, (*world).repair},
		{1, (*world).disable},
		{2, func(w *world, m *machine) { _ = w.enable(m, home) }},
		{1, func(w *world, m *machine) { _ = w.enable(m, elsewhere) }},
		{1, (*world).cloneDisk},
		{1, (*world).arrive},
		{1, (*world).arrivePart},
		{1, (*world).takeImage},
		{1, (*world).goBack},
		{1, (*world).die},
		{1, (*world).setClock},
	} {
		for range a.times {
			list = append(list, a.act)
		}
	}
	return list
}

// most is how many machines live at a time.
const most = 5

// begin makes the first machines. Most histories begin with one that backs up and others
// that were restored from it; in some, each turns backup on before the folder has synced.
func (w *world) begin() {
	apart := w.chance.IntN(4) == 0
	for n := range 2 + w.chance.IntN(3) {
		m := w.newMachine()
		switch {
		case n == 0 || apart:
			w.add(m)
			_ = w.enable(m, home)
		default:
			settle(w.folders()...)
			w.restoreNew(m)
		}
	}
}

// restoreNew restores a new machine.
func (w *world) restoreNew(m *machine) {
	w.person.try = w.person.newest()
	for {
		err := w.do(m, "restore", func(ctx context.Context, d *device.Device) error {
			r, err := d.Restore(ctx, device.RestoreOptions{From: home})
			if err == nil && r.Superseded {
				w.log("   superseded")
			}
			return err
		})
		if !errors.Is(err, backup.ErrWrongKey) || len(w.person.try) == 0 {
			return
		}
	}
}

// newSecret returns a secret that nobody has had before.
func (w *world) newSecret(bound *machine) account.Secret {
	text := fmt.Sprintf("secret-number-%04d", len(w.secrets))
	w.secrets[text] = &secret{text: text, bound: bound}
	return account.NewSecret([]byte(text))
}

// newAccount returns an account with a new secret and a label that others may have.
func (w *world) newAccount() account.Account {
	c := account.Default(account.TOTP)
	if w.chance.IntN(4) == 0 {
		c = account.Default(account.HOTP)
	}
	c.Secret = w.newSecret(nil)
	return account.Account{Name: fmt.Sprintf("label-%d", w.chance.IntN(20)), Credential: c}
}

// change changes a vault. What a change that went well added is there.
func (w *world) change(m *machine, what string, f func(*vault.Tx) error, added ...account.Account) {
	err := w.do(m, what, func(ctx context.Context, d *device.Device) error {
		r, err := d.Change(ctx, f)
		if r.Stale != nil {
			w.log("   stale: %v", r.Stale)
		}
		return err
	})
	for _, a := range added {
		if text := string(a.Secret.Reveal()); err == nil && !m.has(text) {
			w.complain("%s: %s was added, and is not there", m.name, text)
		}
	}
}

func (w *world) add(m *machine) {
	a := w.newAccount()
	w.change(m, fmt.Sprintf("add %s %s", a.Name, a.Secret.Reveal()), func(tx *vault.Tx) error {
		_, err := tx.Add(a)
		return err
	}, a)
}

// addTwins adds two accounts of one label, as an import does.
func (w *world) addTwins(m *machine) {
	a, b := w.newAccount(), w.newAccount()
	b.Name = a.Name
	w.change(m, fmt.Sprintf("add twins %s %s %s", a.Name, a.Secret.Reveal(), b.Secret.Reveal()), func(tx *vault.Tx) error {
		if _, err := tx.AddBeside(a); err != nil {
			return err
		}
		_, err := tx.AddBeside(b)
		return err
	}, a, b)
}

// addSame adds an account that another machine has, by hand.
func (w *world) addSame(m *machine) {
	others := w.living()
	a, found := w.some(others[w.chance.IntN(len(others))])
	if !found || a.DeviceBound || a.NeedsVerification() {
		return
	}
	b := account.Account{Issuer: a.Issuer, Name: a.Name, Credential: a.Credential}
	w.change(m, fmt.Sprintf("add the same %s %s", b.Name, b.Secret.Reveal()), func(tx *vault.Tx) error {
		if _, here := tx.Same(b); here {
			return nil
		}
		_, err := tx.AddBeside(b)
		return err
	}, b)
}

// addBound adds an account whose secret never leaves the device.
func (w *world) addBound(m *machine) {
	c := account.Default(account.TOTP)
	c.Secret = w.newSecret(m)
	a := account.Account{Name: fmt.Sprintf("bound-%d", w.chance.IntN(4)), Credential: c, DeviceBound: true}
	w.change(m, fmt.Sprintf("add bound %s %s", a.Name, a.Secret.Reveal()), func(tx *vault.Tx) error {
		_, err := tx.Add(a)
		return err
	}, a)
}

// some returns an account of a machine.
func (w *world) some(m *machine) (vault.Account, bool) {
	s := m.read()
	if s == nil || len(s.Accounts()) == 0 {
		return vault.Account{}, false
	}
	accounts := s.Accounts()
	return accounts[w.chance.IntN(len(accounts))], true
}

// with changes some account of a machine, if it has one.
func (w *world) with(m *machine, what string, f func(*vault.Tx, vault.Account) error) {
	a, found := w.some(m)
	if !found {
		return
	}
	w.change(m, fmt.Sprintf("%s %s (%s, %s)", what, a.Shown, a.ID, a.Secret.Reveal()), func(tx *vault.Tx) error { return f(tx, a) })
}

func (w *world) edit(m *machine) {
	text := fmt.Sprintf("text-%d", w.chance.IntN(100))
	switch w.chance.IntN(4) {
	case 0:
		w.with(m, "rename to "+text, func(tx *vault.Tx, a vault.Account) error {
			if a.DeviceBound {
				text = "bound-" + text
			}
			return tx.SetLabel(a.ID, "", text)
		})
	case 1:
		w.with(m, "alias "+text, func(tx *vault.Tx, a vault.Account) error { return tx.SetAlias(a.ID, text) })
	case 2:
		w.with(m, "tag "+text, func(tx *vault.Tx, a vault.Account) error { return tx.SetTag(a.ID, text, true) })
	default:
		w.with(m, "note "+text, func(tx *vault.Tx, a vault.Account) error { return tx.SetNote(a.ID, text) })
	}
}

// replaceSecret gives an account another secret, or its first one.
func (w *world) replaceSecret(m *machine) {
	a, found := w.some(m)
	if !found {
		return
	}
	c := account.Default(a.Type)
	if a.DeviceBound || a.NeedsVerification() {
		c.Secret = w.newSecret(m)
	} else {
		c.Secret = w.newSecret(nil)
	}
	w.change(m, fmt.Sprintf("replace the secret of %s (%s): %s", a.Shown, a.ID, c.Secret.Reveal()), func(tx *vault.Tx) error {
		return tx.SetCredential(a.ID, c, 0)
	}, account.Account{Credential: c})
}

// advance uses a code of a counter.
func (w *world) advance(m *machine) {
	a, found := w.some(m)
	if !found || a.Type != account.HOTP || a.NeedsVerification() {
		return
	}
	var used uint64
	err := w.do(m, "code "+a.Shown, func(ctx context.Context, d *device.Device) error {
		var err error
		used, _, err = d.Advance(ctx, a.ID)
		return err
	})
	if x := w.secrets[string(a.Secret.Reveal())]; err == nil {
		x.next = max(x.next, used+1)
	}
}

func (w *world) setCounter(m *machine) {
	a, found := w.some(m)
	if !found || a.Type != account.HOTP || a.NeedsVerification() {
		return
	}
	w.secrets[string(a.Secret.Reveal())].reset = true
	w.change(m, "set the counter of "+a.Shown, func(tx *vault.Tx) error { return tx.SetCounter(a.ID, uint64(w.chance.IntN(9))) })
}

func (w *world) move(m *machine) {
	w.with(m, "move", func(tx *vault.Tx, a vault.Account) error {
		ids := []string{a.ID}
		for _, b := range tx.Accounts() {
			if b.ID != a.ID {
				ids = append(ids, b.ID)
			}
		}
		tx.Move(ids)
		return nil
	})
}

func (w *world) remove(m *machine) {
	w.with(m, "remove", func(tx *vault.Tx, a vault.Account) error { return tx.Remove(a.ID, false) })
}

func (w *world) removeNow(m *machine) {
	w.with(m, "remove --now", func(tx *vault.Tx, a vault.Account) error {
		if x := w.secrets[string(a.Secret.Reveal())]; x != nil {
			x.purged = true
		}
		return tx.Remove(a.ID, true)
	})
}

func (w *world) backUp(m *machine) {
	_ = w.do(m, "backup", func(ctx context.Context, d *device.Device) error {
		_, err := d.BackUp(ctx)
		return err
	})
}

// weeks lets time pass, in which everybody does something: what is old expires.
func (w *world) weeks(*machine) {
	w.now = w.now.Add(time.Duration(5+w.chance.IntN(40)) * 24 * time.Hour)
	for _, m := range w.living() {
		w.edit(m)
	}
}

// setClock sets a clock to another wrong time.
func (w *world) setClock(m *machine) {
	m.off = time.Duration(w.chance.IntN(20*24)-10*24) * time.Hour
	w.log("the clock of %s is off by %s", m.name, m.off)
}

// mostWords is how many rotations and new passphrases there are. At most eight sealed keys are
// tried by a new machine, and what was cut short may leave some behind.
const mostWords = 7

func (w *world) rotate(m *machine) {
	if w.rekeyed > mostWords {
		return
	}
	w.rekeyed++
	w.newWord()
	before := m.key()
	_ = w.do(m, "rotate", func(ctx context.Context, d *device.Device) error {
		_, err := d.Rotate(ctx, w.options())
		return err
	})
	w.excuseRotated(m, before, "")
}

// excuseRotated excuses what a rotation gave up: what no living vault held, and no file
// that had arrived, but those of a device that is lost.
func (w *world) excuseRotated(m *machine, before, lost string) {
	if m.key() == before {
		return
	}
	w.excuse(w.added(), "the key was rotated before it arrived", w.arrived(m, lost))
}

func (w *world) reseal(m *machine) {
	if w.rekeyed > mostWords {
		return
	}
	w.rekeyed++
	w.newWord()
	_ = w.do(m, "passphrase", func(ctx context.Context, d *device.Device) error {
		_, err := d.Reseal(ctx, true)
		return err
	})
}

// other returns another machine than m, dead or alive.
func (w *world) other(m *machine) *machine {
	others := slices.DeleteFunc(slices.Clone(w.machines), func(o *machine) bool { return o == m })
	if len(others) == 0 {
		return nil
	}
	return others[w.chance.IntN(len(others))]
}

// lose tells a machine that another one is lost, which is mostly so.
func (w *world) lose(m *machine) {
	o := w.other(m)
	if o == nil || w.rekeyed > mostWords || len(w.living()) < 3 {
		return
	}
	if !o.dead && w.chance.IntN(4) > 0 {
		w.kill(o)
	}
	w.rekeyed++
	w.newWord()
	before := m.key()
	id := o.id()
	_ = w.do(m, "lost "+o.name, func(ctx context.Context, d *device.Device) error {
		_, err := d.Lose(ctx, id, time.Time{}, w.options())
		return err
	})
	w.excuseRotated(m, before, id)
}

func (w *world) forget(m *machine) {
	o := w.other(m)
	if o == nil {
		return
	}
	_ = w.do(m, "forget "+o.name, func(ctx context.Context, d *device.Device) error {
		_, err := d.Forget(ctx, o.id())
		return err
	})
}

// kill ends a machine for good. What only it held is gone.
func (w *world) kill(m *machine) {
	w.log("%s is gone", m.name)
	m.dead = true
	w.excuse(w.added(), m.name+" is gone", w.allArrived()...)
	for text, x := range w.secrets { // nobody knows how far its counters were
		if m.has(text) {
			x.reset = true
		}
	}
}

func (w *world) die(m *machine) {
	if len(w.living()) < 3 {
		return
	}
	if w.chance.IntN(2) == 0 {
		settle(w.folders()...)
	}
	w.kill(m)
}

func (w *world) restore(m *machine, what string, o device.RestoreOptions) {
	w.person.try = w.person.newest()
	_ = w.do(m, what, func(ctx context.Context, d *device.Device) error {
		_, err := d.Restore(ctx, o)
		return err
	})
}

// undelete brings something back from the trash.
func (w *world) undelete(m *machine) {
	s := m.read()
	if s == nil {
		return
	}
	trash := s.TrashOf()
	if w.chance.IntN(2) == 0 {
		trash = s.Superseded()
		if len(trash) > 0 {
			d := trash[w.chance.IntN(len(trash))]
			w.restore(m, "restore --deleted --replace "+d.ID, device.RestoreOptions{Options: backup.Options{Deleted: true, Replace: []string{"id:" + d.ID}}})
		}
		return
	}
	if len(trash) > 0 {
		d := trash[w.chance.IntN(len(trash))]
		w.restore(m, "restore --deleted "+d.ID, device.RestoreOptions{Options: backup.Options{Deleted: true, Accounts: []string{"id:" + d.ID}}})
	}
}

// restoreAt takes accounts back from an earlier day.
func (w *world) restoreAt(m *machine) {
	at := w.now.Add(-time.Duration(w.chance.IntN(60*24)) * time.Hour)
	w.restore(m, "restore --at "+at.Format(time.DateOnly), device.RestoreOptions{
		From: home, At: at, Options: backup.Options{Deleted: w.chance.IntN(2) == 0},
	})
}

// restoreReplaced takes an account as the location has it.
func (w *world) restoreReplaced(m *machine) {
	a, found := w.some(m)
	if !found {
		return
	}
	o := device.RestoreOptions{From: home, Options: backup.Options{Replace: []string{"id:" + a.ID}}}
	if w.chance.IntN(2) == 0 {
		o.At = w.now.Add(-time.Duration(w.chance.IntN(60*24)) * time.Hour)
	}
	w.restore(m, "restore --replace "+a.Shown, o)
}

// repair damages the vault, and repairs it: it goes back a generation.
func (w *world) repair(m *machine) {
	damage := "auth-head of nothing"
	if _, found := m.keyring.Items()["previous"]; !found || m.read() == nil {
		return
	}
	m.keyring.Replace("head", &damage)
	was := m.seen
	m.seen, m.damaged = nil, true
	for m.damaged {
		err := w.do(m, "vault repair", func(ctx context.Context, d *device.Device) error {
			r, err := d.Repair(ctx)
			w.log("   back to generation %d", r.Generation)
			return err
		})
		m.damaged = errors.Is(err, errKilled) && m.read() == nil
	}
	w.look(m)
	w.wentBack(m, was)
}

// wentBack excuses what a vault that went back held, unless a backup has arrived somewhere
// under a key that a keyring still holds.
func (w *world) wentBack(m *machine, was holdings) {
	w.excuse(was, m.name+" went back", w.allArrived()...)
	for text, x := range w.secrets {
		if _, here := was[text]; here {
			x.reset = true // as far as its backup is, and no further
		}
	}
}

// takeImage takes an image of the keyring, which [world.goBack] brings back.
func (w *world) takeImage(m *machine) {
	m.image = m.keyring.Items()
	w.log("an image of the keyring of %s", m.name)
}

// goBack brings an old keyring back, as a wallet does that writes lazily.
func (w *world) goBack(m *machine) {
	if len(m.image) == 0 {
		return
	}
	for name := range m.keyring.Items() {
		m.keyring.Replace(name, nil)
	}
	for name, value := range m.image {
		m.keyring.Replace(name, &value)
	}
	was := m.seen
	m.seen = nil
	w.log("the keyring of %s went back", m.name)
	w.look(m)
	w.wentBack(m, was)
}

func (w *world) disable(m *machine) {
	_ = w.do(m, "disable", func(ctx context.Context, d *device.Device) error {
		_, err := d.Disable(ctx)
		return err
	})
}

// cloneDisk makes a machine of the copy of another one's disk.
func (w *world) cloneDisk(m *machine) {
	if len(w.living()) >= most || m.id() == "" {
		return
	}
	c := w.newMachine()
	w.log("%s is a clone of %s", c.name, m.name)
	testenv.CopyFolder(w.t, c.dir, m.dir)
	c.keyring, c.image, c.disk = m.keyring.Clone(), m.image, m.disk
	for name, f := range m.folders {
		c.folders[name] = f.clone(c.name)
	}
	w.look(c)
}

// arrive brings a new machine.
func (w *world) arrive(*machine) {
	if len(w.living()) >= most {
		return
	}
	m := w.newMachine()
	settle(w.folders()...)
	w.restoreNew(m)
}

// arrivePart brings a new machine that has accounts of its own and whose folder has not
// synced yet, or only in part.
func (w *world) arrivePart(*machine) {
	if len(w.living()) >= most {
		return
	}
	m := w.newMachine()
	for range w.chance.IntN(3) {
		m.folders[home].sync(w.chance)
	}
	w.add(m)
	if w.chance.IntN(2) == 0 {
		_ = w.enable(m, home)
	} else {
		w.restoreNew(m)
	}
}
