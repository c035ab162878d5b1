package keyring

import (
	"errors"
	"io/fs"
	"os"
)

// SetAside gives the files of the keyring other names, with mark at their end, so that a
// new keyring can be made in their place. It returns the new paths. Nothing is deleted.
func (k *FileKeyring) SetAside(mark string) (paths []string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if text, err := k.readKey(); err == nil {
		_ = k.forget(text) // its time ends without that too
	}
	for _, name := range []string{itemsFile, keyFile} {
		to := k.path(name) + "." + mark
		switch err := os.Rename(k.path(name), to); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return paths, err
		default:
			paths = append(paths, to)
		}
	}
	k.opened = opened{}
	return paths, nil
}
