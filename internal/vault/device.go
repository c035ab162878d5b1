package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/authcli/auth/internal/keyring"
)

// An Item is what the keyring holds beside the vault, for this device alone. This is
// the only list of them: [Vault.Move] moves every one, and there is no other way to
// keep something beside the vault than as one of them.
type Item int

const (
	DeviceItem    Item = iota // a [Device]
	EnrolmentItem             // an enrolment of the package backup
	WrittenItem               // the list of the backup files that this device wrote

	items // how many there are
)

// String returns the name of the item in the keyring.
func (i Item) String() string {
	return [items]string{DeviceItem: "device", EnrolmentItem: "backup", WrittenItem: "written"}[i]
}

// A Device is what the keyring holds beside the vault: who this device is.
type Device struct {
	ID string

	later map[string]json.RawMessage // fields of a later version
}

type wireDevice struct {
	Version int    `json:"version"`
	ID      string `json:"id"`
}

// ReadDevice returns the device item; one without an id where there is none yet.
func ReadDevice(ctx context.Context, k keyring.Keyring) (Device, error) {
	text, err := k.Get(ctx, DeviceItem.String())
	if errors.Is(err, keyring.ErrNotFound) {
		return Device{}, nil
	}
	if err != nil {
		return Device{}, err
	}
	w, later, err := unmarshalKeeping[wireDevice]([]byte(text))
	if err != nil || w.ID == "" {
		return Device{}, &keyring.DamagedError{Item: DeviceItem.String(), Why: "it is not a device's"}
	}
	if w.Version > Version {
		return Device{}, ErrNewer
	}
	return Device{ID: w.ID, later: later}, nil
}

// WriteDevice keeps d in the keyring, read back.
func WriteDevice(ctx context.Context, k keyring.Keyring, d Device) error {
	data, err := marshalKeeping(wireDevice{Version, d.ID}, d.later)
	if err != nil {
		return err
	}
	if err := keyring.Put(ctx, k, DeviceItem.String(), string(data)); err != nil {
		return fmt.Errorf("keep the device's id: %w", err)
	}
	return nil
}

// Item returns the text of an item; ok is false where there is none.
func (v *Vault) Item(ctx context.Context, item Item) (text string, ok bool, err error) {
	ctx, done := v.deadline(ctx)
	defer done()
	return v.item(ctx, item)
}

// item is [Vault.Item] within a deadline that runs already.
func (v *Vault) item(ctx context.Context, item Item) (text string, ok bool, err error) {
	text, err = v.o.Keyring.Get(ctx, item.String())
	if errors.Is(err, keyring.ErrNotFound) {
		return "", false, nil
	}
	return text, err == nil, err
}

// SetItem sets the text of an item and reads it back. An empty one removes the item. It
// takes the vault's lock: a keyring may keep all of its items in one file, and without
// the lock the vault as it was before could be written over a change.
func (v *Vault) SetItem(ctx context.Context, item Item, text string) error {
	unlock, err := v.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	ctx, done := v.deadline(ctx)
	defer done()
	if text == "" {
		return v.o.Keyring.Delete(ctx, item.String())
	}
	return keyring.Put(ctx, v.o.Keyring, item.String(), text)
}

// Device returns the id of this device, or nothing before its first change.
func (v *Vault) Device(ctx context.Context) (string, error) {
	ctx, done := v.deadline(ctx)
	defer done()
	d, err := ReadDevice(ctx, v.o.Keyring)
	return d.ID, err
}

// RenewDevice gives this device a new id and returns it: a clone must not go on
// under the id of the machine that it was cloned from.
func (v *Vault) RenewDevice(ctx context.Context) (string, error) {
	unlock, err := v.Lock(ctx)
	if err != nil {
		return "", err
	}
	defer unlock()
	ctx, done := v.deadline(ctx)
	defer done()
	d, err := ReadDevice(ctx, v.o.Keyring)
	if err != nil {
		return "", err
	}
	d.ID = NewID()
	return d.ID, WriteDevice(ctx, v.o.Keyring, d)
}

// SetLocation notes in the marker where backups go; the empty location is none.
func (v *Vault) SetLocation(ctx context.Context, location string) error {
	unlock, err := v.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	m, ok, err := ReadMarker(v.o.Dir)
	if err != nil || !ok {
		return err
	}
	m.Location = location
	return WriteMarker(v.o.Dir, m)
}
