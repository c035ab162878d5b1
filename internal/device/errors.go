package device

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/vault"
)

// Errors of this package.
var (
	ErrKeyringKind    = errors.New("neither system nor file")
	ErrSetting        = errors.New("the setting is not valid")
	ErrVaultElsewhere = errors.New("the vault lies elsewhere already")
	ErrVaultThere     = errors.New("the vault is there: it can be read")
	ErrNoFileKeyring  = fmt.Errorf("%w: the file keyring is not in use", keyring.ErrUnavailable)
	ErrUnlockTime     = errors.New("the file keyring can be unlocked for one second to thirty days")
	ErrSystemUnlocks  = errors.New("the vault is in the system keyring, which the login unlocks")

	ErrBackupOff    = errors.New("backup is off")
	ErrTwoRotations = errors.New("the location's recovery key was changed on two devices at once, and the other device's key is the newer")
	ErrRotated      = errors.New("the location's recovery key was changed by another device")
	ErrEmptied      = errors.New("the location is empty, and backups were written to it before")
	ErrVaultEmpty   = errors.New("the vault is empty: there is nothing to back up")
	ErrWeak         = errors.New("the passphrase is weak: whoever gets at the files could guess it")
	ErrNewLocation  = errors.New("the location is new: there is no key to join with")
	ErrNoOther      = errors.New("there is no other passphrase to try")
	ErrNotConfirmed = errors.New("not confirmed")

	ErrNoBackups      = errors.New("there are no backups there")
	ErrNoSealedKeys   = errors.New("there are backups at the location, and its recovery-….age files are gone")
	ErrOtherKeyID     = errors.New("no recovery key of that id was opened")
	ErrManySealedKeys = fmt.Errorf("more than %d sealed keys lie at the location, and the first %d were tried", maxTried, maxTried)
	ErrForeignKey     = errors.New("there are backups at the location, and the key that was opened fits none of them")
	ErrNothingUsable  = errors.New("no backup there can be used")
	ErrNothingThatOld = errors.New("no backup there is that old")

	ErrBeside          = errors.New("this lies beside the backups of a folder, and is none itself")
	ErrNoSource        = errors.New("no backup is named")
	ErrAtFile          = errors.New("only a location can be taken back to an earlier day")
	ErrUnderPassphrase = errors.New("the backup is under a passphrase, not for a key")
)

// Errors of the packages below, for callers that do not use those themselves. Their
// own packages say what they are.
var (
	ErrKeyringLocked      = keyring.ErrLocked
	ErrKeyringUnavailable = keyring.ErrUnavailable
	ErrKeyringTimeout     = keyring.ErrTimeout
	ErrKeyringUnsettled   = keyring.ErrUnsettled
	ErrKeyringPassphrase  = keyring.ErrWrongPassphrase
	ErrKeyringNoKey       = keyring.ErrNoKey
	ErrKeyringExposed     = keyring.ErrExposed
	ErrKeyringNewer       = keyring.ErrNewer
	ErrNoKeeper           = keyring.ErrNoKeeper
	ErrNoPassphrase       = keyring.ErrNoPassphrase

	ErrLocationInvalid = location.ErrInvalid
	ErrLocationGone    = location.ErrGone
	ErrRcloneMissing   = location.ErrRcloneMissing
)

// A DamagedError says that an item of the keyring is there and cannot be used.
type DamagedError = keyring.DamagedError

// A StaleError is a backup that was asked for and could not be made.
type StaleError struct{ Err error }

func (e *StaleError) Error() string { return "the backup could not be made: " + e.Err.Error() }
func (e *StaleError) Unwrap() error { return e.Err }

// An InputError is something that the user gave and that cannot be used.
type InputError struct {
	Name string // the file, or what else it was
	Err  error
}

func (e *InputError) Error() string { return e.Name + ": " + e.Err.Error() }
func (e *InputError) Unwrap() error { return e.Err }

// Gone reports whether err says that the vault is lost or damaged, so that only
// [Device.Restore], a repair or [Device.StartAnew] helps.
func Gone(err error) bool {
	var damaged *keyring.DamagedError
	return errors.Is(err, vault.ErrLost) || errors.Is(err, vault.ErrFormat) || errors.As(err, &damaged)
}

// locationError names the location that an error is about.
func locationError(loc location.Location, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", loc, err)
}

// A NothingThatOldError says that a location cannot be taken back as far as was asked.
type NothingThatOldError struct{ Oldest time.Time }

func (e *NothingThatOldError) Error() string {
	return fmt.Sprintf("%v; the oldest is of %s", ErrNothingThatOld, e.Oldest.Format(time.RFC3339))
}

func (e *NothingThatOldError) Unwrap() error { return ErrNothingThatOld }

// A NoDeviceError says that no other device of that name has backups at the location.
type NoDeviceError struct {
	Name string
	This bool // it is the name of this one
}

func (e *NoDeviceError) Error() string {
	if e.This {
		return fmt.Sprintf("%q is this device", e.Name)
	}
	return fmt.Sprintf("no such device at the location: %q", e.Name)
}

// A SeveralDevicesError says that several devices have one name.
type SeveralDevicesError struct {
	Name    string
	Devices []DeviceDate // this one among them, if it has the name too
}

func (e *SeveralDevicesError) Error() string {
	return fmt.Sprintf("several devices are called %q", e.Name)
}

func sameName(a, b string) bool { return strings.EqualFold(a, b) }

// A SeveralKeysError says that a further key opened several recovery keys, of which any
// may be somebody else's.
type SeveralKeysError struct{ IDs []string }

func (e *SeveralKeysError) Error() string {
	return "several recovery keys were opened: " + strings.Join(e.IDs, ", ")
}
