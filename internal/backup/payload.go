// Package backup writes backups, reads them, and restores accounts from them. A backup is
// an age file with the accounts of a vault.
//
// A backup that the package reports as written has been read back, decrypted and
// compared. Stock age opens every file. A restore overwrites only what the user named.
package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/authcli/auth/internal/vault"
)

// Format and Version identify the payload inside the age file.
const (
	Format  = "auth-backup"
	Version = 1
)

// MaxBytes is the largest backup that is read, in bytes.
const MaxBytes = 64 << 20

// minPayload is the smallest padded payload, in bytes. The size of a file does not tell
// one account from ten.
const minPayload = 4096

// Errors of reading a backup.
var (
	ErrForeign    = errors.New("this is not a backup of auth")
	ErrDamaged    = errors.New("the backup is damaged")
	ErrNewer      = errors.New("the backup was written by a later version of auth")
	ErrTooBig     = fmt.Errorf("the backup is larger than %d MiB", MaxBytes>>20)
	ErrWorkFactor = errors.New("the passphrase of this file would take unreasonably long to try")
	ErrNeedsKey   = errors.New("the backup has no passphrase: a key opens it")
	ErrWrongKey   = errors.New("wrong passphrase or key, or the file's header is damaged")
)

// A Content is the content of one backup.
type Content struct {
	Device     string // id of the device that wrote it
	DeviceName string // the name that the user gave the device
	Generation uint64 // generation of the device's vault
	Created    time.Time
	State      *vault.State

	// The remaining fields are set only in a backup in a location.

	Supersedes []string    // hashes of the device's earlier files, whose content this one includes
	Sealed     []SealedKey // sealed keys of the location, retired ones too, newest last
	OldKeys    []string    // recovery keys that were rotated away, newest first
	OldFiles   []string    // hashes of files under old keys that are known to be ours
}

// wireContent is the JSON form of a [Content], version 1. The live accounts come first,
// each with its URI, so that they can be read with just age and jq. Removed accounts, and
// accounts that are known by name only, have fields of their own.
type wireContent struct {
	Format     string          `json:"format"`
	Version    int             `json:"version"`
	Device     string          `json:"device,omitempty"`
	DeviceName string          `json:"device_name,omitempty"`
	Generation uint64          `json:"generation,omitempty"`
	Created    time.Time       `json:"created"`
	Accounts   []wireAccount   `json:"accounts"`
	NameOnly   []wireAccount   `json:"name_only,omitempty"`
	Vault      json.RawMessage `json:"vault"` // a vault.State without the records
	Removed    []*vault.Record `json:"removed,omitempty"`
	Order      []string        `json:"order"`             // every id, in the order of the records
	Ordered    int             `json:"ordered,omitempty"` // how many of the first ones the user has ordered
	Supersedes []string        `json:"supersedes,omitempty"`
	Sealed     []SealedKey     `json:"sealed,omitempty"`
	OldKeys    []string        `json:"old_keys,omitempty"`
	OldFiles   []string        `json:"old_files,omitempty"`
	Pad        string          `json:"pad"`
}

type wireAccount struct {
	Label  string        `json:"label"`
	URI    string        `json:"uri,omitempty"`
	Record *vault.Record `json:"record"`
}

// Encode returns the payload of a single backup file. It is one JSON object, padded so
// that its length reveals little about the number of accounts. It is not signed: a single
// file is trusted because the user named it. [RecoveryKey.Encode] signs.
func Encode(c Content) ([]byte, error) { return encode(c, "{\n") }

