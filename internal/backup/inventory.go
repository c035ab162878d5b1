package backup

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/authcli/auth/internal/backup/location"
)

// A FileState says what one file of a location is.
type FileState string

// What a file can be.
const (
	Good          FileState = "good"           // ours, whole and signed
	Unsigned      FileState = "unsigned"       // opens, but nothing proves who wrote it
	Damaged       FileState = "damaged"        // cut, altered, or half delivered
	OtherKey      FileState = "other key"      // none of our keys opens it
	OldKey        FileState = "old key"        // under a rotated key, and no backup vouches for it
	Foreign       FileState = "foreign"        // not a backup of auth
	TooNew        FileState = "newer format"   // written by a later version of auth
	NotDownloaded FileState = "not downloaded" // still in the cloud, not on this machine
	Unreadable    FileState = "unreadable"
)

// A File is one file of a location that may be a backup.
type File struct {
	Name    string
	Size    int64
	Hash    string
	State   FileState
	Content *Content // nil unless the state is Good or Unsigned
	Key     string   // id of the key that opened it
	Err     error
}

// Device returns the id of the device that wrote the file. It is taken from the content,
// or from the file's name if the file does not open.
func (f File) Device() string {
	if f.Content != nil {
		return f.Content.Device
	}
	n, _ := ParseFileName(f.Name)
	return n.Device
}

// An Inventory is what was found in a location.
type Inventory struct {
	Files   []File
	Sealed  []location.Entry // every file with the name of a sealed key
	Entries []location.Entry // every file
}

// readers is how many files are read in parallel. A remote takes a tenth of a second or
// more for each.
const readers = 4

// Keys are the recovery keys that a location is read with.
type Keys struct {
	// Current are the keys whose signature alone makes a file count. Usually there is
	// one. There are several if the same secret opened several keys.
	Current []RecoveryKey
	// Old are the keys that were rotated away. The backups name further ones. A file
	// under an old key counts only if a backup under a current key vouches for it,
	// because somebody who found the old key could have written others.
	Old []RecoveryKey
}

// Keys returns the keys of the enrolment: the current one and the old ones.
func (e Enrolment) Keys() Keys { return Keys{Current: []RecoveryKey{e.Key}, Old: e.OldKeys} }

// All returns every key, current ones first.
func (k Keys) All() []RecoveryKey { return slices.Concat(k.Current, k.Old) }

// current reports whether the key with this id is a current one.
func (k Keys) current(id string) bool {
	return slices.ContainsFunc(k.Current, func(key RecoveryKey) bool { return key.ID() == id })
}

// Has reports whether k includes the key with this id.
func (k Keys) Has(id string) bool {
	return slices.ContainsFunc(k.All(), func(key RecoveryKey) bool { return key.ID() == id })
}

// ReadInventory reads every file of a location that may be a backup. It returns an error
// only if the location cannot be listed or the context ends.
func ReadInventory(ctx context.Context, loc location.Location, keys Keys) (Inventory, error) {
	return readInventory(ctx, loc, keys, func(wanted []location.Entry) ([]location.Entry, []File) {
		return wanted, readAll(ctx, loc, wanted, keys.All())
	})
}

