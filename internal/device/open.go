package device

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/authcli/auth/internal/backup"
	"github.com/authcli/auth/internal/backup/location"
)

// An IdentityFile is a file of keys, as [backup.IdentityFile] takes it: recovery keys, or
// keys that open sealed ones.
type IdentityFile struct {
	Name      string
	Data      []byte
	PublicKey func() ([]byte, error) // returns the content of FILE.pub
	// Ask, if set, returns what Data would have. It is called once the location is there, so
	// that nobody types much for nothing. Its errors are returned as they are.
	Ask func(ctx context.Context) ([]byte, error)
}

// A KeySource says what is to open a location's recovery key.
type KeySource struct {
	// Identities are files of keys; none: the passphrase is asked for.
	Identities []IdentityFile
	// KeyID is the id of the recovery key that is meant; empty where the user did not say.
	KeyID string
}

// An opened is what a passphrase or a file opened of a location.
type opened struct {
	key backup.RecoveryKey
	// equal are other keys that the same secret opened, each with backups of its own: two
	// devices had turned backup on apart.
	equal []backup.RecoveryKey
	// superseded says that a newer key has taken the place of key. No device is ever
	// enrolled on such a key.
	superseded bool
	// inventory is the newest files, read with key and equal.
	inventory backup.Inventory
	// successions are those that the keys open which were found, and those that were held.
	successions backup.SuccessionOrder
}

// keys returns the keys to read the location with.
func (o opened) keys() backup.Keys {
	return backup.Keys{Current: append([]backup.RecoveryKey{o.key}, o.equal...)}
}

// fits reports whether a backup lies under the key.
func (o opened) fits() bool {
	return slices.ContainsFunc(o.inventory.Files, func(f backup.File) bool { return f.Key == o.key.ID() })
}

// A candidate is a recovery key that something opened.
type candidate struct {
	key backup.RecoveryKey
	// vouched says that a secret opened the key: a passphrase, or the recovery key itself
	// on paper. Anybody can encrypt a key of their own to a public key, so a key that a
	// further key opened has to be confirmed.
	vouched   bool
	inventory backup.Inventory
	backups   int // good files under it
	replaced  bool
}

// maxTried is how many sealed keys are tried with a passphrase: each takes a second and
// a quarter of a gigabyte, and whoever can write to the location can plant more.
const maxTried = 8

// openKey opens a recovery key of a location, but none of those that are held already.
// mine are keys of this device, which may know of newer ones.
func (d *Device) openKey(ctx context.Context, loc location.Location, entries []location.Entry, mine []backup.RecoveryKey, from KeySource) (opened, error) {
	held := map[string]bool{}
	for _, key := range mine {
		held[key.ID()] = true
	}
	sealed, err := readSealed(ctx, loc, entries, func(id string) bool {
		return !held[id] && (from.KeyID == "" || id == from.KeyID)
	})
	if err != nil {
		return opened{}, err
	}
	if len(sealed) == 0 && !slices.ContainsFunc(entries, func(e location.Entry) bool { return filepath.Ext(e.Name) == ".age" }) {
		return opened{}, locationError(loc, ErrNoBackups)
	}
	var candidates []candidate
	switch {
	case len(from.Identities) > 0:
		candidates, err = d.openWithFiles(ctx, from.Identities, sealed)
	case len(sealed) == 0 && from.KeyID != "":
		err = fmt.Errorf("%w: %s", ErrOtherKeyID, from.KeyID)
	case len(sealed) == 0:
		err = ErrNoSealedKeys
	default:
		candidates, err = d.openWithPassphrase(ctx, sealed)
	}
	if err != nil {
		return opened{}, err
	}
	if from.KeyID != "" {
		candidates = slices.DeleteFunc(candidates, func(c candidate) bool { return c.key.ID() != from.KeyID })
		if len(candidates) == 0 {
			return opened{}, fmt.Errorf("%w: %s", ErrOtherKeyID, from.KeyID)
		}
	}
	order, err := d.weigh(ctx, loc, candidates, mine)
	if err != nil {
		return opened{}, err
	}
	o, err := d.choose(ctx, candidates, from.KeyID != "")
	o.successions = order
	return o, err
}

// openWithPassphrase asks for the passphrase, and opens what is under it.
func (d *Device) openWithPassphrase(ctx context.Context, sealed [][]byte) (candidates []candidate, err error) {
	err = d.tryPassphrases(ctx, OpenLocation, func(id backup.Identity) error {
		candidates, err = openWithPassphrase(id, sealed)
		return err
	})
	return candidates, err
}

