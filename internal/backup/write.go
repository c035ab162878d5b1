package backup

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/vault"
)

// ErrEmpty is returned for a backup of an empty vault to a location that already has
// backups.
var ErrEmpty = errors.New("the vault is empty, and an empty vault never replaces accounts")

// ErrCloned is returned if the location holds backups under this device's id that its
// vault never wrote. The machine was cloned, or went back to an old image. The caller
// then gives the device a new id.
var ErrCloned = errors.New("the location holds backups under this device's id that it did not write")

// A Job writes one backup into a location.
type Job struct {
	Location   location.Location
	Enrolment  Enrolment
	Written    Written
	Device     string // id
	DeviceName string
	Generation uint64
	State      *vault.State
	// OldFiles are hashes of files under earlier keys. This device vouches for them from
	// now on. The files that its newest backup under the current key vouches for are
	// added by Run.
	OldFiles []string
	Now      time.Time
	Entries  []location.Entry // a fresh listing of the location
	Thorough bool             // also make the checks that are slow on a remote

	// Record stores the list of written files. Run calls it before it writes a file.
	Record func(Written) error
	// SealedBytes returns this device's copy of a sealed key's file.
	SealedBytes func(name string) ([]byte, error)
}

// A Done says what [Job.Run] did.
type Done struct {
	File    string
	Bytes   int
	Pruned  int
	PutBack []string    // names of the sealed keys and README that were missing or altered
	Sealed  []SealedKey // every known sealed key of the location, retired ones too
}

// Run writes the backup, reads it back and opens it. Then it puts back missing sealed
// keys and removes the device's expendable files. If only that second half fails, the
// error comes with a Done whose File is set, and the backup counts.
func (j Job) Run(ctx context.Context) (Done, error) {
	entries := j.Entries
	j.Written = j.Written.upTo(j.Generation)
	if err := j.checkCloned(ctx, entries); err != nil {
		return Done{}, err
	}
	if len(j.State.Accounts()) == 0 && slices.ContainsFunc(entries, func(e location.Entry) bool { return isBackup(e.Name) }) {
		return Done{}, ErrEmpty
	}
	j.Written = j.Written.withoutGone(entries)
	h, err := j.history(ctx, entries)
	if err != nil {
		return Done{}, err
	}
	done, err := j.write(ctx, h)
	if err != nil {
		return done, err
	}
	return done, errors.Join(j.mend(ctx, entries, &done), j.prune(ctx, entries, &done))
}

// checkCloned returns [ErrCloned] if a file under this device's id has content that its
// vault does not hold. A pruned file that a sync client brought back passes: the vault
// holds its content.
func (j Job) checkCloned(ctx context.Context, entries []location.Entry) error {
	for _, e := range entries {
		n, ok := ParseFileName(e.Name)
		if !ok || n.Device != j.Device || j.Written.Has(n.Hash) || e.Missing {
			continue
		}
		f := readFile(ctx, j.Location, e, []RecoveryKey{j.Enrolment.Key})
		if f.State == Good && f.Content.Device == j.Device && !j.Written.Has(f.Hash) && !j.State.Contains(f.Content.State) {
			return ErrCloned
		}
	}
	return nil
}

// lookBack is how many of its own whole files a device joins the lists of. One would do
// if every file had been written with a look at the one before.
const lookBack = 3

// A history is what a backup lists of earlier keys.
type history struct {
	files  []string // under earlier keys, that this backup vouches for
	keys   []string
	sealed []SealedKey
}

// history returns the lists of the job, joined with those of the device's newest whole
// backups under the current key. The lists are stored in the backups, so no device has to
// remember all of them. It is an error if backups are there and none can be read now: a
// backup with shorter lists would be the newest, and what it lacks would be forgotten.
func (j Job) history(ctx context.Context, entries []location.Entry) (history, error) {
	h := history{slices.Clone(j.OldFiles), texts(j.Enrolment.OldKeys), slices.Clone(j.Enrolment.Sealed)}
	if len(h.keys) == 0 && !j.Enrolment.trimmed {
		return history{sealed: h.sealed}, nil
	}
	whole, unread := 0, error(nil)
	for _, e := range j.own(entries) {
		f := readFile(ctx, j.Location, e, []RecoveryKey{j.Enrolment.Key})
		if f.State == Unreadable || f.State == NotDownloaded {
			unread = cmp.Or(unread, fmt.Errorf("read %s, which lists earlier keys: %w", e.Name, f.Err))
		}
		if f.State != Good || f.Content.Device != j.Device {
			continue
		}
		h.join(*f.Content)
		if whole++; whole == lookBack {
			break
		}
	}
	if whole == 0 && unread != nil {
		return history{}, unread
	}
	slices.Sort(h.files)
	h.files = slices.Compact(h.files)
	return h, nil
}

