package device

import (
	"os"
	"path/filepath"

	"github.com/authcli/auth/internal/atomicfile"
)

// writeFile replaces a file of this device, and makes its folder first.
func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(path, data, atomicfile.Options{})
}
