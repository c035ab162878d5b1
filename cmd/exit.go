package cmd

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"syscall"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/clip"
	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/slip39"
	"github.com/authcli/auth/internal/term"
	"github.com/authcli/auth/internal/transfer"
	"github.com/authcli/auth/internal/vault"
)

// The exit codes. They are a contract (auth help exit-codes) and are never renumbered.
const (
	codeDone        = 0
	codeError       = 1
	codeUsage       = 2
	codeNotFound    = 3
	codeAmbiguous   = 4
	codePartly      = 5
	codeKeyring     = 6
	codeBackup      = 7
	codeVerify      = 8
	codeStale       = 9
	codeWrong       = 10
	codeInterrupted = 130
)

// An exitCode ends a command that has printed everything already. As an error it prints
// nothing.
type exitCode int //nolint:errname // a code is what it is; as an error it only travels

func (exitCode) Error() string { return "" }

// errVerify is returned when a code is asked of an account without its secret.
var errVerify = errors.New("needs verification: the account is here without its secret")

// errExists is returned for an output file that exists already.
var errExists = errors.New("the file exists")

// unlockKeyring is what to type where the keyring is locked. A gnome-keyring that runs does
// not take a password from another one that is started beside it, and takes the end of the
// line for a part of it.
const unlockKeyring = "unlock the keyring: log in to the desktop; or with gnome-keyring, in a terminal: " +
	"systemd-ask-password -n | gnome-keyring-daemon --replace --unlock"