// openWithPassphrase tries a passphrase on the sealed keys that are under one.
func openWithPassphrase(id backup.Identity, sealed [][]byte) ([]candidate, error) {
	var candidates []candidate
	var first error
	tried := 0
	for _, data := range sealed {
		under, err := backup.UnderPassphrase(data)
		if err == nil && !under {
			continue
		}
		if err == nil {
			if tried++; tried > maxTried {
				first = cmp.Or(first, backup.ErrWrongKey)
				break
			}
			var key backup.RecoveryKey
			if key, err = backup.UnsealKey(data, id); err == nil {
				candidates = addCandidate(candidates, candidate{key: key, vouched: true})
				continue
			}
		}
		// A damaged sealed key says more than a passphrase that does not fit it.
		if first == nil || errors.Is(first, backup.ErrWrongKey) {
			first = err
		}
	}
	switch {
	case len(candidates) > 0:
		return candidates, nil
	case tried > maxTried:
		return nil, fmt.Errorf("%w: %w", ErrManySealedKeys, first)
	default:
		return nil, cmp.Or(first, backup.ErrWrongKey)
	}
}

// maxTries is how often a passphrase is asked for.
const maxTries = 3

// tryPassphrases asks for a passphrase and opens something with it, and asks again where
// it was wrong.
func (d *Device) tryPassphrases(ctx context.Context, kind PurposeKind, open func(backup.Identity) error) error {
	var wrong error
	for n := range maxTries {
		typed, err := d.o.Asker.Passphrase(ctx, Purpose{Kind: kind, Wrong: n})
		if errors.Is(err, ErrNoOther) && wrong != nil {
			return wrong
		}
		if err != nil {
			return err
		}
		id, err := backup.PassphraseIdentity(typed)
		if err != nil {
			return err
		}
		done := d.deriving()
		wrong = open(id)
		done()
		if !errors.Is(wrong, backup.ErrWrongKey) {
			return wrong
		}
	}
	return wrong
}

// deriving says that a key is being derived, until done is called.
func (d *Device) deriving() (done func()) {
	if d.o.Deriving == nil {
		return func() {}
	}
	return d.o.Deriving()
}

// openWithFiles returns the recovery keys that the files are or open.
func (d *Device) openWithFiles(ctx context.Context, files []IdentityFile, sealed [][]byte) ([]candidate, error) {
	var candidates []candidate
	var refused error
	for _, file := range files {
		ids, err := d.identities(ctx, file)
		if err != nil {
			return nil, err
		}
		if key, ok := backup.AsRecoveryKey(ids...); ok {
			candidates = addCandidate(candidates, candidate{key: key, vouched: true})
		}
		keys, err := backup.OpenSealed(sealed, ids...)
		if fault, ok := errors.AsType[*backup.PluginError](err); ok && !errors.Is(err, backup.ErrPluginSilent) {
			refused = cmp.Or[error](refused, fault) // another file may do
		} else if err != nil {
			return nil, about(file, err)
		}
		for _, key := range keys {
			candidates = addCandidate(candidates, candidate{key: key})
		}
	}
	if len(candidates) == 0 {
		return nil, cmp.Or(refused, backup.ErrWrongKey)
	}
	return candidates, nil
}

// addCandidate adds a key once; it is vouched for where anything secret opened it.
func addCandidate(list []candidate, c candidate) []candidate {
	for i := range list {
		if list[i].key.ID() == c.key.ID() {
			list[i].vouched = list[i].vouched || c.vouched
			return list
		}
	}
	return append(list, c)
}

// weigh finds out which backups lie under each key, and whether a newer key has taken its
// place: the backups under a key name those before it, and successions say it of any. It
// returns the successions.
func (d *Device) weigh(ctx context.Context, loc location.Location, candidates []candidate, mine []backup.RecoveryKey) (backup.SuccessionOrder, error) {
	known := slices.Clone(mine)
	before := map[string]bool{}
	for i := range candidates {
		c := &candidates[i]
		var err error
		if c.inventory, err = d.read(ctx, backup.ReadNewest, loc, backup.Keys{Current: []backup.RecoveryKey{c.key}}); err != nil {
			return nil, err
		}
		known = append(known, c.key)
		for _, f := range c.inventory.Files {
			if f.State != backup.Good || f.Key != c.key.ID() {
				continue
			}
			c.backups++
			for _, text := range f.Content.OldKeys {
				if key, err := backup.ParseRecoveryKey(text); err == nil {
					known, before[key.ID()] = append(known, key), true
				}
			}
		}
	}
	if len(candidates) == 0 {
		return nil, nil
	}
	order := backup.ReadSuccessions(ctx, loc, candidates[0].inventory.Entries, known, "").At(d.o.Now())
	for i := range candidates {
		id := candidates[i].key.ID()
		current := order.Current(id)
		// Of two rotations at once the older one may be all that has arrived.
		lost := order.Replaced(id) || current != id && len(sealedOf(candidates[0].inventory.Sealed, current)) > 0
		candidates[i].replaced = before[id] && !order.Returned(id) || lost
	}
	return order, nil
}

