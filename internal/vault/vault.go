// Package vault holds the accounts of this device: finding and changing them,
// their order, the trash, and how all of it is read from and written to a keyring.
//
// It guarantees that every change is a read-modify-write under a file lock, that what
// was written has been read back, and that an empty, damaged or older keyring is never
// taken for an empty vault. If a state is not understood, there is an error and nothing
// is written.
package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/authcli/auth/internal/keyring"
)

// Options say where a vault lies and how long to wait for it.
type Options struct {
	Keyring  keyring.Keyring
	Dir      string // the state folder: lock and marker
	Now      func() time.Time
	Timeout  time.Duration // of the keyring, for each read and each write; waiting for the lock does not count
	LockWait time.Duration
	Holder   string       // told to others who wait for our lock
	Slow     func()       // called when the keyring has taken a second; may be nil
	Notice   func(Notice) // called before a write, if there is one; may be nil
}

// A Notice is something unusual that a write found, and that does not stop it.
type Notice struct {
	// RolledBack: the keyring holds an older generation, Found, than this device last
	// saw, Expected. The generation that is written is above both.
	RolledBack      bool
	Found, Expected uint64
	// Replaced: the keyring holds another vault than the one last seen here.
	Replaced bool
}

// A LostError says that a marker names a vault that the keyring does not hold. It
// wraps [ErrLost].
type LostError struct {
	Marker     Marker
	Keyring    string // the kind of the keyring that does not hold it
	Collection string // the collection that this keyring uses now, if known
}

func (e *LostError) Error() string {
	if e.Marker.Keyring != e.Keyring {
		return fmt.Sprintf("the vault of this device is in the %s keyring, not in the %s keyring", e.Marker.Keyring, e.Keyring)
	}
	if e.Collection != "" && e.Marker.Collection != "" && e.Collection != e.Marker.Collection {
		return fmt.Sprintf("the vault was in the collection %q of the keyring, which now uses %q", e.Marker.Collection, e.Collection)
	}
	return fmt.Sprintf("%s (generation %d, %s keyring)", ErrLost, e.Marker.Generation, e.Marker.Keyring)
}

func (e *LostError) Unwrap() error { return ErrLost }

// A Vault reads and writes the state of this device.
type Vault struct {
	o     Options
	store *keyring.Store
}

// Open returns the vault that o describes. It touches nothing.
func Open(o Options) *Vault { return &Vault{o: o, store: keyring.NewStore(o.Keyring)} }

// Keyring returns the keyring that the vault lies in.
func (v *Vault) Keyring() keyring.Keyring { return v.o.Keyring }

// Dir returns the state folder.
func (v *Vault) Dir() string { return v.o.Dir }

// Read returns the state, which is empty for a new vault. Errors are *[LostError],
// [ErrFormat], [ErrNewer] and those of the keyring.
func (v *Vault) Read(ctx context.Context) (*State, error) {
	ctx, done := v.deadline(ctx)
	defer done()
	marker, marked, err := ReadMarker(v.o.Dir)
	if err != nil {
		return nil, err
	}
	s, snap, err := v.load(ctx, marker, marked)
	if err == nil && snap.Generation > 0 && !marked {
		// From now on the loss of this vault would be noticed. If the marker cannot
		// be written, that is no reason to withhold a code.
		_ = v.writeMarker(ctx, s.ID, snap.Generation, marker)
	}
	return s, err
}

// Update changes the vault. It holds the lock, calls change with the state, and writes
// the changed state as one generation. If the state is as before nothing is written. An
// error of change is returned as it is.
func (v *Vault) Update(ctx context.Context, change func(*Tx) error) error {
	return v.update(ctx, change, false)
}

// Renew is [Vault.Update] for a vault that is lost or damaged for good. The change
// starts with an empty state under a new id, its generation is above the one that was
// last seen, and the device gets a new id. A vault that can be read is changed as by
// Update, and its marker is written anew where that is damaged.
func (v *Vault) Renew(ctx context.Context, change func(*Tx) error) error {
	return v.update(ctx, change, true)
}

func (v *Vault) update(ctx context.Context, change func(*Tx) error, renew bool) error {
	unlock, err := v.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	marker, marked, markerErr := ReadMarker(v.o.Dir)
	if markerErr != nil && !renew {
		return markerErr
	}
	s, snap, device, err := v.readForUpdate(ctx, marker, marked, renew)
	if err != nil {
		return err
	}
	if s.ID == "" {
		s.ID = NewID()
	}
	isNew := device.ID == ""
	if isNew {
		device.ID = NewID()
	}
	before, err := s.MarshalJSON()
	if err != nil {
		return err
	}
	tx := &Tx{State: s, Now: v.o.Now(), Device: device.ID}
	if err := change(tx); err != nil {
		return err
	}
	tx.normalize()
	after, err := s.MarshalJSON()
	if err != nil {
		return err
	}
	if string(before) == string(after) && (snap.Generation > 0 || !renew) {
		if markerErr != nil {
			ctx, done := v.deadline(ctx)
			defer done()
			return v.writeMarker(ctx, s.ID, snap.Generation, marker)
		}
		return nil
	}
	tx.expire(tx.Now, Stamp{Time: tx.Clock, Device: device.ID})
	if after, err = s.MarshalJSON(); err != nil {
		return err
	}
	// The time that change took does not count as the keyring's.
	ctx, done := v.deadline(ctx)
	defer done()
	held := snap.Generation
	if marked && s.ID != marker.Vault {
		held = 0 // the numbers of another vault say nothing
	}
	if err := v.trimWritten(ctx, held, held < marker.Generation); err != nil {
		return err
	}
	if isNew {
		if err := WriteDevice(ctx, v.o.Keyring, device); err != nil {
			return err
		}
	}
	write := v.store.Save
	if renew && snap.Generation == 0 {
		// Only here a damaged head is replaced. The snapshot that it named stays.
		write = func(ctx context.Context, generation uint64, data []byte) error {
			return v.store.Restore(ctx, keyring.Snapshot{Data: data}, generation)
		}
	}
	return v.save(ctx, write, max(snap.Generation, marker.Generation)+1, s.ID, after, marker)
}

