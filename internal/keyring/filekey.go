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
// [ErrExposed], *[DamagedError].
func (k *FileKeyring) Protected() (bool, error) {
	text, err := k.readKey()
	if err != nil {
		return false, err
	}
	_, sealed := keyText(text)
	return sealed, nil
}

// SetPassphrase makes a new key, under a new passphrase or under none if that is empty.
// The old passphrase comes from [FileOptions], also where the [Keeper] keeps the old key,
// which it forgets. The items stay as they are; a copy of the old key opens nothing that is
// written from now on. A crash leaves the old passphrase or
// the new one, and never a key in clear beside a key under a passphrase.
func (k *FileKeyring) SetPassphrase(ctx context.Context, newPassphrase string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.prove(ctx); err != nil {
		return err
	}
	items, old, err := k.readItems(ctx)
	if err != nil { // never replace a key by one that opens nothing
		return err
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	text, err := k.sealKey(identity, newPassphrase)
	if err != nil {
		return err
	}
	if again, err := openKey(text, newPassphrase); err != nil || again.String() != identity.String() {
		return errors.New("the new key does not open again, so the old one stays")
	}
	// Until the key is replaced the items open with either.
	if err := k.write(items, old.Recipient(), identity.Recipient()); err != nil {
		return err
	}
	if err := k.replaceKey(text, newPassphrase != ""); err != nil {
		return err
	}
	_ = k.forget(k.opened.from) // it opens nothing from now on, and goes when its time is over
	k.opened = opened{from: text, identity: identity}
	// If this fails the items are what the old key opened before. The next write is
	// sealed to the new one alone.
	_ = k.write(items, identity.Recipient())
	return nil
}

// replaceKey replaces the key file. A key in clear is first added to the file of the key
// under a passphrase, and takes its place by that: in a file aside, a crash would leave it
// while the passphrase still seems to be in force.
func (k *FileKeyring) replaceKey(text []byte, sealed bool) error {
	path := k.path(keyFile)
	if sealed || !bytes.HasPrefix(k.opened.from, []byte(armor.Header)) {
		return k.replace(path, text)
	}
	if err := appendFile(path, append([]byte("\n"), text...)); err != nil {
		return err
	}
	_ = k.replace(path, text) // the key counts already
	return nil
}

// appendFile adds to a file, all of data or nothing but what a crash cuts short.
func appendFile(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return errors.Join(err, f.Truncate(before.Size()))
	}
	return nil
}

// identity opens the key file, with the key that the [Keeper] keeps or asking for a
// passphrase if it has one. k.mu is held.
func (k *FileKeyring) identity(ctx context.Context) (*age.X25519Identity, error) {
	text, err := k.readKey()
	if err != nil {
		return nil, err
	}
	if k.opened.identity != nil && bytes.Equal(text, k.opened.from) {
		return k.opened.identity, nil
	}
	if _, sealed := keyText(text); sealed {
		if key, err := k.keptKey(text); err == nil {
			k.opened = opened{from: text, identity: key.identity, kept: true}
			return key.identity, nil
		}
	}
	return k.ask(ctx, text)
}

// ask opens a key file, asking for a passphrase if it has one.
func (k *FileKeyring) ask(ctx context.Context, text []byte) (*age.X25519Identity, error) {
	var passphrase string
	var err error
	if _, sealed := keyText(text); sealed {
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
	done := k.deriving(passphrase)
	identity, err := openKey(text, passphrase)
	done()
	if err != nil {
		return nil, err
	}
	k.opened = opened{from: text, identity: identity}
	return identity, nil
}

// deriving says that the key is being derived from a passphrase, if there is one, until done
// is called.
func (k *FileKeyring) deriving(passphrase string) (done func()) {
	if passphrase == "" || k.o.Deriving == nil {
		return func() {}
	}
	return k.o.Deriving()
}

func (k *FileKeyring) readKey() ([]byte, error) {
	text, info, err := readBounded(k.path(keyFile), maxKeyFile)
	if err == nil && exposed(info) != "" {
		return nil, fmt.Errorf("%w: %s: %s", ErrExposed, k.path(keyFile), exposed(info))
	}
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
	done := k.deriving(passphrase)
	sealed, err := seal(text, to)
	done()
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

// keyText returns the part of a key file that counts, and whether that is an age file,
// armored or binary, and not an identity file. A key in clear that was added to a sealed
// one counts if it is whole; see [FileKeyring.replaceKey].
func keyText(text []byte) (part []byte, sealed bool) {
	if !bytes.HasPrefix(text, []byte(armor.Header)) {
		return text, bytes.HasPrefix(text, []byte("age-encryption.org/"))
	}
	end := bytes.Index(text, []byte(armor.Footer))
	if end < 0 {
		return text, true
	}
	end += len(armor.Footer)
	if _, err := parseKey(text[end:]); err == nil {
		return text[end:], false
	}
	return text[:end], true
}

// openKey reads a key file. The passphrase is used only if the file is sealed.
func openKey(text []byte, passphrase string) (*age.X25519Identity, error) {
	text, sealed := keyText(text)
	if sealed {
		var err error
		if text, err = openSealedKey(text, passphrase); err != nil {
			return nil, err
		}
	}
	return parseKey(text)
}

// parseKey reads an identity file.
func parseKey(text []byte) (*age.X25519Identity, error) {
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
