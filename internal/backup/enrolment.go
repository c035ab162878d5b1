package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/authcli/auth/internal/backup/location"
	"github.com/authcli/auth/internal/vault"
)

// ErrEnrolment is returned for a keyring item that cannot be parsed as an enrolment.
var ErrEnrolment = errors.New("the keyring's item about backups is damaged")

// An Enrolment is how this device takes part in a location. It is stored as the
// vault.EnrolmentItem. Where backups go and which key they are encrypted to comes from
// here, never from the location itself.
type Enrolment struct {
	Location string
	On       bool
	Key      RecoveryKey
	Sealed   []SealedKey
	// OldKeys are the recovery keys that were rotated away, newest first. They still read
	// older backups.
	OldKeys []RecoveryKey
	// Successions are the last ones that this device made. They are stored in the
	// location too; this copy puts them back if they go missing there.
	Successions []Succession

	trimmed bool                       // the device's backups list more than fitted the item
	later   map[string]json.RawMessage // fields of a later version
}

type wireEnrolment struct {
	Version  int         `json:"version"`
	Location string      `json:"location"`
	On       bool        `json:"on"`
	Key      string      `json:"key"`
	Sealed   []SealedKey `json:"sealed"`
	OldKeys  []string    `json:"old_keys,omitempty"`

	Successions []Succession `json:"successions,omitempty"`
	Trimmed     bool         `json:"trimmed,omitempty"`
}

// itemLimit is the largest size of a keyring item, in bytes, that every system takes.
const itemLimit = 2500

// Encode returns the text of the enrolment's keyring item. It includes the recovery key.
// What does not fit the item is left out, the oldest first: retired sealed keys, then
// recovery keys that were rotated away. The device's backups still list them.
func (e Enrolment) Encode() (string, error) {
	w := wireEnrolment{Version, e.Location, e.On, e.Key.Text(), slices.Clone(e.Sealed), texts(e.OldKeys), e.Successions, e.trimmed}
	for {
		data, err := vault.MarshalKeeping(w, e.later)
		if err != nil || len(data) <= itemLimit {
			return string(data), err
		}
		retired := slices.IndexFunc(w.Sealed, func(k SealedKey) bool { return k.Retired })
		switch {
		case retired >= 0:
			w.Sealed = slices.Delete(w.Sealed, retired, retired+1)
		case len(w.OldKeys) > 0:
			w.OldKeys = w.OldKeys[:len(w.OldKeys)-1]
		default:
			return string(data), nil // the keyring says whether it takes that
		}
		w.Trimmed = true
	}
}

func texts(keys []RecoveryKey) []string {
	var list []string
	for _, k := range keys {
		list = append(list, k.Text())
	}
	return list
}

// ParseEnrolment reads what Encode writes. Errors wrap [ErrEnrolment] or [ErrNewer].
func ParseEnrolment(text string) (Enrolment, error) {
	w, later, err := vault.UnmarshalKeeping[wireEnrolment]([]byte(text))
	if err != nil {
		return Enrolment{}, ErrEnrolment
	}
	if w.Version > Version {
		return Enrolment{}, ErrNewer
	}
	key, err := ParseRecoveryKey(w.Key)
	if err != nil {
		return Enrolment{}, fmt.Errorf("%w: %w", ErrEnrolment, err)
	}
	e := Enrolment{Location: w.Location, On: w.On, Key: key, Sealed: listedSealed(w.Sealed), Successions: w.Successions, trimmed: w.Trimmed, later: later}
	for _, text := range w.OldKeys {
		old, err := ParseRecoveryKey(text)
		if err != nil {
			return Enrolment{}, fmt.Errorf("%w: %w", ErrEnrolment, err)
		}
		e.OldKeys = append(e.OldKeys, old)
	}
	return e, nil
}

// AddSealed records a sealed key. A key that is already recorded becomes retired if k is.
func (e *Enrolment) AddSealed(k SealedKey) {
	for i, have := range e.Sealed {
		if have.Name == k.Name {
			e.Sealed[i].Retired = have.Retired || k.Retired
			return
		}
	}
	e.Sealed = append(e.Sealed, k)
}

// LearnSealed records sealed keys that a backup lists, or that lie at the location. One that is
// not known yet is recorded only if there is room for it.
func (e *Enrolment) LearnSealed(list []SealedKey) {
	for _, k := range list {
		known := slices.ContainsFunc(e.Sealed, func(have SealedKey) bool { return have.Name == k.Name })
		room := len(e.Sealed) < maxListed && (k.Retired || e.inUse() < maxSealed)
		if k.ours() && (known || room) {
			e.AddSealed(k)
		}
	}
}

// inUse counts the sealed keys that are not retired.
func (e *Enrolment) inUse() (n int) {
	for _, k := range e.Sealed {
		if !k.Retired {
			n++
		}
	}
	return n
}

// keepSuccessions is how many successions are kept. A keyring item may be no larger than
// 2,500 bytes.
const keepSuccessions = 3

