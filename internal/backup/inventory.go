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
	OtherKey      FileState = "other key"      // no key that is held opens it
	OldKey        FileState = "old key"        // under a key that was rotated away, and no backup vouches for it
	Foreign       FileState = "foreign"        // no backup at all
	TooNew        FileState = "newer format"   // of a later version of auth
	NotDownloaded FileState = "not downloaded" // the cloud has it, this machine does not
	Unreadable    FileState = "unreadable"
)

// A File is one file of a location that may be a backup.
type File struct {
	Name    string
	Size    int64
	Hash    string
	State   FileState
	Content *Content // where it opens: Good and Unsigned
	Key     string   // the id of the key that opened it
	Err     error
}

// Device returns the device that wrote the file: what it says, or where it does
// not open what its name says.
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
	Sealed  []location.Entry // the files named as sealed keys
	Entries []location.Entry // every file
}

// readers is how many files are read at once: a remote takes a tenth of a second
// and more for each.
const readers = 4

// Keys are the recovery keys that a location is read with.
type Keys struct {
	// Current are the keys whose files count by their signature alone: the current key,
	// and rarely others that the same secret opened.
	Current []RecoveryKey
	// Old are the keys before. Backups name such keys, too. A file under one of them
	// counts only where a backup under a current key vouches for it: whoever found an
	// old key may have written others.
	Old []RecoveryKey
}

// Keys returns the current key of the enrolment and those before it, to read with.
func (e Enrolment) Keys() Keys { return Keys{Current: []RecoveryKey{e.Key}, Old: e.OldKeys} }

// All returns every key, current ones first.
func (k Keys) All() []RecoveryKey { return slices.Concat(k.Current, k.Old) }

// current reports whether a key is a current one, by its id.
func (k Keys) current(id string) bool {
	return slices.ContainsFunc(k.Current, func(key RecoveryKey) bool { return key.ID() == id })
}

// Has reports whether a key is among them, by its id.
func (k Keys) Has(id string) bool {
	return slices.ContainsFunc(k.All(), func(key RecoveryKey) bool { return key.ID() == id })
}

// Take reads every file of a location that may be a backup. It returns an error only
// where the location cannot be listed, or time ran out.
func Take(ctx context.Context, loc location.Location, keys Keys) (Inventory, error) {
	return take(ctx, loc, keys, func(wanted []location.Entry) ([]location.Entry, []File) {
		return wanted, readAll(ctx, loc, wanted, keys.All())
	})
}

// take is Take, with read to choose what is read.
func take(ctx context.Context, loc location.Location, keys Keys,
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

// readOld reads the files under the keys that the backups themselves name, and
// judges those under any but a current key.
func (inv *Inventory) readOld(ctx context.Context, loc location.Location, wanted []location.Entry, keys Keys) {
	known := map[string]bool{}
	for _, f := range inv.Files {
		if f.State != Good || !keys.current(f.Key) {
			continue
		}
		// A device vouches for the files that it wrote itself by superseding them.
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
		if f = inv.Files[i]; f.State == Good && !keys.current(f.Key) && !known[f.Hash[:shortHash]] {
			inv.Files[i].State, inv.Files[i].Err, inv.Files[i].Content = OldKey, ErrOldKey, nil
		}
	}
}

// readAll reads several files at once.
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

// read judges an opened payload.
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

// ErrUnsigned is the error of a backup in a location that has no valid signature:
// anybody who knows the location's recipient could have written it.
var ErrUnsigned = errors.New("the backup has no valid signature of the recovery key")

// ErrOldKey is the error of a backup under a key that was rotated away, and that no
// backup under the new one lists.
var ErrOldKey = errors.New("the backup is under a key that was rotated away, and was not there when it was")

// Skipped returns the files that may hold something and could not be used, in
// words for each: all but good ones, and unsigned ones where those are accepted.
func (inv Inventory) Skipped(unsigned bool) []File {
	var skipped []File
	for _, f := range inv.Files {
		if f.State != Good && (f.State != Unsigned || !unsigned) {
			skipped = append(skipped, f)
		}
	}
	return skipped
}
