package device

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/vault"
)

// The kinds of keyrings.
const (
	SystemKeyring = "system"
	FileKeyring   = "file"
)

const (
	// waitAlone is how long the keyring may take where nobody can unlock it: with the
	// start of the process the answer comes within five seconds.
	waitAlone = 4500 * time.Millisecond
	// waitWatched is how long where somebody may be typing its passphrase.
	waitWatched = 60 * time.Second
	lockWait    = 60 * time.Second
)

// A storage is a keyring with the vault in it.
type storage struct {
	kind       string
	file       *keyring.FileKeyring   // where kind is FileKeyring
	system     *keyring.SystemKeyring // where kind is SystemKeyring
	keyring    *answering             // the one of the two that is there
	vault      *vault.Vault
	asker      Asker
	passphrase *string // of the file keyring, once known
}

// SessionBus returns the address of the D-Bus session bus; address is what
// DBUS_SESSION_BUS_ADDRESS says.
func SessionBus(address string) string { return keyring.SessionBus(address) }

// keyringKind says which keyring the vault is looked for in: the one that the user
// insists on, the marker's, the settings', the system's.
func (d *Device) keyringKind() (string, error) {
	kind := d.o.Keyring
	if kind == "" && d.marked {
		kind = d.marker.Keyring
	}
	if kind == "" {
		settings, err := d.Settings()
		if err != nil {
			return "", err
		}
		kind = settings[settingKeyring]
	}
	if kind == "" {
		return SystemKeyring, nil
	}
	return kind, checkKind(kind)
}

func checkKind(kind string) error {
	if kind != SystemKeyring && kind != FileKeyring {
		return fmt.Errorf("keyring %q is %w", kind, ErrKeyringKind)
	}
	return nil
}

// use makes the keyring of a kind the one that the vault is looked for in.
func (d *Device) use(kind string) (err error) {
	d.storage, err = d.storageIn(kind)
	return err
}

// storageIn returns the vault as it would be in the keyring of a kind.
func (d *Device) storageIn(kind string) (*storage, error) {
	wait, err := d.keyringWait(kind)
	if err != nil {
		return nil, err
	}
	s := &storage{kind: kind, asker: d.o.Asker}
	options := vault.Options{
		Dir: d.o.State, Now: d.o.Now, Timeout: wait, LockWait: lockWait,
		Holder: fmt.Sprintf("%q (process %d)", d.o.Holder, os.Getpid()),
		Notice: func(n vault.Notice) { d.met = append(d.met, vaultNotice(n)) }, Location: enrolledAt,
	}
	options.Other = func(kind string) keyring.Keyring {
		other, err := d.storageIn(kind)
		if err != nil {
			return nil
		}
		return other.vault.Keyring()
	}
	if d.o.OpenKeyring != nil {
		options.Keyring = d.o.OpenKeyring(kind)
	}
	switch {
	case options.Keyring != nil:
	case kind == FileKeyring:
		s.file = keyring.File(keyring.FileOptions{
			Dir: d.o.Data, Passphrase: s.askPassphrase, WorkFactor: d.o.WorkFactor, Keeper: d.o.Keeper, Deriving: d.o.Deriving,
		})
		options.Keyring = s.file
	default:
		s.system = keyring.System(keyring.SystemOptions{Service: d.o.Service, Bus: d.o.Bus, Interactive: d.o.Interactive})
		options.Keyring, options.Slow = s.system, d.o.Waiting
	}
	s.keyring = &answering{Keyring: options.Keyring}
	options.Keyring = s.keyring
	s.vault = vault.Open(options)
	return s, nil
}

// An answering keyring is not asked again once it did not answer in time: a command that
// asks it several things would wait for each.
type answering struct {
	keyring.Keyring

	silent atomic.Bool
}

func (k *answering) Get(ctx context.Context, name string) (string, error) {
	if k.silent.Load() {
		return "", keyring.ErrTimeout
	}
	value, err := k.Keyring.Get(ctx, name)
	return value, k.heard(err)
}

func (k *answering) Set(ctx context.Context, name, value string) error {
	if k.silent.Load() {
		return keyring.ErrTimeout
	}
	return k.heard(k.Keyring.Set(ctx, name, value))
}

func (k *answering) Delete(ctx context.Context, name string) error {
	if k.silent.Load() {
		return keyring.ErrTimeout
	}
	return k.heard(k.Keyring.Delete(ctx, name))
}

func (k *answering) heard(err error) error {
	if errors.Is(err, keyring.ErrTimeout) {
		k.silent.Store(true)
	}
	return err
}

// Collection returns which collection of the keyring holds the vault, where it has such.
func (k *answering) Collection(ctx context.Context) (name string, locked bool, err error) {
	c, ok := k.Keyring.(interface {
		Collection(context.Context) (string, bool, error)
	})
	switch {
	case k.silent.Load():
		return "", false, keyring.ErrTimeout
	case !ok:
		return "", false, nil
	}
	name, locked, err = c.Collection(ctx)
	return name, locked, k.heard(err)
}

