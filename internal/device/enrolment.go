package device

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/vault"
)

// enrolment returns how this device takes part in a location; ok is false where it does
// not, and never did.
func (d *Device) enrolment(ctx context.Context) (e backup.Enrolment, ok bool, err error) {
	text, ok, err := d.storage.vault.Item(ctx, vault.EnrolmentItem)
	if err != nil || !ok {
		return e, false, err
	}
	e, err = backup.ParseEnrolment(text)
	return e, err == nil, err
}

// setEnrolment keeps an enrolment, and notes its location in the marker while it is on.
// The marker is first: where it cannot be written nothing has changed, and backup is
// never off without a word because the marker alone says so. The lock of backups is held.
func (d *Device) setEnrolment(ctx context.Context, e backup.Enrolment) error {
	text, err := e.Encode()
	if err != nil {
		return err
	}
	before := d.marker.Location
	if marker, marked, err := vault.ReadMarker(d.o.State); err == nil && marked {
		before = marker.Location
	}
	noted := ""
	if e.On {
		noted = e.Location
	}
	if err := d.storage.vault.SetLocation(ctx, noted); err != nil {
		return err
	}
	err = d.storage.vault.SetItem(ctx, vault.EnrolmentItem, text)
	if err != nil && !errors.Is(err, keyring.ErrUnsettled) {
		return errors.Join(err, d.storage.vault.SetLocation(ctx, before))
	}
	d.marker.Location = noted
	return err
}

// enrolled returns the enrolment and its location. Where there is none the error is
// [ErrBackupOff].
func (d *Device) enrolled(ctx context.Context) (backup.Enrolment, location.Location, error) {
	if err := d.storage.unlock(ctx); err != nil {
		return backup.Enrolment{}, nil, err
	}
	e, ok, err := d.enrolment(ctx)
	if err != nil {
		return e, nil, err
	}
	if !ok {
		return e, nil, d.whyOff(ctx)
	}
	loc, err := d.openLocation(e.Location)
	return e, loc, err
}

// whyOff returns why there is no enrolment: the vault is lost, and the enrolment with it,
// which was in the same keyring; or backup is off.
func (d *Device) whyOff(ctx context.Context) error {
	if _, err := d.storage.vault.Read(ctx); Gone(err) {
		return err
	}
	return ErrBackupOff
}

// openLocation returns the location of a name.
func (d *Device) openLocation(name string) (location.Location, error) {
	if d.o.OpenLocation != nil {
		return d.o.OpenLocation(name)
	}
	return location.Parse(name, location.Options{
		Dir: d.o.Dir, Home: d.o.Home, Temp: d.o.State, LookPath: d.o.LookPath, Env: d.o.Environ, Wait: d.o.LocationWait,
	})
}

// backupLock is the file whose lock is held while the location is written to.
const backupLock = "backup.lock"

// lockBackups takes the lock under which the location is written to and the enrolment
// changed.
func (d *Device) lockBackups(ctx context.Context, loc location.Location) (release func(), err error) {
	return vault.LockFile(ctx, d.o.State, backupLock, d.o.Holder, loc.Wait())
}

// list lists a location; its errors name it.
func list(ctx context.Context, loc location.Location) ([]location.Entry, error) {
	entries, err := loc.List(ctx)
	return entries, locationError(loc, err)
}

// holdsBackups reports whether somebody already uses a location.
func holdsBackups(entries []location.Entry) bool {
	return slices.ContainsFunc(entries, func(e location.Entry) bool {
		_, sealed := backup.SealedKeyID(e.Name)
		_, named := backup.ParseFileName(e.Name)
		return sealed || named
	})
}

// sealedWith returns the sealed keys among a location's entries whose recovery key has an id
// that is wanted.
func sealedWith(entries []location.Entry, wanted func(id string) bool) []location.Entry {
	return slices.DeleteFunc(slices.Clone(entries), func(e location.Entry) bool {
		id, ok := backup.SealedKeyID(e.Name)
		return !ok || !wanted(id)
	})
}

// sealedOf returns the sealed keys of one recovery key among a location's entries.
func sealedOf(entries []location.Entry, id string) []location.Entry {
	return sealedWith(entries, func(of string) bool { return of == id })
}

