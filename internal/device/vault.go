package device

import (
	"context"
	"errors"
	"fmt"

	"github.com/authcli/auth/internal/vault"
)

// A Moved says where the vault is from now on.
type Moved struct {
	Report

	New      bool // there was no vault yet: it will be kept there
	Accounts *int // how many; nil where they could not be counted
}

// UseKeyring moves the vault to the keyring of a kind: copied, read back, and only then
// removed where it was. A move that was cut short is finished. Where both keyrings hold
// a vault and the two differ the error is a *[vault.DiffersError], and nothing changes.
// Another kind is [ErrKeyringKind].
func (d *Device) UseKeyring(ctx context.Context, kind string) (Moved, error) {
	if err := checkKind(kind); err != nil {
		return Moved{}, err
	}
	if d.markErr != nil {
		return Moved{}, d.markErr
	}
	if !d.marked {
		return Moved{New: true}, d.keepSetting(settingKeyring, kind)
	}
	// Where the vault is to be from now on is what the user says; where it is now, only
	// the marker knows.
	other := SystemKeyring
	if kind == SystemKeyring {
		other = FileKeyring
	}
	from, err := d.storageIn(other)
	if err != nil {
		return Moved{}, err
	}
	to, err := d.storageIn(kind)
	if err != nil {
		return Moved{}, err
	}
	if err := errors.Join(from.unlock(ctx), to.unlock(ctx)); err != nil {
		return Moved{}, err
	}
	if err := to.create(ctx); err != nil {
		return Moved{}, err
	}
	if err := from.vault.Move(ctx, to.vault); err != nil {
		return Moved{}, err
	}
	// The vault is moved, whatever happens now. Where it is the marker says.
	if from.file != nil {
		_, _ = from.file.Lock() // there is nothing left to open
	}
	_ = d.keepSetting(settingKeyring, kind)
	d.storage, d.marker.Keyring = to, kind
	moved := Moved{Report: d.report()}
	if state, err := to.vault.Read(ctx); err == nil {
		n := len(state.Accounts())
		moved.Accounts = &n
	}
	return moved, nil
}

// SetVaultPassphrase puts the file keyring under a new passphrase, or under none, as the
// [Asker] says; a weak one is [ErrWeak], unless weak says that it will do. It reports
// whether there is one now. The old one is asked for also where the keyring is unlocked,
// which it is no longer afterwards.
func (d *Device) SetVaultPassphrase(ctx context.Context, weak bool) (protected bool, err error) {
	s := d.storage
	if s.file == nil || !s.file.Exists() {
		return false, ErrNoFileKeyring
	}
	if err := s.prove(ctx); err != nil {
		return false, err
	}
	passphrase, err := askNew(ctx, d.o.Asker, NewForVault, weak)
	if err != nil {
		return false, err
	}
	release, err := s.vault.Lock(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	return passphrase != "", s.file.SetPassphrase(ctx, passphrase)
}

// Repair makes the newest whole generation of the vault that the keyring still holds the
// vault again. Errors are [vault.ErrWhole], [vault.ErrNothing] and those of the keyring.
func (d *Device) Repair(ctx context.Context) (vault.Repaired, error) {
	switch err := d.storage.unlock(ctx); {
	case Gone(err): // without its key, or its one file, nothing in it can be read
		return vault.Repaired{}, fmt.Errorf("%w: %w", vault.ErrNothing, err)
	case err != nil:
		return vault.Repaired{}, err
	}
	return d.storage.vault.Repair(ctx)
}

// StartAnew starts an empty vault in place of one that is lost or damaged, once the
// [Asker] has confirmed it. One that can be read is [ErrVaultThere]. With forgotten a file
// keyring under a passphrase is set aside unread, since nobody knows the passphrase.
func (d *Device) StartAnew(ctx context.Context, forgotten bool) (Report, error) {
	if s := d.storage; forgotten && s.file != nil {
		if protected, err := s.file.Protected(); err == nil && protected {
			if err := d.confirm(ctx, Question{Kind: GiveVaultUp}); err != nil {
				return Report{}, err
			}
			if err := d.setAside(); err != nil {
				return d.report(), err
			}
			return d.startAnew(ctx)
		}
	}
	state, err := d.Read(ctx)
	if Gone(err) {
		state, err = d.left(ctx)
	}
	switch {
	case err != nil:
		return Report{}, err
	case state.Generation > 0:
		return Report{}, ErrVaultThere
	}
	if err := d.confirm(ctx, Question{Kind: GiveVaultUp}); err != nil {
		return Report{}, err
	}
	return d.startAnew(ctx)
}

func (d *Device) startAnew(ctx context.Context) (Report, error) {
	err := d.write(ctx, renew, func(*vault.Tx) error { return nil })
	r := d.report()
	if err == nil {
		d.catchUp(ctx, &r)
	}
	return r, err
}
