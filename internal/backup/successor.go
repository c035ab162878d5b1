package backup

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/authcli/auth/internal/backup/location"
)

// A Succession records that one recovery key took the place of another. It is stored in the
// location as a separate file, encrypted to the old key and signed with it. Every device
// with the old key can read the file, and nobody else can write it.
type Succession struct {
	Old   string `json:"old"`   // id of the replaced key
	New   string `json:"new"`   // id of the key that replaced it
	Stamp int64  `json:"stamp"` // when, in milliseconds since 1970, by the vault's clock
	// Joined says that both keys were there, made apart, and that the devices of the old
	// one are to join the new one. Otherwise the new key was made to replace the old one,
	// which is never used again.
	Joined bool `json:"joined,omitempty"`

	// File is the name of the file that says so; empty if it was not read from one.
	File string `json:"-"`
	// Ahead says that the stamp is too far ahead of the clock here to be compared with
	// others; see [SuccessionOrder.At].
	Ahead bool `json:"-"`
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

// Succeed returns the file of a succession, where k is the replaced key.
func (k RecoveryKey) Succeed(s Succession) ([]byte, error) {
	s.Old = k.ID()
	payload, err := k.sign(func(start string) ([]byte, error) {
		data, err := json.Marshal(wireSuccession{successorFormat, Version, s})
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

// NamedReplaced returns the ids of the keys that the names of a location's files call
// replaced. Anybody who can write there can make up a name, so this is only good for
// deciding what to try first, and what a user may try.
func NamedReplaced(entries []location.Entry) map[string]bool {
	ids := map[string]bool{}
	for _, e := range entries {
		if isSuccession(e.Name) {
			from, _ := parseSuccessionName(e.Name)
			ids[from] = true
		}
	}
	return ids
}

// A SuccessionOrder is a list of known successions. It tells which key is current.
type SuccessionOrder []Succession

// ReadSuccessions reads the successions in a location that the given keys open. It reads
// nothing if their names alone say that all of them lead to the key with the id current,
// which is given; current may be empty.
func ReadSuccessions(ctx context.Context, loc location.Location, entries []location.Entry, keys []RecoveryKey, current string) SuccessionOrder {
	held := map[string]RecoveryKey{}
	for _, k := range keys {
		held[k.ID()] = k
	}
	var wanted []location.Entry
	var named SuccessionOrder
	for _, e := range entries {
		if !isSuccession(e.Name) || e.Missing {
			continue
		}
		from, to := parseSuccessionName(e.Name)
		if _, found := held[from]; found && len(wanted) < maxSuccessions {
			wanted, named = append(wanted, e), append(named, Succession{Old: from, New: to})
		}
	}
	elsewhere := func(s Succession) bool {
		_, known := held[s.New]
		return !known || current == "" || s.Old == current || s.New != current && !named.has(s.New)
	}
	if !slices.ContainsFunc(named, elsewhere) {
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
			s.File = e.Name
			order = append(order, s)
		}
	}
	return order
}

// maxAhead is how far a stamp may be ahead of the clock. Wrong clocks are off by days, and
// two devices that go by different successions end on two keys.
const maxAhead = 31 * 24 * time.Hour

// At returns the successions as they count by a clock. One that is stamped further ahead
// than clocks go wrong has no say in which key is the newer one: whoever holds an old key
// could stamp theirs so that no rotation comes after it. That the old key was rotated away
// counts all the same, since the clock may be wrong here.
func (o SuccessionOrder) At(now time.Time) SuccessionOrder {
	o = slices.Clone(o)
	for i := range o {
		o[i].Ahead = o[i].Stamp > now.Add(maxAhead).UnixMilli()
	}
	return o
}

// Current returns the id of the key that everybody is to use who has the key with the
// given id. That is one of the keys that are connected with it by successions: one that
// nothing took the place of. If there are several, because they were made on devices that
// did not see each other, it is the one of the newest succession, by stamp and then by id.
// If there is none, because devices have joined each other's keys at once, it is one that
// was not rotated away. So all devices that have read the same successions find one key,
// wherever they begin.
func (o SuccessionOrder) Current(id string) string {
	keys := o.connected(id)
	for _, good := range []func(string) bool{
		func(key string) bool { return !o.has(key) },
		func(key string) bool { return !o.Rotated(key) },
	} {
		var best Succession
		for _, key := range keys {
			if s := o.newest(key); good(key) && (best.New == "" || cmp.Or(cmp.Compare(s.Stamp, best.Stamp), strings.Compare(s.New, best.New)) > 0) {
				best = s
			}
		}
		if best.New != "" {
			return best.New
		}
	}
	return id
}

// connected returns the keys that are connected with one by successions, and that one.
func (o SuccessionOrder) connected(id string) []string {
	keys := []string{id}
	for i := 0; i < len(keys); i++ {
		for _, s := range o.counted() {
			for _, pair := range [][2]string{{s.Old, s.New}, {s.New, s.Old}} {
				if pair[0] == keys[i] && !slices.Contains(keys, pair[1]) {
					keys = append(keys, pair[1])
				}
			}
		}
	}
	return keys
}

// counted returns the successions that say which key is the newer one.
func (o SuccessionOrder) counted() SuccessionOrder {
	return slices.DeleteFunc(slices.Clone(o), func(s Succession) bool { return s.Ahead })
}

// Connected reports whether successions connect two keys.
func (o SuccessionOrder) Connected(a, b string) bool { return slices.Contains(o.connected(a), b) }

// newest returns the newest succession that leads to a key. It is one without a stamp if
// none does.
func (o SuccessionOrder) newest(key string) Succession {
	newest := Succession{New: key}
	for _, s := range o.counted() {
		if s.New == key && s.Stamp >= newest.Stamp {
			newest = s
		}
	}
	return newest
}

// Returned reports whether a key is the one to use although another one took its place:
// devices have joined each other's keys.
func (o SuccessionOrder) Returned(id string) bool { return o.has(id) && o.Current(id) == id }

// has reports whether another key took the place of this one.
func (o SuccessionOrder) has(id string) bool {
	return slices.ContainsFunc(o.counted(), func(s Succession) bool { return s.Old == id })
}

// Replaced reports whether another key took the place of this one, for good.
func (o SuccessionOrder) Replaced(id string) bool {
	return o.has(id) && o.Current(id) != id || o.rotatedAhead(id) >= 0
}

// rotatedAhead returns the index of a succession that is stamped too far ahead and by which
// this key was rotated away. It is -1 if there is none.
func (o SuccessionOrder) rotatedAhead(id string) int {
	return slices.IndexFunc(o, func(s Succession) bool { return s.Old == id && !s.Joined && s.Ahead })
}

// Evidence returns the name of the file by which this key is not the one to use any more.
func (o SuccessionOrder) Evidence(id string) string {
	s := o.newest(o.Current(id))
	if i := o.rotatedAhead(id); s.New == id && i >= 0 {
		s = o[i]
	}
	return cmp.Or(s.File, s.Name())
}

// Rotated reports whether this key was rotated away: somebody may have found it.
func (o SuccessionOrder) Rotated(id string) bool {
	return slices.ContainsFunc(o, func(s Succession) bool { return s.Old == id && !s.Joined })
}

// Lost reports whether a key that took the place of another one lost against current,
// which is the one to use.
func (o SuccessionOrder) Lost(id, current string) bool {
	return slices.ContainsFunc(o.counted(), func(s Succession) bool { return s.New == id }) && id != current && o.Current(id) == current
}

// After returns the stamp of the next succession, where clock is the newest stamp in the
// vault. It is not before now, and after all that count. The stamp of a wrong clock that
// the vault has seen is followed for a day at most, so that other devices count this one.
func (o SuccessionOrder) After(now time.Time, clock int64) int64 {
	stamp := max(now.UnixMilli(), min(clock, now.Add(24*time.Hour).UnixMilli()))
	for _, s := range o.counted() {
		stamp = max(stamp, s.Stamp+1)
	}
	return stamp
}

// ErrSuperseded is returned for a recovery key that a newer one has replaced.
var ErrSuperseded = errors.New("a newer recovery key has replaced this one")
