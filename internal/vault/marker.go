package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/authcli/auth/internal/atomicfile"
)

// A Marker is a file in the state folder that says that a vault exists, and where. So an
// empty keyring is never taken for a new vault, nor an old vault for the newest. It
// holds nothing secret.
type Marker struct {
	Version    int    `json:"version"`
	Vault      string `json:"vault"`                // the vault's id
	Generation uint64 `json:"generation"`           // the last one seen
	Keyring    string `json:"keyring"`              // "system" or "file"
	Collection string `json:"collection,omitempty"` // of the system keyring, where it has several
	Location   string `json:"location,omitempty"`   // where backups go while backup is on
}

const markerFile = "vault.json"

// ReadMarker returns the marker in the state folder dir; ok is false if there is none.
// A marker that is there and cannot be read is an error.
func ReadMarker(dir string) (m Marker, ok bool, err error) {
	data, err := atomicfile.Read(filepath.Join(dir, markerFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Marker{}, false, nil
	}
	if err != nil {
		return Marker{}, false, err
	}
	if err := json.Unmarshal(data, &m); err != nil || m.Vault == "" {
		return Marker{}, false, fmt.Errorf("%w: the marker %s is damaged", ErrFormat, filepath.Join(dir, markerFile))
	}
	if m.Version > Version {
		return Marker{}, false, ErrNewer
	}
	return m, true, nil
}

// WriteMarker replaces the marker in dir atomically.
func WriteMarker(dir string, m Marker) error {
	m.Version = Version
	data, err := json.Marshal(m)
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
