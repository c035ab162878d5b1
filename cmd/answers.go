package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/authcli/auth/internal/device"
	"github.com/authcli/auth/internal/hint"
	"github.com/authcli/auth/internal/passphrase"
	"github.com/authcli/auth/internal/term"
)

// answers answers the questions of a device, either from the flags of the command or by
// asking at the terminal.
type answers struct {
	*cli

	noFile bool // not to ask about the file keyring now

	yes  bool   // --yes
	weak bool   // --weak
	file string // --passphrase-file, for the location or file that the command names
	made string // the passphrase that auth generated, if the user gave none

	merge string // what a merge that was asked about would do

	vault *newVaultPassphraseOptions // set by auth vault passphrase
}

// A newVaultPassphraseOptions says which new passphrase the file keyring gets.
type newVaultPassphraseOptions struct {
	file string
	none bool
	weak bool
}

// Passphrase implements [device.Asker].
func (a *answers) Passphrase(ctx context.Context, p device.Purpose) (string, error) {
	if p.Wrong > 0 {
		file := a.file
		if p.Kind == device.OpenVault {
			file = a.vaultPassphrasePath()
		}
		if file != "" || !a.asking() {
			return "", device.ErrNoOther
		}
		a.say("auth: wrong passphrase; try again")
	}
	switch p.Kind {
	case device.OpenVault:
		return a.passphraseFrom(ctx, a.vaultPassphrasePath(), "Passphrase of the file keyring: ", "--vault-passphrase-file")
	case device.NewForVault:
		if a.vault != nil {
			return a.changedVaultPassphrase(ctx)
		}
		return a.firstVaultPassphrase(ctx)
	case device.OpenLocation:
		return a.passphraseFrom(ctx, a.file, "Recovery passphrase: ", "--passphrase-file")
	case device.NewForLocation:
		return a.newRecoveryPassphrase(ctx)
	case device.OpenBackupFile:
		return a.passphraseFrom(ctx, a.file, "Passphrase of the backup: ", "--passphrase-file")
	case device.NewForBackupFile:
		return a.newFilePassphrase(ctx)
	default:
		return a.identityPassphrase(ctx, p.Name)
	}
}

// identityPassphrase asks for the passphrase of an identity file.
func (a *answers) identityPassphrase(ctx context.Context, name string) (string, error) {
	if !a.asking() {
		return "", hint.With(usagef("the passphrase of %s is needed, and there is nobody to ask", term.Escape(name)),
			"call it at a terminal, or give --identity a key without a passphrase")
	}
	return a.passphraseFrom(ctx, "", "Passphrase of "+term.Escape(name)+": ", "")
}

// credential is what a unit of systemd calls the file keyring's passphrase (LoadCredential=).
const credential = "auth.vault-passphrase"

// vaultPassphrasePath returns the file with the file keyring's passphrase; empty if there is
// none. A credential of systemd counts if the unit has it.
func (a *answers) vaultPassphrasePath() string {
	if path := cmp.Or(a.vaultPassphraseFile, a.Getenv("AUTH_VAULT_PASSPHRASE_FILE")); path != "" {
		return path
	}
	dir := a.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return ""
	}
	path := filepath.Join(dir, credential)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
}

// firstVaultPassphrase asks for a new passphrase of the file keyring, which may be empty.
// If it can neither ask nor read a file, it uses no passphrase and warns about that.
// ssh-keygen does the same.
func (a *answers) firstVaultPassphrase(ctx context.Context) (string, error) {
	path := a.vaultPassphrasePath()
	switch {
	case path != "":
		text, err := a.passphraseFrom(ctx, path, "", "")
		if err == nil && passphrase.Weak(text) {
			err = hint.With(device.ErrWeak, "choose a longer one; or leave out the flag and run auth vault passphrase --weak afterwards")
		}
		return text, err
	case a.asking():
		return a.askNew(ctx, "Passphrase for the file keyring (empty for none): ", false,
			"choose a longer one, or none; auth vault passphrase --weak sets a weak one afterwards")
	default:
		a.say("auth: the file keyring has no passphrase; anybody who can read your files can read it (auth vault passphrase sets one)")
		return "", nil
	}
}

func (a *answers) changedVaultPassphrase(ctx context.Context) (string, error) {
	switch {
	case a.vault.none:
		return "", nil
	case a.vault.file != "":
		return a.passphraseFrom(ctx, a.vault.file, "", "")
	case a.asking():
		return a.askNew(ctx, "New passphrase (empty for none): ", a.weak, longerOrWeak)
	default:
		return "", missing("the new passphrase", "--new-passphrase-file FILE, or --none")
	}
}