// readForUpdate reads the state that a change starts from, and who this device is.
func (v *Vault) readForUpdate(ctx context.Context, marker Marker, marked, renew bool) (*State, keyring.Snapshot, Device, error) {
	ctx, done := v.deadline(ctx)
	defer done()
	s, snap, err := v.load(ctx, marker, marked)
	switch {
	case err == nil:
		v.notify(s, snap, marker, marked)
		device, err := ReadDevice(ctx, v.o.Keyring)
		return s, snap, device, err
	case renew && unreadable(err):
		return new(State), keyring.Snapshot{}, Device{}, nil
	default:
		return nil, snap, Device{}, err
	}
}

// unreadable reports whether err says that the vault is lost or damaged.
func unreadable(err error) bool {
	var damaged *keyring.DamagedError
	return errors.Is(err, ErrLost) || errors.Is(err, ErrFormat) || errors.As(err, &damaged)
}

// load reads the state. If there is neither a head nor a marker, the vault is new.
func (v *Vault) load(ctx context.Context, marker Marker, marked bool) (*State, keyring.Snapshot, error) {
	snap, err := v.store.Load(ctx)
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		if marked {
			return nil, snap, &LostError{Marker: marker, Keyring: v.o.Keyring.Kind(), Collection: v.collection(ctx)}
		}
		whole, err := v.store.Generations(ctx)
		if err != nil {
			return nil, snap, err
		}
		if len(whole) > 0 {
			return nil, snap, &keyring.DamagedError{Item: "head", Why: "it is missing, while " + whole[0].Where + " is there"}
		}
		return new(State), keyring.Snapshot{}, nil
	case err != nil:
		return nil, snap, err
	}
	if marked && marker.Generation > snap.Generation {
		snap = v.lastSeen(ctx, snap, marker.Generation)
	}
	s, err := decode(snap.Data)
	if err == nil {
		s.Generation = snap.Generation
	}
	return s, snap, err
}

// lastSeen returns the generation that the marker saw last, if it is still whole, and
// snap otherwise: an older head can come back when a Set that timed out happens late.
func (v *Vault) lastSeen(ctx context.Context, snap keyring.Snapshot, expected uint64) keyring.Snapshot {
	whole, err := v.store.Generations(ctx)
	if err == nil && len(whole) > 0 && whole[0].Generation == expected {
		return whole[0]
	}
	return snap
}

func (v *Vault) notify(s *State, snap keyring.Snapshot, marker Marker, marked bool) {
	if !marked || v.o.Notice == nil || snap.Generation == 0 {
		return
	}
	switch {
	case s.ID != marker.Vault:
		v.o.Notice(Notice{Replaced: true})
	case snap.Generation < marker.Generation:
		v.o.Notice(Notice{RolledBack: true, Found: snap.Generation, Expected: marker.Generation})
	}
}

// unsettledFile is there after a write that the keyring did not answer.
const unsettledFile = "unsettled"

// save writes a generation, and then the marker.
func (v *Vault) save(ctx context.Context, write func(context.Context, uint64, []byte) error,
	generation uint64, id string, data []byte, marker Marker,
) error {
	note := filepath.Join(v.o.Dir, unsettledFile)
	_, err := os.Stat(note)
	unsettled := err == nil
	if unsettled {
		write = v.store.Settle
	}
	if err := write(ctx, generation, data); err != nil {
		if errors.Is(err, keyring.ErrUnsettled) {
			return errors.Join(err, writeFile(note, fmt.Appendf(nil, "%d\n", generation)))
		}
		return err
	}
	if unsettled {
		_ = os.Remove(note)
	}
	return v.writeMarker(ctx, id, generation, marker)
}

func (v *Vault) writeMarker(ctx context.Context, id string, generation uint64, old Marker) error {
	m := Marker{
		Vault: id, Generation: generation, Keyring: v.o.Keyring.Kind(), Collection: old.Collection, Location: old.Location,
	}
	if m.Collection == "" || old.Keyring != m.Keyring {
		m.Collection = v.collection(ctx)
	}
	return WriteMarker(v.o.Dir, m)
}

// collection returns the collection of the keyring that holds the vault; empty if it
// has none or does not answer.
func (v *Vault) collection(ctx context.Context) string {
	c, ok := v.o.Keyring.(interface {
		Collection(context.Context) (string, bool, error)
	})
	if !ok {
		return ""
	}
	name, _, err := c.Collection(ctx)
	if err != nil {
		return ""
	}
	return name
}

// Lock takes the vault's lock, for work that is no [Vault.Update].
func (v *Vault) Lock(ctx context.Context) (unlock func(), err error) {
	return lock(ctx, v.o.Dir, v.o.Holder, v.o.LockWait)
}

// deadline returns a context for one use of the keyring, and the function that ends it.
func (v *Vault) deadline(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithTimeout(ctx, v.o.Timeout)
	if v.o.Slow == nil {
		return ctx, cancel
	}
	slow := time.AfterFunc(time.Second, v.o.Slow)
	return ctx, func() { slow.Stop(); cancel() }
}