func vaultNotice(n vault.Notice) Notice {
	kind := map[vault.NoticeKind]NoticeKind{
		vault.RolledBack: VaultRolledBack, vault.Replaced: VaultReplaced, vault.MarkerMended: MarkerMended,
		vault.MarkerUnwritten: MarkerUnwritten, vault.DeviceRenewed: DeviceRenewed, vault.CopyLeft: CopyLeft,
	}[n.Kind]
	return Notice{Kind: kind, Err: n.Err, Found: n.Found, Expected: n.Expected}
}

// enrolledAt returns where backups go, by the text of an enrolment; empty while backup is
// off.
func enrolledAt(enrolment string) string {
	e, err := backup.ParseEnrolment(enrolment)
	if err != nil || !e.On {
		return ""
	}
	return e.Location
}

func (d *Device) keyringWait(kind string) (time.Duration, error) {
	if d.o.KeyringWait > 0 {
		return d.o.KeyringWait, nil
	}
	settings, err := d.Settings()
	if err != nil {
		return 0, err
	}
	if text := settings[settingKeyringWait]; text != "" {
		wait, err := ParseDuration(text)
		if err != nil || wait <= 0 {
			return 0, fmt.Errorf("%w: %q is not a duration such as 10s", ErrSetting, text)
		}
		return wait, nil
	}
	if kind == FileKeyring || d.o.Interactive {
		return waitWatched, nil
	}
	return waitAlone, nil
}

// unlock asks for the file keyring's passphrase where it has one and is not unlocked: before
// any lock is taken, so that nobody waits for a person.
func (s *storage) unlock(ctx context.Context) error {
	if s.file == nil || s.passphrase != nil {
		return nil
	}
	if _, err := s.file.Unlocked(); err == nil {
		return nil
	}
	return s.prove(ctx)
}

// prove asks for the file keyring's passphrase where it has one, also where it is unlocked.
func (s *storage) prove(ctx context.Context) error {
	if s.file == nil || s.passphrase != nil || !s.file.Exists() {
		return nil
	}
	protected, err := s.file.Protected()
	if err != nil || !protected {
		return err
	}
	var wrong error
	for n := range maxTries {
		typed, err := s.asker.Passphrase(ctx, Purpose{Kind: OpenVault, Wrong: n})
		if errors.Is(err, ErrNoOther) && wrong != nil {
			return wrong
		}
		if err != nil {
			return err
		}
		s.passphrase = &typed
		if wrong = s.file.Open(ctx); !errors.Is(wrong, keyring.ErrWrongPassphrase) {
			return wrong
		}
		s.passphrase = nil
	}
	return wrong
}

// askPassphrase returns the file keyring's passphrase, asked for once.
func (s *storage) askPassphrase(ctx context.Context) (string, error) {
	if s.passphrase != nil {
		return *s.passphrase, nil
	}
	passphrase, err := s.asker.Passphrase(ctx, Purpose{Kind: OpenVault})
	if err != nil {
		return "", err
	}
	s.passphrase = &passphrase
	return passphrase, nil
}

// clearFileKeyring sets a file keyring aside that is damaged, so that a new one can be
// made in its place.
func (d *Device) clearFileKeyring(ctx context.Context) error {
	s := d.storage
	if s.file == nil || !s.file.Exists() {
		return nil
	}
	err := s.unlock(ctx)
	if err == nil {
		_, err = s.file.Get(ctx, vault.DeviceItem.String())
	}
	switch {
	case Gone(err):
		return d.setAside()
	case err == nil, errors.Is(err, keyring.ErrNotFound):
		return nil
	default:
		return err
	}
}

// setAside gives the files of the file keyring other names, which it notes.
func (d *Device) setAside() error {
	s := d.storage
	paths, err := s.file.SetAside("aside-" + d.o.Now().UTC().Format("20060102T150405Z"))
	s.passphrase = nil
	for _, path := range paths {
		d.met = append(d.met, Notice{Kind: SetAside, Name: path})
	}
	return err
}

// create makes the file keyring before the first write, with or without a passphrase. A
// weak one is [ErrWeak]; [Device.SetVaultPassphrase] can set it afterwards.
func (s *storage) create(ctx context.Context) error {
	if s.file == nil || s.file.Exists() {
		return nil
	}
	passphrase, err := askNew(ctx, s.asker, NewForVault, false)
	if err != nil {
		return err
	}
	release, err := s.vault.Lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	if s.file.Exists() { // another process was first; its passphrase counts
		s.passphrase = nil
		return s.unlock(ctx)
	}
	if err := s.file.Create(ctx, passphrase); err != nil {
		return err
	}
	s.passphrase = &passphrase
	return nil
}

// offerFileKeyring offers the file keyring, once, where err says that the system has no
// keyring, and no vault exists elsewhere. The answer is remembered in the settings.
func (d *Device) offerFileKeyring(ctx context.Context, err error) (accepted bool, _ error) {
	if !errors.Is(err, keyring.ErrUnavailable) || d.marked || d.markErr != nil || d.insists || d.storage.kind == FileKeyring {
		return false, err
	}
	yes, askErr := d.o.Asker.Confirm(ctx, Question{Kind: OfferFileKeyring, Err: err})
	if askErr != nil || !yes {
		return false, err // no answer is no: the keyring's error stands
	}
	if err := d.SetSetting(settingKeyring, FileKeyring); err != nil {
		return false, err
	}
	return true, d.use(FileKeyring)
}