// faults maps each kind of error to its exit code and hint. The first match counts.
var faults = []struct {
	is   func(error) bool
	code int
	hint string
}{
	{as[usageError], codeUsage, ""},
	{is(backup.ErrIdentityPassphrase), codeBackup, "try the passphrase of the --identity file again"},
	{as[*backup.TypingError], codeBackup, "compare it with the sheet; --identity-qr PHOTO reads its QR code instead"},
	{as[*device.InputError], codeUsage, ""},
	{is(device.ErrNotConfirmed), codeInterrupted, ""},
	{is(backup.ErrEmpty), codeStale, "auth restore LOCATION, or auth sync, brings the accounts"},
	{is(device.ErrKeyringUnsettled), codeKeyring, "auth list shows whether the change is there; the next change settles it"},
	{is(device.ErrKeyringTimeout), codeKeyring, "unlock the keyring, or see auth doctor; AUTH_KEYRING_TIMEOUT waits longer"},
	{is(device.ErrKeyringLocked), codeKeyring, unlockKeyring},
	{is(device.ErrNoKeeper), codeKeyring, "auth vault use system moves the vault to the system keyring, which the login unlocks; " +
		"where there is none, AUTH_VAULT_PASSPHRASE_FILE names a file with the passphrase"},
	{is(device.ErrUnlockTime), codeUsage, "auth unlock --for 8h"},
	{is(device.ErrNoFileKeyring), codeKeyring, "auth vault use file"},
	{is(device.ErrKeyringUnavailable), codeKeyring, "on a machine without a keyring: auth --keyring file, or AUTH_KEYRING=file; auth doctor says more"},
	{as[*device.StaleError], codeStale, ""},
	{is(device.ErrTwoRotations), codeStale, "auth backup enable LOCATION, with the passphrase of the newer key"},
	{is(device.ErrRotated), codeStale, "auth backup enable LOCATION, with the passphrase of the other key"},
	{is(errNoScheduler), codeError, inCrontab},
	{is(device.ErrBackupOff), codeUsage, "auth backup enable LOCATION"},
	{is(device.ErrKeyringKind, device.ErrSetting, device.ErrVaultElsewhere, device.ErrNewLocation), codeUsage, ""},
	{is(device.ErrWeak), codeUsage, longerOrMade},
	{is(device.ErrNoSource), codeUsage, "auth restore LOCATION or FILE, or auth restore --deleted for the trash of this vault"},
	{is(device.ErrAtFile), codeUsage, ""},
	{is(device.ErrUnderPassphrase), codeUsage, "leave out --identity"},
	{is(device.ErrVaultEmpty), codeError, "auth add, or auth restore FILE"},
	{is(device.ErrVaultThere), codePartly, "auth list; auth remove removes accounts"},
	{as[*device.NoDeviceError], codeNotFound, "auth backup list"},
	{as[*device.SeveralDevicesError], codeAmbiguous, "name one by its id; on the device itself, auth config set device.name NAME gives it another name"},
	{is(errVerified), codePartly, ""},
	{is(device.ErrEmptied), codeStale, "is the disk or the cloud folder there? auth backup enable LOCATION fills it again"},
	{is(device.ErrNoBackups), codeBackup, "name the folder with README.txt and recovery-….age; auth backup enable lists the cloud folders of this machine"},
	{is(backup.ErrSuperseded), codeBackup, "use the newest passphrase or sheet"},
	{is(device.ErrOtherKeyID), codeBackup, "auth backup status on another device shows the id"},
	{is(device.ErrManySealedKeys), codeBackup, "choose the key: --key-id ID"},
	{as[*device.SeveralKeysError], codeUsage, "compare them with auth backup status on another device, or with the sheet, and choose one: --key-id ID"},
	{is(device.ErrNoSealedKeys), codeBackup, "--identity FILE takes the recovery key itself, from paper; --shares takes shares of it"},
	{as[*device.NothingThatOldError], codeBackup, "auth backup list shows the dates"},
	{is(device.ErrForeignKey, device.ErrNothingUsable, backup.ErrRecoveryKey, backup.ErrUnsigned), codeBackup, "try an older file or another key; auth backup list shows the files"},
	{is(device.ErrLocationInvalid), codeUsage, "a location is a folder, or rclone:REMOTE:PATH"},
	{is(device.ErrLocationGone), codeError, "is the disk or the cloud folder there? auth backup enable lists the cloud folders of this machine"},
	{is(device.ErrRcloneMissing), codeError, "install rclone (rclone.org), or name a folder"},
	{is(slip39.ErrThreshold), codeUsage, "auth backup key --shares 3/5 --to DIR"},
	{is(slip39.ErrNoShare), codeUsage, "the file has to have the words of a share, as they are on its sheet"},
	{is(slip39.ErrTwice), codeUsage, "each share counts once: take another one"},
	{is(slip39.ErrMixed), codeBackup, "the shares of a set begin with the same two words; their sheets name one key and one day"},
	{is(slip39.ErrDigest), codeBackup, "try other shares of the set"},
	{is(slip39.ErrPadding, backup.ErrOtherShares, backup.ErrShareForm), codeBackup, "the shares of a location are on sheets that auth backup key --shares wrote"},
	{as[*slip39.WordError], codeBackup, compareShare},
	{as[*slip39.ChecksumError], codeBackup, compareShare},
	{as[*slip39.CountError], codeBackup, compareShare},
	{is(context.Canceled, term.ErrInterrupted, io.EOF), codeInterrupted, ""},
	{is(backup.ErrPluginMissing), codeError, "install that plugin of age, so that its program is in a folder of PATH"},
	{is(backup.ErrPluginHere), codeError, "PATH must name its folder absolutely, before . and empty entries"},
	{is(backup.ErrPluginTraced), codeError, "unset AGEDEBUG"},
	{is(backup.ErrPluginSilent), codeError, "call it at a terminal, and touch the key when it asks for that"},
	{is(backup.ErrPluginTries), codeBackup, "choose the key: --key-id ID"},
	{pluginOpens, codeBackup, "is the key that belongs to the identity there? Otherwise the passphrase or the sheet opens the location"},
	{as[*backup.PluginError], codeError, "is the key that belongs to the recipient there? The plugin's own documentation may say more"},
	{is(vault.ErrNotFound), codeNotFound, "auth list"},
	{as[*vault.AmbiguousError], codeAmbiguous, "name one by its whole label, its alias or id:ID (auth list --json)"},
	{is(vault.ErrExists), codePartly, "auth show prints it; auth edit renames it, auth remove removes it"},
	{is(vault.ErrAlias), codePartly, "choose another alias"},
	{is(errExists), codePartly, "choose another name, or --force to replace it"},
	{is(errVerify), codeVerify, ""},
	{is(vault.ErrNothing), codeKeyring, "auth restore FILE restores a backup; auth vault new starts a new vault"},
	{as[*vault.DiffersError], codePartly, ""},
	{as[*vault.BusyError], codeKeyring, "try again; or stop the process that is named"},
	{as[*vault.LostError], codeKeyring, "auth doctor shows details; auth restore FILE restores a backup; auth vault new starts a new vault"},
	{is(vault.ErrNewer, device.ErrKeyringNewer), codeKeyring, "install the later version of auth"},
	{is(device.ErrKeyringPassphrase), codeBackup, "this is the passphrase of the file keyring, set by auth vault passphrase; where it is forgotten: auth vault new --forgotten, then auth restore"},
	{is(vault.ErrFormat), codeKeyring, "auth vault repair, or auth restore FILE"},
	{ofFileKeyring, codeKeyring, "auth restore FILE restores a backup; auth vault new starts a new vault"},
	{as[*device.DamagedError], codeKeyring, "auth vault repair, or auth restore FILE"},
	{is(device.ErrKeyringNoKey), codeKeyring, "auth doctor"},
	{is(device.ErrKeyringExposed), codeKeyring, "chmod 600 on the file that is named; if others may have read it, auth vault passphrase makes a new key"},
	{is(backup.ErrNeedsKey), codeUsage, "auth restore FILE --identity KEYFILE"},
	{is(backup.ErrWrongKey), codeBackup, "try the passphrase again, or --identity FILE with the key it was written for"},
	{is(backup.ErrNewer), codeBackup, "install the later version of auth"},
	{is(device.ErrBeside), codeBackup, "auth restore FOLDER, with the folder that it was in"},
	{is(backup.ErrDamaged, backup.ErrForeign, backup.ErrTooBig, backup.ErrWorkFactor), codeBackup, "try an older backup"},
	{as[*transfer.CostError], codeError, "use --allow-cost if you know who made the file"},
	{is(transfer.ErrWrongPassphrase), codeBackup, "try the passphrase again; it is the one that the export was made with"},
	{is(transfer.ErrDamaged), codeBackup, "make the export again"},
	{is(transfer.ErrUnknownFormat), codeError, "auth help formats lists the formats; --from FORMAT forces one"},
	{as[*clip.MissingError], codeError, "install it; one program is enough"},
	{is(clip.ErrAway, clip.ErrEmpty, clip.ErrNoDisplay), codeError, "save the QR code as an image: auth add --qr IMAGE"},
	{is(clip.ErrNone, clip.ErrNotHeld), codeError, "auth code QUERY prints the code"},
	{is(clip.ErrUnknown, clip.ErrOtherSystem, clip.ErrNoTmux), codeUsage, ""},
	{is(syscall.EPIPE), codeError, ""},
}

