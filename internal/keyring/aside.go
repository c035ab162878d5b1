package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// SetAside gives the files of the keyring other names, with mark at their end, so that a
// new keyring can be made in their place. It returns the new paths. Nothing is deleted: where
// a mark is there already, a number follows it.
func (k *FileKeyring) SetAside(mark string) (paths []string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if text, err := k.readKey(); err == nil {
		_ = k.forget(text) // its time ends without that too
	}
	mark = k.unused(mark)
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

// unused returns a mark that no file has which was set aside before.
func (k *FileKeyring) unused(mark string) string {
	free := func(mark string) bool {
		for _, name := range []string{itemsFile, keyFile} {
			if _, err := os.Lstat(k.path(name) + "." + mark); !errors.Is(err, fs.ErrNotExist) {
				return false
			}
		}
		return true
	}
	next := mark
	for n := 2; n < 1000 && !free(next); n++ {
		next = fmt.Sprintf("%s-%d", mark, n)
	}
	return next
}
