package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/authcli/auth/internal/keyring"
)

// Move copies the vault and every [Item] to another keyring, reads them back there,
// points the marker at it and removes the source.
//
// Before it writes anything the marker notes which of the two keyrings holds a copy:
// first the one that is copied to, and from the switch on the one that was copied from.
// So a move may be cut short anywhere. A copy is never taken for the vault, and the next
// change or move removes it.
//
// Where the vault is in the other keyring already, only what is left in this one is
// removed. A vault in the keyring that does not hold the one of the marker counts as a
// copy too if there is nothing in it that the vault does not know. Otherwise nothing is
// touched and the error is a *[DiffersError].
func (v *Vault) Move(ctx context.Context, to *Vault) error {
	unlock, err := v.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	ctx, done := v.deadline(ctx)
	defer done()
	marker, err := v.readMarker()
	if err != nil {
		return err
	}
	for _, side := range []*Vault{v, to} {
		if marker.Copy == side.kind() {
			if err := side.eraseCopy(ctx, &marker.Marker); err != nil {
				return err
			}
		}
	}
	if marker.found && marker.Keyring == to.kind() {
		there, _, err := to.load(ctx, marker)
		if err != nil {
			return err
		}
		err = to.clear(ctx, v, there, &marker.Marker)
		if differ, ok := errors.AsType[*DiffersError](err); ok {
			differ.Here, differ.There = differ.There, differ.Here
		}
		return err
	}
	here, snap, err := v.load(ctx, marker)
	switch {
	case errors.Is(err, ErrLost) || err == nil && snap.Generation == 0:
		return to.adopt(ctx, marker, err)
	case err != nil:
		return err
	}
	if marker.behind(v, here, snap) {
		if err := v.mendMarker(ctx, &marker, here, snap); err != nil {
			return err
		}
	}
	if err := v.clear(ctx, to, here, &marker.Marker); err != nil {
		return err
	}
	return v.moveTo(ctx, to, snap, marker.Marker)
}

// adopt makes the vault that is in this keyring the one of the marker, where the keyring
// that it is to be moved from holds none. It has to be the vault that was seen last; or
// the error is that of its loss.
func (v *Vault) adopt(ctx context.Context, marker seen, lost error) error {
	s, snap, err := v.load(ctx, seen{})
	switch {
	case err != nil:
		return err
	case snap.Generation == 0 || marker.found && (s.ID != marker.Vault || snap.Generation < marker.Generation):
		return lost
	case !marker.found:
		return v.mendMarker(ctx, &marker, s, snap)
	}
	m := marker.Marker
	m.Generation, m.Keyring, m.Collection = snap.Generation, v.kind(), v.collection(ctx)
	return WriteMarker(v.o.Dir, m)
}

// clear removes a copy of the vault s from the other keyring, if one is there. A vault
// that holds anything more is no copy.
func (v *Vault) clear(ctx context.Context, other *Vault, s *State, m *Marker) error {
	whole, err := other.store.Generations(ctx)
	if err != nil {
		return err
	}
	if len(whole) == 0 {
		_, _, err := other.load(ctx, seen{}) // damage, perhaps
		return err
	}
	copied, err := decodeSnapshot(whole[0])
	if err != nil {
		return err
	}
	if !s.Contains(copied) {
		return &DiffersError{Here: s.Accounts(), There: copied.Accounts()}
	}
	m.Copy = other.kind()
	if err := WriteMarker(v.o.Dir, *m); err != nil {
		return err
	}
	return other.eraseCopy(ctx, m)
}

