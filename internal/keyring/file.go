package keyring

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"filippo.io/age"

	"github.com/authcli/auth/internal/atomicfile"
)

const (
	itemsFile = "keyring.age"
	keyFile   = "keyring.key"

	fileLimit    = 16 << 20 // bytes of one value
	maxItemsFile = 64 << 20 // bytes of keyring.age
	maxKeyFile   = 64 << 10 // bytes of keyring.key

	doesNotOpen = "it is cut short, altered or no age file" // age's own words quote it
)

// FileOptions says where a file keyring lies and how to open it.
type FileOptions struct {
	// Dir holds both files and is made, 0700, by [FileKeyring.Create].
	Dir string
	// Passphrase is called if the key is under a passphrase, once for as long as
	// the key file stays the same. If it is nil such a key is [ErrLocked].
	Passphrase func(context.Context) (string, error)
	// WorkFactor is scrypt's for a new passphrase, as a power of two; 0 is
	// 18, as in age. The lowest for tests is 1, the highest accepted 20.
	WorkFactor int
	// Deriving is called where the key is about to be derived from the passphrase, which
	// takes a second or two, and done when that is over. It may be nil.
	Deriving func() (done func())
	// Keeper keeps the opened key for a while after [FileKeyring.Unlock]. Nil keeps nothing.
	Keeper Keeper
}

// FileKeyring keeps items in two files for machines without a keyring of
// their own. Make one with [File].
//
// keyring.age is an age file of one JSON object, item to text. keyring.key
// beside it is the X25519 identity that opens it: an identity file as
// age-keygen writes it, or, under a passphrase, an armored age file that holds
// one. Stock age opens both, and asks for the passphrase if there is one:
//
//	age -d -i keyring.key keyring.age
//	age -d keyring.key
//
// Every change replaces a whole file. The files are 0600, and a key that is not its user's
// alone is refused ([ErrExposed]). Only the opened identity is cached, so what another
// process wrote is seen.
type FileKeyring struct {
	o      FileOptions
	mu     sync.Mutex
	opened opened

	replace func(path string, data []byte) error // replaces a file, whole or not at all
}

// opened is an identity and the bytes of the key file that it was in.
type opened struct {
	from     []byte
	identity *age.X25519Identity
	kept     bool // it was kept by the [Keeper]
}

var _ Keyring = (*FileKeyring)(nil)

// File returns the file keyring in a folder. It does not look at it yet.
func File(o FileOptions) *FileKeyring {
	return &FileKeyring{o: o, replace: func(path string, data []byte) error {
		return atomicfile.Write(path, data, atomicfile.Options{})
	}}
}

// Kind is "file".
func (k *FileKeyring) Kind() string { return "file" }

// Limit is 16 MiB.
func (k *FileKeyring) Limit() int { return fileLimit }

// Exists reports whether either file is there.
func (k *FileKeyring) Exists() bool {
	for _, name := range []string{itemsFile, keyFile} {
		if _, err := os.Lstat(k.path(name)); err == nil {
			return true
		}
	}
	return false
}

// Get returns an item's value. Errors: [ErrNotFound], also where the keyring was
// never created, [ErrWrongPassphrase], [ErrLocked], [ErrExposed], *[DamagedError] for a
// file that does not open, which wraps [ErrNoKey] if its key is missing.
func (k *FileKeyring) Get(ctx context.Context, name string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	items, _, err := k.read(ctx, name)
	if errors.Is(err, ErrNoKey) && !isDamage(err) {
		return "", ErrNotFound
	}
	if err != nil {
		return "", err
	}
	value, ok := items[name]
	if !ok {
		return "", ErrNotFound
	}
	return value, nil
}

// Set stores an item. Errors: as Get, [ErrTooBig], and [ErrNoKey] where the
// keyring was never created.
func (k *FileKeyring) Set(ctx context.Context, name, value string) error {
	if len(value) > fileLimit {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooBig, len(value), fileLimit)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	items, identity, err := k.read(ctx, name)
	if err != nil {
		return err
	}
	items[name] = value
	return k.write(items, identity.Recipient())
}

