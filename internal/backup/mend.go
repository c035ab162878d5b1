package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/authcli/auth/internal/backup/location"
)

// Mend puts back the sealed keys and the README if they are missing or altered. It writes
// nothing else. Run does the same after each backup.
func (j Job) Mend(ctx context.Context) (Done, error) {
	var done Done
	err := j.mend(ctx, j.Entries, &done)
	return done, err
}

// mend is Mend with a listing of the location. It never puts a retired sealed key back,
// and removes one that is there. If another device has retired a key, that device's
// backups say so. Where no other sealed key opens the recovery key with a passphrase, a
// retired one that does stays: the one that took its place may have gone with a device
// that was lost before it had brought it here, and an older passphrase is better than none.
// It is not put back, since whoever knows that passphrase could have it by deleting others.
func (j Job) mend(ctx context.Context, entries []location.Entry, done *Done) error {
	there := map[string]location.Entry{}
	for _, e := range entries {
		there[e.Name] = e
	}
	done.Sealed = slices.Clone(j.Enrolment.Sealed)
	wrong := map[string]bool{}
	for _, sealed := range done.Sealed {
		e, found := there[sealed.Name]
		wrong[sealed.Name] = !sealed.Retired && (!found || !j.intact(ctx, e, sealed))
	}
	if slices.ContainsFunc(done.Sealed, func(k SealedKey) bool { return wrong[k.Name] }) {
		if err := j.learnRetired(ctx, done.Sealed); err != nil {
			return err
		}
	}
	var errs []error
	for _, sealed := range done.Sealed {
		if sealed.Retired {
			continue
		}
		if wrong[sealed.Name] {
			if err := j.putBack(ctx, sealed); err != nil {
				errs = append(errs, fmt.Errorf("%s is missing or altered at the location: %w", sealed.Name, err))
				continue
			}
			done.PutBack = append(done.PutBack, sealed.Name)
		}
	}
	errs = append(errs, j.mendRetired(ctx, there, done))
	errs = append(errs, j.readme(ctx, there, done))
	return errors.Join(errs...)
}

// mendRetired removes retired sealed keys, but for the last ones that open the recovery key
// with a passphrase.
func (j Job) mendRetired(ctx context.Context, there map[string]location.Entry, done *Done) error {
	retired := slices.DeleteFunc(slices.Clone(done.Sealed), func(k SealedKey) bool { return !k.Retired })
	if len(retired) == 0 {
		return nil
	}
	last := !j.othersOpen(ctx, there, done)
	var errs []error
	for _, sealed := range retired {
		if _, found := there[sealed.Name]; found && (!last || !j.opens(ctx, sealed)) {
			errs = append(errs, j.Location.Remove(ctx, sealed.Name))
		}
	}
	return errors.Join(errs...)
}

// othersOpen reports whether a sealed key at the location that is not retired opens the
// recovery key with a passphrase. Another device may have written it, so that this one has
// not learned of it yet.
func (j Job) othersOpen(ctx context.Context, there map[string]location.Entry, done *Done) bool {
	listed := map[string]bool{} // names, and hashes: a copy under another name is no other key
	for _, sealed := range done.Sealed {
		listed[sealed.Name], listed[sealed.Hash] = true, true
		_, found := there[sealed.Name]
		if !sealed.Retired && (found || slices.Contains(done.PutBack, sealed.Name)) && j.opens(ctx, sealed) {
			return true
		}
	}
	for name := range there {
		if listed[name] {
			continue
		}
		if id, ok := SealedKeyID(name); !ok || id != j.Enrolment.Key.ID() {
			continue
		}
		data, err := j.Location.Read(ctx, name)
		if err != nil || listed[HashOf(data)] {
			continue
		}
		if under, err := UnderPassphrase(data); err == nil && under {
			return true
		}
	}
	return false
}

// opens reports whether a sealed key gives whoever has its passphrase the recovery key in
// use. It goes by the copy of this device, or by the location where there is none.
func (j Job) opens(ctx context.Context, sealed SealedKey) bool {
	if id, ok := SealedKeyID(sealed.Name); !ok || id != j.Enrolment.Key.ID() {
		return false
	}
	data, err := j.SealedBytes(sealed.Name)
	if err != nil || HashOf(data) != sealed.Hash {
		if data, err = j.Location.Read(ctx, sealed.Name); err != nil || HashOf(data) != sealed.Hash {
			return false
		}
	}
	under, err := UnderPassphrase(data)
	return err == nil && under
}

// intact reports whether a sealed key at the location is as it was written. Reading one
// from a remote is slow, so there only its size is compared unless j.Thorough is set.
func (j Job) intact(ctx context.Context, e location.Entry, sealed SealedKey) bool {
	if j.Location.Local() || j.Thorough {
		data, err := j.Location.Read(ctx, sealed.Name)
		return err == nil && HashOf(data) == sealed.Hash
	}
	data, err := j.SealedBytes(sealed.Name)
	return err != nil || e.Size < 0 || e.Size == int64(len(data))
}

// learnRetired marks those of the sealed keys as retired that a backup at the location
// lists as retired.
func (j Job) learnRetired(ctx context.Context, sealed []SealedKey) error {
	inv, err := ReadInventory(ctx, j.Location, j.Enrolment.Keys())
	if err != nil {
		return err
	}
	for _, f := range inv.Files {
		if f.State != Good {
			continue
		}
		for _, k := range f.Content.Sealed {
			if at := slices.IndexFunc(sealed, func(s SealedKey) bool { return s.Name == k.Name }); at >= 0 && k.Retired {
				sealed[at].Retired = true
			}
		}
	}
	return nil
}

func (j Job) putBack(ctx context.Context, sealed SealedKey) error {
	data, err := j.SealedBytes(sealed.Name)
	if err != nil || HashOf(data) != sealed.Hash {
		return errors.New("this device has no copy to put back; another enrolled device may have one")
	}
	return j.Location.Replace(ctx, sealed.Name, data)
}

// readme writes the README if it is missing or altered. It leaves somebody else's
// README.txt alone, and writes ours under a second name.
func (j Job) readme(ctx context.Context, there map[string]location.Entry, done *Done) error {
	want := Readme(j.Enrolment.Key)
	for _, name := range []string{readmeName, readmeBeside} {
		e, found := there[name]
		if !found {
			return j.Location.Replace(ctx, name, []byte(want))
		}
		if !j.Location.Local() && !j.Thorough && e.Size == int64(len(want)) {
			return nil
		}
		data, err := j.Location.Read(ctx, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		// A sync client or an editor may have changed the line endings.
		have := strings.ReplaceAll(string(data), "\r\n", "\n")
		if have == want {
			return nil
		}
		if name == readmeName && !strings.Contains(have, readmeOurs) {
			continue
		}
		if err := j.Location.Replace(ctx, name, []byte(want)); err != nil {
			return fmt.Errorf("%s is altered at the location: %w", name, err)
		}
		if !slices.ContainsFunc(j.Enrolment.OldKeys, func(k RecoveryKey) bool { return Readme(k) == have }) {
			done.PutBack = append(done.PutBack, name)
		}
		return nil
	}
	return nil
}
