package vault

import (
	"encoding/json"
	"fmt"
	"slices"
)

// wireRecord is the JSON form of a [Record], version 1. Every stamp that equals
// Created is left out.
type wireRecord struct {
	ID      string `json:"id"`
	Created Stamp  `json:"created"`
	Issuer  string `json:"issuer,omitempty"`
	Name    string `json:"name,omitempty"`
	wireCredential
	Hash        string           `json:"hash,omitempty"` // of a secret that is in the trash
	Alias       string           `json:"alias,omitempty"`
	Note        string           `json:"note,omitempty"`
	Tags        map[string]bool  `json:"tags,omitempty"`
	DeviceBound bool             `json:"device_bound,omitempty"`
	Removed     bool             `json:"removed,omitempty"`
	Stamps      map[string]Stamp `json:"stamps,omitempty"`
}

// The names of registers in wireRecord.Stamps; a tag's is tagStamp and the tag.
const (
	labelStamp  = "label"
	secretStamp = "secret"
	aliasStamp  = "alias"
	noteStamp   = "note"
	boundStamp  = "device_bound"
	goneStamp   = "removed"
	tagStamp    = "tag "
)

// MarshalJSON writes the record with its secret, and with the fields of later
// versions that it was read with.
func (r Record) MarshalJSON() ([]byte, error) {
	w := wireRecord{
		ID: r.ID, Created: r.Created, Issuer: r.Label.Value.Issuer, Name: r.Label.Value.Name,
		Alias: r.Alias.Value, Note: r.Note.Value, DeviceBound: r.DeviceBound.Value, Removed: r.Removed.Value,
	}
	stamp := func(name string, at Stamp) {
		if at == r.Created {
			return
		}
		if w.Stamps == nil {
			w.Stamps = map[string]Stamp{}
		}
		w.Stamps[name] = at
	}
	// A register that was never set has the zero stamp, which is not Created: it
	// is left out too, since reading gives every register without a value zero.
	stamp(labelStamp, r.Label.At)
	w.wireCredential = toWire(r.Secret.Value.Credential)
	if w.Secret == "" {
		w.Hash = r.Secret.Value.gone
	}
	stamp(secretStamp, r.Secret.At)
	if !r.Alias.At.IsZero() {
		stamp(aliasStamp, r.Alias.At)
	}
	if !r.Note.At.IsZero() {
		stamp(noteStamp, r.Note.At)
	}
	if !r.DeviceBound.At.IsZero() {
		stamp(boundStamp, r.DeviceBound.At)
	}
	if !r.Removed.At.IsZero() {
		stamp(goneStamp, r.Removed.At)
	}
	for tag, reg := range r.Tags {
		if w.Tags == nil {
			w.Tags = map[string]bool{}
		}
		w.Tags[tag] = reg.Value
		stamp(tagStamp+tag, reg.At)
	}
	return marshalKeeping(w, r.raw)
}

// UnmarshalJSON reads what MarshalJSON writes. A record that no code could be
// computed from is [ErrFormat].
func (r *Record) UnmarshalJSON(data []byte) error {
	var w wireRecord
	if err := json.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("%w: account: %s", ErrFormat, reason(err))
	}
	if w.ID == "" {
		return fmt.Errorf("%w: an account without id", ErrFormat)
	}
	credential, err := w.credential()
	if err != nil {
		return fmt.Errorf("%w: account %s: %w", ErrFormat, w.ID, err)
	}
	at := func(name string, set bool) Stamp {
		if s, found := w.Stamps[name]; found {
			return s
		}
		if set {
			return w.Created
		}
		return Stamp{}
	}
	*r = Record{
		ID: w.ID, Created: w.Created, raw: slices.Clone(data),
		Label:       Register[Label]{Label{w.Issuer, w.Name}, at(labelStamp, true)},
		Secret:      Register[Held]{Held{credential, w.Hash}, at(secretStamp, true)},
		Alias:       Register[string]{w.Alias, at(aliasStamp, w.Alias != "")},
		Note:        Register[string]{w.Note, at(noteStamp, w.Note != "")},
		DeviceBound: Register[bool]{w.DeviceBound, at(boundStamp, w.DeviceBound)},
		Removed:     Register[bool]{w.Removed, at(goneStamp, w.Removed)},
	}
	if len(w.Tags) > 0 {
		r.Tags = make(map[string]Register[bool], len(w.Tags))
		for tag, on := range w.Tags {
			r.Tags[tag] = Register[bool]{on, at(tagStamp+tag, true)}
		}
	}
	return nil
}
