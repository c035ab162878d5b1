package keyring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/authcli/auth/internal/atomicfile"
)

const (
	defaultWorkFactor = 18
	maxWorkFactor     = 20 // 2^20 takes seconds and 1 GiB; more is no key of ours
)

// Create makes the folder and a new key, under a passphrase unless that is
// empty. If either file exists the error is [fs.ErrExist] and nothing changes.
func (k *FileKeyring) Create(ctx context.Context, passphrase string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.Exists() {
		return fmt.Errorf("file keyring in %s: %w", k.o.Dir, fs.ErrExist)
	}
	if err := ctx.Err(); err != nil {
		return contextError(err)
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	text, err := k.sealKey(identity, passphrase)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(k.o.Dir, 0o700); err != nil {
		return err
	}
	if err := atomicfile.Write(k.path(keyFile), text, atomicfile.Options{NoReplace: true}); err != nil {
		return err
	}
	k.opened = opened{from: text, identity: identity}
	return nil
}

// Protected reports whether the key is under a passphrase. Errors: [ErrNoKey],
// *[DamagedError].
func (k *FileKeyring) Protected() (bool, error) {
	text, err := k.readKey()
	if err != nil {
		return false, err
	}
	return sealedKey(text), nil
}

// SetPassphrase puts the key under a new passphrase, or under none if that is
// empty. The old one comes from [FileOptions]. The items stay as they are. A crash
// leaves the key under the old passphrase or under the new one.
func (k *FileKeyring) SetPassphrase(ctx context.Context, newPassphrase string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	identity, err := k.identity(ctx)
	if err != nil {
		return err
	}
	if _, err := k.open(identity); err != nil { // never replace a key by one that opens nothing
		return err
	}
	text, err := k.sealKey(identity, newPassphrase)
	if err != nil {
		return err
	}
	if again, err := openKey(text, newPassphrase); err != nil || again.String() != identity.String() {
		return errors.New("the new key does not open again, so the old one stays")
	}
	if err := atomicfile.Write(k.path(keyFile), text, atomicfile.Options{}); err != nil {
		return err
	}
	k.opened = opened{from: text, identity: identity}
	return nil
}

// identity opens the key file, asking for a passphrase if it has one. k.mu is
// held.
func (k *FileKeyring) identity(ctx context.Context) (*age.X25519Identity, error) {
	text, err := k.readKey()
	if err != nil {
		return nil, err
	}
	if k.opened.identity != nil && bytes.Equal(text, k.opened.from) {
		return k.opened.identity, nil
	}
	var passphrase string
	if sealedKey(text) {
		if k.o.Passphrase == nil {
			return nil, fmt.Errorf("%w: its key is under a passphrase", ErrLocked)
		}
		if passphrase, err = k.o.Passphrase(ctx); err != nil {
			return nil, err
		}
		if passphrase == "" { // which age refuses with an error of its own
			return nil, ErrWrongPassphrase
		}
	}
	identity, err := openKey(text, passphrase)
	if err != nil {
		return nil, err
	}
	k.opened = opened{from: text, identity: identity}
	return identity, nil
}

func (k *FileKeyring) readKey() ([]byte, error) {
	text, err := readBounded(k.path(keyFile), maxKeyFile)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	if _, err := os.Lstat(k.path(itemsFile)); err == nil {
		return nil, &DamagedError{Item: itemsFile, Why: keyFile + ", the key that opens it, is missing", Err: ErrNoKey}
	}
	return nil, fmt.Errorf("%w: there is none in %s", ErrNoKey, k.o.Dir)
}

// sealKey writes an identity file, as age-keygen does but without a date, and
// seals it if there is a passphrase.
func (k *FileKeyring) sealKey(identity *age.X25519Identity, passphrase string) ([]byte, error) {
	text := fmt.Appendf(nil, "# public key: %s\n%s\n", identity.Recipient(), identity)
	if passphrase == "" {
		return text, nil
	}
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	factor := k.o.WorkFactor
	if factor == 0 {
		factor = defaultWorkFactor
	}
	to.SetWorkFactor(factor)
	sealed, err := seal(text, to)
	if err != nil {
		return nil, err
	}
	var armored bytes.Buffer
	w := armor.NewWriter(&armored)
	if _, err := w.Write(sealed); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return armored.Bytes(), nil
}

// sealedKey reports whether a key file is an age file, armored or binary, and not an
// identity file.
func sealedKey(text []byte) bool {
	return bytes.HasPrefix(text, []byte(armor.Header)) || bytes.HasPrefix(text, []byte("age-encryption.org/"))
}

// openKey parses a key file. The passphrase is used only if the file is sealed.
func openKey(text []byte, passphrase string) (*age.X25519Identity, error) {
	if sealedKey(text) {
		var err error
		if text, err = openSealedKey(text, passphrase); err != nil {
			return nil, err
		}
	}
	identities, err := age.ParseIdentities(bytes.NewReader(text))
	if err == nil && len(identities) == 1 {
		if identity, ok := identities[0].(*age.X25519Identity); ok {
			return identity, nil
		}
	}
	return nil, &DamagedError{Item: keyFile, Why: "it does not hold one age identity"}
}

func openSealedKey(text []byte, passphrase string) ([]byte, error) {
	if bytes.HasPrefix(text, []byte(armor.Header)) {
		binary, err := io.ReadAll(armor.NewReader(bytes.NewReader(text)))
		if err != nil {
			return nil, &DamagedError{Item: keyFile, Why: doesNotOpen}
		}
		text = binary
	}
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, err
	}
	identity.SetMaxWorkFactor(maxWorkFactor)
	plain, err := unseal(text, identity)
	switch {
	case errors.Is(err, age.ErrIncorrectIdentity): // age cannot tell this from a damaged header
		return nil, ErrWrongPassphrase
	case err != nil:
		return nil, &DamagedError{Item: keyFile, Why: doesNotOpen}
	}
	return plain, nil
}