// join adds what an earlier backup lists. What it lists of keys is older than what is
// there.
func (h *history) join(c Content) {
	h.files = append(h.files, c.OldFiles...)
	h.keys = append(h.keys, missing(c.OldKeys, h.keys, func(text string) string { return text })...)
	retired := slices.DeleteFunc(slices.Clone(c.Sealed), func(k SealedKey) bool { return !k.Retired })
	h.sealed = append(missing(retired, h.sealed, func(k SealedKey) string { return k.Name }), h.sealed...)
}

// missing returns those of a list that another one lacks, by their names.
func missing[T any](list, there []T, name func(T) string) []T {
	return slices.DeleteFunc(slices.Clone(list), func(x T) bool {
		return slices.ContainsFunc(there, func(y T) bool { return name(x) == name(y) })
	})
}

// own returns the files that carry this device's id in their names, newest first.
func (j Job) own(entries []location.Entry) []location.Entry {
	var own []location.Entry
	names := map[string]FileName{}
	for _, e := range entries {
		if n, ok := ParseFileName(e.Name); ok && n.Device == j.Device {
			own, names[e.Name] = append(own, e), n
		}
	}
	slices.SortFunc(own, func(a, b location.Entry) int {
		x, y := names[a.Name], names[b.Name]
		return cmp.Or(cmp.Compare(y.Generation, x.Generation), y.Time.Compare(x.Time))
	})
	return own
}

func (j Job) write(ctx context.Context, h history) (Done, error) {
	key := j.Enrolment.Key
	payload, err := key.Encode(Content{
		Device: j.Device, DeviceName: j.DeviceName, Generation: j.Generation, Created: j.Now, State: j.State,
		Supersedes: j.Written.hashes(), Sealed: h.sealed, OldKeys: h.keys, OldFiles: h.files,
	})
	if err != nil {
		return Done{}, err
	}
	recipient, err := ParseRecipient(key.Recipient())
	if err != nil {
		return Done{}, err
	}
	data, err := Seal(payload, SealTo(recipient))
	if err != nil {
		return Done{}, err
	}
	if err := key.opens(data, payload); err != nil {
		return Done{}, err
	}
	short := HashOf(data)[:shortHash]
	if err := j.Record(append(slices.Clip(j.Written), WrittenFile{short, j.Generation})); err != nil {
		return Done{}, err
	}
	name := FileName{j.Device, j.Now, j.Generation, short}.String()
	// Create reads back what it wrote and compares it with data, which decrypts.
	if err := j.Location.Create(ctx, name, data); err != nil {
		return Done{}, err
	}
	return Done{File: name, Bytes: len(data)}, nil
}

// opens checks that a file decrypts to a payload.
func (k RecoveryKey) opens(data, payload []byte) error {
	switch opened, err := Unseal(data, k.Identity()); {
	case err != nil:
		return fmt.Errorf("the backup does not decrypt: %w", err)
	case !bytes.Equal(opened, payload):
		return errors.New("the backup decrypts to something else than was written")
	default:
		return nil
	}
}

// prune removes this device's expendable files. It reads each one first, and removes it
// only if it is whole and the device's own.
func (j Job) prune(ctx context.Context, entries []location.Entry, done *Done) error {
	var own []FileName
	names := map[FileName]string{}
	for _, e := range entries {
		if n, ok := ParseFileName(e.Name); ok && n.Device == j.Device && n.String() == e.Name && !e.Missing {
			own = append(own, n)
			names[n] = e.Name
		}
	}
	if n, ok := ParseFileName(done.File); ok {
		own = append(own, n)
	}
	keep := append(slices.Clip(j.Written), WrittenFile{HashOfName(done.File), j.Generation})
	for _, n := range Expendable(own) {
		name := names[n]
		f := readFile(ctx, j.Location, location.Entry{Name: name}, j.Enrolment.Keys().All())
		if name == "" || f.State != Good || f.Content.Device != j.Device || !j.Written.Has(f.Hash) {
			continue
		}
		if err := j.Location.Remove(ctx, name); err != nil {
			return fmt.Errorf("remove an old backup: %w", err)
		}
		done.Pruned++
		keep = slices.DeleteFunc(keep, func(f WrittenFile) bool { return f.Hash == n.Hash })
	}
	if done.Pruned == 0 {
		return nil
	}
	return j.Record(keep)
}

// HashOfName returns the hash in a backup file's name; empty if the name has none.
func HashOfName(name string) string {
	n, _ := ParseFileName(name)
	return n.Hash
}
