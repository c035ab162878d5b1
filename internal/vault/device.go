package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/authcli/auth/internal/keyring"
)

// deviceItem is the keyring's item beside the vault for what is this device's own.
const deviceItem = "device"

// A Device is what the keyring holds beside the vault: who this device is.
type Device struct {
	ID string

	raw []byte
}

type wireDevice struct {
	Version int    `json:"version"`
	ID      string `json:"id"`
}

// ReadDevice returns the device item; one without an id where there is none yet.
func ReadDevice(ctx context.Context, k keyring.Keyring) (Device, error) {
	text, err := k.Get(ctx, deviceItem)
	if errors.Is(err, keyring.ErrNotFound) {
		return Device{}, nil
	}
	if err != nil {
		return Device{}, err
	}
	var w wireDevice
	if err := json.Unmarshal([]byte(text), &w); err != nil || w.ID == "" {
		return Device{}, &keyring.DamagedError{Item: deviceItem, Why: "it is not a device's"}
	}
	if w.Version > Version {
		return Device{}, ErrNewer
	}
	return Device{ID: w.ID, raw: []byte(text)}, nil
}

// WriteDevice keeps d in the keyring, read back.
func WriteDevice(ctx context.Context, k keyring.Keyring, d Device) error {
	data, err := marshalKeeping(wireDevice{Version, d.ID}, d.raw)
	if err != nil {
		return err
	}
	if err := keyring.Put(ctx, k, deviceItem, string(data)); err != nil {
		return fmt.Errorf("keep the device's id: %w", err)
	}
	return nil
}
