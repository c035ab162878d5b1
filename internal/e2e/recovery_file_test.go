package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// The machine is there and its vault is not: the passphrase of the file keyring is
// forgotten, and the file is damaged too. The recovery passphrase brings everything back,
// what was in the way is kept under another name, and backup goes on.
func TestRecovery15FileKeyring(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(t *testing.T, d *device){
		"forgotten": func(*testing.T, *device) {},
		"damaged": func(t *testing.T, d *device) {
			path := filepath.Join(d.home, "keyring.age")
			if err := os.Truncate(path, int64(len(read(t, path))/2)); err != nil {
				t.Fatal(err)
			}
		},
		"gone": func(t *testing.T, d *device) { remove(t, filepath.Join(d.home, "keyring.age")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, loc := newLocation(t)
			d.add("second")
			d.must("", "vault", "passphrase", "--new-passphrase-file", writeTemp(t, "a long one that nobody knows any more"))
			d.fails(2, nil, "code", "first") // and nobody can be asked
			harm(t, d)
			sealed := read(t, filepath.Join(d.home, "keyring.key"))
			d.must("", "vault", "new", "--forgotten", "--yes")
			aside := files(t, d.home, "keyring.key.aside-*")
			if len(aside) != 1 || string(read(t, filepath.Join(d.home, aside[0]))) != string(sealed) {
				t.Errorf("what was in the way lies in %q", aside)
			}
			d.restore(0, loc)
			d.has("first", "second")
			d.right("first")
			d.add("third")
			d.current()
			other := newDevice(t, nil)
			other.restore(0, loc)
			other.right("third")
		})
	}
}
