package vault

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/authcli/auth/internal/account"
)

// Version is the format of a [State] that this package writes. It reads every
// lower one, and keeps fields that it does not know.
const Version = 1

// A State is everything that a vault holds: the accounts of one device in their order,
// the trash, the records of removals, and the settings that travel with a backup. It
// is a value; [Vault] reads it from a keyring and writes it there.
type State struct {
	ID string // the vault's own, random

	// Records holds every account that ever was. The first Ordered ones stand in
	// the order that the user gave at OrderAt; the rest follow by creation.
	Records []*Record
	Ordered int
	OrderAt Stamp

	Settings map[string]Register[string]
	Trash    []Trashed
	Purged   []Purge
	Counters map[string]Counter // HOTP, by secret hash
	Links    map[string]string  // from an id to the smallest one of the same account

	// Clock is the highest Stamp.Time seen.
	Clock int64

	// Generation is that of the keyring that the state was read from. It is not
	// stored.
	Generation uint64

	later   map[string]json.RawMessage // fields of a later version
	byID    map[string]*Record         // of Records, once needed
	byLabel map[string][]*Record       // by folded label, had now or once; see link.go
	groups  map[string][]*Record       // of linked records; see link.go
	index   *index                     // of the live accounts, once needed and until they change
}

// A Counter is the next moving factor of an HOTP secret. Of two, the one with the later
// Set holds, then the one with the larger Next. Advancing changes no stamp.
type Counter struct {
	Set  Stamp  `json:"set,omitzero"` // of the last "edit --counter"
	Next uint64 `json:"next"`
}

// wireState is the JSON form of a [State], version 1. R is that of a record: *[Record],
// or wireRecord where every field is known.
type wireState[R any] struct {
	wireStateFields
	Records []R `json:"accounts"`
}

type wireStateFields struct {
	Version  int                 `json:"version"`
	ID       string              `json:"vault"`
	Clock    int64               `json:"clock"`
	Ordered  int                 `json:"ordered,omitempty"`
	OrderAt  Stamp               `json:"order_at,omitzero"`
	Settings map[string]wireText `json:"settings,omitempty"`
	Trash    []Trashed           `json:"trash,omitempty"`
	Purged   []Purge             `json:"purged,omitempty"`
	Counters map[string]Counter  `json:"counters,omitempty"`
	Links    map[string]string   `json:"links,omitempty"`
}

type wireText struct {
	Value string `json:"value"`
	At    Stamp  `json:"at"`
}

// MarshalJSON writes the state with its secrets.
func (s *State) MarshalJSON() ([]byte, error) {
	w := wireState[*Record]{Records: s.Records, wireStateFields: s.fields()}
	if w.Records == nil {
		w.Records = []*Record{}
	}
	return MarshalKeeping(w, s.later)
}

// fields returns the JSON form of everything but the records.
func (s *State) fields() wireStateFields {
	w := wireStateFields{
		Version: Version, ID: s.ID, Clock: s.Clock, Ordered: s.Ordered, OrderAt: s.OrderAt,
		Trash: s.Trash, Purged: s.Purged, Counters: s.Counters, Links: s.Links,
	}
	if len(s.Settings) > 0 {
		w.Settings = map[string]wireText{}
		for key, reg := range s.Settings {
			w.Settings[key] = wireText(reg)
		}
	}
	return w
}

// UnmarshalJSON reads what MarshalJSON writes. Errors wrap [ErrFormat] or [ErrNewer].
func (s *State) UnmarshalJSON(data []byte) error {
	w, later, err := readState(data)
	if err != nil {
		return formatError(err)
	}
	return s.take(w, later)
}

// formatError returns an error of reading JSON as one that wraps [ErrFormat].
func formatError(err error) error {
	if errors.Is(err, ErrFormat) {
		return err
	}
	return fmt.Errorf("%w: %s", ErrFormat, jsonProblem(err))
}

