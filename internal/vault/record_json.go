package vault

import (
	"encoding/json"
	"fmt"
	"strings"
)

// wireRecord is the JSON form of a [Record], version 1. Stamps does not name a register
// that was set at Created and has a value, nor one that was never set. A register of
// a later version is a field that is not here; its stamp is in Stamps under its name.
type wireRecord struct {
	ID      string `json:"id"`
	Created Stamp  `json:"created"`
	Issuer  string `json:"issuer,omitempty"`
	Name    string `json:"name,omitempty"`
	wireCredential
	Hash        string           `json:"hash,omitempty"` // of a secret in the trash
	Alias       string           `json:"alias,omitempty"`
	Note        string           `json:"note,omitempty"`
	Tags        map[string]bool  `json:"tags,omitempty"`
	DeviceBound bool             `json:"device_bound,omitempty"`
	Removed     bool             `json:"removed,omitempty"`
	Was         []string         `json:"was,omitempty"`
	ByName      []string         `json:"by_name,omitempty"`
	Apart       []string         `json:"apart,omitempty"`
	Learned     int64            `json:"learned,omitempty"`
	Stamps      map[string]Stamp `json:"stamps,omitempty"`
}

// The names of registers in wireRecord.Stamps. That of a tag is tagStamp and the tag.
const (
	labelStamp   = "label"
	secretStamp  = "secret"
	aliasStamp   = "alias"
	noteStamp    = "note"
	boundStamp   = "device_bound"
	removedStamp = "removed"
	tagStamp     = "tag "
)

// MarshalJSON writes the record with its secret, and with the registers of later
// versions that it was read with.
func (r Record) MarshalJSON() ([]byte, error) {
	w := wireRecord{
		ID: r.ID, Created: r.Created, Issuer: r.Label.Value.Issuer, Name: r.Label.Value.Name,
		wireCredential: toWire(r.Secret.Value.Credential), Alias: r.Alias.Value, Note: r.Note.Value,
		DeviceBound: r.DeviceBound.Value, Removed: r.Removed.Value, Was: r.oldLabels, ByName: r.nameKeys, Apart: r.addedBeside,
		Learned: r.learned,
	}
	if w.Secret == "" {
		w.Hash = r.Secret.Value.trashedHash
	}
	stamp := func(name string, valued bool, at Stamp) {
		if at == r.defaultStamp(valued) {
			return
		}
		w.Stamps = ensure(w.Stamps)
		w.Stamps[name] = at
	}
	stamp(labelStamp, true, r.Label.At)
	stamp(secretStamp, w.Secret != "" || w.Hash != "", r.Secret.At)
	stamp(aliasStamp, w.Alias != "", r.Alias.At)
	stamp(noteStamp, w.Note != "", r.Note.At)
	stamp(boundStamp, w.DeviceBound, r.DeviceBound.At)
	stamp(removedStamp, w.Removed, r.Removed.At)
	for tag, reg := range r.Tags {
		w.Tags = ensure(w.Tags)
		w.Tags[tag] = reg.Value
		stamp(tagStamp+tag, true, reg.At)
	}
	var later map[string]json.RawMessage
	for name, reg := range r.later {
		if reg.Value != nil {
			later = ensure(later)
			later[name] = reg.Value
		}
		stamp(name, reg.Value != nil, reg.At)
	}
	return MarshalKeeping(w, later)
}

// defaultStamp returns the stamp of a register that wireRecord.Stamps does not name,
// given whether it has a value.
func (r *Record) defaultStamp(valued bool) Stamp {
	if valued {
		return r.Created
	}
	return Stamp{}
}

// UnmarshalJSON reads what MarshalJSON writes. A record that no code could be
// computed from is [ErrFormat].
func (r *Record) UnmarshalJSON(data []byte) error {
	w, later, err := UnmarshalKeeping[wireRecord](data)
	if err != nil {
		return fmt.Errorf("%w: account: %s", ErrFormat, jsonProblem(err))
	}
	return r.read(&w, later)
}

// read sets r to what the JSON says, given the fields of later versions beside it.
func (r *Record) read(w *wireRecord, later map[string]json.RawMessage) error {
	if w.ID == "" {
		return fmt.Errorf("%w: an account without id", ErrFormat)
	}
	credential, err := w.credential()
	if err != nil {
		return fmt.Errorf("%w: account %s: %w", ErrFormat, w.ID, err)
	}
	if w.Secret != "" {
		w.Hash = ""
	}
	*r = Record{ID: w.ID, Created: w.Created, learned: w.Learned}
	at := func(name string, valued bool) Stamp {
		if s, found := w.Stamps[name]; found {
			return s
		}
		return r.defaultStamp(valued)
	}
	r.Label = Register[Label]{Label{w.Issuer, w.Name}, at(labelStamp, true)}
	r.Secret = Register[Held]{Value: Held{credential, w.Hash}}
	if w.Secret != "" || w.Hash != "" {
		r.Secret.At = at(secretStamp, true)
	}
	r.Alias = Register[string]{w.Alias, at(aliasStamp, w.Alias != "")}
	r.Note = Register[string]{w.Note, at(noteStamp, w.Note != "")}
	r.DeviceBound = Register[bool]{w.DeviceBound, at(boundStamp, w.DeviceBound)}
	r.Removed = Register[bool]{w.Removed, at(removedStamp, w.Removed)}
	for tag, on := range w.Tags {
		r.Tags = ensure(r.Tags)
		r.Tags[tag] = Register[bool]{on, at(tagStamp+tag, true)}
	}
	if len(w.Was) > 0 {
		r.oldLabels = without(union(w.Was), r.Label.Value.folded())
	}
	r.nameKeys, r.addedBeside = union(w.ByName), union(w.Apart)
	r.readLater(later, w.Stamps, at)
	return nil
}

// readLater reads the registers of a later version: fields that this one does not know,
// and stamps of such registers without a value.
func (r *Record) readLater(fields map[string]json.RawMessage, stamps map[string]Stamp, at func(string, bool) Stamp) {
	for name, value := range fields {
		r.later = ensure(r.later)
		r.later[name] = Register[json.RawMessage]{value, at(name, true)}
	}
	for name, stamp := range stamps {
		switch name {
		case labelStamp, secretStamp, aliasStamp, noteStamp, boundStamp, removedStamp:
			continue
		}
		if _, found := fields[name]; found || strings.HasPrefix(name, tagStamp) {
			continue
		}
		r.later = ensure(r.later)
		r.later[name] = Register[json.RawMessage]{At: stamp}
	}
}
