package device_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authcli/auth/internal/device"
)

// Whatever file somebody puts into a location, or puts in the place of one of its files:
// the devices that take part keep what they have, a new machine gets that and nothing
// else, and what it is told is an error and no panic.
func FuzzLocation(f *testing.F) {
	f.Add("recovery-0-0.age", []byte(""))
	f.Add("recovery-0000000000000000-00000000.age", []byte("age-encryption.org/v1\n-> scrypt AAAA 30\nAAAA\n--- AAAA\n"))
	f.Add("successor-0000000000000000-1111111111111111.age", []byte("age-encryption.org/v1\n"))
	f.Add("0123456789abcdef-20990101T000000Z-9-0123456789abcdef.age", []byte("age-encryption.org/v1\n-> X25519 AAAA\nAAAA\n--- AAAA\n"))
	f.Add("README.txt", []byte("nothing of yours"))
	f.Add("..age", []byte{0})
	f.Add("0", []byte("a file that exists takes this"))
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		m, dir := enrolled(t)
		existing := files(t, dir, "")
		name = strings.Map(func(r rune) rune {
			if r < ' ' || strings.ContainsRune(`/\`, r) {
				return '_'
			}
			return r
		}, strings.ToValidUTF8(name, "_"))
		path := filepath.Join(dir, name)
		if len(name) == 1 { // in the place of one of the files that are there
			path = filepath.Join(dir, existing[int(name[0])%len(existing)])
		}
		if name == "" || name == "." || name == ".." || os.WriteFile(path, content, 0o600) != nil {
			t.Skip("no name of a file")
		}
		if _, err := m.open().Sync(t.Context()); err != nil && !errors.As(err, new(*device.StaleError)) {
			t.Errorf("sync: %v", err)
		}
		_, _ = m.open().Verify(t.Context())
		m.status()
		m.has("first")
		fresh := newMachine(t)
		if _, err := fresh.open().Restore(t.Context(), device.RestoreOptions{From: dir}); err != nil {
			t.Fatalf("the location does not open any more: %v", err)
		}
		fresh.has("first")
	})
}