// Rotated returns the enrolment after a rotation to next. The present key becomes an old
// key, and every sealed key is retired. stamp is in milliseconds since 1970.
func (e Enrolment) Rotated(next RecoveryKey, stamp int64) Enrolment {
	r := e.Moved(next)
	r.On = true
	for i := range r.Sealed {
		r.Sealed[i].Retired = true
	}
	r.Succeed(Succession{Old: e.Key.ID(), New: next.ID(), Stamp: stamp})
	return r
}

// Moved returns the enrolment with another key of the same location. The present key
// becomes an old one. The sealed keys stay: they open what lies under it.
func (e Enrolment) Moved(next RecoveryKey) Enrolment {
	m := e
	m.Key, m.Sealed, m.Successions = next, slices.Clone(e.Sealed), slices.Clone(e.Successions)
	m.OldKeys = slices.DeleteFunc(e.Keys().All(), func(k RecoveryKey) bool { return k.ID() == next.ID() })
	return m
}

// Returnable returns the key before the present one that has the given id, if this device
// may use it again. A rotation retires every sealed key, so a key that still has one was
// joined with another, and not rotated away. What others can write in the location has no
// say in this.
func (e Enrolment) Returnable(id string) (key RecoveryKey, ok bool) {
	i := slices.IndexFunc(e.OldKeys, func(k RecoveryKey) bool { return k.ID() == id })
	sealed := slices.ContainsFunc(e.Sealed, func(k SealedKey) bool {
		of, _ := SealedKeyID(k.Name)
		return of == id && !k.Retired
	})
	if i < 0 || !sealed {
		return RecoveryKey{}, false
	}
	return e.OldKeys[i], true
}

// Succeed records a succession that this device made.
func (e *Enrolment) Succeed(s Succession) {
	e.Successions = append(e.Successions, s)
	e.Successions = e.Successions[max(0, len(e.Successions)-keepSuccessions):]
}

// AddOldKey records a key that was rotated away, unless the enrolment has it already.
func (e *Enrolment) AddOldKey(key RecoveryKey) {
	if !e.Keys().Has(key.ID()) {
		e.OldKeys = append(e.OldKeys, key)
	}
}

// Written lists the backup files that this device has written, oldest first. The vault
// holds the content of each of them. The list is stored beside the vault, as
// vault.WrittenItem. A keyring that was cloned or rolled back is detected by it: its list
// lacks the files that were written since.
type Written []WrittenFile

// A WrittenFile is one backup file in [Written].
type WrittenFile struct {
	Hash       string // the first 16 digits of [HashOf] its bytes
	Generation uint64 // generation of the vault in the file; 0 if unknown
}

// shortHash is the number of hash digits in a file's name and in [Written].
const shortHash = 16

// ParseWritten reads the text of the item: words of the form GENERATION:HASH or HASH.
// It skips a word whose generation is not a number.
func ParseWritten(text string) (w Written) {
	for word := range strings.FieldsSeq(text) {
		f := WrittenFile{Hash: word}
		if number, hash, ok := strings.Cut(word, ":"); ok {
			generation, err := strconv.ParseUint(number, 10, 64)
			if err != nil {
				continue
			}
			f = WrittenFile{hash, generation}
		}
		w = append(w, f)
	}
	return w
}

// Encode returns the text of the item.
func (w Written) Encode() string {
	words := make([]string, len(w))
	for i, f := range w {
		words[i] = f.Hash
		if f.Generation > 0 {
			words[i] = strconv.FormatUint(f.Generation, 10) + ":" + f.Hash
		}
	}
	return strings.Join(words, "\n")
}

// hashes returns the hashes of the listed files.
func (w Written) hashes() []string {
	var list []string
	for _, f := range w {
		list = append(list, f.Hash)
	}
	return list
}

// upTo returns the list without the files that hold a later generation.
func (w Written) upTo(generation uint64) Written {
	return slices.DeleteFunc(slices.Clone(w), func(f WrittenFile) bool { return f.Generation > generation })
}

// keepUnseen is how many files stay listed although the location does not show them. A
// write whose outcome was unknown may still appear later.
const keepUnseen = 20

// withoutGone returns the list without the files that have long gone from the location.
// A keyring item may be no larger than 2,500 bytes.
func (w Written) withoutGone(entries []location.Entry) Written {
	there := map[string]bool{}
	for _, e := range entries {
		if n, ok := ParseFileName(e.Name); ok {
			there[n.Hash] = true
		}
	}
	var kept Written
	for i, f := range w {
		if there[f.Hash] || i >= len(w)-keepUnseen {
			kept = append(kept, f)
		}
	}
	return kept
}

// Has reports whether the file with this hash is listed. The hash may be a full or a
// short one.
func (w Written) Has(hash string) bool {
	return len(hash) >= shortHash && slices.ContainsFunc(w, func(f WrittenFile) bool { return f.Hash == hash[:shortHash] })
}