// take makes s what the JSON says, given the fields of a later version beside it.
func (s *State) take(w wireState[*Record], later map[string]json.RawMessage) error {
	switch {
	case w.Version > Version:
		return fmt.Errorf("%w (format %d, this one knows %d)", ErrNewer, w.Version, Version)
	case w.Version < 1 || w.ID == "" || w.Ordered < 0 || w.Ordered > len(w.Records):
		return ErrFormat
	}
	*s = State{
		ID: w.ID, Clock: w.Clock, Records: w.Records, Ordered: w.Ordered, OrderAt: w.OrderAt,
		Trash: w.Trash, Purged: w.Purged, Counters: w.Counters, Links: newClasses(w.Links).links(),
		later: later,
	}
	for i, r := range s.Records {
		if r == nil || s.exactRecord(r.ID) != w.Records[i] {
			return fmt.Errorf("%w: an account is there twice, or without content", ErrFormat)
		}
	}
	if len(w.Settings) > 0 {
		s.Settings = make(map[string]Register[string], len(w.Settings))
		for key, text := range w.Settings {
			s.Settings[key] = Register[string](text)
		}
	}
	// Another device may say of its clock what it likes.
	s.Clock = max(s.Clock, s.newestTime())
	return nil
}

// Room for the records is made before they are read: making more as they come takes a
// third of the time. It is made for as many as a text may hold, up to a limit, because a
// text from outside may be long and hold none.
const (
	leastRecord = 128 // bytes; most records are longer
	mostRoom    = 1 << 14
)

// readState reads the JSON form of a state, and returns beside it the fields that a
// later version added.
func readState(data []byte) (w wireState[*Record], later map[string]json.RawMessage, err error) {
	// Reading is most of what "auth code" does by itself. Nearly always every field is
	// known. Then encoding/json reads the records as plain structs, in the same pass.
	plain := wireState[wireRecord]{Records: make([]wireRecord, 0, min(len(data)/leastRecord, mostRoom))}
	if unmarshalKnown(data, &plain) != nil {
		return UnmarshalKeeping[wireState[*Record]](data)
	}
	w.wireStateFields = plain.wireStateFields
	w.Records, err = recordsOf(plain.Records)
	return w, nil, err
}

// recordsOf returns the records of which every field is known.
func recordsOf(plain []wireRecord) ([]*Record, error) {
	list, records := make([]*Record, len(plain)), make([]Record, len(plain))
	for i := range plain {
		list[i] = &records[i]
		if err := records[i].read(&plain[i], nil); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// decode reads a state from the bytes of a keyring.
func decode(data []byte) (*State, error) {
	s := new(State)
	if err := s.UnmarshalJSON(data); err != nil { // json.Unmarshal would read it twice
		return nil, err
	}
	return s, nil
}

// An Account is an account of the vault as a user sees it: the joined registers of
// its record and of those linked to it.
type Account struct {
	account.Account
	// Shown is the label, with a suffix such as " (2)" if several accounts share it.
	// The suffix is never stored.
	Shown   string
	Created time.Time

	created Stamp
	folded  string // the label; empty if it was not needed yet
}

// Accounts returns the live accounts in the user's order. The slice is the caller's.
func (s *State) Accounts() []Account { return slices.Clone(s.live().accounts) }

func (s *State) toAccount(r *Record) Account {
	a := Account{
		Account: account.Account{
			ID: r.ID, Issuer: r.Label.Value.Issuer, Name: r.Label.Value.Name,
			Alias: r.Alias.Value, Note: r.Note.Value, Tags: r.tags(),
			Credential: r.Secret.Value.Credential, DeviceBound: r.DeviceBound.Value,
		},
		Created: time.UnixMilli(r.Created.Time), created: r.Created,
	}
	if a.Type == account.HOTP {
		a.Counter = s.Counters[r.Secret.Value.Hash()].Next
	}
	a.Shown = a.Label()
	return a
}

// numberLabels numbers the accounts that share a label, by creation, then id.
func numberLabels(x *index) {
	for label := range x.more {
		sorted := slices.SortedFunc(slices.Values(x.places(label)), func(i, j int) int {
			a, b := x.accounts[i], x.accounts[j]
			return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.ID, b.ID))
		})
		for n, i := range sorted {
			x.accounts[i].Shown = fmt.Sprintf("%s (%d)", x.accounts[i].Label(), n+1)
		}
	}
}

// exactRecord returns the record of exactly this id, or nil.
func (s *State) exactRecord(id string) *Record {
	if s.byID == nil {
		s.byID = make(map[string]*Record, len(s.Records))
		for _, r := range s.Records {
			s.byID[r.ID] = r
		}
	}
	return s.byID[id]
}

// insert adds a record with a new id.
func (s *State) insert(r *Record) {
	s.Records = append(s.Records, r)
	if len(s.Links) > 0 {
		s.groups = nil
	}
	if s.byID != nil {
		s.byID[r.ID] = r
	}
	if s.byLabel != nil {
		s.addByLabel(r)
	}
	if s.index != nil && !r.removed() && !s.index.add(s.toAccount(r)) {
		s.index = nil
	}
}
