package sim

import (
	"context"
	"fmt"

	"github.com/authcli/auth/internal/account"
	"github.com/authcli/auth/internal/device"
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
		{6, func(w *world, m *machine) { _ = w.sync(m) }},
	} {
		for range a.times {
			list = append(list, a.act)
		}
	}
	return list
}

// begin makes the first machines: one that backs up, and others that were restored from it.
func (w *world) begin() {
	for range 2 {
		w.newMachine()
	}
	w.add(w.machines[0])
	_ = w.enable(w.machines[0], home)
	for _, m := range w.machines[1:] {
		settle(w.folders()...)
		w.restoreNew(m)
	}
}

// restoreNew restores a new machine.
func (w *world) restoreNew(m *machine) {
	w.person.try = w.person.newest()
	for {
		err := w.do(m, "restore", func(ctx context.Context, d *device.Device) error {
			_, err := d.Restore(ctx, device.RestoreOptions{From: home})
			return err
		})
		if err == nil || len(w.person.try) == 0 {
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

func (w *world) change(m *machine, what string, f func(*vault.Tx) error) {
	_ = w.do(m, what, func(ctx context.Context, d *device.Device) error {
		r, err := d.Change(ctx, f)
		if r.Stale != nil {
			w.log("   stale: %v", r.Stale)
		}
		return err
	})
}

func (w *world) add(m *machine) {
	c := account.Default(account.TOTP)
	c.Secret = w.newSecret(nil)
	text := string(c.Secret.Reveal())
	w.change(m, "add "+text, func(tx *vault.Tx) error {
		_, err := tx.AddBeside(account.Account{Name: fmt.Sprintf("label-%d", w.chance.IntN(20)), Credential: c})
		return err
	})
}
