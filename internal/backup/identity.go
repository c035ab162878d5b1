package backup

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"
)

// Errors of identity files. They contain nothing from the file.
var (
	ErrIdentityFile       = errors.New("not an identity file (AGE-SECRET-KEY-1… or AGE-PLUGIN-… lines, or an SSH private key: ed25519 or RSA)")
	ErrIdentityPassphrase = errors.New("wrong passphrase for the identity file, or the file is damaged")
)

// An IdentityFile is an identity file that age accepts: AGE-SECRET-KEY and AGE-PLUGIN
// lines, a passphrase-encrypted age file of such lines, or an SSH private key (ed25519 or
// RSA) with or without a passphrase. A recovery key may be there as a person typed it, as
// [ParseTypedKey] takes it.
type IdentityFile struct {
	Data []byte

	// Passphrase returns the passphrase of the file. It is called at most once, and
	// only if the file has a passphrase.
	Passphrase func() (string, error)

	// PublicKey returns the content of FILE.pub. It is called only for a
	// passphrase-protected SSH key in PEM, because that format encrypts the public
	// key as well.
	PublicKey func() ([]byte, error)

	// Plugin returns the identity of an AGE-PLUGIN line, as [Plugins.ParseIdentity] does.
	// If it is nil, such lines are errors.
	Plugin func(line string) (Identity, error)
}

// Identities returns the identities of the file. It asks for the passphrase of an age
// file at once. It asks for the passphrase of an SSH key later, when a file is decrypted
// that was encrypted to that key. Errors wrap [ErrIdentityFile],
// [ErrIdentityPassphrase] or the error of Passphrase, or are a *[TypingError]. For an SSH key, the latter two come
// from the function that decrypts with the identity.
func (f IdentityFile) Identities() ([]Identity, error) {
	text := bytes.TrimSpace(f.Data)
	switch {
	case bytes.HasPrefix(f.Data, []byte("age-encryption.org/")), bytes.HasPrefix(text, []byte(armor.Header)):
		var err error
		if text, err = f.decrypt(); err != nil {
			return nil, err
		}
	case bytes.HasPrefix(text, []byte("-----BEGIN")):
		id, err := f.sshKey()
		if err != nil {
			return nil, err
		}
		return []Identity{id}, nil
	}
	return f.lines(string(text))
}

// lines returns the identities of a text with one on each line.
func (f IdentityFile) lines(text string) ([]Identity, error) {
	var ids []Identity
	var native strings.Builder // what age reads by itself
	for line := range strings.Lines(text) {
		if f.Plugin == nil || !strings.HasPrefix(line, identityPrefix) {
			native.WriteString(line)
			continue
		}
		id, err := f.Plugin(strings.TrimSpace(line))
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
		native.WriteString("# a plugin's\n")
	}
	more, err := age.ParseIdentities(strings.NewReader(native.String()))
	if err != nil && (len(ids) == 0 || !comments(native.String())) {
		more, err = typedIdentities(native.String())
		if err != nil {
			return nil, err
		}
	}
	return append(more, ids...), nil
}

// typedIdentities returns the keys of a text that age does not take as it is: those that a
// person typed from paper. The error is a *[TypingError] or [ErrIdentityFile].
func typedIdentities(text string) ([]Identity, error) {
	var ids []Identity
	for _, chars := range typedKeys(text) {
		key, err := parseTyped(chars)
		if errors.Is(err, ErrRecoveryKey) {
			err = ErrIdentityFile
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, key.Identity())
	}
	if len(ids) == 0 {
		return nil, ErrIdentityFile
	}
	return ids, nil
}

// comments reports whether an identity file has nothing but comments and empty lines.
func comments(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\r\n"); line != "" && !strings.HasPrefix(line, "#") {
			return false
		}
	}
	return true
}

