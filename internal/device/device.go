// Package device is about this device: its vault, its part in a backup location, and its
// record of the last backup.
//
// A change of the vault never fails because its backup failed. The device's own enrolment
// decides where backups go and which key they are encrypted to; the location never does.
// Only this package reads and writes the state file.
//
// Results are values: a [Report] with [Notice] values, which the caller turns into lines,
// JSON or a screen. Questions to a person go through an [Asker].
package device

import (
	"context"
	"errors"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/vault"
)

// Options say where a device keeps things, and what it needs of the process.
type Options struct {
	Config  string // the folder of this device's settings
	State   string // the folder of the lock, the marker and the state of backups
	Data    string // the folder of the file keyring
	Service string // the name of the vault in the system keyring

	// Keyring is [SystemKeyring] or [FileKeyring] where the user insists on one. Empty
	// is the one that the marker or the settings name.
	Keyring string
	// Bus is the address of the D-Bus session bus, as [SessionBus] finds it.
	Bus string
	// Interactive says that somebody may see the system keyring's request to be unlocked.
	Interactive bool
	// KeyringWait is how long the keyring may take. Zero is what the settings say, or
	// a minute where somebody may be typing its passphrase, or less than five seconds.
	KeyringWait time.Duration
	// Waiting is called once the keyring has taken a second. It may be nil.
	Waiting func()

	Dir      string                            // the absolute working folder
	Home     string                            // what ~ stands for; empty for none
	Getenv   func(string) string               // where cloud clients keep their folders
	LookPath func(name string) (string, error) // finds programs, as exec.LookPath does
	Environ  []string                          // for programs that are run
	// LocationWait is how long a location may take. Zero is what is usual for its kind.
	LocationWait time.Duration

	// PluginPerson is whom plugins of age speak to; nil for nobody.
	PluginPerson backup.PluginPerson

	// ReadFile reads a file that the user named, up to limit bytes.
	ReadFile func(ctx context.Context, path string, limit int64) ([]byte, error)

	Name       string // what this device is called in backups
	Holder     string // words for a process that waits for this one
	Now        func() time.Time
	WorkFactor int // the logarithm of the scrypt cost of new passphrases; 0 is age's own
	Asker      Asker
	// Deriving is called where a key is about to be derived from a passphrase, which takes a
	// second or two, and done when that is over. Nobody is asked in between. It may be nil.
	Deriving func() (done func())

	// OpenKeyring opens the keyring of a kind, and OpenLocation a location by its name.
	// Nil is this machine's own, and so is a nil keyring that OpenKeyring returns; tests
	// and simulations put others in their place.
	OpenKeyring  func(kind string) keyring.Keyring
	OpenLocation func(name string) (location.Location, error)
	// Keeper keeps the opened key of the file keyring; nil keeps nothing.
	Keeper Keeper
}

// A Device is this device. It is for one caller at a time.
type Device struct {
	o       Options
	marker  vault.Marker
	marked  bool  // there is a marker
	markErr error // there may be one, and it cannot be read
	insists bool  // the user named a keyring
	storage *storage
	met     []Notice // what the vault met since the last report
}

// Open returns the device that o describes. It reads the settings and the marker, but not
// the keyring. If the marker is damaged, [Device.Read] and every change return an error;
// [Device.Restore], [Device.StartAnew] and [Device.Examine] work without it.
func Open(o Options) (*Device, error) {
	d := &Device{o: o, insists: o.Keyring != ""}
	marker, marked, err := vault.ReadMarker(o.State)
	if err == nil {
		d.marker, d.marked = marker, marked
	}
	d.markErr = err
	kind, err := d.keyringKind()
	if err != nil {
		return nil, err
	}
	return d, d.use(kind)
}

// Read returns the state of the vault. A new vault has an empty state. Errors are those
// of [vault.Vault.Read] and of the [Asker].
func (d *Device) Read(ctx context.Context) (*vault.State, error) {
	if err := d.storage.unlock(ctx); err != nil {
		return nil, err
	}
	state, err := d.storage.vault.Read(ctx)
	if again, err := d.offerFileKeyring(ctx, err); err != nil {
		return nil, err
	} else if again {
		return d.Read(ctx)
	}
	if err == nil && state.Generation > 0 {
		d.noteMarker()
	}
	return state, err
}