// readInventory is ReadInventory for the files that read chooses to read. read returns
// the entries that it read, and a File for each.
func readInventory(ctx context.Context, loc location.Location, keys Keys,
	read func([]location.Entry) ([]location.Entry, []File),
) (Inventory, error) {
	entries, err := loc.List(ctx)
	if err != nil {
		return Inventory{}, err
	}
	inv := Inventory{Entries: entries}
	var wanted []location.Entry
	for _, e := range entries {
		switch {
		case isSealed(e.Name):
			inv.Sealed = append(inv.Sealed, e)
		case isBackup(e.Name):
			wanted = append(wanted, e)
		}
	}
	wanted, inv.Files = read(wanted)
	inv.readOld(ctx, loc, wanted, keys)
	slices.SortFunc(inv.Files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return inv, ctx.Err()
}

// readOld reads the files under the old keys that the backups themselves name. It then
// rejects the files under old keys that no backup vouches for. The others erase nothing.
func (inv *Inventory) readOld(ctx context.Context, loc location.Location, wanted []location.Entry, keys Keys) {
	known := map[string]bool{}
	for _, f := range inv.Files {
		if f.State != Good || !keys.current(f.Key) {
			continue
		}
		// By superseding its own earlier files, a device vouches for them.
		for _, hash := range slices.Concat(f.Content.OldFiles, f.Content.Supersedes) {
			known[hash[:min(len(hash), shortHash)]] = true
		}
		for _, text := range f.Content.OldKeys {
			if key, err := ParseRecoveryKey(text); err == nil && !keys.Has(key.ID()) {
				keys.Old = append(keys.Old, key)
			}
		}
	}
	for i, f := range inv.Files {
		if f.State == OtherKey && len(keys.Old) > 0 {
			inv.Files[i] = readFile(ctx, loc, wanted[i], keys.All())
		}
		switch f = inv.Files[i]; {
		case f.State != Good || keys.current(f.Key):
		case known[f.Hash[:shortHash]]:
			// The rotation may have been because of the device that wrote it. A device that went
			// on under the current key says itself what it erased.
			f.Content.State = f.Content.State.WithoutPurges()
		default:
			inv.Files[i].State, inv.Files[i].Err, inv.Files[i].Content = OldKey, ErrOldKey, nil
		}
	}
}

// readAll reads files in parallel.
func readAll(ctx context.Context, loc location.Location, wanted []location.Entry, keys []RecoveryKey) []File {
	files := make([]File, len(wanted))
	next := make(chan int)
	var all sync.WaitGroup
	for range readers {
		all.Go(func() {
			for i := range next {
				files[i] = readFile(ctx, loc, wanted[i], keys)
			}
		})
	}
	for i := range wanted {
		next <- i
	}
	close(next)
	all.Wait()
	return files
}

func readFile(ctx context.Context, loc location.Location, e location.Entry, keys []RecoveryKey) File {
	f := File{Name: e.Name, Size: e.Size, State: NotDownloaded, Err: location.ErrNotDownloaded}
	if e.Missing {
		return f
	}
	data, err := loc.Read(ctx, e.Name)
	if err != nil {
		f.Err = err
		if !errors.Is(err, location.ErrNotDownloaded) {
			f.State = Unreadable
		}
		return f
	}
	f.Hash = HashOf(data)
	f.State, f.Err = Foreign, ErrForeign
	for _, key := range keys {
		payload, err := Unseal(data, key.Identity())
		if err == nil {
			f.Key = key.ID()
			f.read(payload, key)
			return f
		}
		f.State, f.Err = stateOf(err), err
		if !errors.Is(err, ErrWrongKey) {
			return f
		}
	}
	return f
}

// read decodes a decrypted payload and sets the file's state.
func (f *File) read(payload []byte, key RecoveryKey) {
	content, err := Decode(payload)
	if err != nil {
		f.State, f.Err = stateOf(err), err
		return
	}
	f.Content, f.State, f.Err = &content, Good, nil
	if !key.Signed(payload) {
		f.State, f.Err = Unsigned, ErrUnsigned
	}
}

func stateOf(err error) FileState {
	switch {
	case errors.Is(err, ErrWrongKey):
		return OtherKey
	case errors.Is(err, ErrNewer):
		return TooNew
	case errors.Is(err, ErrForeign):
		return Foreign
	default:
		return Damaged
	}
}

// ErrUnsigned is returned for a backup in a location that has no valid signature.
// Anybody who knows the location's recipient could have written it.
var ErrUnsigned = errors.New("the backup has no valid signature of the recovery key")

// ErrOldKey is returned for a backup under an old key that no backup under the current
// key lists.
var ErrOldKey = errors.New("the backup is encrypted to an old recovery key, and was not there when that key was replaced")

// Skipped returns the files that could not be used. It leaves out the good ones, and the
// unsigned ones too if unsigned is true.
func (inv Inventory) Skipped(unsigned bool) []File {
	var skipped []File
	for _, f := range inv.Files {
		if f.State != Good && (f.State != Unsigned || !unsigned) {
			skipped = append(skipped, f)
		}
	}
	return skipped
}
