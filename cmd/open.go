package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/keyring"
	"github.com/authcli/auth/internal/vault"
)

const (
	systemKeyring = "system"
	fileKeyring   = "file"

	// keyringAlone is how long the keyring may take where nobody can unlock it:
	// with the start of the process the answer comes within five seconds.
	keyringAlone = 4500 * time.Millisecond
	// keyringWatched is how long where somebody may be typing its passphrase.
	keyringWatched = 60 * time.Second
	lockWait       = 60 * time.Second
)

// A session is a vault in use: which keyring it lies in, and what opens that.
type session struct {
	*cli
	places  places
	kind    string
	file    *keyring.FileKeyring   // where kind is file
	system  *keyring.SystemKeyring // where kind is system
	marker  vault.Marker
	marked  bool
	vault   *vault.Vault
	unlock  *string // the file keyring's passphrase, once known
	command string
	quiet   bool // changes are not backed up one by one

	backupLocked bool // this command holds the lock of backups
}

// open returns the vault of this profile. It reads configuration and marker, and
// touches no keyring yet.
func (c *cli) open(command string) (*session, error) {
	places, err := c.places()
	if err != nil {
		return nil, err
	}
	s := &session{cli: c, places: places, command: command}
	s.marker, s.marked, err = vault.ReadMarker(places.state)
	if err != nil && command != "auth doctor" && command != "auth restore" && command != "auth vault new" {
		return nil, err
	}
	kind, err := s.choose()
	if err != nil {
		return nil, err
	}
	return s, s.use(kind)
}

// look opens the vault and reads it, for a command that may only look.
func (c *cli) look(cmd *cobra.Command) (*session, *vault.State, error) {
	s, err := c.open(cmd.CommandPath())
	if err != nil {
		return nil, nil, err
	}
	state, err := s.read(cmd.Context())
	return s, state, err
}

// choose says which keyring the vault is looked for in: the flag, the
// environment, the marker of an existing vault, the configuration, the system's.
func (s *session) choose() (string, error) {
	kind := s.keyringFlag
	if kind == "" {
		kind = s.Getenv("AUTH_KEYRING")
	}
	if kind == "" && s.marked {
		kind = s.marker.Keyring
	}
	if kind == "" {
		config, err := readConfig(s.places.config)
		if err != nil {
			return "", err
		}
		kind = config["keyring"]
	}
	switch kind {
	case "":
		return systemKeyring, nil
	case systemKeyring, fileKeyring:
		return kind, nil
	default:
		return "", usagef("keyring %q is neither system nor file", kind)
	}
}

// use sets the session up for a keyring.
func (s *session) use(kind string) error {
	timeout, err := s.keyringTimeout(kind)
	if err != nil {
		return err
	}
	s.kind = kind
	k := s.keyringOf(kind)
	options := vault.Options{
		Keyring: k, Dir: s.places.state, Now: s.Now, Timeout: timeout, LockWait: lockWait,
		Holder: fmt.Sprintf("%q (process %d)", s.command, os.Getpid()),
		Notice: s.notice,
	}
	if kind == systemKeyring {
		options.Slow = func() { s.say("auth: waiting for the keyring to be unlocked") }
	}
	s.vault = vault.Open(options)
	return nil
}

// keyringOf returns the keyring of a kind, and remembers it by its own type.
func (s *session) keyringOf(kind string) keyring.Keyring {
	if kind == fileKeyring {
		s.file = keyring.File(keyring.FileOptions{Dir: s.places.data, Passphrase: s.vaultPassphrase, WorkFactor: s.WorkFactor})
		return s.file
	}
	s.system = keyring.System(keyring.SystemOptions{Service: s.places.service, Bus: keyring.SessionBus(s.Getenv("DBUS_SESSION_BUS_ADDRESS")), Interactive: s.watched()})
	return s.system
}

// watched reports whether somebody may see a request to unlock the keyring.
func (s *session) watched() bool {
	if s.noInput || s.Getenv("AUTH_NO_INPUT") == "1" {
		return false
	}
	if s.Prompt.Available() {
		return true
	}
	switch runtime.GOOS {
	case "darwin", "windows":
		return s.Getenv("SSH_CONNECTION") == ""
	default:
		return s.Getenv("DISPLAY") != "" || s.Getenv("WAYLAND_DISPLAY") != ""
	}
}

func (s *session) keyringTimeout(kind string) (time.Duration, error) {
	text := s.Getenv("AUTH_KEYRING_TIMEOUT")
	if text == "" {
		config, err := readConfig(s.places.config)
		if err != nil {
			return 0, err
		}
		text = config["keyring-timeout"]
	}
	switch {
	case text != "":
		d, err := parseDuration(text)
		if err != nil || d <= 0 {
			return 0, usagef("keyring timeout %q is not a duration such as 10s", text)
		}
		return d, nil
	case kind == fileKeyring, s.watched():
		return keyringWatched, nil
	default:
		return keyringAlone, nil
	}
}