// choose picks one of the candidates. It prefers a key with backups, then one that was
// not replaced, then one that is vouched for.
func (d *Device) choose(ctx context.Context, candidates []candidate, named bool) (opened, error) {
	prefer := func(good func(candidate) bool) {
		if slices.ContainsFunc(candidates, good) {
			candidates = slices.DeleteFunc(candidates, func(c candidate) bool { return !good(c) })
		}
	}
	prefer(func(c candidate) bool { return c.backups > 0 })
	prefer(func(c candidate) bool { return !c.replaced })
	prefer(func(c candidate) bool { return c.vouched })
	if !named && !candidates[0].vouched {
		if err := d.confirmKey(ctx, candidates); err != nil {
			return opened{}, err
		}
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(newest(b.inventory).Compare(newest(a.inventory)), strings.Compare(a.key.ID(), b.key.ID()))
	})
	o := opened{key: candidates[0].key, superseded: candidates[0].replaced, inventory: candidates[0].inventory}
	for _, c := range candidates[1:] {
		if c.vouched && c.backups > 0 {
			o.equal = append(o.equal, c.key)
		}
	}
	return o, nil
}

// confirmKey asks whether a key that only a further key opened is the location's.
func (d *Device) confirmKey(ctx context.Context, candidates []candidate) error {
	var ids []string
	for _, c := range candidates {
		ids = append(ids, c.key.ID())
	}
	if len(ids) > 1 {
		return &SeveralKeysError{ids}
	}
	return d.confirm(ctx, Question{Kind: AdoptKey, Name: ids[0]})
}

// newest returns when the newest good file of an inventory was written.
func newest(inv backup.Inventory) (at time.Time) {
	for _, f := range inv.Files {
		if f.State == backup.Good && f.Content.Created.After(at) {
			at = f.Content.Created
		}
	}
	return at
}

// identities returns the keys in a file. The passphrase of a file is asked for when it
// is needed. An error is an *[InputError] where it is the file's.
func (d *Device) identities(ctx context.Context, file IdentityFile) ([]backup.Identity, error) {
	if file.Ask != nil {
		data, err := file.Ask(ctx)
		if err != nil {
			return nil, err
		}
		file.Data = data
	}
	ids, err := backup.IdentityFile{
		Data: file.Data, PublicKey: file.PublicKey,
		Passphrase: func() (string, error) {
			return d.o.Asker.Passphrase(ctx, Purpose{Kind: OpenIdentity, Name: file.Name})
		},
		Plugin: func(line string) (backup.Identity, error) { return d.plugins().ParseIdentity(ctx, line) },
	}.Identities()
	return ids, about(file, err)
}

// plugins returns the plugins of age on this machine.
func (d *Device) plugins() backup.Plugins {
	return backup.Plugins{
		LookPath: d.o.LookPath, Person: d.o.PluginPerson, Traced: d.o.Getenv("AGEDEBUG") == "plugin",
	}
}

// about names the file that an error of its content is about.
func about(file IdentityFile, err error) error {
	_, mistyped := errors.AsType[*backup.TypingError](err)
	if mistyped || errors.Is(err, backup.ErrIdentityFile) || errors.Is(err, backup.ErrIdentityPassphrase) {
		return &InputError{file.Name, err}
	}
	return err
}

// readSealed reads the sealed keys among a location's entries whose key's id, by their
// name, is wanted: first those of keys that no succession names as replaced, since only
// so many are tried. Copies of one that a sync client made count once. One that cannot be
// read is an error only where there is no other.
func readSealed(ctx context.Context, loc location.Location, entries []location.Entry, wanted func(id string) bool) ([][]byte, error) {
	var keys [][]byte
	var first error
	replaced := backup.NamedReplaced(entries)
	for _, e := range slices.Concat(
		sealedWith(entries, func(id string) bool { return wanted(id) && !replaced[id] }),
		sealedWith(entries, func(id string) bool { return wanted(id) && replaced[id] }),
	) {
		data, err := []byte(nil), location.ErrNotDownloaded
		if !e.Missing {
			data, err = loc.Read(ctx, e.Name)
		}
		if err != nil {
			first = cmp.Or(first, fmt.Errorf("read %s: %w", e.Name, err))
			continue
		}
		if !slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, data) }) {
			keys = append(keys, data)
		}
	}
	if len(keys) > 0 {
		first = nil
	}
	return keys, first
}