// holdsFiles reports whether backups lie at a location, beside sealed keys.
func holdsFiles(entries []location.Entry) bool {
	return slices.ContainsFunc(entries, func(e location.Entry) bool {
		_, named := backup.ParseFileName(e.Name)
		return named
	})
}

// emptied reports whether a location holds no backups although this device wrote some
// there: a disk that is not mounted leaves an empty folder, which nobody carries away.
func (d *Device) emptied(loc location.Location, entries []location.Entry) bool {
	return d.backupState().wrote(loc) && !holdsBackups(entries)
}

// sealedCopy returns this device's copy of a sealed key.
func (d *Device) sealedCopy(name string) ([]byte, error) {
	return os.ReadFile(d.sealedPath(name))
}

func (d *Device) keepSealed(name string, data []byte) error {
	return writeFile(d.sealedPath(name), data)
}

func (d *Device) sealedPath(name string) string {
	return filepath.Join(d.o.State, "sealed", filepath.Base(name))
}

// sealKey encrypts a recovery key. Deriving is said for a passphrase alone: a plugin may ask
// its person.
func (d *Device) sealKey(key backup.RecoveryKey, to backup.Sealing) (backup.SealedKey, []byte, error) {
	if to.Passphrase != "" {
		defer d.deriving()()
	}
	return key.Seal(to)
}

// seal writes the recovery key of an order as a new sealed key, here and at the location.
func (d *Device) seal(ctx context.Context, o *order, to backup.Sealing) error {
	sealed, data, err := d.sealKey(o.enrolment.Key, to)
	if err != nil {
		return err
	}
	if err := d.keepSealed(sealed.Name, data); err != nil {
		return err
	}
	if err := o.location.Create(ctx, sealed.Name, data); err != nil {
		return err
	}
	o.enrolment.AddSealed(sealed)
	o.sealed = append(o.sealed, sealed.Name)
	return nil
}

// withdraw removes the sealed keys of an order that came to nothing: what they are under
// was never said to open the location. Where the location does not let it they stay, and
// open what the others open.
func (d *Device) withdraw(ctx context.Context, o order) {
	ctx = context.WithoutCancel(ctx)
	for _, name := range o.sealed {
		if err := o.location.Remove(ctx, name); err == nil {
			_ = os.Remove(d.sealedPath(name))
		}
	}
}

// newPassphrase asks for a new recovery passphrase and returns how to seal with it.
func (d *Device) newPassphrase(ctx context.Context, weak bool) (backup.Sealing, error) {
	text, err := askNew(ctx, d.o.Asker, NewForLocation, weak)
	return backup.Sealing{Passphrase: text, WorkFactor: d.o.WorkFactor}, err
}

// A Key says which recovery key this device backs up to. It holds nothing secret.
type Key struct {
	Location  string
	ID        string
	Recipient string
	Quantum   bool
	Sealed    []backup.SealedKey
}

func keyOf(e backup.Enrolment) Key {
	return Key{e.Location, e.Key.ID(), e.Key.Recipient(), e.Key.Quantum(), e.Sealed}
}

// Key returns the recovery key of this device. Where it takes part in no location the
// error is [ErrBackupOff].
func (d *Device) Key(ctx context.Context) (Key, error) {
	e, _, err := d.enrolled(ctx)
	if err != nil {
		return Key{}, err
	}
	return keyOf(e), nil
}

// KeyText returns the recovery key itself, for paper: whoever has it opens every backup.
func (d *Device) KeyText(ctx context.Context) (Key, string, error) {
	e, _, err := d.enrolled(ctx)
	if err != nil {
		return Key{}, "", err
	}
	return keyOf(e), e.Key.Text(), nil
}

// Disable turns backup off, and deletes nothing. It returns the location; empty where
// backup was never on.
func (d *Device) Disable(ctx context.Context) (string, error) {
	if err := d.storage.unlock(ctx); err != nil {
		return "", err
	}
	release, err := vault.LockFile(ctx, d.o.State, backupLock, d.o.Holder, lockWait)
	if err != nil {
		return "", err
	}
	defer release()
	e, ok, err := d.enrolment(ctx)
	if err != nil || !ok {
		return "", err
	}
	e.On = false
	return e.Location, d.setEnrolment(ctx, e)
}
