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
	// WrittenItem is the list of the backup files of this device whose content its vault
	// holds: words of GENERATION:HASH, which the package backup writes. A vault that goes
	// back to an older generation drops the later ones.
	WrittenItem

	items // how many there are
)

// String returns the name of the item in the keyring.
func (i Item) String() string {
	return [items]string{DeviceItem: "device", EnrolmentItem: "backup", WrittenItem: "written"}[i]
}

// A Device is who this device is, as its own item of the keyring says.
type Device struct {
	ID string

	later map[string]json.RawMessage // fields of a later version
}

type wireDevice struct {
	Version int    `json:"version"`
	ID      string `json:"id"`
}

// ReadDevice returns the device of a keyring; its id is empty before the first change.
func ReadDevice(ctx context.Context, k keyring.Keyring) (Device, error) {
	text, err := k.Get(ctx, DeviceItem.String())
	if errors.Is(err, keyring.ErrNotFound) {
		return Device{}, nil
	}
	if err != nil {
		return Device{}, err
	}
	w, later, err := UnmarshalKeeping[wireDevice]([]byte(text))
	if err != nil || w.ID == "" {
		return Device{}, &keyring.DamagedError{Item: DeviceItem.String(), Why: "it is not a device's"}
	}
	if w.Version > Version {
		return Device{}, ErrNewer
	}
	return Device{ID: w.ID, later: later}, nil
}

// WriteDevice stores d in the keyring and reads it back.
func WriteDevice(ctx context.Context, k keyring.Keyring, d Device) error {
	data, err := MarshalKeeping(wireDevice{Version, d.ID}, d.later)
	if err != nil {
		return err
	}
	if err := keyring.Put(ctx, k, DeviceItem.String(), string(data)); err != nil {
		return fmt.Errorf("keep the device's id: %w", err)
	}
	return nil
}

// Item returns the text of an item; ok is false if there is none.
func (v *Vault) Item(ctx context.Context, item Item) (text string, ok bool, err error) {
	ctx, done := v.deadline(ctx)
	defer done()
	return v.item(ctx, item)
}

// item is [Vault.Item] without a deadline of its own.
func (v *Vault) item(ctx context.Context, item Item) (text string, ok bool, err error) {
	text, err = v.o.Keyring.Get(ctx, item.String())
	if errors.Is(err, keyring.ErrNotFound) {
		return "", false, nil
	}
	return text, err == nil, err
}

// SetItem sets the text of an item and reads it back. An empty one removes the item. It
// takes the vault's lock: the file keyring keeps all items in one file, and without
// the lock an older vault could be written over a change.
func (v *Vault) SetItem(ctx context.Context, item Item, text string) error {
	unlock, err := v.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	ctx, done := v.deadline(ctx)
	defer done()
	if text == "" {
		return keyring.Remove(ctx, v.o.Keyring, item.String())
	}
	return keyring.Put(ctx, v.o.Keyring, item.String(), text)
}

// Device returns the id of this device; it is empty before the first change. Where the
// item that holds it is damaged the device gets a new one.
func (v *Vault) Device(ctx context.Context) (string, error) {
	reading, done := v.deadline(ctx)
	defer done()
	d, err := ReadDevice(reading, v.o.Keyring)
	if damaged(err) {
		return v.RenewDevice(ctx)
	}
	return d.ID, err
}

// RenewDevice gives this device a new id and returns it. A clone must not keep the id of
// the machine that it was cloned from.
func (v *Vault) RenewDevice(ctx context.Context) (string, error) {
	unlock, err := v.Lock(ctx)
	if err != nil {
		return "", err
	}
	defer unlock()
	ctx, done := v.deadline(ctx)
	defer done()
	d, err := ReadDevice(ctx, v.o.Keyring)
	if err != nil && !damaged(err) {
		return "", err
	}
	d.ID = NewID()
	if err := WriteDevice(ctx, v.o.Keyring, d); err != nil {
		return "", err
	}
	if err != nil {
		v.notice(Notice{Kind: DeviceRenewed, Err: err})
	}
	return d.ID, nil
}

// damaged reports whether err is a *[keyring.DamagedError].
func damaged(err error) bool {
	_, is := errors.AsType[*keyring.DamagedError](err)
	return is
}

// SetLocation notes in the marker where backups go; empty if backup is off.
func (v *Vault) SetLocation(ctx context.Context, location string) error {
	unlock, err := v.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	m, ok, err := ReadMarker(v.o.Dir)
	if errors.Is(err, ErrMarker) || err == nil && (!ok || m.Location == location) {
		return nil // one that is made anew has its location from the enrolment
	}
	if err != nil {
		return err
	}
	m.Location = location
	return WriteMarker(v.o.Dir, m)
}