// decrypt returns the text of a passphrase-encrypted identity file.
func (f IdentityFile) decrypt() ([]byte, error) {
	if under, err := UnderPassphrase(f.Data); err != nil || !under {
		return nil, fmt.Errorf("%w: the age file is damaged, or has no passphrase", ErrIdentityFile)
	}
	passphrase, err := f.Passphrase()
	if err != nil {
		return nil, err
	}
	id, err := PassphraseIdentity(passphrase)
	if err != nil {
		return nil, ErrIdentityPassphrase // the passphrase is empty
	}
	text, err := Unseal(f.Data, id)
	switch {
	case errors.Is(err, ErrWrongKey):
		return nil, ErrIdentityPassphrase
	case err != nil:
		return nil, fmt.Errorf("%w: it is damaged", ErrIdentityFile)
	}
	return text, nil
}

// sshKey returns the identity of an SSH private key.
func (f IdentityFile) sshKey() (Identity, error) {
	id, err := agessh.ParseIdentity(f.Data)
	if err == nil {
		return id, nil
	}
	locked, ok := errors.AsType[*ssh.PassphraseMissingError](err)
	if !ok {
		if block, _ := pem.Decode(f.Data); block != nil && block.Type == "ENCRYPTED PRIVATE KEY" {
			return nil, fmt.Errorf("%w: a PKCS #8 key with a passphrase has to be converted to the OpenSSH format first", ErrIdentityFile)
		}
		return nil, ErrIdentityFile
	}
	public := locked.PublicKey
	if public == nil {
		line, err := f.PublicKey()
		if err == nil {
			public, _, _, _, err = ssh.ParseAuthorizedKey(line)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: a key of this format needs its public key beside it, in a file with .pub added to its name", ErrIdentityFile)
		}
	}
	i := &sshIdentity{passphrase: sync.OnceValues(f.Passphrase)}
	if i.key, err = agessh.NewEncryptedSSHIdentity(public, f.Data, i.ask); err != nil {
		return nil, ErrIdentityFile
	}
	return i, nil
}

// An sshIdentity is a passphrase-protected SSH key. Unlike agessh, it asks for the
// passphrase only once, even if it was wrong, and its errors can be told apart.
type sshIdentity struct {
	key        *agessh.EncryptedSSHIdentity
	passphrase func() (string, error)
	err        error // why the key could not be decrypted, or nil
}

func (i *sshIdentity) ask() ([]byte, error) {
	passphrase, err := i.passphrase()
	if i.err = err; err == nil {
		i.err = ErrIdentityPassphrase
	}
	return []byte(passphrase), err
}

// Unwrap decrypts the file key. It returns a [lockedError] if the SSH key itself could
// not be decrypted.
func (i *sshIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	i.err = nil
	fileKey, err := i.key.Unwrap(stanzas)
	if err != nil && i.err != nil && !errors.Is(err, age.ErrIncorrectIdentity) {
		return nil, lockedError{i.err}
	}
	return fileKey, err
}

// A lockedError says why an identity or a recipient could not be used: it could not be
// decrypted, or its plugin had no answer. It says nothing about the file.
type lockedError struct{ error }

func (e lockedError) Unwrap() error { return e.error }

// OpenSealed decrypts the sealed keys that the identities open, and returns each recovery
// key once. It returns an error only if an identity could not be used, as described at
// [IdentityFile.Identities] and [Plugins.ParseIdentity]. A *[PluginError] counts only if
// nothing was opened: anybody could have written a file that a plugin cannot read.
func OpenSealed(sealed [][]byte, identities ...Identity) ([]RecoveryKey, error) {
	var keys []RecoveryKey
	var refused error
	for _, data := range sealed {
		key, err := UnsealKey(data, identities...)
		if _, ok := errors.AsType[lockedError](err); ok {
			return nil, err
		}
		if fault, ok := errors.AsType[*PluginError](err); ok && refused == nil {
			refused = fault
		}
		if err == nil && !slices.ContainsFunc(keys, func(k RecoveryKey) bool { return k.ID() == key.ID() }) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, refused
	}
	return keys, nil
}

// AsRecoveryKey returns a single age identity as a recovery key. ok is false if there are
// several identities, or if the one is not an age key.
func AsRecoveryKey(identities ...Identity) (key RecoveryKey, ok bool) {
	if len(identities) != 1 {
		return key, false
	}
	id, ok := identities[0].(fmt.Stringer)
	if !ok {
		return key, false
	}
	key, err := ParseRecoveryKey(id.String())
	return key, err == nil
}
