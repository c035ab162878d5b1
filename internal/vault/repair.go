package vault

import (
	"cmp"
	"context"

	"github.com/authcli/auth/internal/keyring"
)

// A Repaired says which generation is the vault again.
type Repaired struct {
	Generation uint64 // of the content
	Where      string // in the keyring, as [keyring.Snapshot] says
	Accounts   int
}

// Repair makes the newest whole generation that can be found the vault again. If the
// vault can be read the error is [ErrWhole], and a damaged marker has been made anew; if
// nothing whole is left it is [ErrNothing].
func (v *Vault) Repair(ctx context.Context) (Repaired, error) {
	unlock, err := v.Lock(ctx)
	if err != nil {
		return Repaired{}, err
	}
	defer unlock()
	ctx, done := v.deadline(ctx)
	defer done()
	marker, err := v.readMarker()
	if err != nil {
		return Repaired{}, err
	}
	if marker.found && marker.Keyring != v.kind() {
		return Repaired{}, v.lost(ctx, marker) // what lies here is not the vault
	}
	s, snap, err := v.load(ctx, marker)
	switch {
	case err == nil:
		if marker.behind(v, s, snap) {
			err = v.mendMarker(ctx, &marker, s, snap)
		}
		return Repaired{}, cmp.Or(err, ErrWhole)
	case !unreadable(err):
		return Repaired{}, err
	}
	whole, err := v.store.Generations(ctx)
	if err != nil {
		return Repaired{}, err
	}
	for _, snap := range whole {
		if s, err = decodeSnapshot(snap); err == nil {
			return v.goBack(ctx, s, snap, marker)
		}
	}
	return Repaired{}, ErrNothing
}

// goBack makes an earlier generation the vault again.
func (v *Vault) goBack(ctx context.Context, s *State, snap keyring.Snapshot, marker seen) (Repaired, error) {
	if !marker.found {
		made, err := v.newMarker(ctx)
		if err != nil {
			return Repaired{}, err
		}
		marker.Marker = made
	}
	if err := v.trimWritten(ctx, snap.Generation, true); err != nil {
		return Repaired{}, err
	}
	generation := v.next(snap, marker)
	if err := v.store.Restore(ctx, snap, generation); err != nil {
		return Repaired{}, v.noteUnsettled(generation, err)
	}
	v.keepMarker(ctx, marker.Marker, s.ID, generation)
	return Repaired{snap.Generation, snap.Where, len(s.Accounts())}, nil
}