// Delete removes an item.
func (k *FileKeyring) Delete(ctx context.Context, name string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	items, identity, err := k.read(ctx, name)
	if errors.Is(err, ErrNoKey) && !isDamage(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, ok := items[name]; !ok {
		return nil
	}
	delete(items, name)
	return k.write(items, identity.Recipient())
}

// Erase removes every item at once, without opening them. The key stays.
func (k *FileKeyring) Erase(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return contextError(err)
	}
	if err := os.Remove(k.path(itemsFile)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (k *FileKeyring) path(name string) string { return filepath.Join(k.o.Dir, name) }

// read opens keyring.age. A missing one beside a key has no items.
func (k *FileKeyring) read(ctx context.Context, item string) (map[string]string, *age.X25519Identity, error) {
	if err := checkName(item); err != nil {
		return nil, nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, contextError(err)
	}
	return k.readItems(ctx)
}

// readItems opens keyring.age with the key beside it. Both may have been replaced in
// between, for another passphrase. k.mu is held.
func (k *FileKeyring) readItems(ctx context.Context) (map[string]string, *age.X25519Identity, error) {
	const tries = 10
	for try := 1; ; try++ {
		identity, err := k.identity(ctx)
		if err != nil {
			return nil, nil, err
		}
		items, err := k.open(identity)
		if !isDamage(err) || try == tries {
			return items, identity, err
		}
		if text, again := k.readKey(); again != nil || bytes.Equal(text, k.opened.from) {
			return nil, nil, err
		}
	}
}

func (k *FileKeyring) open(identity *age.X25519Identity) (map[string]string, error) {
	sealed, _, err := readBounded(k.path(itemsFile), maxItemsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]string{}, nil
	} else if err != nil {
		return nil, err
	}
	plain, err := unseal(sealed, identity)
	switch {
	case errors.Is(err, age.ErrIncorrectIdentity):
		return nil, &DamagedError{Item: itemsFile, Why: "it is sealed to another key than " + keyFile}
	case err != nil:
		return nil, &DamagedError{Item: itemsFile, Why: doesNotOpen}
	}
	var items map[string]string
	if json.Unmarshal(plain, &items) != nil || items == nil { // the error could quote a secret
		return nil, &DamagedError{Item: itemsFile, Why: "it does not hold items"}
	}
	return items, nil
}

func (k *FileKeyring) write(items map[string]string, to ...age.Recipient) error {
	plain, err := json.Marshal(items)
	if err != nil {
		return err
	}
	sealed, err := seal(plain, to...)
	if err != nil {
		return err
	}
	if len(sealed) > maxItemsFile {
		return fmt.Errorf("%w: %s would have %d bytes, at most %d", ErrTooBig, itemsFile, len(sealed), maxItemsFile)
	}
	return k.replace(k.path(itemsFile), sealed)
}

// readBounded reads a regular file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, fs.FileInfo, error) {
	info, err := os.Stat(path) // before opening: a FIFO would block
	switch {
	case err != nil:
		return nil, nil, err
	case !info.Mode().IsRegular():
		return nil, nil, &DamagedError{Item: filepath.Base(path), Why: "it is not a regular file"}
	case info.Size() > limit:
		return nil, nil, &DamagedError{Item: filepath.Base(path), Why: fmt.Sprintf("it has more than %d bytes", limit)}
	}
	data, err := atomicfile.Read(path)
	return data, info, err
}

// seal and unseal encrypt and decrypt in memory, so that nothing of a file is used
// before all of it has been authenticated.
func seal(plain []byte, to ...age.Recipient) ([]byte, error) {
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to...)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return sealed.Bytes(), nil
}

func unseal(sealed []byte, identity age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), identity)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