// moveTo copies the vault to a keyring that holds none, and makes that the vault's.
func (v *Vault) moveTo(ctx context.Context, to *Vault, snap keyring.Snapshot, m Marker) error {
	m.Copy = to.kind()
	if err := WriteMarker(v.o.Dir, m); err != nil {
		return err
	}
	if err := v.copyItems(ctx, to); err != nil {
		return err
	}
	sections, err := snap.Sections()
	if err != nil {
		return err
	}
	if err := to.store.Save(ctx, snap.Generation, sections...); err != nil {
		return err
	}
	if err := v.compareCopy(ctx, to, snap.Generation, sections); err != nil {
		return err
	}
	m.Keyring, m.Collection, m.Copy = to.kind(), to.collection(ctx), v.kind()
	if err := WriteMarker(v.o.Dir, m); err != nil {
		return err
	}
	if err := v.eraseCopy(ctx, &m); err != nil { // the vault is moved all the same
		v.notice(Notice{Kind: CopyLeft, Err: err})
	}
	return nil
}

// copyItems makes the items of another keyring those of this one.
func (v *Vault) copyItems(ctx context.Context, to *Vault) error {
	for item := range items {
		text, found, err := v.item(ctx, item)
		if err != nil {
			return err
		}
		if found && text == "" { // nothing of ours is empty
			return &keyring.DamagedError{Item: item.String(), Why: "it is empty"}
		}
		if found {
			err = keyring.Put(ctx, to.o.Keyring, item.String(), text)
		} else {
			err = keyring.Remove(ctx, to.o.Keyring, item.String())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// compareCopy reads everything back from another keyring, once all of it was written.
func (v *Vault) compareCopy(ctx context.Context, to *Vault, generation uint64, sections [][]byte) error {
	differs := fmt.Errorf("%w: the copy reads back differently", keyring.ErrUnsettled)
	there, err := to.store.Load(ctx)
	if err != nil {
		return fmt.Errorf("read the copy back: %w", err)
	}
	copied, err := there.Sections()
	if err != nil {
		return fmt.Errorf("read the copy back: %w", err)
	}
	if there.Generation != generation || !slices.EqualFunc(copied, sections, bytes.Equal) {
		return differs
	}
	for item := range items {
		want, wanted, err := v.item(ctx, item)
		if err != nil {
			return err
		}
		got, found, err := to.item(ctx, item)
		if err != nil {
			return err
		}
		if got != want || found != wanted {
			return differs
		}
	}
	return nil
}

// eraseCopy removes the copy of the vault from this keyring, and its note from the marker.
func (v *Vault) eraseCopy(ctx context.Context, m *Marker) error {
	if err := v.erase(ctx); err != nil {
		return err
	}
	m.Copy = ""
	return WriteMarker(v.o.Dir, *m)
}

// erase removes the vault and every item from the keyring.
func (v *Vault) erase(ctx context.Context) error {
	// A file keyring goes as a whole: nobody need know its passphrase.
	if whole, ok := v.o.Keyring.(interface {
		Erase(ctx context.Context) error
	}); ok {
		return whole.Erase(ctx)
	}
	if err := v.store.Wipe(ctx); err != nil {
		return err
	}
	for item := range items {
		if err := keyring.Remove(ctx, v.o.Keyring, item.String()); err != nil {
			return err
		}
	}
	return nil
}

// copyWait is how long a change may wait for the keyring that a copy is in. Nobody asked
// for that one.
const copyWait = time.Second

// removeCopy removes the copy that a move has left in the other keyring, where that can
// be opened. The lock is held.
func (v *Vault) removeCopy(ctx context.Context) {
	m, ok, err := ReadMarker(v.o.Dir)
	if err != nil || !ok || m.Copy == "" || m.Keyring != v.kind() || v.o.Other == nil {
		return
	}
	k := v.o.Other(m.Copy)
	if k == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, min(copyWait, v.o.Timeout))
	defer cancel()
	other := Open(Options{Keyring: k, Dir: v.o.Dir})
	if err := other.eraseCopy(ctx, &m); err != nil {
		v.notice(Notice{Kind: CopyLeft, Err: err})
	}
}

// A DiffersError says that two keyrings hold two vaults that are not the same.
type DiffersError struct{ Here, There []Account }

func (e *DiffersError) Error() string {
	return fmt.Sprintf("both keyrings hold a vault, and the two differ (%d and %d accounts)", len(e.Here), len(e.There))
}