// compareShare is the hint for a share with a typing error.
const compareShare = "compare it with the sheet, word by word"

func is(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, target := range targets {
			if errors.Is(err, target) {
				return true
			}
		}
		return false
	}
}

func as[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}

// ofFileKeyring reports whether err is about a file of the file keyring, which repair cannot
// mend.
func ofFileKeyring(err error) bool {
	damaged, ok := errors.AsType[*device.DamagedError](err)
	return ok && damaged.OfFileKeyring()
}

// pluginOpens reports whether err is about the plugin of an identity.
func pluginOpens(err error) bool {
	fault, ok := errors.AsType[*backup.PluginError](err)
	return ok && fault.Identity
}

// A jsonFailure is an error in JSON.
type jsonFailure struct {
	Version int       `json:"version"`
	Error   jsonError `json:"error"`
}

type jsonError struct {
	Code    int    `json:"code"` // the exit code
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`    // several are a line each
	Matches []any  `json:"matches,omitempty"` // accounts, devices or keys, of which one has to be named
}

// A jsonKeyID names a recovery key.
type jsonKeyID struct {
	Key string `json:"key"`
}

// exit prints an error and its hints, or with --json one line that has both, and returns the exit code.
func (c *cli) exit(err error, args []string) int {
	if err == nil {
		return codeDone
	}
	if code, ok := errors.AsType[exitCode](err); ok {
		return int(code)
	}
	result := codeOf(err)
	var words string
	var hints []string
	switch {
	case errors.Is(err, device.ErrNotConfirmed):
		words = "not confirmed; nothing was changed"
	case result == codeInterrupted:
		words = "interrupted"
	default:
		words, hints = message(err, args), advice(err)
	}
	switch {
	case c.json || wantsJSON(args):
		c.sayJSON(jsonFailure{jsonVersion, jsonError{result, words, strings.Join(hints, "\n"), matches(err)}})
	case result == codeInterrupted:
		c.say("auth: %s", words)
	default:
		c.sayError(words, hints)
	}
	return result
}

func (c *cli) sayError(words string, hints []string) {
	c.say("%s %s", c.paint(c.Err, "auth: error:", term.Bad), words)
	for _, h := range hints {
		c.say("%s %s", c.paint(c.Err, "auth: hint:", term.Strong), h)
	}
}

// sayFault prints an error that does not end the command.
func (c *cli) sayFault(err error) { c.sayError(message(err, nil), advice(err)) }

// wantsJSON reports whether args ask for JSON. The parser has not seen that where it stopped before the flag.
func wantsJSON(args []string) bool {
	wants := false
	for _, arg := range args {
		if arg == "--" {
			break
		}
		if value, ok := strings.CutPrefix(arg, "--json"); ok && (value == "" || value[0] == '=') {
			given, err := strconv.ParseBool(strings.TrimPrefix(value, "="))
			wants = value == "" || err != nil || given
		}
	}
	return wants
}

// matches returns what an ambiguous error could mean, for JSON.
func matches(err error) (list []any) {
	if several, ok := errors.AsType[*vault.AmbiguousError](err); ok {
		for _, a := range several.Matches {
			list = append(list, toJSON(a))
		}
	}
	if several, ok := errors.AsType[*device.SeveralDevicesError](err); ok {
		for _, d := range devicesJSON(several.Devices) {
			list = append(list, d)
		}
	}
	if several, ok := errors.AsType[*device.SeveralKeysError](err); ok {
		for _, id := range several.IDs {
			list = append(list, jsonKeyID{id})
		}
	}
	return list
}

// oneLine puts the lines of a text into one. Several errors that were joined are a line
// each.
func oneLine(text string) string { return term.Escape(strings.ReplaceAll(text, "\n", "; ")) }

// message returns err on one line, without an argument that looks like a secret. The flag
// parser quotes arguments that it does not understand.
func message(err error, args []string) string {
	text := wording(err)
	for _, arg := range args {
		for _, part := range []string{arg, arg[strings.Index(arg, "=")+1:], strings.TrimLeft(arg, "-")} {
			if looksSecret(part) && strings.Contains(text, part) {
				return errSecretArgument.Error()
			}
		}
		if len(arg) > 2 && arg[0] == '-' && arg[1] != '-' && looksSecret(arg[2:]) {
			return errSecretArgument.Error()
		}
	}
	return oneLine(text)
}

// advice returns the hints of an error: its own, or those of its kind.
func advice(err error) []string {
	if own := hint.All(err); len(own) > 0 {
		return own
	}
	if lost, ok := errors.AsType[*vault.LostError](err); ok {
		switch where := lost.Marker.Location; {
		case lost.Marker.Keyring != lost.Keyring:
			return []string{"auth vault use " + lost.Keyring + " moves it; or leave out --keyring and AUTH_KEYRING"}
		case where != "":
			return []string{"auth restore brings it back from " + term.Escape(where)}
		}
	}
	for _, f := range faults {
		if f.is(err) && f.hint != "" {
			return []string{f.hint}
		}
	}
	return nil
}

// codeOf returns the exit code of an error.
func codeOf(err error) int {
	if code, ok := errors.AsType[exitCode](err); ok {
		return int(code)
	}
	for _, f := range faults {
		if f.is(err) {
			return f.code
		}
	}
	return codeError
}