// encode returns the payload with start in place of its opening brace.
func encode(c Content, start string) ([]byte, error) {
	state := c.State.Portable()
	w := wireContent{
		Format: Format, Version: Version, Device: c.Device, DeviceName: c.DeviceName, Generation: c.Generation,
		Created: c.Created.UTC().Truncate(time.Second), Accounts: []wireAccount{}, Order: []string{},
		Supersedes: c.Supersedes, Sealed: c.Sealed, OldKeys: c.OldKeys, OldFiles: c.OldFiles,
	}
	live := map[string]vault.Account{}
	for _, a := range state.Accounts() {
		live[a.ID] = a
	}
	for _, r := range state.Records {
		w.Order = append(w.Order, r.ID)
		a, found := live[r.ID]
		switch {
		case !found:
			w.Removed = append(w.Removed, r)
		case a.NeedsVerification():
			w.NameOnly = append(w.NameOnly, wireAccount{a.Label(), "", r})
		default:
			w.Accounts = append(w.Accounts, wireAccount{a.Label(), a.URI(), r})
		}
	}
	w.Ordered = state.Ordered
	state.Records, state.Ordered = nil, 0
	var err error
	if w.Vault, err = state.MarshalJSON(); err != nil {
		return nil, err
	}
	data, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	data = append([]byte(start), data[1:]...)
	w.Pad = strings.Repeat(" ", padded(len(data)+1)-len(data)-1)
	data = append(bytes.TrimSuffix(data, []byte(`""}`)), '"')
	return append(append(append(data, w.Pad...), '"', '}'), '\n'), nil
}

// padded returns the padded length of a payload of n bytes. It is at least minPayload,
// and above that at most 12 % more than n (Padmé: Nikitin and others, "Reducing Metadata
// Leakage from Encrypted Files", 2019, section 4).
func padded(n int) int {
	if n <= minPayload {
		return minPayload
	}
	e := bits.Len(uint(n)) - 1
	s := bits.Len(uint(e))
	mask := 1<<(e-s) - 1
	return (n + mask) &^ mask
}

// Decode parses a payload. Errors wrap [ErrForeign], [ErrNewer] or [ErrDamaged].
func Decode(data []byte) (Content, error) {
	var head struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil || head.Format != Format {
		return Content{}, ErrForeign
	}
	if head.Version > Version {
		return Content{}, fmt.Errorf("%w (format %d; this version reads up to %d)", ErrNewer, head.Version, Version)
	}
	var w wireContent
	if err := json.Unmarshal(data, &w); err != nil {
		return Content{}, fmt.Errorf("%w: its content is not valid", ErrDamaged)
	}
	records := map[string]*vault.Record{}
	for _, r := range w.Removed {
		if r == nil {
			return Content{}, fmt.Errorf("%w: a removed account without its record", ErrDamaged)
		}
		records[r.ID] = r
	}
	for _, list := range [][]wireAccount{w.Accounts, w.NameOnly} {
		for _, a := range list {
			if a.Record == nil {
				return Content{}, fmt.Errorf("%w: an account without its record", ErrDamaged)
			}
			records[a.Record.ID] = a.Record
		}
	}
	state, err := rebuild(w, records)
	if err != nil {
		return Content{}, err
	}
	return Content{
		w.Device, w.DeviceName, w.Generation, w.Created, state, w.Supersedes, listedSealed(w.Sealed), w.OldKeys[:min(len(w.OldKeys), maxListed)], w.OldFiles,
	}, nil
}

// rebuild puts the state together from its parts.
func rebuild(w wireContent, records map[string]*vault.Record) (*vault.State, error) {
	state := new(vault.State)
	if err := state.UnmarshalJSON(w.Vault); err != nil {
		if errors.Is(err, vault.ErrNewer) {
			return nil, fmt.Errorf("%w: %w", ErrNewer, err)
		}
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if len(state.Records) > 0 { // they belong in the fields for accounts only
		return nil, fmt.Errorf("%w: accounts in two places", ErrDamaged)
	}
	for _, id := range w.Order {
		r, found := records[id]
		if !found {
			return nil, fmt.Errorf("%w: its order names an account that is not there", ErrDamaged)
		}
		state.Records = append(state.Records, r)
		delete(records, id)
	}
	if len(records) > 0 || w.Ordered < 0 || w.Ordered > len(state.Records) {
		return nil, fmt.Errorf("%w: its order does not name every account", ErrDamaged)
	}
	state.Ordered = w.Ordered
	return state, nil
}
