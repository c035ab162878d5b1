package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/authcli/auth/internal/atomicfile"
	"github.com/authcli/auth/internal/keyring"
)

// A Marker is a file in the state folder that says that a vault exists, and where. So an
// empty keyring is never taken for a new vault, nor an old vault for the newest. It
// holds nothing secret. Fields of a later version survive a rewrite.
type Marker struct {
	Vault      string // the vault's id
	Generation uint64 // the last one seen
	Keyring    string // "system" or "file"
	Collection string // of the system keyring, where it has several
	Location   string // where backups go while backup is on
	// Copy is the other keyring while it holds a copy of the vault, whole or in part, for
	// a move that has begun and has not ended. See [Vault.Move].
	Copy string

	later map[string]json.RawMessage
}

// wireMarker is the JSON form of a [Marker].
type wireMarker struct {
	Version    int    `json:"version"`
	Vault      string `json:"vault"`
	Generation uint64 `json:"generation"`
	Keyring    string `json:"keyring"`
	Collection string `json:"collection,omitempty"`
	Location   string `json:"location,omitempty"`
	Copy       string `json:"copy,omitempty"`
}

const markerFile = "vault.json"

// ErrMarker is a marker that is there and says nothing. It wraps [ErrFormat].
var ErrMarker = fmt.Errorf("%w: the marker is damaged", ErrFormat)

// ReadMarker returns the marker in the state folder dir; ok is false if there is none.
// Errors are [ErrMarker], [ErrNewer] and those of the file.
func ReadMarker(dir string) (m Marker, ok bool, err error) {
	path := filepath.Join(dir, markerFile)
	data, err := atomicfile.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Marker{}, false, nil
	}
	if err != nil {
		return Marker{}, false, err
	}
	w, later, err := UnmarshalKeeping[wireMarker](data)
	if err != nil || w.Vault == "" {
		return Marker{}, false, fmt.Errorf("%w: %s", ErrMarker, path)
	}
	if w.Version > Version {
		return Marker{}, false, ErrNewer
	}
	return Marker{w.Vault, w.Generation, w.Keyring, w.Collection, w.Location, w.Copy, later}, true, nil
}

// WriteMarker replaces the marker in dir atomically.
func WriteMarker(dir string, m Marker) error {
	data, err := MarshalKeeping(wireMarker{Version, m.Vault, m.Generation, m.Keyring, m.Collection, m.Location, m.Copy}, m.later)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, markerFile), append(data, '\n'))
}

// writeFile replaces a file of the state folder. It makes the folder if needed.
func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(path, data, atomicfile.Options{})
}

// A seen is the marker as it is found.
type seen struct {
	Marker
	found  bool  // it says where the vault is
	damage error // it is there and says nothing
	anew   bool  // the vault could not be read, and another one begins in its place
}

// readMarker reads the marker. A damaged one is no error yet: the vault may be there.
func (v *Vault) readMarker() (seen, error) {
	m, ok, err := ReadMarker(v.o.Dir)
	if errors.Is(err, ErrMarker) {
		return seen{damage: err}, nil
	}
	return seen{Marker: m, found: ok}, err
}

// behind reports whether the marker does not say what was just read from the keyring:
// it is missing or damaged, or could not be written after the last change.
func (m seen) behind(v *Vault, s *State, snap keyring.Snapshot) bool {
	if snap.Generation == 0 {
		return false
	}
	return !m.found || m.Generation < snap.Generation && m.Vault == s.ID && m.Keyring == v.kind()
}

// mendMarker brings a marker that is [seen.behind] up to the vault that was read. The
// lock is held.
func (v *Vault) mendMarker(ctx context.Context, m *seen, s *State, snap keyring.Snapshot) error {
	if m.found {
		m.Generation = snap.Generation
		return WriteMarker(v.o.Dir, m.Marker)
	}
	made, err := v.newMarker(ctx)
	if err != nil {
		return err
	}
	made.Vault, made.Generation = s.ID, snap.Generation
	if err := WriteMarker(v.o.Dir, made); err != nil {
		return err
	}
	if m.damage != nil {
		v.notice(Notice{Kind: MarkerMended, Err: m.damage})
	}
	*m = seen{Marker: made, found: true}
	return nil
}

// newMarker returns the marker of a vault in this keyring, but for the vault itself. The
// location comes from this device's enrolment, which knows it better than any marker.
func (v *Vault) newMarker(ctx context.Context) (Marker, error) {
	m := Marker{Keyring: v.kind(), Collection: v.collection(ctx)}
	enrolment, enrolled, err := v.item(ctx, EnrolmentItem)
	if enrolled && v.o.Location != nil {
		m.Location = v.o.Location(enrolment)
	}
	return m, err
}

// keepMarker writes the marker after a change. The change is made: a marker that cannot
// be written is said, and the next command writes it.
func (v *Vault) keepMarker(ctx context.Context, m Marker, id string, generation uint64) {
	if m.Collection == "" || m.Keyring != v.kind() {
		m.Collection = v.collection(ctx)
	}
	if m.Copy == v.kind() {
		m.Copy = "" // a new vault has begun in its place
	}
	m.Vault, m.Generation, m.Keyring = id, generation, v.kind()
	if err := WriteMarker(v.o.Dir, m); err != nil {
		v.notice(Notice{Kind: MarkerUnwritten, Err: err})
	}
}
