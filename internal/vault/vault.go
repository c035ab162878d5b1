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
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
	Notice   func(Notice) // called when there is one; may be nil
	// Location returns where backups go, given the text of the [EnrolmentItem]; empty
	// while backup is off. A marker that is made anew takes its location from there. It
	// may be nil.
	Location func(enrolment string) string
	// Other opens the keyring of another kind, so that a change can remove the copy that
	// a move has left there. It may be nil, and return nil.
	Other func(kind string) keyring.Keyring
}

// A Notice is something unusual that was found and dealt with.
type Notice struct {
	Kind NoticeKind
	// Found and Expected are generations.
	Found, Expected uint64
	Err             error
}

// A NoticeKind says what a [Notice] is about.
type NoticeKind int

// What can be found.
const (
	// RolledBack: the keyring holds an older generation, Found, than this device last
	// saw, Expected. The generation that is written is above both.
	RolledBack NoticeKind = iota
	// Replaced: the keyring holds another vault than the one last seen here.
	Replaced
	// MarkerMended: the marker was damaged, as Err says, and was made anew.
	MarkerMended
	// MarkerUnwritten: the change is stored, and the marker could not be written, for Err.
	MarkerUnwritten
	// DeviceRenewed: the item that says who this device is was damaged, as Err says. The
	// device has a new id.
	DeviceRenewed
	// CopyLeft: the copy that a move has left in the other keyring is still there, for
	// Err. The next change tries again.
	CopyLeft
)

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
	block int // records in a section
}

// Open returns the vault that o describes. It touches nothing.
func Open(o Options) *Vault {
	return &Vault{o: o, store: keyring.NewStore(o.Keyring), block: blockRecords}
}

// Keyring returns the keyring that the vault lies in.
func (v *Vault) Keyring() keyring.Keyring { return v.o.Keyring }

// kind is the kind of the keyring.
func (v *Vault) kind() string { return v.o.Keyring.Kind() }

// Dir returns the state folder.
func (v *Vault) Dir() string { return v.o.Dir }

// Read returns the state, which is empty for a new vault. A marker that does not know of
// the vault is made anew. Errors are *[LostError], [ErrFormat], [ErrNewer] and those of
// the keyring.
func (v *Vault) Read(ctx context.Context) (*State, error) { return v.read(ctx, decodeSnapshot) }

// read is Read with a function that reads the state of a snapshot, or the part of it that
// is wanted.
func (v *Vault) read(ctx context.Context, decode func(keyring.Snapshot) (*State, error)) (*State, error) {
	ctx, done := v.deadline(ctx)
	defer done()
	marker, err := v.readMarker()
	if err != nil {
		return nil, err
	}
	s, snap, err := v.loadPart(ctx, marker, decode)
	if err != nil || !marker.behind(v, s, snap) {
		return s, err
	}
	if unlock, ok := tryLock(v.o.Dir); ok { // a writer writes the marker itself
		defer unlock()
		if marker, err = v.readMarker(); err == nil && marker.behind(v, s, snap) {
			// If it cannot be written, that is no reason to withhold a code.
			_ = v.mendMarker(ctx, &marker, s, snap)
		}
	}
	return s, nil
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
	marker, err := v.readMarker()
	if err != nil {
		return err
	}
	s, snap, device, err := v.readForUpdate(ctx, &marker, renew)
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
	before, err := s.encode(v.block)
	if err != nil {
		return err
	}
	tx := &Tx{State: s, Now: v.o.Now(), Device: device.ID}
	if err := change(tx); err != nil {
		return err
	}
	tx.normalize()
	after, err := s.encode(v.block)
	if err != nil {
		return err
	}
	if after.equal(before) && (snap.Generation > 0 || !renew) {
		v.removeCopy(ctx)
		return nil
	}
	tx.expire(tx.Now) // changes no record
	if after.fields, err = MarshalKeeping(s.fields(), s.later); err != nil {
		return err
	}
	sections, err := s.sectionsOf(after, v.block)
	if err != nil {
		return err
	}
	// The time that change took does not count as the keyring's.
	ctx, done := v.deadline(ctx)
	defer done()
	held := snap.Generation
	if marker.found && s.ID != marker.Vault {
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
	if err := v.save(ctx, snap, s.ID, sections, marker); err != nil {
		return err
	}
	v.removeCopy(ctx)
	return nil
}

// unsettledFile is there after a write that the keyring did not answer, and holds the
// generation of it.
const unsettledFile = "unsettled"

// unsettled returns the generation of a write that may still happen. A note that cannot
// be read is of an unknown one, 0.
func (v *Vault) unsettled() (generation uint64, noted bool) {
	text, err := os.ReadFile(filepath.Join(v.o.Dir, unsettledFile))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false
	}
	generation, _ = strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return generation, true
}

// noteUnsettled notes a write that failed with err and may still happen.
func (v *Vault) noteUnsettled(generation uint64, err error) error {
	if !errors.Is(err, keyring.ErrUnsettled) {
		return err
	}
	return errors.Join(err, writeFile(filepath.Join(v.o.Dir, unsettledFile), fmt.Appendf(nil, "%d\n", generation)))
}

// next returns the generation of the next write: above what is there, above what was
// last seen, and above a write that may still happen. One of the same generation as
// that could not be told from it.
func (v *Vault) next(snap keyring.Snapshot, marker seen) uint64 {
	next := max(snap.Generation, marker.Generation) + 1
	if outstanding, noted := v.unsettled(); noted {
		next = max(next, outstanding) + 1
	}
	return next
}

// save writes a generation onto snap, and then the marker. Only to renew a vault that
// could not be read is a damaged head replaced; the snapshot that it named stays.
func (v *Vault) save(ctx context.Context, snap keyring.Snapshot, id string, sections [][]byte, marker seen) error {
	if !marker.found {
		made, err := v.newMarker(ctx)
		if err != nil {
			return err
		}
		marker.Marker = made
	}
	generation := v.next(snap, marker)
	_, unsettled := v.unsettled()
	write := v.store.Save
	switch {
	case marker.anew:
		write = func(ctx context.Context, generation uint64, sections ...[]byte) error {
			made, err := keyring.NewSnapshot(sections...)
			if err != nil {
				return err
			}
			return v.store.Restore(ctx, made, generation)
		}
	case unsettled:
		write = v.store.Settle
	}
	if err := write(ctx, generation, sections...); err != nil {
		return v.noteUnsettled(generation, err)
	}
	v.keepMarker(ctx, marker.Marker, id, generation)
	if unsettled && !marker.anew {
		_ = os.Remove(filepath.Join(v.o.Dir, unsettledFile))
	}
	return nil
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
