package vault

import (
	"context"
	"errors"

	"github.com/authcli/auth/internal/keyring"
)

// readForUpdate reads the state that a change starts from, and who this device is. A
// device without an id gets one. The lock is held.
func (v *Vault) readForUpdate(ctx context.Context, marker *seen, renew bool) (*State, keyring.Snapshot, Device, error) {
	ctx, done := v.deadline(ctx)
	defer done()
	s, snap, err := v.load(ctx, *marker)
	if renew && unreadable(err) {
		marker.anew = true
		return new(State), keyring.Snapshot{}, Device{}, nil
	}
	if err != nil {
		return nil, snap, Device{}, err
	}
	if marker.behind(v, s, snap) {
		_ = v.mendMarker(ctx, marker, s, snap) // the change writes it too, and says if it cannot
	}
	if snap.Generation > 0 {
		v.compare(s, snap, *marker)
	}
	device, err := ReadDevice(ctx, v.o.Keyring)
	if damaged(err) {
		v.notice(Notice{Kind: DeviceRenewed, Err: err})
		return s, snap, Device{}, nil
	}
	return s, snap, device, err
}

// compare says what the marker knows better than the keyring.
func (v *Vault) compare(s *State, snap keyring.Snapshot, marker seen) {
	switch {
	case !marker.found:
	case s.ID != marker.Vault:
		v.notice(Notice{Kind: Replaced})
	case snap.Generation < marker.Generation:
		v.notice(Notice{Kind: RolledBack, Found: snap.Generation, Expected: marker.Generation})
	}
}

func (v *Vault) notice(n Notice) {
	if v.o.Notice != nil {
		v.o.Notice(n)
	}
}

// unreadable reports whether err says that the vault is lost or damaged.
func unreadable(err error) bool {
	return errors.Is(err, ErrLost) || errors.Is(err, ErrFormat) || damaged(err)
}

// load reads the state. If there is neither a head nor a marker, the vault is new.
func (v *Vault) load(ctx context.Context, marker seen) (*State, keyring.Snapshot, error) {
	return v.loadPart(ctx, marker, decodeSnapshot)
}

// loadPart is load with a function that reads what is wanted of a snapshot.
func (v *Vault) loadPart(
	ctx context.Context, marker seen, decode func(keyring.Snapshot) (*State, error),
) (*State, keyring.Snapshot, error) {
	if marker.Copy == v.kind() {
		return nil, keyring.Snapshot{}, v.lost(ctx, marker) // what lies here is a copy
	}
	snap, err := v.store.Load(ctx)
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return v.loadNothing(ctx, marker)
	case err != nil:
		return nil, snap, err
	}
	if marker.Generation > snap.Generation {
		if snap, err = v.lastSeen(ctx, snap, marker.Generation); err != nil {
			return nil, snap, err
		}
	}
	s, err := decode(snap)
	if err == nil {
		s.Generation = snap.Generation
	}
	return s, snap, err
}

// loadNothing is load where the keyring has no head.
func (v *Vault) loadNothing(ctx context.Context, marker seen) (*State, keyring.Snapshot, error) {
	switch {
	case marker.found:
		return nil, keyring.Snapshot{}, v.lost(ctx, marker)
	case marker.damage != nil:
		return nil, keyring.Snapshot{}, marker.damage
	}
	whole, err := v.store.Generations(ctx)
	if err != nil {
		return nil, keyring.Snapshot{}, err
	}
	if len(whole) > 0 {
		return nil, keyring.Snapshot{}, &keyring.DamagedError{Item: "head", Why: "it is missing, while " + whole[0].Where + " is there"}
	}
	return new(State), keyring.Snapshot{}, nil
}

func (v *Vault) lost(ctx context.Context, marker seen) error {
	return &LostError{Marker: marker.Marker, Keyring: v.kind(), Collection: v.collection(ctx)}
}

// lastSeen returns the generation that the marker saw last, or a later one, if that is
// still whole, and snap otherwise: an older head can come back when a Set that timed out
// happens late.
func (v *Vault) lastSeen(ctx context.Context, snap keyring.Snapshot, expected uint64) (keyring.Snapshot, error) {
	whole, err := v.store.Generations(ctx)
	if err == nil && len(whole) > 0 && whole[0].Generation >= expected {
		return whole[0], nil
	}
	return snap, err
}