// Lookup is [Device.Read] and [vault.State.Find], which reads no more of a large vault than
// the code of one account needs: see [vault.Vault.Lookup].
func (d *Device) Lookup(ctx context.Context, query string, exact bool) (vault.Found, error) {
	if err := d.storage.unlock(ctx); err != nil {
		return vault.Found{}, err
	}
	found, err := d.storage.vault.Lookup(ctx, query, exact)
	if found.Generation > 0 {
		d.noteMarker()
		return found, err
	}
	again, err := d.offerFileKeyring(ctx, err)
	if again && err == nil {
		return d.Lookup(ctx, query, exact)
	}
	return found, err
}

// Names returns the names of all live accounts, without reading every record of a large
// vault: see [vault.Vault.Names].
func (d *Device) Names(ctx context.Context) ([]vault.Name, error) {
	if err := d.storage.unlock(ctx); err != nil {
		return nil, err
	}
	return d.storage.vault.Names(ctx)
}

// noteMarker takes over a marker that was not there when the device was opened: the vault
// is new, or made the marker anew.
func (d *Device) noteMarker() {
	if d.marked {
		return
	}
	if marker, marked, err := vault.ReadMarker(d.o.State); err == nil {
		d.marker, d.marked, d.markErr = marker, marked, nil
	}
}

// Change changes the vault in one step, and backs the change up if backup is on. If the
// backup fails, the change still succeeds, and the report says why the backup is stale.
func (d *Device) Change(ctx context.Context, change func(*vault.Tx) error) (Report, error) {
	if err := d.write(ctx, update, change); err != nil {
		return d.report(), err
	}
	r := d.report()
	d.catchUp(ctx, &r)
	return r, nil
}

// Advance advances the counter of an HOTP account, and returns the counter to use now. It
// never waits for a location. The next change backs the counter up.
func (d *Device) Advance(ctx context.Context, id string) (counter uint64, r Report, err error) {
	err = d.write(ctx, update, func(tx *vault.Tx) error {
		counter, err = tx.Advance(id)
		return err
	})
	return counter, d.report(), err
}

// A writing is how the vault is written.
type writing int

const (
	update writing = iota // a vault that can be read
	renew                 // a vault that can be read, or a new one in place of one that is lost
)

// write changes the vault, and backs nothing up.
func (d *Device) write(ctx context.Context, how writing, change func(*vault.Tx) error) error {
	s := d.storage
	if how == renew {
		if err := d.clearFileKeyring(ctx); err != nil {
			return err
		}
	}
	if err := s.unlock(ctx); err != nil {
		return err
	}
	if !d.marked || how == renew {
		if err := s.create(ctx); err != nil {
			return err
		}
	}
	write := s.vault.Update
	if how == renew {
		write = s.vault.Renew
	}
	err := write(ctx, change)
	if again, err := d.offerFileKeyring(ctx, err); err != nil {
		return err
	} else if again {
		return d.write(ctx, how, change)
	}
	if err == nil {
		d.noteMarker()
	}
	return err
}

// preview calls change with a copy of the vault, and keeps nothing of it. A vault that
// is lost or damaged is an empty one with orEmpty.
func (d *Device) preview(ctx context.Context, orEmpty bool, change func(*vault.Tx) error) error {
	state, err := d.Read(ctx)
	if orEmpty && Gone(err) {
		state, err = d.left(ctx)
	}
	if err != nil {
		return err
	}
	return change(&vault.Tx{State: state.Clone(), Now: d.o.Now(), Device: "preview"})
}

// errLooked ends a change that changes nothing.
var errLooked = errors.New("looked")

// left returns what is left of a vault that is lost or damaged, as a change that renews
// it finds it: all of it where only the marker is damaged, otherwise an empty one.
func (d *Device) left(ctx context.Context) (state *vault.State, err error) {
	err = d.storage.vault.Renew(ctx, func(tx *vault.Tx) error {
		state = tx.State.Clone()
		return errLooked
	})
	if errors.Is(err, errLooked) {
		err = nil
	}
	return state, err
}

// Preview calls change with a copy of the vault and keeps nothing of it.
func (d *Device) Preview(ctx context.Context, change func(*vault.Tx) error) error {
	return d.preview(ctx, false, change)
}

// KeyringKind returns which keyring the vault is looked for in.
func (d *Device) KeyringKind() string { return d.storage.kind }

// Location returns where backups go while backup is on, as the marker says.
func (d *Device) Location() string { return d.marker.Location }
