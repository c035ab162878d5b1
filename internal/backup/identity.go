package backup

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"sync"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"
)

// Errors of identity files. They hold nothing of the file.
var (
	ErrIdentityFile       = errors.New("not an identity file (AGE-SECRET-KEY-1… lines, or an SSH private key: ed25519 or RSA)")
	ErrIdentityPassphrase = errors.New("wrong passphrase for the identity file, or the file is damaged")
)

// An IdentityFile is an identity file as age takes it: AGE-SECRET-KEY lines, such
// lines in an age file under a passphrase, or an SSH private key (ed25519 or RSA),
// under a passphrase or not.
type IdentityFile struct {
	Data []byte

	// Passphrase returns the passphrase of the file. It is called at most once, and
	// only where the file has one.
	Passphrase func() (string, error)

	// PublicKey returns the content of FILE.pub. It is called only for an SSH key
	// under a passphrase in PEM, a format that does not hold the public key in clear.
	PublicKey func() ([]byte, error)
}

// Identities returns the identities of the file. The passphrase of an age file is
// asked for at once; that of an SSH key when a file turns out to be for that key.
// Errors wrap [ErrIdentityFile], [ErrIdentityPassphrase] or the error of Passphrase;
// a function that uses the identity of an SSH key returns the latter two.
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
	ids, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return nil, ErrIdentityFile
	}
	return ids, nil
}

// decrypt returns the text of an identity file that is an age file under a passphrase.
func (f IdentityFile) decrypt() ([]byte, error) {
	if under, err := UnderPassphrase(f.Data); err != nil || !under {
		return nil, fmt.Errorf("%w: an age file that is damaged, or not under a passphrase", ErrIdentityFile)
	}
	passphrase, err := f.Passphrase()
	if err != nil {
		return nil, err
	}
	id, err := PassphraseIdentity(passphrase)
	if err != nil {
		return nil, ErrIdentityPassphrase // it is empty
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
			return nil, fmt.Errorf("%w: a PKCS #8 key under a passphrase is read in OpenSSH's format only", ErrIdentityFile)
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
			return nil, fmt.Errorf("%w: the key's format needs the public key beside it, in a file of the same name and .pub", ErrIdentityFile)
		}
	}
	i := &sshIdentity{passphrase: sync.OnceValues(f.Passphrase)}
	if i.key, err = agessh.NewEncryptedSSHIdentity(public, f.Data, i.ask); err != nil {
		return nil, ErrIdentityFile
	}
	return i, nil
}

// An sshIdentity is an SSH key under a passphrase. It adds to agessh that the
// passphrase is asked for once, a wrong one too, and that errors can be told apart.
type sshIdentity struct {
	key        *agessh.EncryptedSSHIdentity
	passphrase func() (string, error)
	err        error // why the key cannot be decrypted, unless it can
}

func (i *sshIdentity) ask() ([]byte, error) {
	passphrase, err := i.passphrase()
	if i.err = err; err == nil {
		i.err = ErrIdentityPassphrase
	}
	return []byte(passphrase), err
}

// Unwrap decrypts the file key. Its error is a [lockedError] where the SSH key could
// not be decrypted.
func (i *sshIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	i.err = nil
	fileKey, err := i.key.Unwrap(stanzas)
	if err != nil && i.err != nil && !errors.Is(err, age.ErrIncorrectIdentity) {
		return nil, lockedError{i.err}
	}
	return fileKey, err
}

// A lockedError says why an identity could not be decrypted: it tells nothing about
// the file that the identity was tried on.
type lockedError struct{ error }

func (e lockedError) Unwrap() error { return e.error }

// OpenSealed returns the recovery keys that the identities open among the files of sealed
// keys, each once. An error is one of [IdentityFile.Identities]: an identity that could
// not be used.
func OpenSealed(sealed [][]byte, identities ...Identity) ([]RecoveryKey, error) {
	var keys []RecoveryKey
	for _, data := range sealed {
		key, err := UnsealKey(data, identities...)
		if _, ok := errors.AsType[lockedError](err); ok {
			return nil, err
		}
		if err == nil && !slices.ContainsFunc(keys, func(k RecoveryKey) bool { return k.ID() == key.ID() }) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// AsRecoveryKey returns the recovery key that a single age identity is; ok is false for
// anything else.
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
