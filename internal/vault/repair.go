package vault

import (
	"context"
)

// A Repaired says which generation is the vault again.
type Repaired struct {
	Generation uint64 // of the content
	Where      string // in the keyring, as [keyring.Snapshot] says
	Accounts   int
}

// Repair makes the newest whole generation that can be found the vault again. If the
// vault can be read the error is [ErrWhole]; if nothing whole is left it is
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
		if err := v.trimWritten(ctx, snap.Generation, true); err != nil {
			return Repaired{}, err
		}
		generation := max(snap.Generation, marker.Generation) + 1
		if err := v.store.Restore(ctx, snap, generation); err != nil {
			return Repaired{}, err
		}
		return Repaired{snap.Generation, snap.Where, len(s.Accounts())}, v.writeMarker(ctx, s.ID, generation, marker)
	}
	return Repaired{}, ErrNothing
}
