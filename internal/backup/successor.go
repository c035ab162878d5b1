package backup

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/authcli/auth/internal/backup/location"
)

// A Succession says that one recovery key took the place of another. It lies in the
// location as a file of its own, encrypted to the old key and signed with it, so that
// every device that holds the old key can read it and nobody else can write it.
type Succession struct {
	Old   string `json:"old"`   // the id of a key
	New   string `json:"new"`   // the id of the key in its place
	Stamp int64  `json:"stamp"` // when, in milliseconds since 1970, by the clock of the vault
}

// successorPrefix begins the name of every succession in a location.
const successorPrefix = "successor-"

// successorFormat names the payload inside the age file.
const successorFormat = "auth-successor"

// maxSuccessions is how many files are read: a location whose key is rotated every
// month for eight years has fewer.
const maxSuccessions = 100

type wireSuccession struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Succession
}

// Name returns the name of the file that says so.
func (s Succession) Name() string { return successorPrefix + s.Old + "-" + s.New + ".age" }

// Succeed returns the file that says that another key, by its id, took the place of k.
func (k RecoveryKey) Succeed(next string, stamp int64) ([]byte, error) {
	payload, err := k.sign(func(start string) ([]byte, error) {
		data, err := json.Marshal(wireSuccession{successorFormat, Version, Succession{k.ID(), next, stamp}})
		return append([]byte(start), data[1:]...), err
	})
	if err != nil {
		return nil, err
	}
	recipient, err := ParseRecipient(k.Recipient())
	if err != nil {
		return nil, err
	}
	return Seal(payload, SealTo(recipient))
}

// ParseSuccession reads what [RecoveryKey.Succeed] writes. Errors are those of [Unseal],
// [ErrUnsigned] and [ErrForeign].
func ParseSuccession(data []byte, k RecoveryKey) (Succession, error) {
	payload, err := Unseal(data, k.Identity())
	if err != nil {
		return Succession{}, err
	}
	if !k.Signed(payload) {
		return Succession{}, ErrUnsigned
	}
	var w wireSuccession
	if err := json.Unmarshal(payload, &w); err != nil || w.Format != successorFormat || w.Old != k.ID() || w.New == w.Old {
		return Succession{}, ErrForeign
	}
	if w.Version > Version {
		return Succession{}, ErrNewer
	}
	return w.Succession, nil
}

// isSuccession reports whether a file of a location is named as a succession.
func isSuccession(name string) bool {
	return strings.HasPrefix(name, successorPrefix) && strings.HasSuffix(name, ".age")
}

// successionOf returns what the name of a succession says.
func successionOf(name string) (from, to string) {
	from, to, _ = strings.Cut(strings.TrimSuffix(strings.TrimPrefix(name, successorPrefix), ".age"), "-")
	return from, to
}

// A SuccessionOrder is what is known of which key took the place of which.
type SuccessionOrder []Succession

// ReadSuccessions reads the successions in a location that the given keys open. Where
// they only name keys that are given, nothing is read: that is the history of a
// location as its devices know it.
func ReadSuccessions(ctx context.Context, loc location.Location, entries []location.Entry, keys []RecoveryKey) SuccessionOrder {
	held := map[string]RecoveryKey{}
	for _, k := range keys {
		held[k.ID()] = k
	}
	var wanted []location.Entry
	unknown := false
	for _, e := range entries {
		if !isSuccession(e.Name) || e.Missing {
			continue
		}
		from, to := successionOf(e.Name)
		if _, found := held[from]; found && len(wanted) < maxSuccessions {
			wanted = append(wanted, e)
			_, known := held[to]
			unknown = unknown || !known
		}
	}
	if !unknown {
		return nil
	}
	var order SuccessionOrder
	for _, e := range wanted {
		from, _ := successionOf(e.Name)
		data, err := loc.Read(ctx, e.Name)
		if err != nil {
			continue // the files under the new key are named all the same
		}
		if s, err := ParseSuccession(data, held[from]); err == nil {
			order = append(order, s)
		}
	}
	return order
}

// Current returns the key that took the place of a key in the end, or the key itself.
// Of two keys that took the place of the same one the newer is meant, by stamp, then id.
func (o SuccessionOrder) Current(id string) string {
	seen := map[string]bool{}
	for !seen[id] {
		seen[id] = true
		next := o.next(id)
		if next == "" {
			for _, s := range o {
				if s.New == id && o.next(s.Old) != id {
					next = o.next(s.Old)
				}
			}
		}
		if next == "" {
			return id
		}
		id = next
	}
	return id
}

// Replaced reports whether a succession says that another key took the place of this one.
func (o SuccessionOrder) Replaced(id string) bool { return o.next(id) != "" }

// next returns the newest key that took the place of a key; empty for none.
func (o SuccessionOrder) next(id string) string {
	var newest Succession
	for _, s := range o {
		if s.Old == id && cmp.Or(cmp.Compare(s.Stamp, newest.Stamp), strings.Compare(s.New, newest.New)) > 0 {
			newest = s
		}
	}
	return newest.New
}

// Lost reports whether a key took the place of another one, and was outdone by a newer
// one that did so too and that leads to current.
func (o SuccessionOrder) Lost(id, current string) bool {
	return slices.ContainsFunc(o, func(s Succession) bool { return s.New == id }) && id != current && o.Current(id) == current
}

// ErrSuperseded is the error of a recovery key whose place a newer one has taken.
var ErrSuperseded = errors.New("a newer recovery key has taken the place of this one")
