package vault

import (
	"context"
	"fmt"

	"github.com/authcli/auth/internal/keyring"
)

// Move copies the vault and every [Item] to another keyring, reads them back there,
// points the marker at it and removes the source. A move that was cut short is
// finished: where both hold the same vault the source is removed, and where they
// differ nothing is touched and the error is a *[DiffersError].
func (v *Vault) Move(ctx context.Context, to *Vault) error {
	unlock, err := v.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	ctx, done := v.deadline(ctx)
	defer done()
	marker, marked, err := ReadMarker(v.o.Dir)
	if err != nil {
		return err
	}
	there, thereSnap, err := to.load(ctx, seen{})
	if err != nil {
		return err
	}
	here, snap, err := v.load(ctx, seen{})
	if err != nil {
		// The removal of the source may have been cut short after its head.
		whole, listErr := v.store.Generations(ctx)
		if listErr != nil || len(whole) == 0 || thereSnap.Generation == 0 || string(whole[0].Data) != string(thereSnap.Data) {
			return err
		}
		here, snap = there, whole[0]
	}
	moved := marked && marker.Keyring == to.o.Keyring.Kind() // and its source not removed, perhaps
	switch {
	case snap.Generation == 0 && thereSnap.Generation == 0:
		if marked {
			return &LostError{Marker: marker, Keyring: v.o.Keyring.Kind()}
		}
		return nil
	case snap.Generation == 0 && !moved: // what lies here belongs to no vault that was moved
		return to.pointHere(ctx, there.ID, thereSnap.Generation, marker)
	case snap.Generation != 0 && thereSnap.Generation != 0 && string(thereSnap.Data) != string(snap.Data):
		return &DiffersError{Here: here.Accounts(), There: there.Accounts()}
	}
	if err := v.copyItems(ctx, to, moved); err != nil {
		return err
	}
	if thereSnap.Generation == 0 {
		if err := to.store.Save(ctx, snap.Generation, snap.Data); err != nil {
			return err
		}
		if thereSnap, err = to.store.Load(ctx); err != nil || string(thereSnap.Data) != string(snap.Data) {
			return fmt.Errorf("%w: the copy reads back differently", keyring.ErrUnsettled)
		}
		there = here
	}
	if err := to.pointHere(ctx, there.ID, thereSnap.Generation, marker); err != nil {
		return err
	}
	return v.erase(ctx)
}

// copyItems copies every item to another keyring. Where the vault has moved there
// already, an item that is there is the newer one and stays.
func (v *Vault) copyItems(ctx context.Context, to *Vault, moved bool) error {
	for item := range items {
		text, found, err := v.item(ctx, item)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		if moved {
			if _, found, err := to.item(ctx, item); err != nil {
				return err
			} else if found {
				continue
			}
		}
		if err := keyring.Put(ctx, to.o.Keyring, item.String(), text); err != nil {
			return err
		}
	}
	return nil
}

// erase removes the vault and every item from the keyring.
func (v *Vault) erase(ctx context.Context) error {
	if err := v.store.Wipe(ctx); err != nil {
		return err
	}
	for item := range items {
		if err := v.o.Keyring.Delete(ctx, item.String()); err != nil {
			return err
		}
	}
	return nil
}

// A DiffersError says that two keyrings hold two vaults that are not the same.
type DiffersError struct{ Here, There []Account }

func (e *DiffersError) Error() string {
	return fmt.Sprintf("both keyrings hold a vault, and the two differ (%d and %d accounts)", len(e.Here), len(e.There))
}

// pointHere makes the marker say that the vault is in this keyring.
func (v *Vault) pointHere(ctx context.Context, id string, generation uint64, m Marker) error {
	m.Vault, m.Generation, m.Keyring, m.Collection = id, generation, v.o.Keyring.Kind(), v.collection(ctx)
	return WriteMarker(v.o.Dir, m)
}
