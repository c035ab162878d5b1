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

// A Succession records that one recovery key replaced another. It is stored in the
// location as a separate file, encrypted to the old key and signed with it. Every device
// with the old key can read the file, and nobody else can write it.
type Succession struct {
	Old   string `json:"old"`   // id of the replaced key
	New   string `json:"new"`   // id of the key that replaced it
	Stamp int64  `json:"stamp"` // when, in milliseconds since 1970, by the vault's clock
}

// successorPrefix begins the name of every succession in a location.
const successorPrefix = "successor-"

// successorFormat names the payload inside the age file.
const successorFormat = "auth-successor"

// maxSuccessions is how many successions are read at most. Eight years of monthly
// rotations stay below it.
const maxSuccessions = 100

type wireSuccession struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Succession
}

// Name returns the name of the succession's file.
func (s Succession) Name() string { return successorPrefix + s.Old + "-" + s.New + ".age" }

// Succeed returns the succession file for the replacement of k by the key with the id
// next.
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

// ParseSuccession parses a file of [RecoveryKey.Succeed], where k is the replaced key.
// Errors are those of [Unseal], [ErrUnsigned], [ErrForeign] and [ErrNewer].
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

// isSuccession reports whether a file has the name of a succession.
func isSuccession(name string) bool {
	return strings.HasPrefix(name, successorPrefix) && strings.HasSuffix(name, ".age")
}

// parseSuccessionName returns the key ids in the name of a succession.
func parseSuccessionName(name string) (from, to string) {
	from, to, _ = strings.Cut(strings.TrimSuffix(strings.TrimPrefix(name, successorPrefix), ".age"), "-")
	return from, to
}

// A SuccessionOrder is a list of known successions. It tells which key is current.
type SuccessionOrder []Succession

// ReadSuccessions reads the successions in a location that the given keys open. It reads
// nothing if every succession leads to a key that is given: then they tell nothing new.
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
		from, to := parseSuccessionName(e.Name)
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
		from, _ := parseSuccessionName(e.Name)
		data, err := loc.Read(ctx, e.Name)
		if err != nil {
			continue // the new key still shows in the names of its files
		}
		if s, err := ParseSuccession(data, held[from]); err == nil {
			order = append(order, s)
		}
	}
	return order
}

// Current returns the id of the key that replaced a key in the end, or the given id. If
// two keys replaced the same key, it follows the newer one, by stamp and then by id.
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

// Replaced reports whether another key has replaced this one.
func (o SuccessionOrder) Replaced(id string) bool { return o.next(id) != "" }

// next returns the newest key that replaced a key directly; empty for none.
func (o SuccessionOrder) next(id string) string {
	var newest Succession
	for _, s := range o {
		if s.Old == id && cmp.Or(cmp.Compare(s.Stamp, newest.Stamp), strings.Compare(s.New, newest.New)) > 0 {
			newest = s
		}
	}
	return newest.New
}

// Lost reports whether a key lost against another one: both replaced the same key, and
// the other is newer and leads to current.
func (o SuccessionOrder) Lost(id, current string) bool {
	return slices.ContainsFunc(o, func(s Succession) bool { return s.New == id }) && id != current && o.Current(id) == current
}

// ErrSuperseded is returned for a recovery key that a newer one has replaced.
var ErrSuperseded = errors.New("a newer recovery key has replaced this one")
