package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/authcli/auth/internal/keyring"
)

// A Repaired says which generation became the vault again.
type Repaired struct {
	Generation uint64 // of the content
	Where      string // where in the keyring it was found
	Accounts   int
}

// Repair makes the newest whole generation that can be found the vault again. A
// vault that can be read is [ErrWhole]; where nothing is left the error wraps
// [ErrNothing].
func (v *Vault) Repair(ctx context.Context) (Repaired, error) {
	unlock, err := v.Lock(ctx)
	if err != nil {
		return Repaired{}, err
	}
	defer unlock()
	ctx, done := v.deadline(ctx)
	defer done()
	marker, marked, markerErr := ReadMarker(v.o.Dir)
	if _, _, err := v.load(ctx, marker, marked); err == nil && markerErr == nil {
		return Repaired{}, ErrWhole
	}
	whole, err := v.store.Generations(ctx)
	if err != nil {
		return Repaired{}, err
	}
	for _, snap := range whole {
		s, err := decode(snap.Data)
		if err != nil {
			continue
		}
		generation := max(snap.Generation, marker.Generation) + 1
		if err := v.store.Restore(ctx, snap, generation); err != nil {
			return Repaired{}, err
		}
		return Repaired{snap.Generation, snap.Where, len(s.Accounts())}, v.mark(ctx, s.ID, generation, marker)
	}
	return Repaired{}, ErrNothing
}

// Move copies the vault to another keyring, reads it back there, points the marker
// at it and removes the source. A move that was cut short is finished: where both
// hold the same vault the source is removed, and where they differ nothing is
// touched and the error is a *[DiffersError].
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
	s, snap, err := v.load(ctx, Marker{}, false)
	if err != nil {
		return err
	}
	there, thereSnap, err := to.load(ctx, Marker{}, false)
	if err != nil {
		return err
	}
	switch {
	case snap.Generation == 0 && thereSnap.Generation == 0:
		if marked {
			return &LostError{Marker: marker, Keyring: v.o.Keyring.Kind()}
		}
		return nil
	case snap.Generation == 0: // moved already
		return to.mark(ctx, there.ID, thereSnap.Generation, marker)
	case thereSnap.Generation != 0 && string(thereSnap.Data) != string(snap.Data):
		return &DiffersError{Here: s.Accounts(), There: there.Accounts()}
	}
	for _, item := range beside {
		text, err := v.o.Keyring.Get(ctx, item)
		if errors.Is(err, keyring.ErrNotFound) {
			continue
		}
		if err == nil {
			err = keyring.Put(ctx, to.o.Keyring, item, text)
		}
		if err != nil {
			return err
		}
	}
	generation := snap.Generation
	if thereSnap.Generation == 0 {
		if err := to.store.Save(ctx, generation, snap.Data); err != nil {
			return err
		}
		back, err := to.store.Load(ctx)
		if err != nil || string(back.Data) != string(snap.Data) {
			return fmt.Errorf("%w: the copy reads back differently", keyring.ErrUnsettled)
		}
	} else {
		generation = thereSnap.Generation
	}
	if err := to.mark(ctx, s.ID, generation, marker); err != nil {
		return err
	}
	return v.erase(ctx)
}

// erase removes the vault and what lies beside it from the keyring.
func (v *Vault) erase(ctx context.Context) error {
	if err := v.store.Wipe(ctx); err != nil {
		return err
	}
	for _, item := range beside {
		if err := v.o.Keyring.Delete(ctx, item); err != nil {
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