// parseDuration reads 5s, 2m, or a number of seconds.
func parseDuration(text string) (time.Duration, error) {
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(seconds) * time.Second, nil
	}
	return time.ParseDuration(text)
}

func (s *session) notice(n vault.Notice) {
	switch {
	case n.Replaced:
		s.warn("the keyring holds another vault than this device last saw; going on with that one")
	case n.RolledBack:
		s.warn("the keyring holds an older vault (generation %d, last seen %d); going on from there. auth restore brings back what is missing",
			n.Found, n.Expected)
	}
}

// read returns the state of the vault.
func (s *session) read(ctx context.Context) (*vault.State, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	state, err := s.vault.Read(ctx)
	if again, err := s.other(ctx, err); err != nil {
		return nil, err
	} else if again {
		return s.read(ctx)
	}
	return state, s.explain(err)
}

// update changes the vault; with renew also one that is lost for good.
func (s *session) update(ctx context.Context, renew bool, change func(*vault.Tx) error) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	if err := s.create(ctx, renew); err != nil {
		return err
	}
	write := s.vault.Update
	if renew {
		write = s.vault.Renew
	}
	err := write(ctx, change)
	if again, err := s.other(ctx, err); err != nil {
		return err
	} else if again {
		return s.update(ctx, renew, change)
	}
	if err == nil && !s.quiet {
		s.backUpAfterChange(ctx)
	}
	return s.explain(err)
}

// ready asks for the file keyring's passphrase where it has one: before the lock
// is taken, so that nobody waits for a person.
func (s *session) ready(ctx context.Context) error {
	if s.kind != fileKeyring || s.unlock != nil || !s.file.Exists() {
		return nil
	}
	protected, err := s.file.Protected()
	if err != nil || !protected {
		return err
	}
	_, err = s.vaultPassphrase(ctx)
	return err
}

// vaultPassphrase returns the file keyring's passphrase: from the file that was
// named, or asked for once.
func (s *session) vaultPassphrase(ctx context.Context) (string, error) {
	if s.unlock != nil {
		return *s.unlock, nil
	}
	passphrase, err := s.passphraseFrom(ctx, s.vaultPassphrasePath(), "Passphrase of the file keyring: ", "--vault-passphrase-file")
	if err != nil {
		return "", err
	}
	s.unlock = &passphrase
	return passphrase, nil
}

func (s *session) vaultPassphrasePath() string {
	if s.vaultPassphraseFile != "" {
		return s.vaultPassphraseFile
	}
	return s.Getenv("AUTH_VAULT_PASSPHRASE_FILE")
}

// create makes the file keyring before the first write, with or without a
// passphrase. Where a marker says that there was a vault, only renew may.
func (s *session) create(ctx context.Context, renew bool) error {
	if s.kind != fileKeyring || s.file.Exists() || s.marked && !renew {
		return nil
	}
	passphrase, err := s.newVaultPassphrase(ctx)
	if err != nil {
		return err
	}
	release, err := s.vault.Lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	if s.file.Exists() { // another process was first; its passphrase counts
		s.unlock = nil
		return s.ready(ctx)
	}
	if err := s.file.Create(ctx, passphrase); err != nil {
		return err
	}
	s.unlock = &passphrase
	return nil
}

// newVaultPassphrase asks for the file keyring's passphrase as ssh-keygen does.
// Where nobody can be asked and no file is named there is none, and that is said.
func (s *session) newVaultPassphrase(ctx context.Context) (string, error) {
	path := s.vaultPassphrasePath()
	if path == "" && !s.asking() {
		s.say("auth: the file keyring has no passphrase: whoever can read your files can read it (auth vault passphrase sets one)")
		return "", nil
	}
	if path != "" {
		return s.passphraseFrom(ctx, path, "", "")
	}
	return s.askNew(ctx, "Passphrase for the file keyring (empty for none): ")
}

// other offers the file keyring, once, where the system has none and no vault
// exists elsewhere. The answer is remembered in the configuration.
func (s *session) other(ctx context.Context, err error) (again bool, _ error) {
	if !errors.Is(err, keyring.ErrUnavailable) || s.marked || !s.choosing() || s.keyringFlag != "" || s.Getenv("AUTH_KEYRING") != "" {
		return false, nil
	}
	s.say("auth: %v", err)
	yes, askErr := s.Prompt.Confirm(ctx, "Keep the vault in an encrypted file instead, on this machine?")
	if askErr != nil || !yes {
		return false, nil //nolint:nilerr // no answer is no: the keyring's error stands
	}
	if err := changeConfig(s.places.config, "keyring", fileKeyring); err != nil {
		return false, err
	}
	return true, s.use(fileKeyring)
}

// explain adds to an error what only the session knows.
func (s *session) explain(err error) error {
	var lost *vault.LostError
	if errors.As(err, &lost) && lost.Marker.Keyring != lost.Keyring {
		return hint.With(err, "auth vault use "+lost.Keyring+" moves it; or leave out "+strings.Join([]string{"--keyring", "AUTH_KEYRING"}, " and "))
	}
	return err
}