// newRecoveryPassphrase reads a new recovery passphrase or asks for one. If it gets none,
// it generates one and shows it before anything is encrypted with it. Where it cannot be
// shown nothing is: the backups would be open to nobody.
func (a *answers) newRecoveryPassphrase(ctx context.Context) (text string, err error) {
	switch {
	case a.file != "":
		return a.passphraseFrom(ctx, a.file, "", "")
	case a.asking():
		text, err = a.askNew(ctx, "Recovery passphrase (empty to generate one): ", a.weak, longerOrMade)
	}
	if err != nil || text != "" {
		return text, err
	}
	if err := a.generate("recovery passphrase"); err != nil {
		return "", err
	}
	a.say("write it down and keep it away from this machine; nobody can open the backups without it")
	return a.made, nil
}

// generate makes a passphrase, and shows it. Where it cannot be shown there is none.
func (a *answers) generate(what string) error {
	made := passphrase.New()
	if _, err := fmt.Fprintf(a.Err, "%s: %s\n", what, made); err != nil {
		return fmt.Errorf("the %s that was made cannot be shown: %w", what, err)
	}
	a.made = made
	return nil
}

// newFilePassphrase reads the passphrase of a new backup file or asks for one. If the
// answer is empty, it generates one and shows it, as newRecoveryPassphrase does.
func (a *answers) newFilePassphrase(ctx context.Context) (string, error) {
	if a.file != "" {
		return a.passphraseFrom(ctx, a.file, "", "")
	}
	if !a.asking() {
		return "", missing("a passphrase", "--passphrase-file FILE, or --recipient")
	}
	text, err := a.askNew(ctx, "Passphrase for the backup (empty to generate one): ", a.weak, longerOrMade)
	if err != nil || text != "" {
		return text, err
	}
	if err := a.generate("passphrase"); err != nil {
		return "", err
	}
	a.say("write it down; nobody can open the backup without it")
	return a.made, nil
}

// Confirm implements [device.Asker].
func (a *answers) Confirm(ctx context.Context, q device.Question) (bool, error) {
	if q.Kind == device.OfferFileKeyring {
		if a.noFile || !a.choosing() {
			return false, nil
		}
		a.say("auth: %s", message(q.Err, nil))
		return a.Prompt.Confirm(ctx, "Keep the vault in an encrypted file on this machine instead?")
	}
	if q.Kind == device.StayOn {
		if !a.choosing() {
			return false, nil
		}
		return a.Prompt.Confirm(ctx, "Back up this vault with all its accounts to "+term.Escape(q.Name)+" from now on?")
	}
	if q.Kind == device.AdoptKey {
		return a.adoptKey(ctx, q.Name)
	}
	if a.yes {
		return true, nil
	}
	switch q.Kind {
	case device.MergeMany:
		a.merge = fmt.Sprintf("the merge would remove %s of %d, and replace the secret of %d", count(q.Removed, "account"), q.Accounts, q.Replaced)
		a.say("%s", a.merge)
		return a.confirm(ctx, "Merge?")
	case device.LoseDevice:
		return a.confirm(ctx, "Is "+a.deviceWords(a.Err, q.Device)+" gone? Its backups are deleted, and the recovery key is replaced.")
	case device.ReplaceKey:
		a.say("%s", message(q.Err, nil))
		a.say("if you can open that key, answer no and join it: auth backup enable LOCATION")
		return a.confirm(ctx, "Make a new recovery key in its place?")
	case device.ForgetDevice:
		return a.confirm(ctx, "Merge the accounts of "+a.deviceWords(a.Err, q.Device)+", and delete its backups?")
	default:
		return a.confirm(ctx, "Give up the old vault and start an empty one?")
	}
}

// adoptKey asks whether a recovery key that only a further key opened is the right one.
func (a *answers) adoptKey(ctx context.Context, id string) (bool, error) {
	if !a.choosing() {
		return false, hint.With(usagef("anybody could have encrypted the recovery key %s to this identity", id),
			"compare the id with auth backup status on another device, or with the sheet, and confirm it: --key-id ID")
	}
	a.say("The identity opened the recovery key %s. Anybody could have encrypted one to this identity.", id)
	a.say("Compare it with auth backup status on another device, or with the sheet.")
	return a.Prompt.Confirm(ctx, "Is it the same?")
}
